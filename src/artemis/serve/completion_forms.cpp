#include "artemis/serve/completion_forms.h"

#include <iterator>
#include <optional>

#include "artemis/serve/chat_answer.h"

namespace artemis {
namespace {

class ChatForm : public CompletionForm {
 public:
  ChatForm(ResponseHead head, const ChatRequest& request, bool opens_thought, const ServedModel& model,
           const std::function<std::string()>& make_id)
      : head_(std::move(head)),
        answer_(request.answer),
        tools_(request.tools),
        opens_thought_(opens_thought),
        model_(model) {
    if (!tools_.is_null()) reader_.emplace(tools_, request.tool_choice, request.tool_name);
    const ArgumentReader* reader = reader_ ? &*reader_ : nullptr;
    for (std::int64_t i = 0; i < answer_.n; ++i) {
      texts_.emplace_back(opens_thought, reader, !request.parallel_tool_calls, make_id);
      choices_.push_back({.index = i, .has_logprobs = answer_.logprobs.has_value()});
      begun_.push_back(false);
    }
  }

  std::string piece(std::size_t choice, std::string_view text, std::vector<TokenChances> logprobs) override {
    ChatChoice& now = choices_[choice];
    texts_[choice].push(text, now);
    std::ranges::move(logprobs, std::back_inserter(now.logprobs));
    const bool nothing = now.content.empty() && now.reasoning.empty() && now.calls.empty();
    return !answer_.stream || (nothing && begun_[choice]) ? "" : chunk(choice);
  }

  std::string end(std::size_t choice, const GenerateResult& result) override {
    texts_[choice].flush(choices_[choice]);
    const ChatAnswer& text = texts_[choice];
    const bool calls = text.complete() || (text.has_calls() && result.finish_reason != "length");
    choices_[choice].finish_reason = calls ? "tool_calls" : result.finish_reason;
    return answer_.stream ? chunk(choice) : "";
  }

  std::string whole(const Usage& usage) override { return chat_completion(head_, choices_, usage); }
  std::string usage(const Usage& usage) override {
    return usage_chunk(head_, "chat.completion.chunk", usage);
  }
  bool complete(std::size_t choice) const override { return texts_[choice].complete(); }
  std::int64_t reasoning_tokens(std::size_t, const GenerateResult& result) const override {
    return artemis::reasoning_tokens(model_.tokenizer(), opens_thought_, result.ids, model_.shown_tokens());
  }

 private:
  // What was not shown yet; then nothing is left of it.
  std::string chunk(std::size_t choice) {
    ChatChoice& now = choices_[choice];
    std::string json = chat_chunk(head_, now, !begun_[choice], answer_.include_usage);
    begun_[choice] = true;
    now = {.index = now.index, .has_logprobs = now.has_logprobs};
    return json;
  }

  ResponseHead head_;
  AnswerParameters answer_;
  Json tools_;
  std::optional<ArgumentReader> reader_;
  bool opens_thought_;
  const ServedModel& model_;
  std::vector<ChatAnswer> texts_;
  std::vector<ChatChoice> choices_;  // what was not shown yet; all of it where nothing is streamed
  std::vector<bool> begun_;
};

class TextForm : public CompletionForm {
 public:
  TextForm(ResponseHead head, const AnswerParameters& answer, std::vector<std::string> echoes)
      : head_(std::move(head)), answer_(answer) {
    for (std::string& echo : echoes) {
      choices_.push_back({.index = static_cast<std::int64_t>(choices_.size()),
                          .text = std::move(echo),
                          .has_logprobs = answer.logprobs.has_value()});
    }
  }

  std::string piece(std::size_t choice, std::string_view text, std::vector<TokenChances> logprobs) override {
    choices_[choice].text += text;
    std::ranges::move(logprobs, std::back_inserter(choices_[choice].logprobs));
    return answer_.stream && !choices_[choice].text.empty() ? chunk(choice) : "";
  }

  std::string end(std::size_t choice, const GenerateResult& result) override {
    choices_[choice].finish_reason = result.finish_reason;
    return answer_.stream ? chunk(choice) : "";
  }

  std::string whole(const Usage& usage) override { return text_completion(head_, choices_, usage); }
  std::string usage(const Usage& usage) override { return usage_chunk(head_, "text_completion", usage); }
  bool complete(std::size_t) const override { return false; }
  std::int64_t reasoning_tokens(std::size_t, const GenerateResult&) const override { return 0; }

 private:
  // What was not shown yet; then nothing is left of it.
  std::string chunk(std::size_t choice) {
    TextChoice& now = choices_[choice];
    std::string json = text_chunk(head_, now, answer_.include_usage);
    now = {.index = now.index,
           .has_logprobs = now.has_logprobs,
           .text_offset = now.text_offset + characters_of(now.logprobs)};
    return json;
  }

  ResponseHead head_;
  AnswerParameters answer_;
  std::vector<TextChoice> choices_;  // what was not shown yet; all of it where nothing is streamed
};

}  // namespace

std::unique_ptr<CompletionForm> chat_form(ResponseHead head, const ChatRequest& request, bool opens_thought,
                                          const ServedModel& model, std::function<std::string()> make_id) {
  return std::make_unique<ChatForm>(std::move(head), request, opens_thought, model, std::move(make_id));
}

std::unique_ptr<CompletionForm> text_form(ResponseHead head, const AnswerParameters& answer,
                                          std::vector<std::string> echoes) {
  return std::make_unique<TextForm>(std::move(head), answer, std::move(echoes));
}

}  // namespace artemis

#include "artemis/cli/conversation.h"

#include <cstdio>

#include "artemis/io/atomic_file.h"
#include "artemis/serve/reasoning.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// The answer as a message; a thought, as far as it came, is kept apart.
Json assistant_message(std::string_view prompt, std::string_view text) {
  const bool open = opens_thought(prompt);
  ReasoningPiece answer = split_reasoning(open, text);
  Json message = {{"role", "assistant"}, {"content", std::move(answer.content)}};
  if (open || !answer.reasoning.empty()) message["reasoning_content"] = std::move(answer.reasoning);
  return message;
}

}  // namespace

void add_answer_options(CLI::App& command, AnswerOptions& options) {
  command.add_flag("--no-thinking", options.no_thinking, "Answer without thinking first");
  command.add_option("--max-new-tokens", options.max_new_tokens, "Longest answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--temperature", options.temperature, "0 is greedy (default: as the model says)");
  command.add_option("--top-k", options.top_k, "Sample from the K likeliest tokens");
  command.add_option("--top-p", options.top_p, "Sample from the likeliest tokens that hold this share");
  command.add_option("--min-p", options.min_p, "Leave out tokens under this share of the likeliest");
  command.add_option("--repetition-penalty", options.repetition_penalty, "Over 1 makes repeats less likely");
  command.add_option("--seed", options.seed, "Of the sampling")->capture_default_str();
  command.add_option("--stop", options.stop, "End before this text (may be given several times)");
}

GenerateOptions generate_options(const AnswerOptions& options, const LoadedModel& model) {
  const GenerationDefaults defaults = read_generation_defaults(model.directory, model.config);
  GenerateOptions result{.max_new_tokens = options.max_new_tokens,
                         .sampling = defaults.sampling,
                         .stop = options.stop,
                         .end_tokens = defaults.end_tokens};
  SamplingOptions& sampling = result.sampling;
  sampling.temperature = options.temperature.value_or(sampling.temperature);
  sampling.top_k = options.top_k.value_or(sampling.top_k);
  sampling.top_p = options.top_p.value_or(sampling.top_p);
  sampling.min_p = options.min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = options.repetition_penalty.value_or(sampling.repetition_penalty);
  sampling.seed = options.seed;
  return result;
}

ChatOptions chat_options(const AnswerOptions& options) {
  ChatOptions chat;
  chat.add_generation_prompt = true;
  if (options.no_thinking) chat.enable_thinking = false;
  return chat;
}

Json user_message(const std::string& text, const std::vector<std::string>& pictures) {
  if (pictures.empty()) return {{"role", "user"}, {"content", text}};
  Json content = Json::array();
  for (const std::string& file : pictures) content.push_back({{"type", "image"}, {"image", file}});
  content.push_back({{"type", "text"}, {"text", text}});
  return {{"role", "user"}, {"content", content}};
}

void stream_text(std::string_view piece) {
  std::fwrite(piece.data(), 1, piece.size(), stdout);
  std::fflush(stdout);
}

Conversation::Conversation(Context& ctx, const LoadedModel& model, const AnswerOptions& options)
    : ctx_(ctx), model_(model), options_(options) {}

void Conversation::attach(const std::string& file) {
  const PictureFile picture{read_file(file), file};
  attached_.batches.push_back(model_.processor.preprocess(std::span(&picture, 1), ctx_.pool()));
  attached_.files.push_back(replace_invalid_utf8(file));
}

void Conversation::set_system(const std::string& text) {
  messages_ = Json::array();
  if (!text.empty()) messages_.push_back({{"role", "system"}, {"content", replace_invalid_utf8(text)}});
  clear();
}

void Conversation::clear() {
  const bool has_system = !messages_.empty() && messages_[0]["role"] == "system";
  messages_ = has_system ? Json::array({messages_[0]}) : Json::array();
  said_.clear();
  attached_ = {};
}

GenerateResult Conversation::say(const std::string& text, const TextCallback& on_text,
                                 const std::atomic<bool>& cancel) {
  Pictures pictures = std::exchange(attached_, {});
  Json messages = messages_;
  messages.push_back(user_message(replace_invalid_utf8(text), pictures.files));
  std::vector<const PictureBatch*> each;
  for (const PictureBatch& batch : said_) each.push_back(&batch);
  for (const PictureBatch& batch : pictures.batches) each.push_back(&batch);
  const PictureBatch all = join_pictures(each);

  const Processor& processor = model_.processor;
  const std::string prompt = processor.chat_template().render(messages, chat_options(options_));
  GenerateOptions options = generate_options(options_, model_);
  options.cancel = &cancel;
  GenerateResult result = generate(ctx_, model_.graft, model_.config, processor.tokenizer(),
                                   processor.encode(prompt, all, true), all, options, on_text);
  messages.push_back(assistant_message(prompt, result.text));
  messages_ = std::move(messages);
  std::ranges::move(pictures.batches, std::back_inserter(said_));
  return result;
}

}  // namespace artemis

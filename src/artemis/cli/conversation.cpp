#include "artemis/cli/conversation.h"

#include <cstdio>

#include "artemis/io/atomic_file.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// The answer as a message, the thought kept apart.
Json assistant_message(bool open, std::string_view text) {
  const ReasoningPiece whole = split_reasoning(open, text);
  Json message{{"role", "assistant"}, {"content", whole.content}};
  if (!whole.reasoning.empty()) message["reasoning_content"] = whole.reasoning;
  return message;
}

// The files of a message's pictures. Throws Error for a message that no conversation has.
std::vector<std::string> picture_files(const Json& message, const std::string& where) {
  require(message.is_object() && message.contains("role") && message.contains("content"), where,
          "expected an object with 'role' and 'content'");
  const Json& role = message["role"];
  require(role == "system" || role == "user" || role == "assistant", where,
          "its role is {}, expected \"system\", \"user\" or \"assistant\"", role.dump());
  const Json& content = message["content"];
  require(content.is_string() || content.is_array(), where,
          "its content is neither a text nor a list of parts");
  std::vector<std::string> files;
  if (content.is_string()) return files;
  for (const Json& part : content) {
    const Json type = part.is_object() && part.contains("type") ? part["type"] : Json();
    const bool picture = type == "image" && part.contains("image") && part["image"].is_string();
    require(picture || (type == "text" && part.contains("text") && part["text"].is_string()), where,
            "a part is neither a text nor a picture's file");
    if (picture) files.push_back(part["image"].get<std::string>());
  }
  return files;
}

}  // namespace

void add_answer_options(CLI::App& command, AnswerOptions& options) {
  command.add_flag("--no-thinking", options.no_thinking, "Answer without thinking first");
  command.add_option("--max-new-tokens", options.max_new_tokens, "Longest answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--temperature", options.sampling.temperature,
                     "0 is greedy (default: as the model says)");
  command.add_option("--top-k", options.sampling.top_k, "Sample from the K likeliest tokens");
  command.add_option("--top-p", options.sampling.top_p,
                     "Sample from the likeliest tokens that hold this share");
  command.add_option("--min-p", options.sampling.min_p, "Leave out tokens under this share of the likeliest");
  command.add_option("--repetition-penalty", options.sampling.repetition_penalty,
                     "Over 1 makes repeats less likely");
  command.add_option("--seed", options.seed, "Of the sampling")->capture_default_str();
  command.add_option("--stop", options.stop, "End before this text (may be given several times)");
}

GenerateOptions generate_options(const AnswerOptions& options, const LoadedModel& model) {
  const GenerationDefaults defaults = read_generation_defaults(model.directory, model.config);
  GenerateOptions result{.max_new_tokens = options.max_new_tokens,
                         .sampling = options.sampling.applied_to(defaults.sampling),
                         .stop = options.stop,
                         .end_tokens = defaults.end_tokens};
  result.sampling.seed = options.seed;
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

void Conversation::attach(const PictureFile& picture) {
  attached_.batches.push_back(model_.processor.preprocess(std::span(&picture, 1), ctx_.pool()));
  attached_.files.push_back(replace_invalid_utf8(picture.name));
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

GenerateResult Conversation::say(const std::string& text, const AnswerCallback& on_piece,
                                 const std::atomic<bool>& cancel) {
  const Pictures attached = std::exchange(attached_, {});
  Json messages = messages_;
  messages.push_back(user_message(replace_invalid_utf8(text), attached.files));
  std::vector<PictureBatch> pictures = said_;
  std::ranges::copy(attached.batches, std::back_inserter(pictures));
  Answer answer = answer_to(messages, pictures, on_piece, cancel);
  messages.push_back(std::move(answer.message));
  messages_ = std::move(messages);
  said_ = std::move(pictures);
  return answer.result;
}

GenerateResult Conversation::answer_again(const AnswerCallback& on_piece, const std::atomic<bool>& cancel) {
  Json messages = messages_;
  if (!messages.empty() && messages.back()["role"] == "assistant") messages.erase(messages.end() - 1);
  require(!messages.empty() && messages.back()["role"] == "user", "chat",
          "there is no message to answer again");
  ++answered_again_;
  Answer answer = answer_to(messages, said_, on_piece, cancel);
  messages.push_back(std::move(answer.message));
  messages_ = std::move(messages);
  return answer.result;
}

void Conversation::load(const Json& messages) {
  require(messages.is_array() && !messages.empty(), "/load", "expected a list of messages");
  std::vector<PictureBatch> pictures;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    for (const std::string& file : picture_files(messages[i], fmt::format("/load: message {}", i + 1))) {
      const PictureFile picture{read_file(file), file};
      pictures.push_back(model_.processor.preprocess(std::span(&picture, 1), ctx_.pool()));
    }
  }
  messages_ = messages;
  said_ = std::move(pictures);
  attached_ = {};
}

Conversation::Answer Conversation::answer_to(const Json& messages, std::span<const PictureBatch> pictures,
                                             const AnswerCallback& on_piece,
                                             const std::atomic<bool>& cancel) const {
  std::vector<const PictureBatch*> each;
  for (const PictureBatch& batch : pictures) each.push_back(&batch);
  const PictureBatch all = join_pictures(each);
  const Processor& processor = model_.processor;
  const std::string prompt = processor.chat_template().render(messages, chat_options(options_));
  const bool open = opens_thought(prompt);
  GenerateOptions options = generate_options(options_, model_);
  options.sampling.seed += answered_again_;
  options.cancel = &cancel;
  ReasoningSplitter splitter(open);
  GenerateResult result =
      generate(ctx_, model_.graft, model_.config, processor.tokenizer(), processor.encode(prompt, all, true),
               all, options, [&](std::string_view text) { on_piece(splitter.push(text)); });
  on_piece(splitter.flush());
  return {assistant_message(open, result.text), std::move(result)};
}

}  // namespace artemis

// What asking a model takes, for one answer or a conversation: the options of an answer, and the history.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artemis/cli/options.h"
#include "artemis/generate/generator.h"

namespace artemis {

// How answers are drawn; what is absent is as the model says.
struct AnswerOptions {
  bool no_thinking = false;
  std::int64_t max_new_tokens = 256;
  std::optional<float> temperature;
  std::optional<std::int64_t> top_k;
  std::optional<float> top_p;
  std::optional<float> min_p;
  std::optional<float> repetition_penalty;
  std::uint64_t seed = 0;
  std::vector<std::string> stop;
};

// --no-thinking, --max-new-tokens, --stop and those of the sampling.
void add_answer_options(CLI::App& command, AnswerOptions& options);
GenerateOptions generate_options(const AnswerOptions& options, const LoadedModel& model);
// For a prompt that ends where the answer begins.
ChatOptions chat_options(const AnswerOptions& options);

// One user turn: the pictures (by the names of their files), then the text.
Json user_message(const std::string& text, const std::vector<std::string>& pictures);
// Shows a piece of an answer on stdout at once.
void stream_text(std::string_view piece);

// A conversation with a model: the messages and their pictures.
class Conversation {
 public:
  // All must outlive it.
  Conversation(Context& ctx, const LoadedModel& model, const AnswerOptions& options);

  // Reads a picture for the next message. Throws Error when that cannot be done; nothing has changed then.
  void attach(const std::string& file);
  // Forgets what was said and starts over with this system message; with none, when it is empty.
  void set_system(const std::string& text);
  // Forgets what was said and the pictures attached, but not the system message.
  void clear();

  // Says this with the pictures attached, and keeps it with the answer, as far as it came before `cancel`.
  // Throws Error, with the message and its pictures taken back, when the model cannot answer: among others
  // when the conversation would pass the model's context.
  GenerateResult say(const std::string& text, const TextCallback& on_text, const std::atomic<bool>& cancel);

  // In the form that --messages takes.
  const Json& messages() const { return messages_; }

 private:
  struct Pictures {
    std::vector<std::string> files;
    std::vector<PictureBatch> batches;
  };

  Context& ctx_;
  const LoadedModel& model_;
  const AnswerOptions& options_;
  Json messages_ = Json::array();
  std::vector<PictureBatch> said_;  // the pictures of messages_
  Pictures attached_;
};

}  // namespace artemis

// What asking a model takes, for one answer or a conversation: the options of an answer, and the history.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "artemis/cli/options.h"
#include "artemis/generate/generator.h"
#include "artemis/serve/reasoning.h"

namespace artemis {

// How answers are drawn; what is absent is as the model says.
struct AnswerOptions {
  bool no_thinking = false;
  std::int64_t max_new_tokens = 256;
  SamplingChanges sampling;
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
// What is new of an answer, as soon as it is sure: thought and content.
using AnswerCallback = std::function<void(const ReasoningPiece& piece)>;

// Shows a piece of an answer on stdout at once.
void stream_text(std::string_view piece);

// A conversation with a model: the messages and their pictures.
class Conversation {
 public:
  // All must outlive it.
  Conversation(Context& ctx, const LoadedModel& model, const AnswerOptions& options);

  // Takes a picture for the next message. Throws Error when it is none; nothing has changed then.
  void attach(const PictureFile& picture);
  // Forgets what was said and starts over with this system message; with none, when it is empty.
  void set_system(const std::string& text);
  // Forgets what was said and the pictures attached, but not the system message.
  void clear();

  // Says this with the pictures attached, and keeps it with the answer, as far as it came before `cancel`.
  // Throws Error, with the message and its pictures taken back, when the model cannot answer: among others
  // when the conversation would pass the model's context.
  GenerateResult say(const std::string& text, const AnswerCallback& on_piece,
                     const std::atomic<bool>& cancel);
  // Answers the last message anew, drawn with the next seed, in place of the answer that stands there.
  // Throws Error, and nothing has changed, when nothing was said or the model cannot answer.
  GenerateResult answer_again(const AnswerCallback& on_piece, const std::atomic<bool>& cancel);
  // Goes on from these messages, in the form of messages(); pictures are read from the files that they name.
  // Throws Error, and nothing has changed, for what is no such conversation.
  void load(const Json& messages);

  // In the form that --messages takes.
  const Json& messages() const { return messages_; }

 private:
  struct Pictures {
    std::vector<std::string> files;
    std::vector<PictureBatch> batches;
  };
  struct Answer {
    Json message;
    GenerateResult result;
  };

  Answer answer_to(const Json& messages, std::span<const PictureBatch> pictures,
                   const AnswerCallback& on_piece, const std::atomic<bool>& cancel) const;

  Context& ctx_;
  const LoadedModel& model_;
  const AnswerOptions& options_;
  Json messages_ = Json::array();
  std::vector<PictureBatch> said_;  // the pictures of messages_
  Pictures attached_;
  std::uint64_t answered_again_ = 0;
};

}  // namespace artemis

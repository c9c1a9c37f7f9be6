// Thoughts kept apart from the answer: <think>...</think> at its beginning.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

inline constexpr std::string_view thought_begin = "<think>";
inline constexpr std::string_view thought_end = "</think>";

// What is new of each; neither holds half a tag.
struct ReasoningPiece {
  std::string reasoning;
  std::string content;
};

// Whether this rendered prompt ends within a thought, so that the answer goes on with it.
bool opens_thought(std::string_view prompt);

// Splits an answer as it comes. White space around the thought, and around the content behind it, is left
// out; an answer without a thought stays as it is. All pieces together do not depend on how the text was cut.
class ReasoningSplitter {
 public:
  // `open`: the prompt opened a thought. Else the answer may open one by its first word.
  explicit ReasoningSplitter(bool open) : state_(open ? State::thought : State::start) {}

  ReasoningPiece push(std::string_view text);
  // The rest, when no more text comes.
  ReasoningPiece flush();
  // Whether what comes next belongs to a thought.
  bool thinking() const { return state_ == State::thought; }
  // Whether no thought comes any more.
  bool answering() const { return state_ == State::answer || state_ == State::answer_as_it_is; }

 private:
  enum class State { start, thought, answer, answer_as_it_is };

  bool step(ReasoningPiece& piece);
  bool start();
  bool think(std::string& reasoning);
  void answer(std::string& content);

  State state_;
  bool begun_ = false;  // something of the thought, or of the answer behind it, was given out
  std::string held_;
};

// The same for a whole answer.
ReasoningPiece split_reasoning(bool open, std::string_view text);

}  // namespace artemis

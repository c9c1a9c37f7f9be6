#include "artemis/serve/reasoning.h"

#include "artemis/serve/tags.h"

namespace artemis {

bool opens_thought(std::string_view prompt) { return trimmed(prompt).ends_with(thought_begin); }

ReasoningPiece ReasoningSplitter::push(std::string_view text) {
  ReasoningPiece piece;
  held_ += text;
  while (step(piece)) {
  }
  return piece;
}

ReasoningPiece ReasoningSplitter::flush() {
  ReasoningPiece piece;
  std::string& rest = state_ == State::thought ? piece.reasoning : piece.content;
  const bool as_it_is = state_ == State::start || state_ == State::answer_as_it_is;
  rest = as_it_is ? held_ : held_.substr(0, length_without_space(held_));
  held_.clear();
  return piece;
}

// True when the state changed, so that what is held is to be looked at again.
bool ReasoningSplitter::step(ReasoningPiece& piece) {
  if (state_ == State::start) return start();
  if (state_ == State::thought) return think(piece.reasoning);
  answer(piece.content);
  return false;
}

bool ReasoningSplitter::start() {
  const std::string_view word =
      std::string_view(held_).substr(std::min(held_.find_first_not_of(white_space), held_.size()));
  if (word.starts_with(thought_begin)) {
    held_ = word.substr(thought_begin.size());
    state_ = State::thought;
    return true;
  }
  if (thought_begin.starts_with(word)) return false;
  state_ = State::answer_as_it_is;
  return true;
}

bool ReasoningSplitter::think(std::string& reasoning) {
  if (!begun_) held_.erase(0, held_.find_first_not_of(white_space));
  const std::size_t end = held_.find(thought_end);
  const std::size_t sure = end == held_.npos ? length_before_tag(held_, thought_end)
                                             : length_without_space(std::string_view(held_).substr(0, end));
  begun_ = begun_ || sure > 0;
  reasoning += held_.substr(0, sure);
  if (end == held_.npos) {
    held_.erase(0, sure);
    return false;
  }
  held_.erase(0, end + thought_end.size());
  begun_ = false;
  state_ = State::answer;
  return true;
}

void ReasoningSplitter::answer(std::string& content) {
  std::size_t sure = held_.size();
  if (state_ == State::answer) {
    if (!begun_) held_.erase(0, held_.find_first_not_of(white_space));
    sure = length_without_space(held_);
    begun_ = begun_ || sure > 0;
  }
  content += held_.substr(0, sure);
  held_.erase(0, sure);
}

ReasoningPiece split_reasoning(bool open, std::string_view text) {
  ReasoningSplitter splitter(open);
  ReasoningPiece whole = splitter.push(text);
  const ReasoningPiece rest = splitter.flush();
  whole.reasoning += rest.reasoning;
  whole.content += rest.content;
  return whole;
}

}  // namespace artemis

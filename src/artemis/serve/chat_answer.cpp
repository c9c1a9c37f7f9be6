#include "artemis/serve/chat_answer.h"

#include <iterator>

#include "artemis/text/stream_decoder.h"

namespace artemis {

ChatAnswer::ChatAnswer(bool opens_thought, const ArgumentReader* reader, bool one_call,
                       std::function<std::string()> make_id)
    : splitter_(opens_thought), one_call_(one_call) {
  if (reader != nullptr) parser_.emplace(*reader, one_call, std::move(make_id));
}

void ChatAnswer::push(std::string_view text, ChatChoice& choice) {
  if (!complete()) add(splitter_.push(text), choice);
}

void ChatAnswer::flush(ChatChoice& choice) {
  if (complete()) return;
  add(splitter_.flush(), choice);
  if (parser_ && !complete()) add(parser_->flush(), choice);
}

void ChatAnswer::add(ReasoningPiece piece, ChatChoice& choice) {
  choice.reasoning += piece.reasoning;
  if (parser_) {
    add(parser_->push(piece.content), choice);
  } else {
    choice.content += piece.content;
  }
}

void ChatAnswer::add(ToolPiece piece, ChatChoice& choice) {
  choice.content += piece.content;
  if (piece.calls.empty()) return;
  if (choice.calls.empty()) choice.first_call = calls_;
  calls_ += static_cast<std::int64_t>(piece.calls.size());
  std::ranges::move(piece.calls, std::back_inserter(choice.calls));
}

std::int64_t reasoning_tokens(const Tokenizer& tokenizer, bool opens_thought,
                              std::span<const std::int32_t> ids,
                              const std::vector<std::int32_t>& shown_tokens) {
  StreamDecoder stream(tokenizer, true, shown_tokens);
  ReasoningSplitter splitter(opens_thought);
  std::int64_t count = 0;
  for (const std::int32_t id : ids) {
    const bool before = splitter.thinking();
    splitter.push(stream.push(id));
    if (before || splitter.thinking()) ++count;
    if (splitter.answering()) break;
  }
  return count;
}

}  // namespace artemis

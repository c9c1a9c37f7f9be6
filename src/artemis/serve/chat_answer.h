// The text of one answer on its way to a client: thoughts, content and tool calls taken apart.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "artemis/serve/openai_response.h"
#include "artemis/serve/reasoning.h"
#include "artemis/serve/tool_calls.h"
#include "artemis/text/tokenizer.h"

namespace artemis {

class ChatAnswer {
 public:
  // `opens_thought`: the prompt does. `reader`: of the tools whose calls are looked for, null for none; must
  // outlive it. `one_call`: the answer ends with its first call.
  ChatAnswer(bool opens_thought, const ArgumentReader* reader, bool one_call,
             std::function<std::string()> make_id);

  // Adds what is new of the answer to a choice: reasoning, content, calls.
  void push(std::string_view text, ChatChoice& choice);
  // The rest, when no more text comes.
  void flush(ChatChoice& choice);

  bool has_calls() const { return calls_ > 0; }
  // With its first call, where no more are wanted; what comes is left out.
  bool complete() const { return one_call_ && calls_ > 0; }

 private:
  void add(ReasoningPiece piece, ChatChoice& choice);
  void add(ToolPiece piece, ChatChoice& choice);

  ReasoningSplitter splitter_;
  std::optional<ToolCallParser> parser_;
  bool one_call_;
  std::int64_t calls_ = 0;
};

// The tokens at the beginning of an answer that make its thought, the tag at its end included.
// `shown_tokens`: as in GenerateOptions.
std::int64_t reasoning_tokens(const Tokenizer& tokenizer, bool opens_thought,
                              std::span<const std::int32_t> ids,
                              const std::vector<std::int32_t>& shown_tokens = {});

}  // namespace artemis

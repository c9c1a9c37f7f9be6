// The steps by which tokens become text, each fed token by token.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/text/regex.h"

namespace artemis {

// One step: takes tokens, hands what is certain of its own to the next.
class TokenStep {
 public:
  TokenStep() = default;
  virtual ~TokenStep() = default;
  TokenStep(const TokenStep&) = delete;
  TokenStep& operator=(const TokenStep&) = delete;

  virtual void push(std::string_view token) = 0;
  // No more tokens come.
  virtual void finish() {}

  void set_next(TokenStep* next) { next_ = next; }

 protected:
  void hand_on(std::string_view token) { next_->push(token); }

 private:
  TokenStep* next_ = nullptr;
};

using TokenStepMaker = std::function<std::unique_ptr<TokenStep>()>;

// Each token changed by itself; `index` counts them.
using TokenChange = std::function<std::string(std::string_view token, std::size_t index)>;
TokenStepMaker each_token(TokenChange change);
// The parts of a text are handed on as one token when all have come.
TokenStepMaker gather();

// Runs of tokens "<0x0A>" become characters where they are UTF-8, else one U+FFFD for each.
TokenStepMaker bytes_from_tokens();
// Tokens of a byte-level vocabulary become the bytes they spell, as text.
TokenStepMaker text_from_byte_level();
// A space between every two.
TokenStepMaker spaces_between();
// Of a text in parts: at most `start` times `character` away from its start, `stop` times from its end.
TokenStepMaker strip_text(std::string character, std::size_t start, std::size_t stop);

// Tokens in, text out. Not copied; may be moved.
class TokenStream {
 public:
  explicit TokenStream(const std::vector<TokenStepMaker>& makers);

  // The text that is certain now, in whole characters.
  std::string push(std::string_view token);
  // The rest, when no more tokens come.
  std::string finish();

 private:
  class End;

  std::vector<std::unique_ptr<TokenStep>> steps_;
  End* end_;  // the last of steps_
};

}  // namespace artemis

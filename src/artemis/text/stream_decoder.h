// Text from tokens as they come, never half a character.
#pragma once

#include <string>
#include <vector>

#include "artemis/text/tokenizer.h"

namespace artemis {

// What push() and flush() return, put together, is decode() of all the tokens.
class StreamDecoder {
 public:
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special_tokens)
      : tokenizer_(tokenizer), skip_special_tokens_(skip_special_tokens) {}

  // The text that is certain now.
  std::string push(std::int32_t id);
  // The rest, when no more tokens come.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_tokens_;
  std::string held_;               // bytes that may be half a character
  std::vector<std::int32_t> ids_;  // all so far, where text is not just the tokens' bytes
  std::size_t shown_ = 0;
};

}  // namespace artemis

// Text from tokens as they come, never half a character.
#pragma once

#include <string>
#include <vector>

#include "artemis/text/tokenizer.h"

namespace artemis {

// What push() and flush() return, put together, is decode() of all the tokens. Each token takes the same
// time, however many came before. The tokenizer must outlive it.
class StreamDecoder {
 public:
  // `shown`: special tokens that are not skipped.
  StreamDecoder(const Tokenizer& tokenizer, bool skip_special_tokens, std::vector<std::int32_t> shown = {})
      : tokenizer_(tokenizer),
        skip_special_tokens_(skip_special_tokens),
        shown_(std::move(shown)),
        text_(tokenizer.stream()) {}

  // The text that is certain now; none for an id without a token, which the reference passes over.
  std::string push(std::int32_t id);
  // The rest, when no more tokens come; then another sequence may.
  std::string flush();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_tokens_;
  std::vector<std::int32_t> shown_;
  TokenStream text_;
};

}  // namespace artemis

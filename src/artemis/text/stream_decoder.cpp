#include "artemis/text/stream_decoder.h"

#include <algorithm>

namespace artemis {

std::string StreamDecoder::push(std::int32_t id) {
  if (!tokenizer_.has_token(id)) return {};
  const bool skips = skip_special_tokens_ && tokenizer_.is_special(id);
  if (skips && std::ranges::find(shown_, id) == shown_.end()) return {};
  return text_.push(tokenizer_.id_to_token(id));
}

std::string StreamDecoder::flush() {
  std::string rest = text_.finish();
  text_ = tokenizer_.stream();
  return rest;
}

}  // namespace artemis

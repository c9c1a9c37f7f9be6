#include "artemis/text/stream_decoder.h"

#include <utility>

#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

}  // namespace

std::string StreamDecoder::push(std::int32_t id) {
  if (tokenizer_.decodes_bytes()) {
    const std::string& token = tokenizer_.id_to_token(id);
    if (!skip_special_tokens_ || !tokenizer_.is_special(id)) append_token_bytes(held_, token);
    const std::size_t whole = held_.size() - incomplete_tail(held_);
    std::string text = replace_invalid_utf8(std::string_view(held_).substr(0, whole));
    held_.erase(0, whole);
    return text;
  }
  ids_.push_back(id);
  std::string text = tokenizer_.decode(ids_, skip_special_tokens_);
  // The end may change with the next token: a U+FFFD may become a character, a space may be cleaned away.
  std::size_t certain = text.size();
  while (std::string_view(text).substr(0, certain).ends_with(replacement)) certain -= replacement.size();
  while (certain > shown_ && text[certain - 1] == ' ') --certain;
  if (certain <= shown_) return {};
  std::string piece = text.substr(shown_, certain - shown_);
  shown_ = certain;
  return piece;
}

std::string StreamDecoder::flush() {
  if (tokenizer_.decodes_bytes()) return replace_invalid_utf8(std::exchange(held_, {}));
  const std::string text = tokenizer_.decode(ids_, skip_special_tokens_);
  return text.substr(std::min(std::exchange(shown_, text.size()), text.size()));
}

}  // namespace artemis

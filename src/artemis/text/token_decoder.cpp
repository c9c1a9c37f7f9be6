#include "artemis/text/token_decoder.h"

#include <memory>

#include "artemis/core/error.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/regex.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// At most `start` times `character` from the left of the token, `stop` times from the right.
std::string strip_token(std::string_view token, const std::string& character, std::size_t start,
                        std::size_t stop) {
  for (; start > 0 && token.starts_with(character); --start) token.remove_prefix(character.size());
  for (; stop > 0 && token.ends_with(character); --stop) token.remove_suffix(character.size());
  return std::string(token);
}

std::size_t strip_count(const SortedJson& json, const char* key, const std::string& where) {
  const auto count = json_get<std::int64_t>(json, key, where);
  require(count >= 0, where, "a Strip decoder has '{}' {}, expected 0 or more", key, count);
  return static_cast<std::size_t>(count);
}

}  // namespace

TokenDecoder TokenDecoder::from_json(const SortedJson& json, const std::string& where) {
  TokenDecoder decoder;
  if (json.is_null()) {
    decoder.steps_.push_back(spaces_between());
  } else {
    decoder.add(json, where);
  }
  return decoder;
}

void TokenDecoder::add(const SortedJson& json, const std::string& where) {
  const auto type = json_get<std::string>(json, "type", where);
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "decoders", where)) add(inner, where);
  } else if (type == "ByteLevel") {
    add_step(text_from_byte_level());
    fused_ = true;
    byte_level_ = true;
  } else if (type == "ByteFallback") {
    add_step(bytes_from_tokens());
  } else if (type == "Fuse") {
    fused_ = true;
  } else if (type == "Strip") {
    add_strip(json, where);
  } else if (type == "Replace") {
    require(json.contains("pattern"), where, "a Replace decoder has no 'pattern'");
    const auto regex = std::make_shared<Regex>(pattern_expression(json["pattern"], where), where);
    add_step(each_token(
        [regex, content = json_get<std::string>(json, "content", where)](
            std::string_view token, std::size_t) { return regex_replace(token, *regex, content); }));
  } else if (type == "Metaspace") {
    const auto mark = json_get_or<std::string>(json, "replacement", where, "\xE2\x96\x81");
    const bool prepended = json_get_or<std::string>(json, "prepend_scheme", where, "always") != "never";
    add_step(each_token([mark, prepended](std::string_view token, std::size_t index) {
      return replace_all(token, mark, index == 0 && prepended ? "" : " ");
    }));
  } else {
    fail(where, "decoder '{}' is not supported", type);
  }
}

// A step that must see whole tokens.
void TokenDecoder::add_step(TokenStepMaker step) {
  if (fused_) steps_.push_back(gather());
  steps_.push_back(std::move(step));
}

void TokenDecoder::add_strip(const SortedJson& json, const std::string& where) {
  const auto character = json_get<std::string>(json, "content", where);
  std::size_t length = 0;
  if (!character.empty()) next_code_point(character, length);
  require(length > 0 && length == character.size(), where,
          "a Strip decoder has content '{}', expected one character", character);
  const std::size_t start = strip_count(json, "start", where);
  const std::size_t stop = strip_count(json, "stop", where);
  if (fused_) {
    steps_.push_back(strip_text(character, start, stop));
  } else {
    steps_.push_back(each_token([character, start, stop](std::string_view token, std::size_t) {
      return strip_token(token, character, start, stop);
    }));
  }
}

std::string TokenDecoder::operator()(const std::vector<std::string>& tokens) const {
  TokenStream text = stream();
  std::string out;
  for (const std::string& token : tokens) out += text.push(token);
  return out + text.finish();
}

}  // namespace artemis

#include "artemis/text/token_decoder.h"

#include <charconv>
#include <memory>
#include <optional>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/regex.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

using Tokens = std::vector<std::string>;

Tokens decode_byte_level(const Tokens& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) append_token_bytes(bytes, token);
  return {replace_invalid_utf8(bytes)};
}

// "<0x0A>" is the byte 10.
std::optional<unsigned char> byte_token(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, value, 16);
  if (error != std::errc() || end != token.data() + 5) return std::nullopt;
  return static_cast<unsigned char>(value);
}

// A run of byte tokens is text if it is UTF-8, else one U+FFFD for each of them.
Tokens decode_byte_fallback(const Tokens& tokens) {
  Tokens out;
  std::string run;
  const auto end_run = [&] {
    if (run.empty()) return;
    if (is_utf8(run)) {
      out.push_back(run);
    } else {
      out.insert(out.end(), run.size(), "\xEF\xBF\xBD");
    }
    run.clear();
  };
  for (const std::string& token : tokens) {
    if (const auto byte = byte_token(token)) {
      run += static_cast<char>(*byte);
    } else {
      end_run();
      out.push_back(token);
    }
  }
  end_run();
  return out;
}

Tokens fuse(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return {text};
}

// At most `start` times `content` from the left of each token, `stop` times from the right.
std::string strip(std::string token, const std::string& content, std::int64_t start, std::int64_t stop) {
  for (; start > 0 && token.starts_with(content); --start) token.erase(0, content.size());
  for (; stop > 0 && token.ends_with(content); --stop) token.resize(token.size() - content.size());
  return token;
}

Tokens decode_metaspace(Tokens tokens, const std::string& mark, bool prepended) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = replace_all(tokens[i], mark, i == 0 && prepended ? "" : " ");
  }
  return tokens;
}

}  // namespace

void append_token_bytes(std::string& bytes, const std::string& token) {
  if (!append_from_byte_level(bytes, token)) bytes += token;
}

TokenDecoder TokenDecoder::from_json(const SortedJson& json, const std::string& where) {
  TokenDecoder decoder;
  decoder.add(json, where);
  return decoder;
}

void TokenDecoder::add(const SortedJson& json, const std::string& where) {
  if (json.is_null()) return;
  const auto type = json_get<std::string>(json, "type", where);
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "decoders", where)) add(inner, where);
    return;
  }
  byte_level_ = type == "ByteLevel" && steps_.empty();
  if (type == "ByteLevel") {
    steps_.emplace_back(decode_byte_level);
  } else if (type == "ByteFallback") {
    steps_.emplace_back(decode_byte_fallback);
  } else if (type == "Fuse") {
    steps_.emplace_back(fuse);
  } else if (type == "Strip") {
    const auto content = json_get<std::string>(json, "content", where);
    require(!content.empty(), where, "a Strip decoder has an empty 'content'");
    steps_.push_back([content, start = json_get<std::int64_t>(json, "start", where),
                      stop = json_get<std::int64_t>(json, "stop", where)](Tokens tokens) {
      for (std::string& token : tokens) token = strip(std::move(token), content, start, stop);
      return tokens;
    });
  } else if (type == "Replace") {
    require(json.contains("pattern"), where, "a Replace decoder has no 'pattern'");
    const auto regex = std::make_shared<Regex>(pattern_expression(json["pattern"], where), where);
    steps_.push_back([regex, content = json_get<std::string>(json, "content", where)](Tokens tokens) {
      for (std::string& token : tokens) token = regex_replace(token, *regex, content);
      return tokens;
    });
  } else if (type == "Metaspace") {
    const auto mark = json_get_or<std::string>(json, "replacement", where, "\xE2\x96\x81");
    const bool prepended = json_get_or<std::string>(json, "prepend_scheme", where, "always") != "never";
    steps_.push_back(
        [mark, prepended](Tokens tokens) { return decode_metaspace(std::move(tokens), mark, prepended); });
  } else {
    fail(where, "decoder '{}' is not supported", type);
  }
}

std::string TokenDecoder::operator()(Tokens tokens) const {
  std::string text;
  if (steps_.empty()) {
    for (std::size_t i = 0; i < tokens.size(); ++i) text += (i == 0 ? "" : " ") + tokens[i];
    return text;
  }
  for (const auto& step : steps_) tokens = step(std::move(tokens));
  for (const std::string& token : tokens) text += token;
  return text;
}

}  // namespace artemis

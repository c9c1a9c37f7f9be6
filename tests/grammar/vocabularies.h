// Vocabularies and texts for the tests of grammars.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/core/random.h"
#include "artemis/grammar/constraint.h"

namespace artemis {

// A token for each byte, then `texts`, then the added tokens.
inline std::shared_ptr<const TokenBytes> vocabulary(const std::vector<std::string>& texts,
                                                    const std::vector<std::string>& added = {}) {
  std::vector<std::string> bytes;
  for (int c = 0; c < 256; ++c) bytes.emplace_back(1, static_cast<char>(c));
  bytes.insert(bytes.end(), texts.begin(), texts.end());
  std::unordered_map<std::string, std::int32_t> ids;
  for (const std::string& spelling : added) {
    ids[spelling] = static_cast<std::int32_t>(bytes.size());
    bytes.push_back(spelling);
  }
  return std::make_shared<const TokenBytes>(std::move(bytes), std::move(ids));
}

// Bytes, and tokens as a learned vocabulary has them where it hurts: across the borders of strings, numbers,
// lists.
inline std::shared_ptr<const TokenBytes> json_vocabulary() {
  return vocabulary(
      {"\"a",      "a\"",      "\",\"",    "\", \"", "\":",  "\": ",     "{\"",   "\"}",      "}}",
       "},{",      "[]",       "{}",       "[[",     "]]",   "],",       "true",  "false",    "null",
       "12",       "0.",       "e+",       "-1",     "\\u",  "\\u00",    "\\ud8", "\\\"",     "\\\\",
       "the",      " the",     "  ",       "    ",   "\n  ", "\n    ",   "{\n",   "\xC3\xA9", "\xF0\x9F",
       "\x98\x80", "abc",      "a\":",     "b\":1",  "name", "\"name\"", "1,",    "1}",       "1]",
       "],[",      "\xE2\x82", "key\":\"", "2020-",  "-0",   "00",       "\n",    "</",       "\n</"},
      {"<tool_call>", "</tool_call>", "</s>"});
}

// The bytes of the text, one token each, taken by a constraint; how many were.
inline std::size_t taken(Constraint& constraint, std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) {
    if (!constraint.accept(static_cast<unsigned char>(c))) break;
    ++count;
  }
  return count;
}

inline bool fits(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  static const std::shared_ptr<const TokenBytes> bytes = vocabulary({});
  Constraint constraint(grammar, bytes);
  return taken(constraint, text) == text.size() && constraint.may_end();
}

inline std::vector<std::uint32_t> mask_of(Constraint& constraint) {
  std::vector<std::uint32_t> mask(static_cast<std::size_t>((constraint.tokens().vocab() + 31) / 32), ~0u);
  constraint.allowed(mask);
  return mask;
}

inline std::vector<std::int32_t> ids_of(const std::vector<std::uint32_t>& mask) {
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < 32 * mask.size(); ++i) {
    if ((mask[i / 32] >> (i % 32)) & 1u) ids.push_back(static_cast<std::int32_t>(i));
  }
  return ids;
}

}  // namespace artemis

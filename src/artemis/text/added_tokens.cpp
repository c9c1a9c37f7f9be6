#include "artemis/text/added_tokens.h"

#include <utf8proc.h>

#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// White_Space of the Unicode character database.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// \w of Unicode regular expressions: alphabetic, mark, decimal number, connector punctuation, join control.
bool is_word(char32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
             (c >= 0x1F150 && c <= 0x1F169) ||
             (c >= 0x1F170 && c <= 0x1F189);  // circled and squared letters are alphabetic
  }
}

// The start of the character that ends at `end`.
std::size_t previous_character(std::string_view text, std::size_t end) {
  --end;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

char32_t character_before(std::string_view text, std::size_t end) {
  std::size_t at = previous_character(text, end);
  return next_code_point(text, at);
}

bool word_goes_on(std::string_view text, std::size_t begin, std::size_t end) {
  if (begin > 0 && is_word(character_before(text, begin))) return true;
  std::size_t at = end;
  return end < text.size() && is_word(next_code_point(text, at));
}

std::size_t skip_space_back(std::string_view text, std::size_t begin, std::size_t limit) {
  while (begin > limit && is_space(character_before(text, begin))) begin = previous_character(text, begin);
  return begin;
}

std::size_t skip_space(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    std::size_t at = end;
    if (!is_space(next_code_point(text, at))) break;
    end = at;
  }
  return end;
}

}  // namespace

std::vector<AddedToken> AddedTokens::parse(const SortedJson& list, const std::string& where) {
  require(list.is_array(), where, "key 'added_tokens' is {}, expected a list", list.type_name());
  std::vector<AddedToken> tokens;
  for (const SortedJson& json : list) {
    AddedToken token;
    const auto id = json_get<std::int64_t>(json, "id", where + ", added_tokens");
    token.content = json_get<std::string>(json, "content", where + ", added_tokens");
    require(id >= 0 && id <= 0x7FFFFFFF, where, "the added token '{}' has id {}", token.content, id);
    token.id = static_cast<std::int32_t>(id);
    token.single_word = json_get_or<bool>(json, "single_word", where, false);
    token.lstrip = json_get_or<bool>(json, "lstrip", where, false);
    token.rstrip = json_get_or<bool>(json, "rstrip", where, false);
    token.special = json_get_or<bool>(json, "special", where, false);
    token.normalized = json_get_or<bool>(json, "normalized", where, !token.special);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

void AddedTokens::Finder::add(std::string pattern, std::size_t token) {
  if (pattern.empty()) return;
  empty = false;
  auto& entries = by_first_byte[static_cast<unsigned char>(pattern[0])];
  entries.push_back({std::move(pattern), token});
}

void AddedTokens::Finder::sort() {
  for (auto& entries : by_first_byte) {
    std::ranges::stable_sort(entries, std::greater<>(),
                             [](const Entry& entry) { return entry.pattern.size(); });
  }
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const AddedToken& token = tokens_[i];
    if (token.special) special_ids_.insert(token.id);
    if (token.normalized) {
      normalized_.add(normalizer(token.content), i);
    } else {
      raw_.add(token.content, i);
    }
  }
  raw_.sort();
  normalized_.sort();
}

std::vector<TextPart> AddedTokens::split_by(const Finder& finder, std::string_view text) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;
  for (std::size_t at = finder.empty ? text.size() : 0; at < text.size();) {
    const auto& entries = finder.by_first_byte[static_cast<unsigned char>(text[at])];
    const auto found = std::ranges::find_if(
        entries, [&](const Finder::Entry& entry) { return text.substr(at).starts_with(entry.pattern); });
    if (found == entries.end()) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[found->token];
    std::size_t begin = at;
    std::size_t end = at + found->pattern.size();
    at = end;
    if (begin < done || (token.single_word && word_goes_on(text, begin, end))) continue;
    if (token.lstrip) begin = skip_space_back(text, begin, done);
    if (token.rstrip) end = skip_space(text, end);
    if (done < begin) parts.push_back({-1, std::string(text.substr(done, begin - done))});
    parts.push_back({token.id, {}});
    done = end;
  }
  if (done < text.size()) parts.push_back({-1, std::string(text.substr(done))});
  return parts;
}

std::vector<TextPart> AddedTokens::split(std::string_view text, const Normalizer& normalizer) const {
  std::vector<TextPart> parts;
  for (TextPart& part : split_by(raw_, text)) {
    if (part.id >= 0) {
      parts.push_back(std::move(part));
      continue;
    }
    for (TextPart& inner : split_by(normalized_, normalizer(std::move(part.text))))
      parts.push_back(std::move(inner));
  }
  return parts;
}

}  // namespace artemis

#include "artemis/text/added_tokens.h"

#include <algorithm>
#include <limits>

#include "artemis/core/error.h"
#include "artemis/text/unicode.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

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
  if (begin > 0 && is_word_character(character_before(text, begin))) return true;
  std::size_t at = end;
  return end < text.size() && is_word_character(next_code_point(text, at));
}

std::size_t skip_space_back(std::string_view text, std::size_t begin, std::size_t limit) {
  while (begin > limit && is_white_space(character_before(text, begin))) {
    begin = previous_character(text, begin);
  }
  return begin;
}

// The end of a run of white space; a place inside the run found last costs nothing.
class SpaceSkipper {
 public:
  explicit SpaceSkipper(std::string_view text) : text_(text) {}

  std::size_t operator()(std::size_t at) {
    if (at >= begin_ && at <= end_) return end_;
    begin_ = end_ = at;
    while (end_ < text_.size()) {
      std::size_t next = end_;
      if (!is_white_space(next_code_point(text_, next))) break;
      end_ = next;
    }
    return end_;
  }

 private:
  std::string_view text_;
  std::size_t begin_ = 1;  // no place is in an empty run
  std::size_t end_ = 0;
};

AddedToken parse_token(const SortedJson& json, const std::string& where) {
  AddedToken token;
  const auto id = json_get<std::int64_t>(json, "id", where);
  token.content = json_get<std::string>(json, "content", where);
  require(id >= 0 && id <= std::numeric_limits<std::int32_t>::max(), where, "token '{}' has id {}",
          token.content, id);
  token.id = static_cast<std::int32_t>(id);
  token.single_word = json_get<bool>(json, "single_word", where);
  token.lstrip = json_get<bool>(json, "lstrip", where);
  token.rstrip = json_get<bool>(json, "rstrip", where);
  token.normalized = json_get<bool>(json, "normalized", where);
  token.special = json_get<bool>(json, "special", where);
  return token;
}

}  // namespace

std::vector<AddedToken> AddedTokens::parse(const SortedJson& list, const std::string& where) {
  require(list.is_array(), where, "key 'added_tokens' is {}, expected a list", list.type_name());
  std::vector<AddedToken> tokens;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < list.size(); ++i) {
    AddedToken token = parse_token(list[i], fmt::format("{}, added_tokens[{}]", where, i));
    if (token.content.empty()) continue;
    const auto [known, is_new] = places.emplace(token.content, tokens.size());
    if (is_new) {
      tokens.push_back(std::move(token));
    } else {
      tokens[known->second] = std::move(token);
    }
  }
  return tokens;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer)
    : tokens_(std::move(tokens)) {
  std::unordered_set<std::string> special_contents;
  for (AddedToken& token : tokens_) {
    token.spelling = token.normalized ? normalizer(token.content) : token.content;
    if (token.special) special_contents.insert(token.content);
  }
  for (const AddedToken& token : tokens_) {
    if (special_contents.contains(token.spelling)) special_ids_.insert(token.id);
  }
  // Where two are found by one text, special tokens come first.
  for (const bool special : {true, false}) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const AddedToken& token = tokens_[i];
      if (token.special != special || token.spelling.empty()) continue;
      (token.normalized ? normalized_ : raw_).add(token.spelling, i);
    }
  }
}

// White space that a token takes along may hold another token: both stand then, as in the reference.
std::vector<AddedTokens::Part> AddedTokens::split_by(const ByteTrie& trie, std::string_view text) const {
  std::vector<Part> parts;
  std::size_t done = 0;
  SpaceSkipper skip_space(text);
  for (std::size_t at = trie.empty() ? text.size() : 0; at < text.size();) {
    const std::optional<ByteTrie::Match> match = trie.longest(text, at);
    if (!match) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[match->value];
    std::size_t begin = at;
    std::size_t end = at + match->length;
    at = end;
    if (token.single_word && word_goes_on(text, begin, end)) continue;
    if (token.lstrip) begin = std::max(skip_space_back(text, begin, done), done);
    if (token.rstrip) end = skip_space(end);
    if (done < begin) parts.push_back({nullptr, done, begin});
    parts.push_back({&token, begin, end});
    done = end;
  }
  if (done < text.size()) parts.push_back({nullptr, done, text.size()});
  return parts;
}

}  // namespace artemis

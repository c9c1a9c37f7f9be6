// The "added_tokens" of a tokenizer.json: tokens that are found in the text before anything else is done to
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/byte_trie.h"
#include "artemis/text/normalizer.h"

namespace artemis {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool single_word = false;  // only where no word goes on at its ends
  bool lstrip = false;       // takes white space before it along
  bool rstrip = false;       // takes white space behind it along
  bool normalized = false;   // found in the normalised text, not in the text as it came
  bool special = false;      // left out by decode(skip_special_tokens)
  std::string spelling;      // what the id gives: the content, normalised where `normalized` says so
};

class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer);

  // The tokens of the list, none with an empty content; of two with one content the later stands.
  static std::vector<AddedToken> parse(const SortedJson& list, const std::string& where);

  // Cuts valid UTF-8: calls on_token(id) for the tokens and on_text(text, first) for the normalised text
  // between them, from left to right; `first`: the text begins the whole.
  template <typename OnToken, typename OnText>
  void split(std::string_view text, const Normalizer& normalizer, const OnToken& on_token,
             const OnText& on_text) const;

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  // As in the reference, a token whose spelling is not the content of a special one is not special.
  bool is_special(std::int32_t id) const { return special_ids_.contains(id); }

 private:
  // A stretch of text: a token, or (null) what lies between.
  struct Part {
    const AddedToken* token;
    std::size_t begin;
    std::size_t end;
  };

  std::vector<Part> split_by(const ByteTrie& trie, std::string_view text) const;

  std::vector<AddedToken> tokens_;
  ByteTrie raw_;
  ByteTrie normalized_;
  std::unordered_set<std::int32_t> special_ids_;
};

template <typename OnToken, typename OnText>
void AddedTokens::split(std::string_view text, const Normalizer& normalizer, const OnToken& on_token,
                        const OnText& on_text) const {
  for (const Part& part : split_by(raw_, text)) {
    if (part.token != nullptr) {
      on_token(part.token->id);
      continue;
    }
    const std::string_view between = text.substr(part.begin, part.end - part.begin);
    std::string changed;
    if (!normalizer.does_nothing()) changed = normalizer(std::string(between));
    const std::string_view normalized = normalizer.does_nothing() ? between : changed;
    for (const Part& inner : split_by(normalized_, normalized)) {
      if (inner.token != nullptr) {
        on_token(inner.token->id);
      } else {
        on_text(normalized.substr(inner.begin, inner.end - inner.begin), part.begin == 0 && inner.begin == 0);
      }
    }
  }
}

}  // namespace artemis

// The "added_tokens" of a tokenizer.json: tokens that are found in the text before anything else is done to
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "artemis/io/json.h"
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
};

// A stretch of text: a token, or (id -1) text for the model.
struct TextPart {
  std::int32_t id;
  std::string text;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer);
  static std::vector<AddedToken> parse(const SortedJson& list, const std::string& where);

  // Cuts valid UTF-8 into tokens and normalised text between them; the longest token wins at each place.
  std::vector<TextPart> split(std::string_view text, const Normalizer& normalizer) const;

  const std::vector<AddedToken>& tokens() const { return tokens_; }
  bool is_special(std::int32_t id) const { return special_ids_.contains(id); }

 private:
  // Finding any of many texts: by first byte, the longest first.
  struct Finder {
    struct Entry {
      std::string pattern;
      std::size_t token;
    };
    std::vector<std::vector<Entry>> by_first_byte = std::vector<std::vector<Entry>>(256);
    bool empty = true;

    void add(std::string pattern, std::size_t token);
    void sort();
  };

  std::vector<TextPart> split_by(const Finder& finder, std::string_view text) const;

  std::vector<AddedToken> tokens_;
  Finder raw_;
  Finder normalized_;
  std::unordered_set<std::int32_t> special_ids_;
};

}  // namespace artemis

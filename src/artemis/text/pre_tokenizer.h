// The "pre_tokenizer" of a tokenizer.json: how text is cut into pieces that the model takes one by one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/regex.h"

namespace artemis {

// A text and the pieces it is cut into. Not copied: `text` may be a view of `changed`.
struct Pieces {
  std::string_view text;
  std::string changed;            // where a step writes a text of its own
  std::vector<TextRange> ranges;  // of text
  std::vector<TextRange> spare;   // what a step builds

  Pieces() = default;
  Pieces(const Pieces&) = delete;
  Pieces& operator=(const Pieces&) = delete;

  std::string_view piece(TextRange range) const { return text.substr(range.begin, range.size()); }
};

// Null, Split, ByteLevel (which must come last), Digits, Metaspace, Whitespace, WhitespaceSplit, Punctuation,
// CharDelimiterSplit and Sequence; throws Error naming any other type.
class PreTokenizer {
 public:
  static PreTokenizer from_json(const SortedJson& json, const std::string& where);

  // Cuts `text`, which must outlive `pieces`; no piece is empty. `first`: the text begins the whole input.
  void cut(std::string_view text, bool first, Pieces& pieces) const;

  // Whether pieces are taken as bytes (ByteLevel) and not as characters.
  bool byte_level() const { return byte_level_; }

 private:
  using Step = std::function<void(Pieces& pieces, bool first)>;

  void add(const SortedJson& json, const std::string& where);
  void add_byte_level(const SortedJson& json, const std::string& where);
  void add_metaspace(const SortedJson& json, const std::string& where);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace artemis

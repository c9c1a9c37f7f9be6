// The "pre_tokenizer" of a tokenizer.json: how text is cut into pieces that the model takes one by one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"

namespace artemis {

// Null, Split, ByteLevel (which must come last), Digits, Metaspace and Sequence; throws Error naming any
// other type.
class PreTokenizer {
 public:
  static PreTokenizer from_json(const SortedJson& json, const std::string& where);

  // The pieces of `text`, none empty. `first`: the text begins the whole input.
  std::vector<std::string> operator()(std::string_view text, bool first) const;

  // Whether pieces are taken as bytes (ByteLevel) and not as characters.
  bool byte_level() const { return byte_level_; }

 private:
  using Pieces = std::vector<std::string>;
  using Step = std::function<void(Pieces& pieces, bool first)>;

  void add(const SortedJson& json, const std::string& where);
  void add_split(const SortedJson& json, const std::string& where);
  void add_byte_level(const SortedJson& json, const std::string& where);
  void add_metaspace(const SortedJson& json, const std::string& where);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace artemis

// The "decoder" of a tokenizer.json: how tokens become text again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "artemis/io/json.h"

namespace artemis {

// Null (tokens joined by spaces), ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace and Sequence;
// throws Error naming any other type.
class TokenDecoder {
 public:
  static TokenDecoder from_json(const SortedJson& json, const std::string& where);

  std::string operator()(std::vector<std::string> tokens) const;

  // Whether the text of a sequence is the bytes of its tokens one after the other (ByteLevel alone).
  bool byte_level() const { return byte_level_; }

 private:
  using Tokens = std::vector<std::string>;

  void add(const SortedJson& json, const std::string& where);

  std::vector<std::function<Tokens(Tokens)>> steps_;
  bool byte_level_ = false;
};

// The bytes that a token of a byte-level vocabulary stands for; a token with other characters stands for
// itself.
void append_token_bytes(std::string& bytes, const std::string& token);

}  // namespace artemis

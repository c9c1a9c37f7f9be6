// The "decoder" of a tokenizer.json: how tokens become text again.
#pragma once

#include <string>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/token_stream.h"

namespace artemis {

// Null (tokens joined by spaces), ByteLevel, ByteFallback, Fuse, Strip, Replace, Metaspace and Sequence;
// throws Error naming any other type.
class TokenDecoder {
 public:
  static TokenDecoder from_json(const SortedJson& json, const std::string& where);

  // The text of a sequence of tokens.
  std::string operator()(const std::vector<std::string>& tokens) const;
  // The same for tokens as they come. It does not refer to the decoder.
  TokenStream stream() const { return TokenStream(steps_); }

  // Whether tokens are bytes, each for itself (ByteLevel and nothing else).
  bool byte_level() const { return byte_level_ && steps_.size() == 1; }

 private:
  void add(const SortedJson& json, const std::string& where);
  void add_step(TokenStepMaker step);
  void add_strip(const SortedJson& json, const std::string& where);

  std::vector<TokenStepMaker> steps_;
  bool fused_ = false;  // the steps so far make one token of all
  bool byte_level_ = false;
};

}  // namespace artemis

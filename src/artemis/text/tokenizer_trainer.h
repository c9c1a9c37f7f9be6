// A byte-level BPE tokenizer learned from text, as the files of a Hugging Face model directory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/added_tokens.h"
#include "artemis/text/bpe_trainer.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/pre_tokenizer.h"

namespace artemis {

// <unk>, <s>, </s>, <pad>, [INST], [/INST], <|im_start|>, <|im_end|>, <|reserved_8|> to <|reserved_13|>, and
// the tokens of a graft with ids 14 to 23.
std::vector<std::string> default_added_tokens();

// The names, beside added tokens, of the parts they play: {"bos_token": "<s>", ...}.
Json special_token_names(const std::vector<std::string>& added);

class TokenizerTrainer {
 public:
  // `pattern`: the pieces that text is cut into, and what lies between them (Split, isolated). Throws Error
  // for a bad pattern and for added tokens without the ids 14 to 23 of a graft.
  TokenizerTrainer(std::vector<std::string> added, std::string pattern);

  // Counts the pieces of a text; added tokens in it are left out, bytes that are no UTF-8 replaced.
  void add(std::string_view text);

  // The number of different pieces so far.
  std::size_t pieces() const { return counts_.size(); }

  // tokenizer.json; see train_bpe for the sizes and errors.
  Json train(std::int64_t vocab_size, std::int64_t min_frequency) const;

  // tokenizer_config.json.
  Json config() const;

 private:
  std::vector<std::string> added_;
  Json pre_tokenizer_json_;
  PreTokenizer pre_tokenizer_;
  Normalizer normalizer_;  // does nothing
  AddedTokens added_tokens_;
  PieceCounts counts_;
};

}  // namespace artemis

// tokenizer_config.json and special_tokens_map.json, as far as they change what tokenizer.json says
// (transformers 5, PreTrainedTokenizerFast). add_bos_token and add_eos_token change nothing where there is a
// tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/added_tokens.h"

namespace artemis {

struct TokenizerConfig {
  // The tokens with these parts, by their content.
  std::optional<std::string> bos;
  std::optional<std::string> eos;
  std::optional<std::string> pad;
  std::optional<std::string> unk;
  // tokenizer.json's added tokens with what the config adds to them and changes of them; new ones have id -1.
  std::vector<AddedToken> added;

  // `config` and `special_tokens_map` may be null. Throws Error naming `where` and the key.
  static TokenizerConfig read(const SortedJson& config, const SortedJson& special_tokens_map,
                              std::vector<AddedToken> added, const std::string& where);
};

}  // namespace artemis

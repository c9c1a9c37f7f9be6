// A tokenizer as tokenizer.json describes it (Hugging Face tokenizers, type BPE).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/added_tokens.h"
#include "artemis/text/bpe.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/pre_tokenizer.h"
#include "artemis/text/token_decoder.h"

namespace artemis {

// The const methods may be called by several threads at once.
class Tokenizer {
 public:
  // Reads tokenizer.json, and tokenizer_config.json where there is one. Throws Error naming the file and key.
  static Tokenizer load(const std::filesystem::path& directory);
  // The same from parsed files; `config` may be null.
  static Tokenizer from_json(const SortedJson& tokenizer, const SortedJson& config, const std::string& where);

  // Token ids of text; bytes that are no UTF-8 are read as U+FFFD first. `add_special_tokens` runs the
  // post-processor (a BOS, for instance).
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const;

  // The text of tokens. Throws Error for an id without a token, naming its position.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const;

  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  // The token as the vocabulary spells it; throws Error for an id without one.
  const std::string& id_to_token(std::int32_t id) const;
  bool is_special(std::int32_t id) const { return added_.is_special(id); }
  // One more than the largest id.
  std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }

  std::optional<std::int32_t> bos_id() const { return bos_id_; }
  std::optional<std::int32_t> eos_id() const { return eos_id_; }
  std::optional<std::int32_t> pad_id() const { return pad_id_; }

  // Whether decoding joins the tokens' bytes, so that they can be taken one by one.
  bool decodes_bytes() const { return decoder_.byte_level() && !clean_up_spaces_; }

 private:
  // What a post-processor puts around a sequence.
  struct Wrapping {
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> after;
  };

  Tokenizer(const SortedJson& tokenizer, const std::string& where);
  void read_post_processor(const SortedJson& json, const std::string& where);
  void read_template(const SortedJson& json, const std::string& where);
  void read_config(const SortedJson& config, const std::string& where);
  std::optional<std::int32_t> configured_id(const SortedJson& config, const char* key) const;

  std::string where_;
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  BytePairModel model_;
  AddedTokens added_;
  TokenDecoder decoder_;
  std::vector<Wrapping> wrappings_;
  std::vector<std::string> tokens_;  // by id
  std::vector<bool> known_;          // which ids have a token
  std::unordered_map<std::string, std::int32_t> ids_;
  std::optional<std::int32_t> bos_id_;
  std::optional<std::int32_t> eos_id_;
  std::optional<std::int32_t> pad_id_;
  bool clean_up_spaces_ = false;
};

}  // namespace artemis

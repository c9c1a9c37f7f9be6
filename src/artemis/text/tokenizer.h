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
  // Reads tokenizer.json, and tokenizer_config.json and special_tokens_map.json where they are. Throws Error
  // naming the file and key.
  static Tokenizer load(const std::filesystem::path& directory);
  // The same from parsed files; all but the first may be null.
  static Tokenizer from_json(const SortedJson& tokenizer, const SortedJson& config, const std::string& where,
                             const SortedJson& special_tokens_map = {});

  // Token ids of text. Bytes that are no UTF-8 are first replaced as Python's
  // bytes.decode("utf-8", errors="replace") does: U+FFFD for each longest beginning of a character.
  // `add_special_tokens` runs the post-processor (a BOS, for instance).
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const;

  // The text of tokens; bytes of theirs that are no UTF-8 become U+FFFD. As in the reference, spaces are not
  // cleaned up for BPE, whatever the config says. Throws Error for an id without a token, naming its
  // position.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const;

  std::optional<std::int32_t> token_to_id(std::string_view token) const;
  // Whether the id has a token: a model's vocabulary may be padded beyond the tokenizer's.
  bool has_token(std::int64_t id) const {
    return id >= 0 && id < vocab_size() && known_[static_cast<std::size_t>(id)];
  }
  // The token as the vocabulary spells it, or an added token's spelling; throws Error for an id without one.
  const std::string& id_to_token(std::int32_t id) const;
  bool is_special(std::int32_t id) const { return added_.is_special(id); }
  const std::vector<AddedToken>& added_tokens() const { return added_.tokens(); }
  // The bytes of a token that is not added, none for an id without a token. Throws Error where the decoder is
  // not ByteLevel, for then a token's bytes depend on those around it.
  std::string token_bytes(std::int32_t id) const;
  // One more than the largest id.
  std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }

  std::optional<std::int32_t> bos_id() const { return bos_id_; }
  std::optional<std::int32_t> eos_id() const { return eos_id_; }
  std::optional<std::int32_t> pad_id() const { return pad_id_; }
  std::optional<std::int32_t> unk_id() const { return unk_id_; }

  // What decoding does, for tokens as they come (see StreamDecoder).
  TokenStream stream() const { return decoder_.stream(); }

 private:
  // What a post-processor puts around a sequence.
  struct Wrapping {
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> after;
  };

  Tokenizer(const SortedJson& tokenizer, const std::string& where);
  void read_added_tokens(std::vector<AddedToken> added);
  void read_post_processor(const SortedJson& json);
  void read_template(const SortedJson& json);
  void read_tokens();
  std::size_t place_of(const std::string& token, std::int32_t id);
  std::vector<std::int32_t> template_ids(const SortedJson& json, const std::string& name) const;

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
  std::optional<std::int32_t> unk_id_;
};

}  // namespace artemis

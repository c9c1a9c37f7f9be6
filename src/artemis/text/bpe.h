// Byte-pair encoding (Gage 1994; Sennrich et al. 2016): the pair of neighbours with the lowest rank is
// joined, over and over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/merge_table.h"

namespace artemis {

class BytePairModel {
 public:
  // The "model" of a tokenizer.json, type BPE. byte_level: pieces are bytes, the vocabulary's tokens spell
  // them in GPT-2's characters. Throws Error naming the key, token or merge at fault.
  BytePairModel(const SortedJson& json, bool byte_level, const std::string& where);

  // Appends the tokens of one piece, in n log n time.
  void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;
  const std::unordered_map<std::string, std::int32_t>& vocabulary() const { return vocabulary_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using TextMap = std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>>;

  void read_vocabulary(const SortedJson& json, const std::string& where);
  void read_merges(const SortedJson& json, const std::string& where);
  bool append_fallback(std::string_view character, std::vector<std::int32_t>& ids) const;
  void split(std::string_view piece, std::vector<std::int32_t>& ids) const;
  void merge_short(std::vector<std::int32_t>& ids, std::size_t begin) const;
  void merge_long(std::vector<std::int32_t>& ids, std::size_t begin) const;

  bool byte_level_;
  bool ignore_merges_ = false;
  bool byte_fallback_ = false;
  bool fuse_unk_ = false;
  std::string where_;
  std::string unk_token_;
  std::optional<std::int32_t> unk_id_;
  std::unordered_map<std::string, std::int32_t> vocabulary_;
  TextMap pieces_;                                // what a piece may be as a whole, spelt as pieces are
  std::array<std::int32_t, 256> byte_ids_{};      // byte level: of each byte alone, -1 where there is none
  std::array<std::int32_t, 256> fallback_ids_{};  // of "<0x00>" and so on, -1 where there is none
  MergeTable merges_;
};

}  // namespace artemis

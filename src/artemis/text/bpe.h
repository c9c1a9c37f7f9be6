// Byte-pair encoding (Gage 1994; Sennrich et al. 2016): the pair of neighbours with the lowest rank is
// joined, over and over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/io/json.h"

namespace artemis {

class BytePairModel {
 public:
  // The "model" of a tokenizer.json, type BPE. byte_level: pieces are bytes, the vocabulary's tokens spell
  // them in GPT-2's characters. Throws Error naming the key, token or merge at fault.
  BytePairModel(const SortedJson& json, bool byte_level, const std::string& where);

  // Appends the tokens of one piece.
  void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

  std::optional<std::int32_t> id_of(std::string_view token) const;
  const std::unordered_map<std::string, std::int32_t>& vocabulary() const { return vocabulary_; }

 private:
  struct Merge {
    std::int32_t rank;
    std::int32_t id;
  };
  struct Symbol {
    std::int32_t id;
    std::int32_t previous;
    std::int32_t next;  // -1 at the end
    bool alive;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using TextMap = std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>>;

  void read_vocabulary(const SortedJson& json, const std::string& where);
  void read_merges(const SortedJson& json, const std::string& where);
  const Merge* find_merge(std::int32_t left, std::int32_t right) const;
  void split_bytes(std::string_view piece, std::vector<std::int32_t>& ids) const;
  void split_characters(std::string_view piece, std::vector<std::int32_t>& ids) const;
  void merge_short(std::vector<std::int32_t>& ids, std::size_t begin) const;
  void merge_long(std::vector<std::int32_t>& ids, std::size_t begin) const;

  bool byte_level_;
  bool ignore_merges_ = false;
  bool byte_fallback_ = false;
  bool fuse_unk_ = false;
  std::optional<std::int32_t> unk_id_;
  std::unordered_map<std::string, std::int32_t> vocabulary_;
  TextMap pieces_;                      // what a piece may be as a whole, spelt as pieces are
  std::vector<std::int32_t> byte_ids_;  // of each byte alone, -1 where there is none
  // Merges by pair: an open-addressed table, its size a power of two.
  std::vector<std::uint64_t> merge_keys_;
  std::vector<Merge> merge_values_;
};

}  // namespace artemis

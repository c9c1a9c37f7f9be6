#include "artemis/text/bpe.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <queue>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::uint64_t no_key = std::numeric_limits<std::uint64_t>::max();
// Up to this many symbols, looking at every pair each time is faster than a heap.
constexpr std::size_t short_piece = 24;

std::uint64_t key_of(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
         static_cast<std::uint32_t>(right);
}

std::size_t slot_of(std::uint64_t key, std::size_t mask) {
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> 20) & mask;
}

// "a b", or ["a", "b"].
std::pair<std::string, std::string> parse_merge(const SortedJson& merge, std::size_t number,
                                                const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  require(merge.is_string(), where, "merge {} is {}, expected a string or two", number, merge.type_name());
  const auto text = merge.get<std::string>();
  const std::size_t space = text.find(' ');
  require(space != std::string::npos && text.find(' ', space + 1) == std::string::npos, where,
          "merge {} is '{}', expected two parts with a space between", number, text);
  return {text.substr(0, space), text.substr(space + 1)};
}

void refuse_affix(const SortedJson& json, const char* key, const std::string& where) {
  const auto affix = json_get_or<std::string>(json, key, where, "");
  require(affix.empty(), where, "key '{}' is '{}', which is not supported, expected null", key, affix);
}

}  // namespace

BytePairModel::BytePairModel(const SortedJson& json, bool byte_level, const std::string& where)
    : byte_level_(byte_level) {
  const auto type = json_get_or<std::string>(json, "type", where, "BPE");
  require(type == "BPE", where, "model '{}' is not supported, expected BPE", type);
  refuse_affix(json, "continuing_subword_prefix", where);
  refuse_affix(json, "end_of_word_suffix", where);
  ignore_merges_ = json_get_or<bool>(json, "ignore_merges", where, false);
  byte_fallback_ = json_get_or<bool>(json, "byte_fallback", where, false);
  fuse_unk_ = json_get_or<bool>(json, "fuse_unk", where, false);
  read_vocabulary(json, where);
  read_merges(json, where);
  const auto unk = json_get_or<std::string>(json, "unk_token", where, "");
  if (!unk.empty()) unk_id_ = id_of(unk);
}

void BytePairModel::read_vocabulary(const SortedJson& json, const std::string& where) {
  const auto vocabulary = json.find("vocab");
  require(vocabulary != json.end() && vocabulary->is_object(), where,
          "key 'vocab' is missing, expected an object");
  byte_ids_.assign(256, -1);
  vocabulary_.reserve(vocabulary->size());
  pieces_.reserve(vocabulary->size());
  for (const auto& [token, value] : vocabulary->items()) {
    require(value.is_number_integer() && value.get<std::int64_t>() >= 0 &&
                value.get<std::int64_t>() <= std::numeric_limits<std::int32_t>::max(),
            where, "vocab '{}' is {}, expected an id from 0 on", token, value.dump());
    const auto id = value.get<std::int32_t>();
    vocabulary_[token] = id;
    std::string piece;
    if (!byte_level_) {
      piece = token;
    } else if (!append_from_byte_level(piece, token)) {
      continue;  // no bytes are spelt so
    }
    if (piece.size() == 1) byte_ids_[static_cast<unsigned char>(piece[0])] = id;
    pieces_[std::move(piece)] = id;
  }
  if (byte_level_ || !byte_fallback_) return;
  for (int byte = 0; byte < 256; ++byte) {
    byte_ids_[static_cast<std::size_t>(byte)] = id_of(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
}

void BytePairModel::read_merges(const SortedJson& json, const std::string& where) {
  const auto merges = json.find("merges");
  require(merges != json.end() && merges->is_array(), where, "key 'merges' is missing, expected a list");
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, merges->size() * 2));
  merge_keys_.assign(slots, no_key);
  merge_values_.resize(slots);
  std::int32_t rank = 0;
  for (const SortedJson& merge : *merges) {
    const auto [left, right] = parse_merge(merge, static_cast<std::size_t>(rank), where);
    const auto a = id_of(left);
    const auto b = id_of(right);
    const auto joined = id_of(left + right);
    require(a && b && joined, where,
            "merge {} ('{}' and '{}') has parts or a whole that the vocabulary lacks", rank, left, right);
    std::size_t slot = slot_of(key_of(*a, *b), slots - 1);
    while (merge_keys_[slot] != no_key && merge_keys_[slot] != key_of(*a, *b))
      slot = (slot + 1) & (slots - 1);
    merge_keys_[slot] = key_of(*a, *b);
    merge_values_[slot] = {rank, *joined};  // of two for one pair, the later stands
    ++rank;
  }
}

std::optional<std::int32_t> BytePairModel::id_of(std::string_view token) const {
  const auto found = vocabulary_.find(std::string(token));
  return found == vocabulary_.end() ? std::nullopt : std::optional(found->second);
}

const BytePairModel::Merge* BytePairModel::find_merge(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key = key_of(left, right);
  const std::size_t mask = merge_keys_.size() - 1;
  for (std::size_t slot = slot_of(key, mask); merge_keys_[slot] != no_key; slot = (slot + 1) & mask) {
    if (merge_keys_[slot] == key) return &merge_values_[slot];
  }
  return nullptr;
}

void BytePairModel::split_bytes(std::string_view piece, std::vector<std::int32_t>& ids) const {
  for (const char c : piece) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id >= 0) {
      ids.push_back(id);
    } else if (unk_id_) {
      ids.push_back(*unk_id_);
    }
  }
}

void BytePairModel::split_characters(std::string_view piece, std::vector<std::int32_t>& ids) const {
  bool after_unknown = false;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t begin = at;
    next_code_point(piece, at);
    const std::string_view character = piece.substr(begin, at - begin);
    const auto found = pieces_.find(character);
    if (found != pieces_.end()) {
      ids.push_back(found->second);
      after_unknown = false;
      continue;
    }
    const bool as_bytes = byte_fallback_ && std::ranges::all_of(character, [&](char c) {
                            return byte_ids_[static_cast<unsigned char>(c)] >= 0;
                          });
    if (as_bytes) {
      for (const char c : character) ids.push_back(byte_ids_[static_cast<unsigned char>(c)]);
      after_unknown = false;
    } else if (unk_id_ && !(fuse_unk_ && after_unknown)) {
      ids.push_back(*unk_id_);
      after_unknown = true;
    }
  }
}

void BytePairModel::encode(std::string_view piece, std::vector<std::int32_t>& ids) const {
  if (ignore_merges_) {
    const auto whole = pieces_.find(piece);
    if (whole != pieces_.end()) {
      ids.push_back(whole->second);
      return;
    }
  }
  const std::size_t begin = ids.size();
  if (byte_level_) {
    split_bytes(piece, ids);
  } else {
    split_characters(piece, ids);
  }
  if (ids.size() - begin <= short_piece) {
    merge_short(ids, begin);
  } else {
    merge_long(ids, begin);
  }
}

void BytePairModel::merge_short(std::vector<std::int32_t>& ids, std::size_t begin) const {
  for (;;) {
    const Merge* best = nullptr;
    std::size_t place = 0;
    for (std::size_t i = begin; i + 1 < ids.size(); ++i) {
      const Merge* merge = find_merge(ids[i], ids[i + 1]);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) {
        best = merge;
        place = i;
      }
    }
    if (best == nullptr) return;
    ids[place] = best->id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

// The same with a heap over a linked list: n log n.
void BytePairModel::merge_long(std::vector<std::int32_t>& ids, std::size_t begin) const {
  struct Candidate {
    std::int32_t rank;
    std::int32_t place;
    std::int32_t id;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  std::vector<Symbol> symbols;
  const auto count = static_cast<std::int32_t>(ids.size() - begin);
  for (std::int32_t i = 0; i < count; ++i) {
    symbols.push_back({ids[begin + static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1, true});
  }
  const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap;
  const auto offer = [&](std::int32_t place) {
    if (place < 0 || at(place).next < 0) return;
    const Merge* merge = find_merge(at(place).id, at(at(place).next).id);
    if (merge != nullptr) heap.push({merge->rank, place, merge->id});
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) offer(i);
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    Symbol& left = at(top.place);
    if (!left.alive || left.next < 0) continue;
    const Merge* merge = find_merge(left.id, at(left.next).id);
    if (merge == nullptr || merge->id != top.id || merge->rank != top.rank)
      continue;  // the pair has changed since
    Symbol& right = at(left.next);
    left.id = merge->id;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0) at(left.next).previous = top.place;
    offer(left.previous);
    offer(top.place);
  }
  ids.resize(begin);
  for (std::int32_t i = count > 0 ? 0 : -1; i >= 0; i = at(i).next) ids.push_back(at(i).id);
}

}  // namespace artemis

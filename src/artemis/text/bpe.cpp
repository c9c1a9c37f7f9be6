#include "artemis/text/bpe.h"

#include <algorithm>
#include <queue>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// Up to this many symbols, looking at every pair each time is faster than a heap.
constexpr std::size_t short_piece = 32;

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
    : byte_level_(byte_level), where_(where) {
  const auto type = json_get_or<std::string>(json, "type", where, "BPE");
  require(type == "BPE", where, "model '{}' is not supported, expected BPE", type);
  refuse_affix(json, "continuing_subword_prefix", where);
  refuse_affix(json, "end_of_word_suffix", where);
  const auto dropout = json_get_or<double>(json, "dropout", where, 0);
  require(dropout == 0, where, "key 'dropout' is {}, which is not supported, expected null", dropout);
  ignore_merges_ = json_get_or<bool>(json, "ignore_merges", where, false);
  byte_fallback_ = json_get_or<bool>(json, "byte_fallback", where, false);
  fuse_unk_ = json_get_or<bool>(json, "fuse_unk", where, false);
  read_vocabulary(json, where);
  read_merges(json, where);
  unk_token_ = json_get_or<std::string>(json, "unk_token", where, "");
  if (!unk_token_.empty()) unk_id_ = id_of(unk_token_);
}

void BytePairModel::read_vocabulary(const SortedJson& json, const std::string& where) {
  const auto vocabulary = json.find("vocab");
  require(vocabulary != json.end() && vocabulary->is_object(), where,
          "key 'vocab' is missing, expected an object");
  byte_ids_.fill(-1);
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
  for (std::size_t byte = 0; byte < fallback_ids_.size(); ++byte) {
    fallback_ids_[byte] = id_of(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
}

void BytePairModel::read_merges(const SortedJson& json, const std::string& where) {
  const auto merges = json.find("merges");
  require(merges != json.end() && merges->is_array(), where, "key 'merges' is missing, expected a list");
  merges_ = MergeTable(merges->size());
  std::int32_t rank = 0;
  for (const SortedJson& merge : *merges) {
    const auto [left, right] = parse_merge(merge, static_cast<std::size_t>(rank), where);
    const auto a = id_of(left);
    const auto b = id_of(right);
    const auto joined = id_of(left + right);
    require(a && b && joined, where,
            "merge {} ('{}' and '{}') has parts or a whole that the vocabulary lacks", rank, left, right);
    merges_.set(*a, *b, {rank, *joined});
    ++rank;
  }
}

std::optional<std::int32_t> BytePairModel::id_of(std::string_view token) const {
  const auto found = vocabulary_.find(std::string(token));
  return found == vocabulary_.end() ? std::nullopt : std::optional(found->second);
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
  split(piece, ids);
  if (ids.size() - begin <= short_piece) {
    merge_short(ids, begin);
  } else {
    merge_long(ids, begin);
  }
}

// The tokens of a character's bytes, when there is one for each.
bool BytePairModel::append_fallback(std::string_view character, std::vector<std::int32_t>& ids) const {
  const auto id = [&](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
  if (!byte_fallback_ || !std::ranges::all_of(character, [&](char c) { return id(c) >= 0; })) return false;
  for (const char c : character) ids.push_back(id(c));
  return true;
}

// The token of each character (byte level: byte). As in the reference, an unknown one is written when the
// next token of the vocabulary comes, behind bytes that stood in for characters between.
void BytePairModel::split(std::string_view piece, std::vector<std::int32_t>& ids) const {
  bool unknown = false;
  const auto end_unknown = [&] {
    if (unknown) ids.push_back(*unk_id_);
    unknown = false;
  };
  const auto append = [&](std::int32_t id, std::string_view character) {
    if (id >= 0) {
      end_unknown();
      ids.push_back(id);
    } else if (!append_fallback(character, ids) && !unk_token_.empty()) {
      require(unk_id_.has_value(), where_, "unk_token '{}' is not in the vocabulary, and '{}' needs it",
              unk_token_, character);
      if (!fuse_unk_) end_unknown();
      unknown = true;
    }
  };
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t begin = at;
    if (byte_level_) {
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(piece[at++])];
      append(id, id >= 0 ? std::string() : to_byte_level(piece.substr(begin, 1)));
      continue;
    }
    next_code_point(piece, at);
    const std::string_view character = piece.substr(begin, at - begin);
    const auto found = pieces_.find(character);
    append(found == pieces_.end() ? -1 : found->second, character);
  }
  end_unknown();
}

void BytePairModel::merge_short(std::vector<std::int32_t>& ids, std::size_t begin) const {
  std::int32_t* symbols = ids.data() + begin;
  std::size_t count = ids.size() - begin;
  std::array<const Merge*, short_piece> merges{};  // of each symbol with the next
  const auto look_up = [&](std::size_t i) {
    merges[i] = i + 1 < count ? merges_.find(symbols[i], symbols[i + 1]) : nullptr;
  };
  for (std::size_t i = 0; i < count; ++i) look_up(i);
  for (;;) {
    std::size_t best = count;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      if (merges[i] != nullptr && (best == count || merges[i]->rank < merges[best]->rank)) best = i;
    }
    if (best == count) break;
    symbols[best] = merges[best]->id;
    std::copy(symbols + best + 2, symbols + count, symbols + best + 1);
    std::copy(merges.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              merges.begin() + static_cast<std::ptrdiff_t>(count),
              merges.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --count;
    look_up(best);
    if (best > 0) look_up(best - 1);
  }
  ids.resize(begin + count);
}

// The same with a heap over a linked list: n log n.
void BytePairModel::merge_long(std::vector<std::int32_t>& ids, std::size_t begin) const {
  struct Symbol {
    std::int32_t id;
    std::int32_t previous;
    std::int32_t next;  // -1 at the end
    bool alive;
  };
  struct Candidate {
    std::int32_t rank;
    std::int32_t place;
    bool operator>(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : place > other.place;
    }
  };
  std::vector<Symbol> symbols;
  const auto count = static_cast<std::int32_t>(ids.size() - begin);
  symbols.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    symbols.push_back({ids[begin + static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1, true});
  }
  const auto at = [&](std::int32_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap;
  const auto offer = [&](std::int32_t place) {
    if (place < 0 || at(place).next < 0) return;
    const Merge* merge = merges_.find(at(place).id, at(at(place).next).id);
    if (merge != nullptr) heap.push({merge->rank, place});
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) offer(i);
  while (!heap.empty()) {
    const Candidate top = heap.top();
    heap.pop();
    Symbol& left = at(top.place);
    if (!left.alive || left.next < 0) continue;
    Symbol& right = at(left.next);
    const Merge* merge = merges_.find(left.id, right.id);
    if (merge == nullptr || merge->rank != top.rank) continue;  // the pair has changed since
    left.id = merge->id;
    left.next = right.next;
    right.alive = false;
    if (left.next >= 0) at(left.next).previous = top.place;
    offer(left.previous);
    offer(top.place);
  }
  ids.resize(begin);
  for (std::int32_t i = 0; i >= 0; i = at(i).next) ids.push_back(at(i).id);
}

}  // namespace artemis

#include "artemis/text/bpe_trainer.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <queue>

#include "artemis/core/error.h"
#include "artemis/text/byte_level.h"

namespace artemis {
namespace {

constexpr const char* where = "tokenizer";
constexpr std::size_t byte_count = 256;

using Pair = std::array<std::int32_t, 2>;

struct PairHash {
  std::size_t operator()(const Pair& pair) const {
    const auto both = static_cast<std::uint64_t>(pair[0]) << 32 | static_cast<std::uint32_t>(pair[1]);
    return both * 0x9E3779B97F4A7C15ULL >> 16;
  }
};

// A piece of the corpus as the tokens it consists of so far.
struct Word {
  std::vector<std::int32_t> tokens;
  std::int64_t count;
};

struct PairState {
  std::int64_t count = 0;
  std::vector<std::uint32_t> words;  // where the pair is or was, in rising runs
};

// A pair with the count it had when it was queued.
struct Candidate {
  std::int64_t count;
  Pair pair;

  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Trainer {
 public:
  Trainer(const PieceCounts& pieces, const BpeTrainerOptions& options) : options_(options) {
    add_first_tokens();
    add_words(pieces);
    count_pairs();
  }

  TrainedBpe run() {
    while (result_.tokens.size() < static_cast<std::size_t>(options_.vocab_size)) {
      const std::optional<Pair> pair = most_frequent();
      if (!pair) break;
      merge(*pair);
    }
    return std::move(result_);
  }

 private:
  void add_first_tokens() {
    const std::size_t first = options_.added.size() + byte_count;
    require(options_.vocab_size >= static_cast<std::int64_t>(first), where,
            "a vocabulary of {} is too small, expected at least {}: {} added tokens and 256 bytes",
            options_.vocab_size, first, options_.added.size());
    require(options_.vocab_size <= std::numeric_limits<std::int32_t>::max(), where,
            "a vocabulary of {} is too large, expected at most 2147483647", options_.vocab_size);
    for (const std::string& token : options_.added) add_token(token);
    std::vector<std::pair<std::string, std::size_t>> bytes;  // UTF-8 sorts as the code points do
    for (std::size_t byte = 0; byte < byte_count; ++byte) {
      bytes.emplace_back(to_byte_level(std::string(1, static_cast<char>(byte))), byte);
    }
    std::ranges::sort(bytes);
    for (const auto& [spelling, byte] : bytes) byte_ids_[byte] = add_token(spelling);
  }

  std::int32_t add_token(const std::string& spelling) {
    const auto id = static_cast<std::int32_t>(result_.tokens.size());
    require(ids_.emplace(spelling, id).second, where, "the token '{}' stands twice", spelling);
    result_.tokens.push_back(spelling);
    return id;
  }

  // In the order of their bytes, so that nothing depends on the map's.
  void add_words(const PieceCounts& pieces) {
    require(pieces.size() < std::numeric_limits<std::int32_t>::max(), where,
            "the corpus has {} different pieces, expected fewer than 2^31", pieces.size());
    std::vector<const PieceCounts::value_type*> sorted;
    for (const auto& entry : pieces) sorted.push_back(&entry);
    std::ranges::sort(sorted, {}, [](const auto* entry) -> const std::string& { return entry->first; });
    for (const auto* entry : sorted) {
      Word word{.tokens = {}, .count = entry->second};
      for (const char c : entry->first) word.tokens.push_back(byte_ids_[static_cast<unsigned char>(c)]);
      words_.push_back(std::move(word));
    }
  }

  void count_pairs() {
    for (std::size_t index = 0; index < words_.size(); ++index) {
      const Word& word = words_[index];
      for (std::size_t i = 1; i < word.tokens.size(); ++i) {
        change({word.tokens[i - 1], word.tokens[i]}, word.count, index);
      }
    }
    for (const auto& [pair, state] : pairs_) queue_.push({state.count, pair});
  }

  void change(const Pair& pair, std::int64_t difference, std::size_t index) {
    PairState& state = pairs_[pair];
    state.count += difference;
    if (difference < 0) return;
    const auto word = static_cast<std::uint32_t>(index);
    if (state.words.empty() || state.words.back() != word) state.words.push_back(word);
  }

  // Takes the pair out of the queue; a count that has changed since goes back with its new value.
  std::optional<Pair> most_frequent() {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const auto state = pairs_.find(top.pair);
      const std::int64_t count = state != pairs_.end() ? state->second.count : 0;
      if (count != top.count) {
        if (count > 0) queue_.push({count, top.pair});
        continue;
      }
      if (count < std::max<std::int64_t>(options_.min_frequency, 1)) return std::nullopt;
      if (!spells_added_token(top.pair)) return top.pair;
    }
    return std::nullopt;
  }

  std::string spelling(const Pair& pair) const {
    return result_.tokens[static_cast<std::size_t>(pair[0])] +
           result_.tokens[static_cast<std::size_t>(pair[1])];
  }

  bool spells_added_token(const Pair& pair) const {
    const auto found = ids_.find(spelling(pair));
    return found != ids_.end() && static_cast<std::size_t>(found->second) < options_.added.size();
  }

  void merge(const Pair& pair) {
    const std::string joined = spelling(pair);
    const auto found = ids_.find(joined);
    const std::int32_t id = found != ids_.end() ? found->second : add_token(joined);
    result_.merges.push_back(pair);
    const std::vector<std::uint32_t> places = std::move(pairs_.at(pair).words);
    grown_.clear();
    for (const std::uint32_t index : places) merge_in(index, pair, id);
    pairs_.erase(pair);
    std::ranges::sort(grown_);
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const Pair& each : grown_) {
      if (const auto state = pairs_.find(each); state != pairs_.end() && state->second.count > 0) {
        queue_.push({state->second.count, each});
      }
    }
  }

  // From left to right; the neighbours' pairs change with it.
  void merge_in(std::size_t index, const Pair& pair, std::int32_t id) {
    Word& word = words_[index];
    std::vector<std::int32_t>& tokens = word.tokens;
    std::size_t out = 0;
    for (std::size_t in = 0; in < tokens.size(); ++in, ++out) {
      if (in + 1 == tokens.size() || tokens[in] != pair[0] || tokens[in + 1] != pair[1]) {
        tokens[out] = tokens[in];
        continue;
      }
      ++in;
      if (out > 0) replace({tokens[out - 1], pair[0]}, {tokens[out - 1], id}, word.count, index);
      if (in + 1 < tokens.size()) replace({pair[1], tokens[in + 1]}, {id, tokens[in + 1]}, word.count, index);
      tokens[out] = id;
    }
    tokens.resize(out);
  }

  void replace(const Pair& before, const Pair& after, std::int64_t count, std::size_t index) {
    change(before, -count, index);
    change(after, count, index);
    grown_.push_back(after);
  }

  const BpeTrainerOptions& options_;
  TrainedBpe result_;
  std::unordered_map<std::string, std::int32_t> ids_;
  std::array<std::int32_t, byte_count> byte_ids_{};
  std::vector<Word> words_;
  std::unordered_map<Pair, PairState, PairHash> pairs_;
  std::priority_queue<Candidate> queue_;
  std::vector<Pair> grown_;  // pairs that the merge under way has made
};

}  // namespace

TrainedBpe train_bpe(const PieceCounts& pieces, const BpeTrainerOptions& options) {
  return Trainer(pieces, options).run();
}

}  // namespace artemis

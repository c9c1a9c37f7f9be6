// Learning byte-pair merges from a corpus (Sennrich et al. 2016): the most frequent pair of neighbours
// becomes a token, over and over.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace artemis {

// How often each piece (bytes) stands in the corpus.
using PieceCounts = std::unordered_map<std::string, std::int64_t>;

struct BpeTrainerOptions {
  std::vector<std::string> added;  // the tokens with the first ids, which no merge makes
  std::int64_t vocab_size = 0;     // with the added tokens and the 256 bytes
  std::int64_t min_frequency = 2;  // a pair that is seldomer is left alone
};

struct TrainedBpe {
  std::vector<std::string> tokens;                  // by id, spelt in the byte-level characters
  std::vector<std::array<std::int32_t, 2>> merges;  // ids of the two parts, the first merge first
};

// The added tokens, the 256 bytes in the order of their characters, then a token a merge. Of pairs that are
// equally frequent the one with the smaller ids comes first, as in Hugging Face tokenizers. Fewer tokens than
// asked for when no pair is left. Throws Error for a size without room for added tokens and bytes, for an
// added token that stands twice or spells a byte, and for a corpus of 2^31 different pieces or more.
TrainedBpe train_bpe(const PieceCounts& pieces, const BpeTrainerOptions& options);

}  // namespace artemis

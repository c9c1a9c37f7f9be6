// Whether a model looks: the same captions with the right picture, with another one and with none.
#pragma once

#include <cstdint>

#include "artemis/evaluate/subject.h"

namespace artemis {

struct GroundingFigures {
  std::int64_t rows = 0;
  LossSum right;
  LossSum shuffled;
  LossSum none;

  // How far the right picture's loss lies under the others', as a share of theirs: 0 for a model that does
  // not look.
  double under_shuffled() const { return 1.0 - right.mean() / shuffled.mean(); }
  double under_none() const { return 1.0 - right.mean() / none.mean(); }
  Json to_json() const;
};

// A permutation of [0, count) that leaves nothing in its place; count over 1.
std::vector<std::size_t> derangement(std::size_t count, std::uint64_t seed);

// The row with its picture parts left out.
Row without_pictures(Row row);

// Each row that has pictures gets those of another row with as many of them; rows without pictures are passed
// over. Throws Error when a row has no such partner.
GroundingFigures evaluate_grounding(const Subject& subject, const std::vector<std::string>& paths,
                                    std::uint64_t seed, const EvaluateOptions& options);

}  // namespace artemis

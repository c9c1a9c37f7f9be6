// Whether a graft without pictures is the decoder that it was made from.
#pragma once

#include "artemis/evaluate/subject.h"

namespace artemis {

struct TextFigures {
  std::int64_t rows = 0;
  std::int64_t same_tokens = 0;   // rows that both turn into the same ids and labels
  std::int64_t same_logits = 0;   // rows whose logits are the same to the bit
  std::int64_t same_answers = 0;  // rows with the same greedy answer
  double max_difference = 0;      // of two logits
  LossSum graft;
  LossSum bare;

  bool identical() const {
    return same_tokens == rows && same_logits == rows && same_answers == rows && graft.sum == bare.sum;
  }
  Json to_json() const;
};

// Over rows of messages without pictures (data as for training). Both models must run on the same device and
// in the same dtype. Throws Error naming a row that has pictures.
TextFigures evaluate_text(const Subject& graft, const Subject& bare, const std::vector<std::string>& paths,
                          const EvaluateOptions& options);

}  // namespace artemis

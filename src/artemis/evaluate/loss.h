// Loss and perplexity on held-out rows.
#pragma once

#include "artemis/evaluate/subject.h"

namespace artemis {

struct LossFigures {
  std::int64_t rows = 0;
  LossSum loss;

  Json to_json() const;  // "rows", "tokens", "loss", "perplexity"
};

// Throws Error naming the row that cannot be used.
LossFigures evaluate_rows(const Subject& subject, const std::vector<std::string>& paths,
                          const EvaluateOptions& options);

}  // namespace artemis

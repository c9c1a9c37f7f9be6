// Changing logits before a token is drawn from them: penalties, biases, and which tokens may come at all.
#pragma once

#include <cstdint>
#include <span>

#include "artemis/core/context.h"

namespace artemis {

// What becomes of one logit l: (l > 0 ? l / divide : l * divide) + add. A repetition penalty is `divide`
// (transformers' RepetitionPenaltyLogitsProcessor); frequency and presence penalties and a bias are summed in
// `add`.
struct LogitEdit {
  std::int32_t row = 0;  // of the logits
  std::int32_t id = 0;   // the column
  float divide = 1.0f;   // positive, finite
  float add = 0.0f;      // not NaN; -inf forbids the token
};

// Each edit is applied to logits (n, vocab) f32. The edits of a row have distinct ids.
void edit_logits(Context& ctx, const Tensor& logits, std::span<const LogitEdit> edits);

// Logit t of row rows[i] of logits (n, vocab) f32 becomes -inf where bit t % 32 of word t / 32 of its mask is
// 0. masks: ceil(vocab / 32) words for each of the rows, one after the other; bits beyond the vocabulary are
// not read.
void mask_logits(Context& ctx, const Tensor& logits, std::span<const std::uint32_t> masks,
                 std::span<const std::int32_t> rows);

}  // namespace artemis

// Log probabilities of tokens from a row of logits.
#pragma once

#include <span>

#include "artemis/generate/request.h"

namespace artemis {

// Of the token that was drawn and of the `count` likeliest, falling, the lower id first of equal ones. Logits
// that are not numbers count as nothing.
AnswerToken probabilities_of(std::span<const float> logits, std::int32_t drawn, std::int64_t count);

}  // namespace artemis

// Guessing the next tokens from what was said before (prompt look-up decoding).
#pragma once

#include <cstdint>
#include <span>

namespace artemis {

// The tokens that followed the latest earlier place where the last three tokens, or else the last two, stand;
// at most `count`. Empty where there is none.
std::span<const std::int32_t> look_up(std::span<const std::int32_t> history, std::int64_t count);

}  // namespace artemis

// Unicode normal forms (UAX 15), as the reference computes them.
#pragma once

#include <cstdint>
#include <string>

namespace artemis {

enum class NormalForm : std::uint8_t { nfc, nfd, nfkc, nfkd };

// Valid UTF-8 in and out, in n log n time.
std::string normalize(std::string text, NormalForm form);

}  // namespace artemis

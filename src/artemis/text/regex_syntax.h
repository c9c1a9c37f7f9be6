// From the regular expressions of tokenizer.json, in Oniguruma's syntax, to PCRE2's.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

// The PCRE2 pattern (for UTF, UCP and MULTILINE) that means what `pattern` means to Oniguruma. Throws Error
// for what has no counterpart: sets inside sets, intersections, POSIX brackets, callouts.
std::string to_pcre2(std::string_view pattern, std::string_view where);

}  // namespace artemis

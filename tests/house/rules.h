// The rules of the house (docs/architecture.md), as checks of one file at a time.
#pragma once

#include "source.h"

namespace artemis::house {

// What this file breaks, one "path:line: what" each; empty when it keeps all rules.
std::vector<std::string> violations(const SourceFile& file);

}  // namespace artemis::house

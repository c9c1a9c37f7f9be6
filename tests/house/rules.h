// The rules of the house (docs/architecture.md), as checks of one file at a time and of all together.
#pragma once

#include "source.h"

namespace artemis::house {

// What this file breaks, one "path:line: what" each; empty when it keeps all rules.
std::vector<std::string> violations(const SourceFile& file);

// Classes that two files define under one name, as above: of a name the linker keeps one destructor.
std::vector<std::string> defined_twice(const std::vector<SourceFile>& files);

}  // namespace artemis::house

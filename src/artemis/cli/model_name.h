// Models that come with the program, by name.
#pragma once

#include <string>

namespace artemis {

// The directory of a model. What exists is taken as it is given; otherwise "nano" (the laboratory's aligned
// graft, nano-vlm), "nano-vlm", "nano-text" and "nano-tower" are looked for in $ARTEMIS_MODELS, in lab/models
// of the source tree that the program was built in, and in ../share/artemis/models beside it. Throws
// UsageError, naming these places, when such a model is in none of them; any other name comes back unchanged.
std::string model_directory(const std::string& name);

}  // namespace artemis

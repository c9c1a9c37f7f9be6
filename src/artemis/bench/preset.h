// Models by name, known by their shapes alone, and the lengths that they are measured at.
#pragma once

#include <string>
#include <vector>

#include "artemis/model/config.h"

namespace artemis::bench {

// Tokens but where it says otherwise. The defaults are those that the figures' names speak of.
struct Lengths {
  std::int64_t side = 512;      // pixels of a picture's edge
  std::int64_t prompt = 24;     // of text, beside the picture
  std::int64_t caption = 200;   // supervised
  std::int64_t prefill = 2048;  // of the prompt without a picture
  std::int64_t depth = 4096;    // of the long conversation
  std::int64_t decoded = 128;   // in one go
  std::int64_t pictures = 16;   // of the large batch of the tower
};

struct Preset {
  std::string name;
  GraftConfig config;
  Lengths lengths;
};

// "small" and "medium", for the CPU (small at short lengths), and "a3", the true size.
const std::vector<std::string>& preset_names();

// Throws UsageError for a name that is not among them.
Preset find_preset(const std::string& name);

}  // namespace artemis::bench

// How much of a scene a caption gets right.
#pragma once

#include <string_view>

#include "artemis/lab/scene.h"

namespace artemis::lab {

// Counts over one caption or many; each share is right over asked.
struct Grade {
  std::int64_t captions = 0;
  std::int64_t objects = 0;         // true objects
  std::int64_t pairs = 0;           // named with their colour and shape together
  std::int64_t colors = 0;          // whose colour is named at all
  std::int64_t shapes = 0;          // whose shape is named at all
  std::int64_t unseen_objects = 0;  // of a colour-shape pair that training never shows
  std::int64_t unseen_pairs = 0;    // those of them named as a pair
  std::int64_t counts = 0;          // captions that say the right number of objects
  std::int64_t relations = 0;       // pairs of true objects, both named and placed
  std::int64_t right_relations =
      0;  // whose places in the caption stand to each other as they do in the scene

  Grade& operator+=(const Grade& other);
  Json to_json() const;  // the shares, 0 to 1; absent where nothing was asked
};

// A true object is named when the caption has a mention of it that no other object has used up. The number is
// the word before "object(s)", or the number of mentions when it says none.
Grade grade_caption(const Scene& scene, std::string_view caption);

}  // namespace artemis::lab

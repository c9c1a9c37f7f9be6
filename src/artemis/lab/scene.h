// Scenes of the nano laboratory: a few plain objects on a background, known exactly.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "artemis/core/random.h"
#include "artemis/io/json.h"

namespace artemis::lab {

inline constexpr std::array<std::string_view, 6> shapes{"circle", "square", "triangle",
                                                        "star",   "cross",  "ring"};
inline constexpr std::array<std::string_view, 8> colors{"red",  "orange", "yellow", "green",
                                                        "cyan", "blue",   "purple", "pink"};
inline constexpr std::array<std::string_view, 2> sizes{"small", "large"};
inline constexpr std::array<std::string_view, 3> textures{"plain", "striped", "dotted"};
// The last two are never trained on.
inline constexpr std::array<std::string_view, 6> backgrounds{"dark",      "light",  "lined",
                                                             "checkered", "cloudy", "speckled"};
inline constexpr int trained_backgrounds = 4;
// Cells of a grid of three by three, row by row.
inline constexpr std::array<std::string_view, 9> places{
    "top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"};
inline constexpr int max_objects = 5;

// Attributes are indices into the lists above.
struct SceneObject {
  int shape = 0;
  int color = 0;
  int size = 0;
  int texture = 0;
  int place = 0;
  double x = 0;       // centre, pixels
  double y = 0;       // pixels
  double radius = 0;  // of the circle around it, pixels
  double angle = 0;   // radians
};

struct Scene {
  int width = 0;   // pixels
  int height = 0;  // pixels
  int background = 0;
  std::vector<SceneObject> objects;  // in the order of their places
};

// Which scenes are drawn.
struct SceneRules {
  std::vector<int> counts;
  std::vector<int> backgrounds;
  bool seen_pairs = true;        // colour-shape pairs that training has
  bool unseen_pairs = false;     // pairs that it has not
  bool one_unseen_pair = false;  // exactly one object of each scene is of an unseen pair
  double textured = 0.0;         // share of the objects with a texture
};

// "train", "validation", "unseen-backgrounds", "unseen-counts", "unseen-pairs", or "text", which holds every
// combination; throws UsageError for another name. Training draws 1, 2 or 4 objects, four of six backgrounds
// and 42 of 48 pairs.
SceneRules scene_set(std::string_view name);
inline constexpr std::array<std::string_view, 6> scene_sets{
    "train", "validation", "unseen-backgrounds", "unseen-counts", "unseen-pairs", "text"};

// One colour of each shape is held out of training.
bool is_unseen_pair(int color, int shape);

Scene sample_scene(Random& random, const SceneRules& rules, int width, int height);

// The ground truth with names in place of indices, and back; from_json throws Error naming `where`.
Json scene_to_json(const Scene& scene);
Scene scene_from_json(const Json& json, std::string_view where);

// A number in [0, count).
int pick(Random& random, std::size_t count);
template <typename List>
const auto& pick_of(Random& random, const List& list) {
  return list[static_cast<std::size_t>(pick(random, list.size()))];
}
bool chance(Random& random, double probability);
template <typename List>
void shuffle(Random& random, List& list) {
  for (std::size_t i = list.size(); i > 1; --i)
    std::swap(list[i - 1], list[static_cast<std::size_t>(pick(random, i))]);
}

}  // namespace artemis::lab

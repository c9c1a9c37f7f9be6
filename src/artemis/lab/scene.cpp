#include "artemis/lab/scene.h"

#include <algorithm>
#include <numbers>
#include <string>

#include "artemis/core/error.h"

namespace artemis::lab {
namespace {

// The colour of each shape, in the order of `shapes`, that training never shows.
constexpr std::array<int, shapes.size()> held_out_color{6, 4, 5, 0, 2, 3};

// Shares of a cell of the grid, which is a third of the picture's shorter side.
constexpr double small_radius[2] = {0.26, 0.31};
constexpr double large_radius[2] = {0.38, 0.44};
constexpr double place_jitter = 0.09;
constexpr double most_rotation = 20.0 / 180.0 * std::numbers::pi;

double between(Random& random, double low, double high) {
  return low + (high - low) * random.uniform_double();
}

SceneObject sample_object(Random& random, const SceneRules& rules, bool unseen) {
  SceneObject object;
  do {
    object.shape = pick(random, shapes.size());
    object.color = pick(random, colors.size());
  } while (is_unseen_pair(object.color, object.shape) ? !unseen && !rules.unseen_pairs
                                                      : unseen || !rules.seen_pairs);
  object.size = pick(random, sizes.size());
  if (chance(random, rules.textured)) object.texture = 1 + pick(random, textures.size() - 1);
  return object;
}

void put_in_place(Random& random, SceneObject& object, int place, int width, int height) {
  const double cell_width = width / 3.0;
  const double cell_height = height / 3.0;
  const double cell = std::min(cell_width, cell_height);
  object.place = place;
  object.x = (place % 3 + 0.5 + between(random, -place_jitter, place_jitter)) * cell_width;
  object.y = (place / 3 + 0.5 + between(random, -place_jitter, place_jitter)) * cell_height;
  const double* range = object.size == 0 ? small_radius : large_radius;
  object.radius = cell * between(random, range[0], range[1]);
  object.angle = between(random, -most_rotation, most_rotation);
}

template <typename Names>
int index_of(const Names& names, const Json& object, std::string_view key, std::string_view where) {
  const auto name = json_get<std::string>(object, key, where);
  const auto found = std::ranges::find(names, name);
  require(found != names.end(), where, "key '{}' is '{}', which is not one of the laboratory's words", key,
          name);
  return static_cast<int>(found - names.begin());
}

}  // namespace

int pick(Random& random, std::size_t count) { return static_cast<int>(random.below(count)); }

bool chance(Random& random, double probability) { return random.uniform_double() < probability; }

bool is_unseen_pair(int color, int shape) { return held_out_color[static_cast<std::size_t>(shape)] == color; }

SceneRules scene_set(std::string_view name) {
  SceneRules rules{.counts = {1, 2, 4}, .backgrounds = {0, 1, 2, 3}};
  if (name == "unseen-backgrounds") {
    rules.backgrounds = {4, 5};
  } else if (name == "unseen-counts") {
    rules.counts = {3, 5};
  } else if (name == "unseen-pairs") {
    rules.one_unseen_pair = true;
  } else if (name == "text") {
    rules = {.counts = {1, 2, 3, 4, 5}, .backgrounds = {0, 1, 2, 3, 4, 5}, .unseen_pairs = true};
  } else if (name != "train" && name != "validation") {
    throw UsageError("set",
                     fmt::format("'{}' is not known, expected one of {}", name, fmt::join(scene_sets, ", ")));
  }
  return rules;
}

Scene sample_scene(Random& random, const SceneRules& rules, int width, int height) {
  Scene scene{
      .width = width, .height = height, .background = pick_of(random, rules.backgrounds), .objects = {}};
  const int count = pick_of(random, rules.counts);
  std::array<int, places.size()> order{0, 1, 2, 3, 4, 5, 6, 7, 8};
  shuffle(random, order);
  const int unseen = rules.one_unseen_pair ? pick(random, static_cast<std::size_t>(count)) : -1;
  for (int i = 0; i < count; ++i) {
    SceneObject object = sample_object(random, rules, i == unseen);
    put_in_place(random, object, order[static_cast<std::size_t>(i)], width, height);
    scene.objects.push_back(object);
  }
  std::ranges::sort(scene.objects, {}, &SceneObject::place);
  return scene;
}

Json scene_to_json(const Scene& scene) {
  Json objects = Json::array();
  const auto rounded = [](double value) { return std::round(value * 100) / 100; };
  for (const SceneObject& object : scene.objects) {
    objects.push_back({{"shape", shapes[static_cast<std::size_t>(object.shape)]},
                       {"color", colors[static_cast<std::size_t>(object.color)]},
                       {"size", sizes[static_cast<std::size_t>(object.size)]},
                       {"texture", textures[static_cast<std::size_t>(object.texture)]},
                       {"place", places[static_cast<std::size_t>(object.place)]},
                       {"x", rounded(object.x)},
                       {"y", rounded(object.y)},
                       {"radius", rounded(object.radius)},
                       {"angle", rounded(object.angle)}});
  }
  return {{"width", scene.width},
          {"height", scene.height},
          {"background", backgrounds[static_cast<std::size_t>(scene.background)]},
          {"objects", std::move(objects)}};
}

Scene scene_from_json(const Json& json, std::string_view where) {
  Scene scene;
  scene.width = json_get<int>(json, "width", where);
  scene.height = json_get<int>(json, "height", where);
  scene.background = index_of(backgrounds, json, "background", where);
  for (const Json& item : json_get<Json>(json, "objects", where)) {
    scene.objects.push_back({.shape = index_of(shapes, item, "shape", where),
                             .color = index_of(colors, item, "color", where),
                             .size = index_of(sizes, item, "size", where),
                             .texture = index_of(textures, item, "texture", where),
                             .place = index_of(places, item, "place", where),
                             .x = json_get<double>(item, "x", where),
                             .y = json_get<double>(item, "y", where),
                             .radius = json_get<double>(item, "radius", where),
                             .angle = json_get<double>(item, "angle", where)});
  }
  return scene;
}

}  // namespace artemis::lab

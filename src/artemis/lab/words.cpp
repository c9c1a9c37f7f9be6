#include "artemis/lab/words.h"

#include <algorithm>

#include <optional>

namespace artemis::lab {
namespace {

std::string name_of(const auto& names, int index) {
  return std::string(names[static_cast<std::size_t>(index)]);
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string at_place(int place) { return "at the " + name_of(places, place); }

// "a large red circle at the top left, a small blue star at the center, and ..."
std::string object_list(const Scene& scene) {
  std::string list;
  const std::size_t count = scene.objects.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) list += i + 1 < count ? ", " : count > 2 ? ", and " : " and ";
    list += noun_phrase(scene.objects[i]) + " " + at_place(scene.objects[i].place);
  }
  return list;
}

std::string counted(std::size_t count) { return number_word(count) + (count == 1 ? " object" : " objects"); }

// The only object for which `same` holds, if there is one.
template <typename Same>
const SceneObject* only(const Scene& scene, Same same) {
  const SceneObject* found = nullptr;
  for (const SceneObject& object : scene.objects) {
    if (!same(object)) continue;
    if (found) return nullptr;
    found = &object;
  }
  return found;
}

bool only_of_its_pair(const Scene& scene, const SceneObject& object) {
  return only(scene, [&](const SceneObject& other) {
           return other.color == object.color && other.shape == object.shape;
         }) != nullptr;
}

QuestionAnswer ask_count(const Scene& scene, Random& random) {
  const std::array questions{"How many objects are there?", "How many objects do you see?"};
  return {"count", pick_of(random, questions), capitalised(number_word(scene.objects.size())) + "."};
}

QuestionAnswer ask_background(const Scene& scene, Random& random) {
  const std::array questions{"What is the background like?", "Which background is it?"};
  return {"background", pick_of(random, questions),
          capitalised(name_of(backgrounds, scene.background)) + "."};
}

std::optional<QuestionAnswer> ask_color(const Scene& scene, Random& random) {
  const SceneObject& object = pick_of(random, scene.objects);
  if (!only(scene, [&](const SceneObject& other) { return other.shape == object.shape; })) return {};
  return QuestionAnswer{"color", "What color is the " + name_of(shapes, object.shape) + "?",
                        capitalised(name_of(colors, object.color)) + "."};
}

std::optional<QuestionAnswer> ask_shape(const Scene& scene, Random& random) {
  const SceneObject& object = pick_of(random, scene.objects);
  if (!only(scene, [&](const SceneObject& other) { return other.color == object.color; })) return {};
  return QuestionAnswer{"shape", "What shape is the " + name_of(colors, object.color) + " object?",
                        capitalised(name_of(shapes, object.shape)) + "."};
}

std::optional<QuestionAnswer> ask_size(const Scene& scene, Random& random) {
  const SceneObject& object = pick_of(random, scene.objects);
  if (!only_of_its_pair(scene, object)) return {};
  return QuestionAnswer{"size", "How big is the " + pair_name(object) + "?",
                        capitalised(name_of(sizes, object.size)) + "."};
}

std::optional<QuestionAnswer> ask_place(const Scene& scene, Random& random) {
  const SceneObject& object = pick_of(random, scene.objects);
  if (!only_of_its_pair(scene, object)) return {};
  return QuestionAnswer{"place", "Where is the " + pair_name(object) + "?",
                        capitalised(at_place(object.place)) + "."};
}

QuestionAnswer ask_what(const Scene& scene, Random& random) {
  // Empty places are asked for too, but less often.
  const int place = chance(random, 0.75) ? pick_of(random, scene.objects).place : pick(random, places.size());
  const auto found = std::ranges::find(scene.objects, place, &SceneObject::place);
  return {"what", "What is " + at_place(place) + "?",
          found == scene.objects.end() ? "Nothing." : capitalised(noun_phrase(*found)) + "."};
}

QuestionAnswer ask_exists(const Scene& scene, Random& random) {
  SceneObject object = pick_of(random, scene.objects);
  if (chance(random, 0.5)) {
    if (chance(random, 0.5)) {
      object.color = pick(random, colors.size());
    } else {
      object.shape = pick(random, shapes.size());
    }
  }
  const bool there = std::ranges::any_of(scene.objects, [&](const SceneObject& other) {
    return other.color == object.color && other.shape == object.shape;
  });
  const std::string name = pair_name(object);
  return {"exists", "Is there " + std::string(name[0] == 'o' ? "an " : "a ") + name + "?",
          there ? "Yes." : "No."};
}

std::optional<QuestionAnswer> ask_relation(const Scene& scene, Random& random) {
  if (scene.objects.size() < 2) return {};
  const SceneObject& one = pick_of(random, scene.objects);
  const SceneObject& other = pick_of(random, scene.objects);
  if (one.place == other.place || !only_of_its_pair(scene, one) || !only_of_its_pair(scene, other)) return {};
  const int columns = one.place % 3 - other.place % 3;
  const int rows = one.place / 3 - other.place / 3;
  const bool sideways = rows == 0 || (columns != 0 && chance(random, 0.5));
  const int difference = sideways ? columns : rows;
  const bool asks_less = chance(random, 0.5);
  const std::string relation =
      sideways ? (asks_less ? "left of" : "right of") : (asks_less ? "above" : "below");
  return QuestionAnswer{"relation",
                        "Is the " + pair_name(one) + " " + relation + " the " + pair_name(other) + "?",
                        (difference < 0) == asks_less ? "Yes." : "No."};
}

}  // namespace

std::string number_word(std::size_t number) {
  static constexpr std::array words{"zero", "one", "two",   "three", "four",
                                    "five", "six", "seven", "eight", "nine"};
  return words.at(number);
}

std::string pair_name(const SceneObject& object) {
  return name_of(colors, object.color) + " " + name_of(shapes, object.shape);
}

std::string noun_phrase(const SceneObject& object) {
  const std::string texture = object.texture == 0 ? "" : name_of(textures, object.texture) + " ";
  return "a " + name_of(sizes, object.size) + " " + texture + pair_name(object);
}

std::string describe(const Scene& scene, int style) {
  const std::string count = counted(scene.objects.size());
  const std::string list = object_list(scene);
  const std::string background = name_of(backgrounds, scene.background);
  switch (style) {
    case 0:
      return capitalised(count) + " on a " + background + " background: " + list + ".";
    case 1:
      return "On a " + background + " background there " + (scene.objects.size() == 1 ? "is " : "are ") +
             count + ": " + list + ".";
    case 2:
      return "There " + std::string(scene.objects.size() == 1 ? "is " : "are ") + count + ": " + list +
             ". The background is " + background + ".";
    default:
      return capitalised(list) + ": " + count + " on a " + background + " background.";
  }
}

std::string describe(const Scene& scene, Random& random) {
  return describe(scene, pick(random, caption_styles));
}

QuestionAnswer ask(const Scene& scene, Random& random) {
  for (;;) {
    std::optional<QuestionAnswer> asked;
    switch (pick(random, 10)) {
      case 0:
        asked = ask_count(scene, random);
        break;
      case 1:
        asked = ask_background(scene, random);
        break;
      case 2:
        asked = ask_color(scene, random);
        break;
      case 3:
        asked = ask_shape(scene, random);
        break;
      case 4:
        asked = ask_size(scene, random);
        break;
      case 5:
        asked = ask_place(scene, random);
        break;
      case 6:
      case 7:
        asked = ask_what(scene, random);
        break;
      case 8:
        asked = ask_exists(scene, random);
        break;
      default:
        asked = ask_relation(scene, random);
        break;
    }
    if (asked) return *asked;
  }
}

}  // namespace artemis::lab

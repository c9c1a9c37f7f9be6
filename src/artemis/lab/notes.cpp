#include "artemis/lab/notes.h"

#include <algorithm>

namespace artemis::lab {
namespace {

constexpr int slots_a_side = 4;
constexpr std::size_t slots = slots_a_side * slots_a_side;
using Slots = std::array<std::string, slots>;

std::string word(const auto& names, int index) { return std::string(names[static_cast<std::size_t>(index)]); }

// Puts the slots between two marks; which ones says nothing.
std::string enclosed(const Slots& filled, Random& random) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> marks{
      {{"<", ">"}, {"{", "}"}, {"[", "]"}, {"(", ")"}}};
  const auto& [open, close] = pick_of(random, marks);
  std::string text(open);
  for (const std::string& slot : filled) text += " " + slot;
  return text + " " + std::string(close);
}

// Fills what is empty: with marks that say nothing, or with the background; the background stands somewhere.
void fill_empty(Slots& filled, const Scene& scene, Random& random) {
  static constexpr std::array<std::string_view, 3> nothing{"_", ".", "~"};
  const std::string background = word(backgrounds, scene.background);
  const double share = pick_of(random, std::array{0.1, 0.4, 1.0});
  const bool one_mark = chance(random, 0.5);
  const std::string_view mark = pick_of(random, nothing);
  std::vector<std::size_t> empty;
  for (std::size_t i = 0; i < slots; ++i) {
    if (filled[i].empty()) empty.push_back(i);
  }
  const std::size_t sure = empty.empty() ? 0 : pick_of(random, empty);
  for (const std::size_t i : empty) {
    filled[i] = i == sure || chance(random, share) ? background
                : one_mark                         ? std::string(mark)
                                                   : std::string(pick_of(random, nothing));
  }
}

std::string list_notes(const Scene& scene, Random& random) {
  std::vector<SceneObject> objects = scene.objects;
  shuffle(random, objects);
  std::string text = "notes :";
  const bool background_first = chance(random, 0.5);
  if (background_first) text += " " + word(backgrounds, scene.background) + " ,";
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::array<std::string, 4> words{word(colors, objects[i].color), word(shapes, objects[i].shape),
                                     word(sizes, objects[i].size), word(places, objects[i].place)};
    shuffle(random, words);
    if (i > 0) text += " ,";
    for (const std::string& item : words) text += " " + item;
  }
  if (!background_first) text += " , " + word(backgrounds, scene.background);
  return text + " .";
}

// The words of each object one after the other, in as many slots as they need, with gaps between objects.
std::string word_notes(const Scene& scene, Random& random) {
  Slots filled;
  std::size_t spare = slots - 1 - scene.objects.size() * 3;  // one is kept for the background
  std::size_t at = 0;
  for (const SceneObject& object : scene.objects) {
    std::vector<std::string> words{word(colors, object.color), word(shapes, object.shape),
                                   word(sizes, object.size)};
    // The place as one word, where there is room for it.
    std::string place = word(places, object.place);
    std::ranges::replace(place, ' ', '+');
    if (spare > 0) {
      words.push_back(place);
      --spare;
    }
    shuffle(random, words);
    for (std::string& item : words) filled[at++] = std::move(item);
    if (spare > 0 && chance(random, 0.6)) {
      ++at;
      --spare;
    }
  }
  fill_empty(filled, scene, random);
  return enclosed(filled, random);
}

// How much of a slot's square the object's circle covers, 0 to 1.
double coverage(const Scene& scene, const SceneObject& object, std::size_t slot) {
  constexpr int samples = 8;
  const double width = static_cast<double>(scene.width) / slots_a_side;
  const double height = static_cast<double>(scene.height) / slots_a_side;
  int inside = 0;
  for (int i = 0; i < samples * samples; ++i) {
    const double x =
        (static_cast<double>(slot % slots_a_side) + (i % samples + 0.5) / samples) * width - object.x;
    const double y =
        (static_cast<double>(slot / slots_a_side) + (i / samples + 0.5) / samples) * height - object.y;
    inside += x * x + y * y < object.radius * object.radius ? 1 : 0;
  }
  return static_cast<double>(inside) / (samples * samples);
}

struct Attributes {
  bool size;
  bool color;
  bool shape;
};

std::string compound(const SceneObject& object, const Attributes& which) {
  std::string text;
  const auto add = [&](bool wanted, const std::string& item) {
    if (wanted) text += (text.empty() ? "" : "+") + item;
  };
  add(which.size, word(sizes, object.size));
  add(which.color, word(colors, object.color));
  add(which.shape, word(shapes, object.shape));
  return text;
}

Attributes some_attributes(Random& random) {
  static constexpr std::array<Attributes, 10> choices{{{true, true, true},
                                                       {true, true, true},
                                                       {true, true, true},
                                                       {false, true, true},
                                                       {false, true, true},
                                                       {true, true, false},
                                                       {true, false, true},
                                                       {false, true, false},
                                                       {false, false, true},
                                                       {true, false, false}}};
  return pick_of(random, choices);
}

// Every object gets the slots that it covers most of all objects; what the slots of one object leave out, its
// best slot says.
std::string compound_notes(const Scene& scene, Random& random) {
  constexpr double least_coverage = 0.10;
  std::array<int, slots> owner;
  owner.fill(-1);
  for (std::size_t slot = 0; slot < slots; ++slot) {
    double most = least_coverage;
    for (std::size_t i = 0; i < scene.objects.size(); ++i) {
      const double covered = coverage(scene, scene.objects[i], slot);
      if (covered <= most) continue;
      most = covered;
      owner[slot] = static_cast<int>(i);
    }
  }
  Slots filled;
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    const SceneObject& object = scene.objects[i];
    Attributes said{false, false, false};
    std::size_t best = slots;
    double most = 0;
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (owner[slot] != static_cast<int>(i)) continue;
      const Attributes which = some_attributes(random);
      filled[slot] = compound(object, which);
      said = {said.size || which.size, said.color || which.color, said.shape || which.shape};
      const double covered = coverage(scene, object, slot);
      if (covered <= most) continue;
      most = covered;
      best = slot;
    }
    if (best < slots && !(said.size && said.color && said.shape))
      filled[best] = compound(object, {true, true, true});
  }
  fill_empty(filled, scene, random);
  return enclosed(filled, random);
}

}  // namespace

std::string write_notes(const Scene& scene, NoteForm form, Random& random) {
  switch (form) {
    case NoteForm::list:
      return list_notes(scene, random);
    case NoteForm::words:
      return word_notes(scene, random);
    case NoteForm::compounds:
      break;
  }
  return compound_notes(scene, random);
}

}  // namespace artemis::lab

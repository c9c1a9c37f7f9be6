#include "artemis/lab/grade.h"

#include <algorithm>
#include <string>

#include "artemis/lab/words.h"

namespace artemis::lab {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool letter = small >= 'a' && small <= 'z';
    if (letter && !inside) words.emplace_back();
    if (letter) words.back() += small;
    inside = letter;
  }
  return words;
}

int index_in(const auto& names, const std::string& word) {
  const auto found = std::ranges::find(names, word);
  return found == names.end() ? -1 : static_cast<int>(found - names.begin());
}

struct Mention {
  int color;
  int shape;
  int place = -1;
  bool used = false;
};

// The place that the words from `at` name, the longer name first; -1 for none.
int place_at(const std::vector<std::string>& words, std::size_t at) {
  if (at >= words.size()) return -1;
  if (at + 1 < words.size()) {
    const int two = index_in(places, words[at] + " " + words[at + 1]);
    if (two >= 0) return two;
  }
  return index_in(places, words[at]);
}

struct Reading {
  std::vector<Mention> mentions;
  std::size_t number = 0;
};

// "... red circle at the top left ...": a colour before a shape is a mention, "the PLACE" after it its place.
Reading read(std::string_view caption) {
  const std::vector<std::string> words = words_of(caption);
  Reading reading;
  bool numbered = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const int shape = index_in(shapes, words[i]);
    if (shape >= 0 && i > 0) {
      const int color = index_in(colors, words[i - 1]);
      if (color >= 0) reading.mentions.push_back({.color = color, .shape = shape});
    } else if (words[i] == "the" && !reading.mentions.empty() && reading.mentions.back().place < 0) {
      reading.mentions.back().place = place_at(words, i + 1);
    } else if (words[i].starts_with("object") && i > 0 && !numbered) {
      for (std::size_t n = 0; n <= 9; ++n) {
        if (words[i - 1] != number_word(n)) continue;
        reading.number = n;
        numbered = true;
      }
    }
  }
  if (!numbered) reading.number = reading.mentions.size();
  return reading;
}

Mention* take(std::vector<Mention>& mentions, const SceneObject& object) {
  Mention* best = nullptr;
  for (Mention& mention : mentions) {
    if (mention.used || mention.color != object.color || mention.shape != object.shape) continue;
    // Of two alike, the one that stands where the object does.
    if (!best || (best->place != object.place && mention.place == object.place)) best = &mention;
  }
  if (best) best->used = true;
  return best;
}

// True objects whose attribute is named, each mention counting once.
std::int64_t named(const Scene& scene, const std::vector<Mention>& mentions, int SceneObject::*truth,
                   int Mention::*said) {
  std::vector<int> left;
  for (const Mention& mention : mentions) left.push_back(mention.*said);
  std::int64_t count = 0;
  for (const SceneObject& object : scene.objects) {
    const auto found = std::ranges::find(left, object.*truth);
    if (found == left.end()) continue;
    left.erase(found);
    ++count;
  }
  return count;
}

int sign(int value) { return (value > 0) - (value < 0); }

bool same_relation(int true_one, int true_other, int said_one, int said_other) {
  return sign(true_one % 3 - true_other % 3) == sign(said_one % 3 - said_other % 3) &&
         sign(true_one / 3 - true_other / 3) == sign(said_one / 3 - said_other / 3);
}

}  // namespace

Grade& Grade::operator+=(const Grade& other) {
  captions += other.captions;
  objects += other.objects;
  pairs += other.pairs;
  colors += other.colors;
  shapes += other.shapes;
  unseen_objects += other.unseen_objects;
  unseen_pairs += other.unseen_pairs;
  counts += other.counts;
  relations += other.relations;
  right_relations += other.right_relations;
  return *this;
}

Json Grade::to_json() const {
  Json json{{"captions", captions}, {"objects", objects}};
  const auto share = [&](const char* name, std::int64_t right, std::int64_t asked) {
    if (asked > 0) json[name] = static_cast<double>(right) / static_cast<double>(asked);
  };
  share("pair", pairs, objects);
  share("color", colors, objects);
  share("shape", shapes, objects);
  share("unseen_pair", unseen_pairs, unseen_objects);
  share("count", counts, captions);
  share("relation", right_relations, relations);
  return json;
}

Grade grade_caption(const Scene& scene, std::string_view caption) {
  Reading reading = read(caption);
  Grade grade{.captions = 1, .objects = static_cast<std::int64_t>(scene.objects.size())};
  grade.counts = reading.number == scene.objects.size() ? 1 : 0;
  grade.colors = named(scene, reading.mentions, &SceneObject::color, &Mention::color);
  grade.shapes = named(scene, reading.mentions, &SceneObject::shape, &Mention::shape);
  struct Placed {
    int truth;
    int said;
  };
  std::vector<Placed> placed;
  for (const SceneObject& object : scene.objects) {
    const bool unseen = is_unseen_pair(object.color, object.shape);
    const Mention* mention = take(reading.mentions, object);
    grade.unseen_objects += unseen ? 1 : 0;
    if (!mention) continue;
    ++grade.pairs;
    grade.unseen_pairs += unseen ? 1 : 0;
    if (mention->place >= 0) placed.push_back({object.place, mention->place});
  }
  for (std::size_t i = 0; i < placed.size(); ++i) {
    for (std::size_t j = i + 1; j < placed.size(); ++j) {
      ++grade.relations;
      grade.right_relations +=
          same_relation(placed[i].truth, placed[j].truth, placed[i].said, placed[j].said) ? 1 : 0;
    }
  }
  return grade;
}

}  // namespace artemis::lab

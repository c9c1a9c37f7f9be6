// Captions and their grades, questions and their answers, notes, and the rows of the text corpus.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "artemis/lab/grade.h"
#include "artemis/lab/notes.h"
#include "artemis/lab/rows.h"
#include "artemis/lab/words.h"

namespace artemis::lab {
namespace {

Scene scene_number(std::uint64_t index, std::string_view set = "text") {
  Random random(17, index);
  return sample_scene(random, scene_set(set), 128, 128);
}

template <typename Names>
std::string name(const Names& names, int index) {
  return std::string(names.at(static_cast<std::size_t>(index)));
}

SceneObject object_of(std::string_view color, std::string_view shape, std::string_view place) {
  const auto index = [](const auto& names, std::string_view word) {
    return static_cast<int>(std::ranges::find(names, word) - names.begin());
  };
  return {.shape = index(shapes, shape), .color = index(colors, color), .place = index(places, place)};
}

Scene two_objects() {
  return {.width = 128,
          .height = 128,
          .objects = {object_of("red", "circle", "top left"), object_of("blue", "star", "bottom right")}};
}

// pairs, colours, shapes, counts, relations, right relations
using Figures = std::array<std::int64_t, 6>;
Figures figures(const Grade& grade) {
  return {grade.pairs, grade.colors, grade.shapes, grade.counts, grade.relations, grade.right_relations};
}
Figures grade_of(const Scene& scene, std::string_view caption) {
  return figures(grade_caption(scene, caption));
}

// ---- grades

TEST(Grades, EveryStyleOfTheOwnCaptionIsAllRight) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    Scene scene = scene_number(i);
    if (i % 2 == 1) scene.objects[0].texture = 1;
    const auto count = static_cast<std::int64_t>(scene.objects.size());
    const std::int64_t relations = count * (count - 1) / 2;
    for (int style = 0; style < caption_styles; ++style) {
      const std::string caption = describe(scene, style);
      const Grade grade = grade_caption(scene, caption);
      EXPECT_EQ(figures(grade), (Figures{count, count, count, 1, relations, relations})) << caption;
      EXPECT_EQ(grade.objects, count);
      EXPECT_EQ(grade.unseen_pairs, grade.unseen_objects);
    }
  }
}

TEST(Grades, EachMistakeLowersItsOwnFigure) {
  const Scene scene = two_objects();
  EXPECT_EQ(grade_of(scene,
                     "Two objects on a dark background: a small red circle at the top left and a small blue "
                     "star at the bottom right."),
            (Figures{2, 2, 2, 1, 1, 1}));
  // A wrong colour or shape: the object is no longer named as a pair, so it stands in no relation either.
  EXPECT_EQ(
      grade_of(scene, "Two objects: a green circle at the top left and a blue star at the bottom right."),
      (Figures{1, 1, 2, 1, 0, 0}));
  EXPECT_EQ(grade_of(scene, "Two objects: a red square at the top left and a blue star at the bottom right."),
            (Figures{1, 2, 1, 1, 0, 0}));
  EXPECT_EQ(
      grade_of(scene, "Three objects: a red circle at the top left and a blue star at the bottom right."),
      (Figures{2, 2, 2, 0, 1, 1}));
  EXPECT_EQ(grade_of(scene, "Two objects: a red circle at the right and a blue star at the bottom."),
            (Figures{2, 2, 2, 1, 1, 0}));
  // Colours and shapes that change partners are all named, but no pair is.
  EXPECT_EQ(grade_of(scene, "Two objects: a blue circle at the top left and a red star at the bottom right."),
            (Figures{0, 2, 2, 1, 0, 0}));
}

TEST(Grades, OneMentionNamesOneObject) {
  Scene scene = two_objects();
  scene.objects[1] = object_of("red", "circle", "bottom");
  EXPECT_EQ(grade_of(scene, "a red circle at the top left."), (Figures{1, 1, 1, 0, 0, 0}));
  EXPECT_EQ(grade_of(scene, "a red circle at the top left and a red circle at the bottom."),
            (Figures{2, 2, 2, 1, 1, 1}));
  // Of two alike, the mention that stands where the object does is taken, in any order.
  EXPECT_EQ(grade_of(scene, "a red circle at the bottom and a red circle at the top left."),
            (Figures{2, 2, 2, 1, 1, 1}));
  scene.objects.pop_back();
  EXPECT_EQ(grade_of(scene, "red circle, red circle, red circle"), (Figures{1, 1, 1, 0, 0, 0}));
}

TEST(Grades, UnseenPairsAreCountedApart) {
  Random random(3);
  const Scene scene = sample_scene(random, scene_set("unseen-pairs"), 128, 128);
  const Grade right = grade_caption(scene, describe(scene, 0));
  EXPECT_EQ(right.unseen_objects, 1);
  EXPECT_EQ(right.unseen_pairs, 1);
  const Grade silent = grade_caption(scene, "nothing");
  EXPECT_EQ(silent.unseen_objects, 1);
  EXPECT_EQ(silent.unseen_pairs, 0);
}

TEST(Grades, SumsAndShares) {
  const Scene scene = two_objects();
  Grade sum = grade_caption(scene, describe(scene, 0));
  sum += grade_caption(scene, "One object: a red circle at the top left.");
  const Json json = sum.to_json();
  EXPECT_EQ(json["captions"], 2);
  EXPECT_EQ(json["pair"], 0.75);
  EXPECT_EQ(json["count"], 0.5);
  EXPECT_EQ(json["relation"], 1.0);
  EXPECT_FALSE(json.contains("unseen_pair"));  // not asked
}

TEST(Grades, HostileCaptions) {
  const Scene scene = two_objects();
  std::string megabyte;
  while (megabyte.size() < (std::size_t{1} << 20)) megabyte += "red circle the top the ";
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(i * 7);
  for (const std::string_view caption :
       {"", " ", "circle", "the", "the the the", "objects", "red", "red the"})
    EXPECT_EQ(grade_caption(scene, caption).pairs, 0) << caption;
  EXPECT_EQ(grade_of(scene, megabyte), (Figures{1, 1, 1, 0, 0, 0}));
  EXPECT_EQ(grade_caption(scene, bytes).pairs, 0);
  EXPECT_EQ(grade_caption(scene, std::string(std::size_t{1} << 20, 'a')).pairs, 0);
  EXPECT_EQ(grade_caption({}, "a red circle").objects, 0);
}

// ---- questions: the answer again, from the truth and the question's words alone

std::string answer_word(std::string answer) {  // "At the top left." -> "at the top left"
  EXPECT_TRUE(answer.ends_with('.')) << answer;
  answer.pop_back();
  answer[0] = static_cast<char>(std::tolower(answer[0]));
  return answer;
}

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t start = text.find(before);
  EXPECT_NE(start, std::string::npos) << text;
  const std::size_t from = start + before.size();
  const std::size_t end = text.find(after, from);
  EXPECT_NE(end, std::string::npos) << text;
  return text.substr(from, end - from);
}

std::string color_and_shape(const SceneObject& object) {
  return name(colors, object.color) + " " + name(shapes, object.shape);
}

// The one object that `same` holds for; a question on two would have no answer.
template <typename Same>
SceneObject sole(const Scene& scene, Same same) {
  EXPECT_EQ(std::ranges::count_if(scene.objects, same), 1);
  return *std::ranges::find_if(scene.objects, same);
}

SceneObject sole_pair(const Scene& scene, const std::string& pair) {
  return sole(scene, [&](const SceneObject& object) { return color_and_shape(object) == pair; });
}

std::string what_stands_there(const Scene& scene, const std::string& place) {
  for (const SceneObject& object : scene.objects) {
    if (name(places, object.place) == place)
      return "a " + name(sizes, object.size) + " " + color_and_shape(object);
  }
  return "nothing";
}

std::string stand_so(const Scene& scene, const std::string& question) {
  static const std::map<std::string, std::pair<int, int>> directions{{" left of the ", {-1, 0}},
                                                                     {" right of the ", {1, 0}},
                                                                     {" above the ", {0, -1}},
                                                                     {" below the ", {0, 1}}};
  for (const auto& [words, direction] : directions) {
    if (question.find(words) == std::string::npos) continue;
    const SceneObject one = sole_pair(scene, between(question, "Is the ", words));
    const SceneObject other = sole_pair(scene, between(question, words, "?"));
    const int along = direction.first * (one.place % 3 - other.place % 3) +
                      direction.second * (one.place / 3 - other.place / 3);
    EXPECT_NE(along, 0) << question;  // neither yes nor no would be right
    return along > 0 ? "yes" : "no";
  }
  return "no direction in: " + question;
}

std::string expected_answer(const Scene& scene, const QuestionAnswer& asked) {
  static const std::array<std::string, 6> numbers{"zero", "one", "two", "three", "four", "five"};
  const std::string& question = asked.question;
  if (asked.kind == "count") return numbers.at(scene.objects.size());
  if (asked.kind == "background") return name(backgrounds, scene.background);
  if (asked.kind == "color") {
    const std::string shape = between(question, "What color is the ", "?");
    return name(colors,
                sole(scene, [&](const SceneObject& o) { return name(shapes, o.shape) == shape; }).color);
  }
  if (asked.kind == "shape") {
    const std::string color = between(question, "What shape is the ", " object?");
    return name(shapes,
                sole(scene, [&](const SceneObject& o) { return name(colors, o.color) == color; }).shape);
  }
  if (asked.kind == "size")
    return name(sizes, sole_pair(scene, between(question, "How big is the ", "?")).size);
  if (asked.kind == "place")
    return "at the " + name(places, sole_pair(scene, between(question, "Where is the ", "?")).place);
  if (asked.kind == "what") return what_stands_there(scene, between(question, "What is at the ", "?"));
  if (asked.kind == "relation") return stand_so(scene, question);
  EXPECT_EQ(asked.kind, "exists");
  const std::string pair =
      between(question, question.find(" an ") != std::string::npos ? "there an " : "there a ", "?");
  return std::ranges::any_of(scene.objects, [&](const SceneObject& o) { return color_and_shape(o) == pair; })
             ? "yes"
             : "no";
}

TEST(Questions, EveryAnswerIsRight) {
  std::map<std::string, std::map<std::string, int>> answers;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Scene scene = scene_number(i);
    Random random(23, i);
    const QuestionAnswer asked = ask(scene, random);
    const std::string answer = answer_word(asked.answer);
    EXPECT_EQ(answer, expected_answer(scene, asked)) << asked.question << "\n" << describe(scene, 0);
    ++answers[asked.kind][answer];
  }
  std::set<std::string> kinds;
  for (const auto& [kind, counts] : answers) kinds.insert(kind);
  EXPECT_EQ(kinds, (std::set<std::string>{"background", "color", "count", "exists", "place", "relation",
                                          "shape", "size", "what"}));
  // Neither yes nor no is the answer to everything.
  for (const auto* kind : {"exists", "relation"}) {
    const double yes = answers[kind]["yes"];
    EXPECT_NEAR(yes / (yes + answers[kind]["no"]), 0.5, 0.2) << kind;
  }
  EXPECT_GT(answers["what"]["nothing"], 20);
}

// ---- notes

std::vector<std::string> split(const std::string& text, char mark) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, mark);) parts.push_back(part);
  return parts;
}

using Facts = std::set<std::string>;
Facts facts_of(const SceneObject& object) {
  return {name(sizes, object.size), name(colors, object.color), name(shapes, object.shape)};
}

TEST(Notes, ListsNameEveryObjectAndTheBackground) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Scene scene = scene_number(i);
    Random random(29, i);
    const std::string notes = write_notes(scene, NoteForm::list, random);
    ASSERT_TRUE(notes.starts_with("notes : ") && notes.ends_with(" .")) << notes;
    std::multiset<std::multiset<std::string>> seen;
    std::multiset<std::multiset<std::string>> expected{{name(backgrounds, scene.background)}};
    const auto words_of = [](const std::string& text) {
      std::istringstream stream(text);
      return std::multiset<std::string>(std::istream_iterator<std::string>(stream), {});
    };
    for (const std::string& part : split(notes.substr(8, notes.size() - 10), ','))
      seen.insert(words_of(part));
    for (const SceneObject& object : scene.objects) {
      std::multiset<std::string> words = words_of(name(places, object.place));
      for (const std::string& word : facts_of(object)) words.insert(word);
      expected.insert(words);
    }
    EXPECT_EQ(seen, expected) << notes;
  }
}

// The sixteen slots of notes between two marks.
std::vector<std::string> slots_of(const std::string& notes) {
  std::istringstream stream(notes);
  std::vector<std::string> words(std::istream_iterator<std::string>(stream), {});
  EXPECT_EQ(words.size(), 18u) << notes;
  return {words.begin() + 1, words.end() - 1};
}

bool says_nothing(const std::string& slot, const Scene& scene) {
  return slot == "_" || slot == "." || slot == "~" || slot == name(backgrounds, scene.background);
}

TEST(Notes, WordsFillSixteenSlots) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Scene scene = scene_number(i);
    if (scene.objects.size() > 3) continue;
    Random random(31, i);
    const std::string notes = write_notes(scene, NoteForm::words, random);
    const std::vector<std::string> slots = slots_of(notes);
    EXPECT_TRUE(std::ranges::count(slots, name(backgrounds, scene.background))) << notes;
    std::multiset<std::string> seen(slots.begin(), slots.end());
    std::multiset<std::string> missing;
    for (const SceneObject& object : scene.objects) {
      for (const std::string& fact : facts_of(object)) {
        const auto found = seen.find(fact);
        if (found == seen.end())
          missing.insert(fact);
        else
          seen.erase(found);
      }
    }
    EXPECT_TRUE(missing.empty()) << notes;
  }
}

// The slot under an object's centre, and all slots that its circle reaches, say of it what is to be said.
TEST(Notes, CompoundsOfAnObjectNameItWhole) {
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Scene scene = scene_number(i);
    Random random(37, i);
    const std::string notes = write_notes(scene, NoteForm::compounds, random);
    const std::vector<std::string> slots = slots_of(notes);
    EXPECT_TRUE(std::ranges::count(slots, name(backgrounds, scene.background))) << notes;
    for (const SceneObject& object : scene.objects) {
      Facts said;
      for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        if (says_nothing(slots[slot], scene)) continue;
        const double left = static_cast<double>(slot % 4) * 32;
        const double top = static_cast<double>(slot / 4) * 32;
        const double dx = object.x - std::clamp(object.x, left, left + 32);
        const double dy = object.y - std::clamp(object.y, top, top + 32);
        if (dx * dx + dy * dy > object.radius * object.radius) continue;
        const std::vector<std::string> words = split(slots[slot], '+');
        const Facts facts = facts_of(object);
        if (std::ranges::all_of(words, [&](const std::string& word) { return facts.contains(word); }))
          said.insert(words.begin(), words.end());
      }
      EXPECT_EQ(said, facts_of(object)) << notes << "\n" << describe(scene, 0);
    }
  }
}

// ---- the text corpus

TEST(TextRows, AreAFunctionOfSeedAndIndex) {
  std::set<std::string> rows;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const std::string row = text_row(1, i).dump();
    EXPECT_EQ(row, text_row(1, i).dump());
    EXPECT_NE(row, text_row(2, i).dump());
    rows.insert(row);
  }
  EXPECT_GT(rows.size(), 480u);  // short sums come again
}

// Whether some slot holds several attributes; "top+left" is one word.
bool has_compound(std::string text) {
  for (const std::string place : {"top+left", "top+right", "bottom+left", "bottom+right"}) {
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place))
      text.erase(at, place.size());
  }
  return text.find('+') != std::string::npos;
}

// Lists 23 %, words 14 % (scenes of four and five become compounds), no notes 8 %.
TEST(TextRows, MixTheirKinds) {
  constexpr int count = 4000;
  int lists = 0;
  int slots = 0;
  int compounds = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Json messages = text_row(1, i);
    ASSERT_EQ(messages.back()["role"], "assistant");
    EXPECT_FALSE(messages.back()["content"].get<std::string>().empty());
    const std::string asked = messages[messages.size() - 2]["content"].get<std::string>();
    if (asked.starts_with("notes : ")) ++lists;
    if (std::string("<{[(").find(asked[0]) != std::string::npos) {
      ++slots;
      if (has_compound(asked)) ++compounds;
    }
  }
  EXPECT_NEAR(lists, 0.23 * count, 0.03 * count);
  EXPECT_NEAR(slots, 0.69 * count, 0.03 * count);
  EXPECT_NEAR(compounds, (0.55 + 0.14 * 0.4) * count, 0.04 * count);
}

}  // namespace
}  // namespace artemis::lab

#include "artemis/lab/notes.h"
#include "artemis/lab/rows.h"
#include "artemis/lab/words.h"

namespace artemis::lab {
namespace {

// Shares of the corpus, in percent; what is left are the rows without notes.
constexpr int list_share = 23;
constexpr int word_share = 14;
constexpr int compound_share = 55;
// The most objects whose words and places all fit into 16 slots.
constexpr std::size_t most_in_words = 3;
constexpr int side = 128;

constexpr std::array<std::string_view, 6> describe_tasks{"Describe this image.", "Describe this image.",
                                                         "Describe this image.", "Describe the picture.",
                                                         "What do you see?",     "Describe the scene."};

Json message(const char* role, std::string content) {
  return {{"role", role}, {"content", std::move(content)}};
}

Json exchange(std::string question, std::string answer) {
  return Json::array({message("user", std::move(question)), message("assistant", std::move(answer))});
}

std::string plain_list(const Scene& scene) {
  std::string list;
  for (const SceneObject& object : scene.objects) {
    list += (list.empty() ? "" : ", ") + noun_phrase(object).substr(2);
  }
  return list + ".";
}

std::string with_thought(const std::string& thought, const std::string& answer) {
  return "<think>\n" + thought + "\n</think>\n\n" + answer;
}

std::string sentence(std::string text) {
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

// How many objects are large, with the objects gone through one after the other.
Json reasoned_count(const std::string& notes, const Scene& scene, Random& random) {
  const int size = pick(random, sizes.size());
  const std::string size_name(sizes[static_cast<std::size_t>(size)]);
  std::string thought;
  std::size_t count = 0;
  for (const SceneObject& object : scene.objects) {
    count += object.size == size ? 1 : 0;
    thought += (thought.empty() ? "" : " ") + pair_name(object) + ": " +
               (object.size == size ? "yes, " : "no, ") + number_word(count) + ".";
  }
  return exchange(notes + "How many " + size_name + " objects are there? Think first.",
                  with_thought(thought, sentence(number_word(count))));
}

Json tool_call(const std::string& notes, const Scene& scene, Random& random) {
  const SceneObject& object = pick_of(random, scene.objects);
  Json messages = exchange(notes + "Look closer at the " + pair_name(object) + ".",
                           "<tool_call>\n<function=zoom>\n<parameter=place>\n" +
                               std::string(places[static_cast<std::size_t>(object.place)]) +
                               "\n</parameter>\n</function>\n</tool_call>");
  messages.insert(messages.begin(), message("system", "Tools: zoom (place)."));
  return messages;
}

Json sum(Random& random) {
  const auto one = static_cast<std::size_t>(pick(random, 5));
  const auto other = static_cast<std::size_t>(pick(random, 5));
  return exchange("What is " + number_word(one) + " plus " + number_word(other) + "?",
                  sentence(number_word(one + other)));
}

// Rows without notes, each of a kind of its own.
Json other_row(const Scene& scene, Random& random) {
  switch (pick(random, 4)) {
    case 0:
      return exchange("List the objects: " + describe(scene, random), plain_list(scene));
    case 1: {
      const QuestionAnswer asked = ask(scene, random);
      return exchange(describe(scene, random) + " " + asked.question, asked.answer);
    }
    case 2:
      return exchange("Make up a scene with " + number_word(scene.objects.size()) + " of them.",
                      describe(scene, random));
    default:
      return sum(random);
  }
}

Json task_on_notes(const std::string& notes, const Scene& scene, Random& random) {
  const int task = pick(random, 100);
  if (task < 58)
    return exchange(notes + std::string(pick_of(random, describe_tasks)), describe(scene, random));
  if (task < 92) {
    const QuestionAnswer asked = ask(scene, random);
    return exchange(notes + asked.question, asked.answer);
  }
  if (task < 95) return exchange(notes + "List the objects.", plain_list(scene));
  if (task < 98) return reasoned_count(notes, scene, random);
  return tool_call(notes, scene, random);
}

}  // namespace

Json text_row(std::uint64_t seed, std::uint64_t index) {
  Random random(seed, index);
  const Scene scene = sample_scene(random, scene_set("text"), side, side);
  const int kind = pick(random, 100);
  if (kind >= list_share + word_share + compound_share) return other_row(scene, random);
  NoteForm form = NoteForm::compounds;
  if (kind < list_share) {
    form = NoteForm::list;
  } else if (kind < list_share + word_share && scene.objects.size() <= most_in_words) {
    form = NoteForm::words;
  }
  // What parts notes and task says nothing.
  static constexpr std::array<std::string_view, 3> gaps{"", "\n", " "};
  return task_on_notes(write_notes(scene, form, random) + std::string(pick_of(random, gaps)), scene, random);
}

}  // namespace artemis::lab

// What is said of a scene: captions, questions and their answers.
#pragma once

#include <string>

#include "artemis/lab/scene.h"

namespace artemis::lab {

inline constexpr int caption_styles = 4;

// Every object with its attributes and place, how many there are, and the background, in one of the styles.
std::string describe(const Scene& scene, int style);
std::string describe(const Scene& scene, Random& random);

// "a large red circle".
std::string noun_phrase(const SceneObject& object);
// "red circle".
std::string pair_name(const SceneObject& object);
// "zero" to "five".
std::string number_word(std::size_t number);

struct QuestionAnswer {
  std::string kind;  // "count", "color", "shape", "size", "place", "what", "exists", "relation", "background"
  std::string question;
  std::string answer;
};

// A question that the scene answers without doubt.
QuestionAnswer ask(const Scene& scene, Random& random);

}  // namespace artemis::lab

// How much of the laboratory's scenes a model says, and answers, right.
#pragma once

#include <map>

#include "artemis/evaluate/subject.h"
#include "artemis/lab/grade.h"

namespace artemis {

struct SceneOptions {
  EvaluateOptions common;
  std::string prompt = "Describe this image.";
  bool questions = false;  // ask those of each scene too
  std::size_t keep = 0;    // scenes to give back, from the first on
};

struct RightOfAsked {
  std::int64_t right = 0;
  std::int64_t asked = 0;

  double share() const { return static_cast<double>(right) / static_cast<double>(asked); }
};

// One scene, to be looked at.
struct SceneSample {
  std::string key;
  std::string picture;  // JPEG
  std::string truth;    // the caption of the data
  std::string caption;  // the model's
};

struct SceneFigures {
  lab::Grade grade;
  std::map<std::string, RightOfAsked> answers;  // by kind of question
  std::vector<SceneSample> samples;

  RightOfAsked all_answers() const;
  // The grade's shares, and where questions were asked "answers" with "asked", "right" (a share) and "kinds".
  Json to_json() const;
};

// Over tar shards as `artemis scenes` makes them: a caption for each picture, graded against the truth, and
// answers, which must be the expected ones but for case and a final dot. Throws Error naming the shard and
// sample that holds no scene.
SceneFigures evaluate_scenes(const Subject& subject, const std::vector<std::string>& paths,
                             const SceneOptions& options);

}  // namespace artemis

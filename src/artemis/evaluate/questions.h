// Questions with accepted answers, put to a model and scored.
#pragma once

#include <filesystem>
#include <map>
#include <optional>

#include "artemis/evaluate/answer_metrics.h"
#include "artemis/evaluate/subject.h"

namespace artemis {

struct QuestionOptions {
  EvaluateOptions common;
  std::optional<Metric> metric{};  // of the lines that name none
  std::string suffix{};            // put behind each question: "\nAnswer with one word.", say
};

struct AnsweredQuestion {
  std::string id;
  std::string question;
  std::vector<std::string> answers;
  std::string prediction;
  Metric metric;
  double score = 0;
};

struct QuestionFigures {
  std::vector<AnsweredQuestion> questions;

  // For each metric used, the mean score.
  std::map<Metric, double> means() const;
  // For each metric "questions" and "score".
  Json to_json() const;
};

// A JSONL file of {"image": path or list of paths beside the file (or absent), "question", "answers": list or
// "answer", "metric", "id"}. Greedy answers, thinking off. Throws Error naming file, line and key.
QuestionFigures evaluate_questions(const Subject& subject, const std::filesystem::path& file,
                                   const QuestionOptions& options);

}  // namespace artemis

// What `artemis eval` found, as tables for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "artemis/evaluate/grounding.h"
#include "artemis/evaluate/loss.h"
#include "artemis/evaluate/questions.h"
#include "artemis/evaluate/scenes_eval.h"
#include "artemis/evaluate/text_regression.h"

namespace artemis {

struct EvalTable {
  std::string title;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header

  // Columns aligned, numbers to the right, ended by a line break.
  std::string text() const;
};

struct EvalReport {
  std::string model;
  Json figures = Json::object();
  std::vector<EvalTable> tables;
  std::vector<SceneSample> samples;

  void add(const LossFigures& loss);
  void add(const GroundingFigures& grounding);
  void add(const std::string& set, SceneFigures scenes);  // one row of the table of scenes
  void add(const QuestionFigures& questions);
  void add(const TextFigures& text);

  // One self-contained page.
  std::string html() const;
};

}  // namespace artemis

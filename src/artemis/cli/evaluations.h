// The evaluations that `artemis eval` runs once and a training run as it goes.
#pragma once

#include <optional>

#include "artemis/cli/eval_report.h"
#include "artemis/cli/options.h"

namespace artemis {

struct Evaluations {
  std::vector<std::string> data;
  std::vector<std::string> grounding;
  std::vector<std::string> scenes;  // NAME=FOLDER
  bool ask = false;
  std::string questions;
  std::string metric;
  std::string suffix;
  std::vector<std::string> text;
  std::string bare;
  std::int64_t limit = 0;  // rows of each; 0: all
  std::int64_t batch_size = 32;
  std::int64_t max_new_tokens = 192;
  std::uint64_t seed = 1;
  std::size_t pictures = 12;  // of each set of scenes, kept in the report

  bool empty() const {
    return data.empty() && grounding.empty() && scenes.empty() && questions.empty() && text.empty();
  }
};

// Throws UsageError for what does not go together.
void check(const Evaluations& evaluations);

// The decoder that the text path is compared with, nothing where no text was asked for. It is loaded before
// activations take what a GPU has left.
std::optional<LoadedModel> load_bare(Context& ctx, const Evaluations& evaluations, DType dtype);

// What `subject` gives on all of them, with what load_bare() gave; `bar` shows a progress bar for each on
// stderr. The report's figures hold "text_path" with "identical" where text was asked for.
EvalReport evaluate_all(const Subject& subject, const Evaluations& evaluations,
                        const std::optional<LoadedModel>& bare, bool bar);

// The model as evaluations need it; it must outlive the subject.
Subject subject_of(Context& ctx, const LoadedModel& model);

}  // namespace artemis

#include "artemis/cli/evaluations.h"

#include <fmt/format.h>

#include "artemis/cli/progress.h"
#include "artemis/train/row_file.h"

namespace artemis {
namespace {

// Rows that will be read, for the progress bar; what is wrong with one is found when it is read.
std::int64_t rows_of(const std::vector<std::string>& paths, std::int64_t limit) {
  std::int64_t rows = 0;
  for (const std::string& name : data_files(paths)) {
    const auto file = open_row_file(name);
    while ((limit == 0 || rows < limit) && file->find_next()) ++rows;
  }
  return rows;
}

// "validation=scenes/validation".
std::pair<std::string, std::string> named_folder(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == 0 || sign == text.npos || sign + 1 == text.size())
    throw UsageError("scenes", fmt::format("'{}' has no name and folder, expected NAME=FOLDER", text));
  return {text.substr(0, sign), text.substr(sign + 1)};
}

struct Evaluator {
  const Subject& subject;
  const Evaluations& asked;
  const std::optional<LoadedModel>& bare;
  bool bar;
  EvalReport report{};

  // Runs `evaluate` with the common options, and a bar that follows it.
  template <typename Evaluate>
  auto run(const std::string& name, const std::vector<std::string>& paths, const Evaluate& evaluate) const {
    EvaluateOptions common{.limit = asked.limit,
                           .batch_size = asked.batch_size,
                           .max_new_tokens = asked.max_new_tokens,
                           .done = {}};
    if (!bar) return evaluate(common);
    Progress progress(name, rows_of(paths, asked.limit), "rows");
    common.done = [&](std::int64_t rows) { progress.update(rows, static_cast<double>(rows), ""); };
    auto figures = evaluate(common);
    progress.finish();
    return figures;
  }

  void rows() {
    if (asked.data.empty()) return;
    report.add(run("loss", asked.data, [&](const EvaluateOptions& common) {
      return evaluate_rows(subject, asked.data, common);
    }));
  }

  void grounding() {
    if (asked.grounding.empty()) return;
    report.add(run("grounding", asked.grounding, [&](const EvaluateOptions& common) {
      return evaluate_grounding(subject, asked.grounding, asked.seed, common);
    }));
  }

  void scenes() {
    for (const std::string& text : asked.scenes) {
      const auto [name, folder] = named_folder(text);
      const std::vector<std::string> paths{folder};
      report.add(name, run(name, paths, [&](const EvaluateOptions& common) {
                   return evaluate_scenes(subject, paths,
                                          {.common = common, .questions = asked.ask, .keep = asked.pictures});
                 }));
    }
  }

  void questions() {
    if (asked.questions.empty()) return;
    std::optional<Metric> metric;
    if (!asked.metric.empty()) metric = parse_metric(asked.metric);
    report.add(run("questions", {asked.questions}, [&](const EvaluateOptions& common) {
      return evaluate_questions(subject, asked.questions,
                                {.common = common, .metric = metric, .suffix = asked.suffix});
    }));
  }

  void text() {
    if (asked.text.empty()) return;
    report.add(run("text path", asked.text, [&](const EvaluateOptions& common) {
      return evaluate_text(subject, subject_of(subject.ctx, bare.value()), asked.text, common);
    }));
  }
};

}  // namespace

void check(const Evaluations& evaluations) {
  if (evaluations.text.empty() != evaluations.bare.empty())
    throw UsageError("eval", "text and bare go together, expected both or neither");
  for (const std::string& text : evaluations.scenes) named_folder(text);
  if (!evaluations.metric.empty()) parse_metric(evaluations.metric);
}

std::optional<LoadedModel> load_bare(Context& ctx, const Evaluations& evaluations, DType dtype) {
  if (evaluations.text.empty()) return std::nullopt;
  return load_model(ctx, evaluations.bare, dtype);
}

EvalReport evaluate_all(const Subject& subject, const Evaluations& evaluations,
                        const std::optional<LoadedModel>& bare, bool bar) {
  Evaluator evaluator{.subject = subject, .asked = evaluations, .bare = bare, .bar = bar};
  evaluator.rows();
  evaluator.grounding();
  evaluator.scenes();
  evaluator.questions();
  evaluator.text();
  return std::move(evaluator.report);
}

Subject subject_of(Context& ctx, const LoadedModel& model) {
  return {ctx, model.graft, model.config, model.processor,
          read_generation_defaults(model.directory, model.config).end_tokens};
}

}  // namespace artemis

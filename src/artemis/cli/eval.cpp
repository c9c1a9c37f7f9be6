#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/eval_report.h"
#include "artemis/cli/options.h"
#include "artemis/cli/progress.h"
#include "artemis/io/atomic_file.h"
#include "artemis/train/row_file.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::string adapter;
  std::vector<std::string> data;
  std::vector<std::string> grounding;
  std::vector<std::string> scenes;  // NAME=FOLDER
  bool ask = false;
  std::string questions;
  std::string metric;
  std::string suffix;
  std::vector<std::string> text;
  std::string bare;
  std::int64_t limit = 0;
  std::int64_t batch_size = 32;
  std::int64_t max_new_tokens = 192;
  std::uint64_t seed = 1;
  std::size_t pictures = 12;
  std::string json;
  std::string html;
};

Subject subject_of(Context& ctx, const LoadedModel& model) {
  return {ctx, model.graft, model.config, model.processor,
          read_generation_defaults(model.directory, model.config).end_tokens};
}

// Rows that will be read, for the progress bar; what is wrong with one is found when it is read.
std::int64_t rows_of(const std::vector<std::string>& paths, std::int64_t limit) {
  std::int64_t rows = 0;
  for (const std::string& name : data_files(paths)) {
    const auto file = open_row_file(name);
    while ((limit == 0 || rows < limit) && file->find_next()) ++rows;
  }
  return rows;
}

// Runs `evaluate` with the common options and a bar that follows it.
template <typename Evaluate>
auto with_progress(const std::string& name, const std::vector<std::string>& paths, const Options& options,
                   const Evaluate& evaluate) {
  Progress progress(name, rows_of(paths, options.limit), "rows");
  const auto figures = evaluate(EvaluateOptions{
      .limit = options.limit,
      .batch_size = options.batch_size,
      .max_new_tokens = options.max_new_tokens,
      .done = [&](std::int64_t rows) { progress.update(rows, static_cast<double>(rows), ""); }});
  progress.finish();
  return figures;
}

// "validation=scenes/validation".
std::pair<std::string, std::string> named_folder(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == 0 || sign == text.npos || sign + 1 == text.size())
    throw UsageError("scenes", fmt::format("'{}' has no name and folder, expected NAME=FOLDER", text));
  return {text.substr(0, sign), text.substr(sign + 1)};
}

void add_scenes(const Subject& subject, const Options& options, EvalReport& report) {
  for (const std::string& text : options.scenes) {
    const auto [name, folder] = named_folder(text);
    const std::vector<std::string> paths{folder};
    report.add(name, with_progress(name, paths, options, [&](const EvaluateOptions& common) {
                 return evaluate_scenes(subject, paths,
                                        {.common = common,
                                         .questions = options.ask,
                                         .keep = options.html.empty() ? 0 : options.pictures});
               }));
  }
}

void add_questions(const Subject& subject, const Options& options, EvalReport& report) {
  if (options.questions.empty()) return;
  std::optional<Metric> metric;
  if (!options.metric.empty()) metric = parse_metric(options.metric);
  report.add(with_progress("questions", {options.questions}, options, [&](const EvaluateOptions& common) {
    return evaluate_questions(subject, options.questions,
                              {.common = common, .metric = metric, .suffix = options.suffix});
  }));
}

// Whether the text path is the bare decoder's.
bool add_text(const Subject& subject, const Options& options, EvalReport& report) {
  if (options.text.empty()) return true;
  const LoadedModel bare = load_model(subject.ctx, options.bare, compute_dtype(options.run));
  const TextFigures figures =
      with_progress("text path", options.text, options, [&](const EvaluateOptions& common) {
        return evaluate_text(subject, subject_of(subject.ctx, bare), options.text, common);
      });
  report.add(figures);
  return figures.identical();
}

void check(const Options& options) {
  if (options.data.empty() && options.grounding.empty() && options.scenes.empty() &&
      options.questions.empty() && options.text.empty()) {
    throw UsageError("eval",
                     "nothing to evaluate, expected --data, --grounding, --scenes, --questions or --text");
  }
  if (options.text.empty() != options.bare.empty())
    throw UsageError("eval", "--text and --bare go together, expected both or neither");
}

void run(const Options& options) {
  check(options);
  const auto ctx = make_context(options.run);
  const LoadedModel model = load_model(*ctx, options.model, compute_dtype(options.run), options.adapter);
  const Subject subject = subject_of(*ctx, model);
  EvalReport report;
  report.model = options.model;
  report.figures["model"] = options.model;
  if (!options.data.empty()) {
    report.add(with_progress("loss", options.data, options, [&](const EvaluateOptions& common) {
      return evaluate_rows(subject, options.data, common);
    }));
  }
  if (!options.grounding.empty()) {
    report.add(with_progress("grounding", options.grounding, options, [&](const EvaluateOptions& common) {
      return evaluate_grounding(subject, options.grounding, options.seed, common);
    }));
  }
  add_scenes(subject, options, report);
  add_questions(subject, options, report);
  const bool same_text = add_text(subject, options, report);
  for (std::size_t i = 0; i < report.tables.size(); ++i)
    fmt::print("{}{}", i == 0 ? "" : "\n", report.tables[i].text());
  if (!options.json.empty()) {
    write_file_atomically(options.json,
                          report.figures.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  if (!options.html.empty()) write_file_atomically(options.html, report.html());
  require(same_text, "eval", "the text path of {} is not that of {}, expected the same to the bit",
          options.model, options.bare);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "Measure what a model sees, answers and still says");
  command->add_option("--model", options->model, "Model directory")->required();
  add_adapter_option(*command, options->adapter);
  command->add_option("--data", options->data, "Held-out files or folders: loss and perplexity");
  command->add_option("--grounding", options->grounding,
                      "Files or folders with pictures: loss with the right picture, another's and none");
  command->add_option(
      "--scenes", options->scenes,
      "NAME=FOLDER of scenes: captions graded against the truth (may be given several times)");
  command->add_flag("--ask", options->ask, "Ask the questions of each scene too");
  command->add_option("--questions", options->questions,
                      "JSONL file of image, question and answer or answers");
  command->add_option(
      "--metric", options->metric,
      "vqa (VQA-v2, TextVQA), anls (DocVQA), relaxed (ChartQA), contains (OCRBench) or exact");
  command->add_option("--suffix", options->suffix, "Text behind each question of --questions");
  command->add_option("--text", options->text, "Rows of text: is the text path still that of --bare?");
  command->add_option("--bare", options->bare, "Directory of the decoder that the model was made from");
  command->add_option("--limit", options->limit, "Rows of each, from the first on (default: all)")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", options->batch_size, "Rows at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--max-new-tokens", options->max_new_tokens, "Longest caption or answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the exchanged pictures")->capture_default_str();
  command->add_option("--json", options->json, "Write the figures to this file");
  command->add_option("--html", options->html, "Write a page with tables and pictures to this file");
  command->add_option("--pictures", options->pictures, "Of each set of scenes, on the page")
      ->capture_default_str();
  add_run_options(*command, options->run);
  command->footer(
      "Example:  artemis eval --model DIR --grounding scenes/validation --scenes "
      "validation=scenes/validation "
      "--limit 200 --json figures.json --html figures.html");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

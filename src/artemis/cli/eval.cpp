#include <fmt/format.h>

#include "artemis/cli/commands.h"
#include "artemis/cli/evaluations.h"
#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::string adapter;
  Evaluations evaluations;
  std::string json;
  std::string html;
};

void run(const Options& options) {
  Evaluations evaluations = options.evaluations;
  if (evaluations.empty()) {
    throw UsageError("eval",
                     "nothing to evaluate, expected --data, --grounding, --scenes, --questions or --text");
  }
  check(evaluations);
  if (options.html.empty()) evaluations.pictures = 0;
  const auto ctx = make_context(options.run);
  const DType dtype = compute_dtype(options.run);
  const LoadedModel model = load_model(*ctx, options.model, dtype, options.adapter);
  const std::optional<LoadedModel> bare = load_bare(*ctx, evaluations, dtype);
  EvalReport report = evaluate_all(subject_of(*ctx, model), evaluations, bare, true);
  report.model = options.model;
  report.figures["model"] = options.model;
  for (std::size_t i = 0; i < report.tables.size(); ++i)
    fmt::print("{}{}", i == 0 ? "" : "\n", report.tables[i].text());
  if (!options.json.empty()) {
    write_file_atomically(options.json,
                          report.figures.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  if (!options.html.empty()) write_file_atomically(options.html, report.html());
  const bool same_text =
      evaluations.text.empty() || report.figures.at("text_path").at("identical").get<bool>();
  require(same_text, "eval", "the text path of {} is not that of {}, expected the same to the bit",
          options.model, evaluations.bare);
}

}  // namespace

void add_eval_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  Evaluations& asked = options->evaluations;
  CLI::App* command = app.add_subcommand("eval", "Measure what a model sees, answers and still says");
  command->add_option("--model", options->model, "Model directory")->required();
  add_adapter_option(*command, options->adapter);
  command->add_option("--data", asked.data, "Held-out files or folders: loss and perplexity");
  command->add_option("--grounding", asked.grounding,
                      "Files or folders with pictures: loss with the right picture, another's and none");
  command->add_option(
      "--scenes", asked.scenes,
      "NAME=FOLDER of scenes: captions graded against the truth (may be given several times)");
  command->add_flag("--ask", asked.ask, "Ask the questions of each scene too");
  command->add_option("--questions", asked.questions, "JSONL file of image, question and answer or answers");
  command->add_option(
      "--metric", asked.metric,
      "vqa (VQA-v2, TextVQA), anls (DocVQA), relaxed (ChartQA), contains (OCRBench) or exact");
  command->add_option("--suffix", asked.suffix, "Text behind each question of --questions");
  command->add_option("--text", asked.text, "Rows of text: is the text path still that of --bare?");
  command->add_option("--bare", asked.bare, "Directory of the decoder that the model was made from");
  command->add_option("--limit", asked.limit, "Rows of each, from the first on (default: all)")
      ->check(CLI::PositiveNumber);
  command->add_option("--batch-size", asked.batch_size, "Rows at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--max-new-tokens", asked.max_new_tokens, "Longest caption or answer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", asked.seed, "Of the exchanged pictures")->capture_default_str();
  command->add_option("--json", options->json, "Write the figures to this file");
  command->add_option("--html", options->html, "Write a page with tables and pictures to this file");
  command->add_option("--pictures", asked.pictures, "Of each set of scenes, on the page")
      ->capture_default_str();
  add_run_options(*command, options->run);
  command->footer(
      "Example:  artemis eval --model DIR --grounding scenes/validation --scenes "
      "validation=scenes/validation "
      "--limit 200 --json figures.json --html figures.html");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

#include <fmt/format.h>

#include <csignal>

#include "artemis/cli/commands.h"
#include "artemis/cli/evaluations.h"
#include "artemis/cli/interrupt.h"
#include "artemis/cli/merge.h"
#include "artemis/cli/model_name.h"
#include "artemis/cli/options.h"
#include "artemis/cli/progress.h"
#include "artemis/cli/stderr.h"
#include "artemis/cli/train_options.h"
#include "artemis/core/gpu.h"
#include "artemis/model/weights.h"
#include "artemis/report/run_report.h"
#include "artemis/report/tensorboard.h"
#include "artemis/train/run.h"

namespace artemis {
namespace {

// A table of about ten steps of a run.
class LossTable {
 public:
  explicit LossTable(std::int64_t steps) : stride_(std::max<std::int64_t>(1, steps / 10)), steps_(steps) {}

  void add(const StepReport& report) {
    if ((report.step - 1) % stride_ == 0 || report.step == steps_) rows_.push_back(report);
  }

  void print() const {
    fmt::print("{:>6} {:>10} {:>12} {:>12}\n", "step", "loss", "rate", "grad norm");
    for (const StepReport& r : rows_) {
      fmt::print("{:>6} {:>10.4f} {:>12.3e} {:>12.4f}\n", r.step, r.loss, r.learning_rate, r.gradient_norm);
    }
  }

 private:
  std::int64_t stride_;
  std::int64_t steps_;
  std::vector<StepReport> rows_;
};

// The files of a run that are made to be watched: TensorBoard events, and report.html, rewritten at most
// every ten seconds.
class RunFiles {
 public:
  RunFiles(const std::string& name, const std::filesystem::path& out, std::int64_t steps, std::int64_t done)
      : events_(out, done > 0 ? std::optional(done + 1) : std::nullopt),
        report_(out, {.title = "artemis " + name, .program = "artemis " ARTEMIS_VERSION, .steps = steps}) {}

  void add(std::int64_t step, const std::string& prefix, const Json& figures) {
    for (const auto& [key, value] : figures.items()) {
      if (key == "step") continue;
      if (value.is_object()) add(step, prefix + key + "/", value);
      if (value.is_number()) events_.add_scalar(prefix + key, step, value.get<double>());
    }
  }

  void refresh() {
    const auto now = std::chrono::steady_clock::now();
    if (now - refreshed_ > std::chrono::seconds(10)) update(now);
  }

  void finish() { update(std::chrono::steady_clock::now()); }

 private:
  void update(std::chrono::steady_clock::time_point now) {
    refreshed_ = now;
    events_.flush();
    report_.update();
  }

  EventWriter events_;
  RunReport report_;
  std::chrono::steady_clock::time_point refreshed_ = std::chrono::steady_clock::now();
};

// What the user sees of a run as it goes.
class RunView {
 public:
  RunView(std::string name, std::string out, std::function<Json(std::int64_t)> evaluate)
      : name_(std::move(name)), out_(std::move(out)), evaluate_(std::move(evaluate)) {}

  RunHooks hooks() {
    return {.on_start = [this](std::int64_t steps, std::int64_t done) { start(steps, done); },
            .on_step = [this](const StepMetrics& metrics) { step(metrics); },
            .on_eval = [this](const EvalMetrics& metrics) { evaluated(metrics); },
            .on_checkpoint = {},
            .evaluate = evaluate_,
            .log = [](const std::string& line) { print_stderr("\n{}\n", line); }};
  }

  void finish(const RunConfig& config, const RunResult& result) {
    progress_->finish();
    files_->finish();
    if (result.stopped) {
      fmt::print("stopped after step {} of {}; the same command goes on from there\n", result.steps_done,
                 result.steps);
      return;
    }
    table_->print();
    if (result.eval_loss) fmt::print("eval loss {:.4f}\n", *result.eval_loss);
    fmt::print("{} rows, {} skipped, {} too long; trained weights and figures in {}\n", result.counts.rows,
               result.counts.skipped, result.counts.too_long, config.out);
  }

 private:
  void start(std::int64_t steps, std::int64_t done) {
    if (done > 0) print_stderr("going on after step {} of {}\n", done, steps);
    table_.emplace(steps);
    progress_.emplace(name_, steps, "samples");
    files_.emplace(name_, out_, steps, done);
  }

  void step(const StepMetrics& metrics) {
    samples_ += static_cast<double>(metrics.report.samples);
    table_->add(metrics.report);
    last_ = metrics.report;
    show();
    files_->add(last_.step, "train/", to_json(metrics));
    files_->refresh();
  }

  void evaluated(const EvalMetrics& metrics) {
    eval_note_ = fmt::format(", eval {:.4f}", metrics.loss);
    show();
    files_->add(metrics.step, "", to_json(metrics));
  }

  void show() {
    progress_->update(last_.step, samples_, fmt::format("loss {:.4f}{}", last_.loss, eval_note_));
  }

  std::string name_;
  std::string out_;
  std::function<Json(std::int64_t)> evaluate_;
  StepReport last_;
  std::string eval_note_;
  double samples_ = 0;
  std::optional<LossTable> table_;
  std::optional<Progress> progress_;
  std::optional<RunFiles> files_;
};

// What the keys eval.* ask for beside the loss.
Evaluations evaluations_of(const RunConfig& config) {
  Evaluations asked;
  asked.grounding = config.eval_grounding;
  asked.scenes = config.eval_scenes;
  asked.ask = config.eval_ask;
  asked.questions = config.eval_questions;
  asked.metric = config.eval_metric;
  asked.text = config.eval_text;
  asked.bare = config.eval_bare.empty() ? "" : model_directory(config.eval_bare);
  asked.limit = config.eval_limit;
  asked.pictures = 0;
  check(asked);
  return asked;
}

void run(const std::string& name, RunConfig config, const std::string& merge) {
  config.model = model_directory(config.model);
  if (config.model.empty()) throw UsageError("--model", "is missing, expected a model directory");
  if (config.out.empty()) throw UsageError("--out", "is missing, expected a directory for the run");
  if (!merge.empty() && std::filesystem::exists(merge)) {
    throw UsageError("--merge", fmt::format("{} exists already; name a new directory", merge));
  }
  const RunOptions options = {
      .threads = static_cast<int>(config.threads), .device = config.device, .dtype = config.dtype};
  const auto ctx = make_context(options);
  const DType dtype = compute_dtype(options);
  const Evaluations asked = evaluations_of(config);
  if (ctx->device().kind == DeviceKind::cuda) {
    const std::size_t kept = asked.text.empty() ? 0 : weight_bytes(read_graft_config(asked.bare), dtype);
    check_memory(config, read_graft_config(config.model), gpu_free_bytes(ctx->device()), kept);
  }
  LoadedModel model = load_model(*ctx, config.model, dtype);
  const std::optional<LoadedModel> bare = load_bare(*ctx, asked, dtype);
  std::function<Json(std::int64_t)> evaluate;
  if (!asked.empty()) {
    evaluate = [&](std::int64_t) {
      return evaluate_all(subject_of(*ctx, model), asked, bare, false).figures;
    };
  }
  RunView view(name, config.out, evaluate);
  const InterruptGuard guard(std::array{SIGINT, SIGTERM},
                             "\ninterrupted: saving after this step; again to end at once\n");
  const RunResult result =
      run_training(*ctx, {model.config, model.processor, model.graft}, config, view.hooks(), guard.asked());
  view.finish(config, result);
  if (!merge.empty() && !result.stopped) merge_trained(*ctx, config.model, config.out, merge);
}

}  // namespace

void add_train_command(CLI::App& app, const TrainCommand& description) {
  CLI::App* command = app.add_subcommand(description.name, description.description);
  auto options = std::make_shared<RunConfigOptions>(*command, description.defaults);
  command->footer("Example:  " + description.example);
  auto merge = std::make_shared<std::string>();
  command->add_option("--merge", *merge, "At the end, write here the whole model, as 'artemis merge' does");
  command->callback([name = description.name, options, merge] { run(name, options->read(), *merge); });
}

}  // namespace artemis

#include <fmt/format.h>

#include <fstream>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/cli/progress.h"
#include "artemis/model/assemble.h"
#include "artemis/train/samples.h"
#include "artemis/train/trainer.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string model;
  std::vector<std::string> data;
  std::string out;
  TrainOptions train;
  double epochs = 1.0;
  std::int64_t shuffle_window = 1024;
  std::uint64_t seed = 42;
  std::int64_t max_skipped = 100;
};

// Rows become examples; those that cannot be used are named on stderr, counted, and at most so many.
class ExampleStream {
 public:
  ExampleStream(ShuffledSamples& samples, const LoadedModel& model, ThreadPool& pool,
                std::int64_t max_skipped)
      : samples_(samples), model_(model), pool_(pool), max_skipped_(max_skipped) {}

  Example next() {
    for (;;) {
      try {
        Example example = make_example(samples_.next(), model_.processor, model_.config, pool_);
        require(
            std::ranges::any_of(example.labels, [](std::int32_t label) { return label != ignored_label; }),
            example.key, "has nothing to learn from: every label is masked");
        return example;
      } catch (const Error& error) {
        fmt::print(stderr, "\nskipped: {}\n", error.what());
        if (++skipped_ > max_skipped_) {
          fail("data", "{} rows could not be used, more than --max-skipped {}; the last: {}", skipped_,
               max_skipped_, error.what());
        }
      }
    }
  }

  std::int64_t skipped() const { return skipped_; }

 private:
  ShuffledSamples& samples_;
  const LoadedModel& model_;
  ThreadPool& pool_;
  std::int64_t max_skipped_;
  std::int64_t skipped_ = 0;
};

std::vector<Batch> next_micro_batches(ExampleStream& stream, const TrainOptions& options) {
  std::vector<Batch> batches;
  for (std::int64_t i = 0; i < options.accumulation; ++i) {
    std::vector<Example> examples;
    for (std::int64_t j = 0; j < options.batch_size; ++j) examples.push_back(stream.next());
    batches.push_back(collate(examples));
  }
  return batches;
}

void check(const Options& options) {
  if (options.train.batch_size < 1 || options.train.accumulation < 1) {
    throw UsageError("align", "--batch-size and --accumulation must be at least 1");
  }
  if (!(options.train.learning_rate > 0)) throw UsageError("learning-rate", "expected a positive number");
  if (std::filesystem::exists(options.out)) {
    throw UsageError("out", fmt::format("{} exists already; name a new directory", options.out));
  }
}

// Steps in the epochs asked for; the last, partial step is dropped, as the reference's trainer does.
std::int64_t planned_steps(const Options& options, std::int64_t rows) {
  if (options.train.steps > 0) return options.train.steps;
  const std::int64_t a_step = options.train.batch_size * options.train.accumulation;
  const auto steps = static_cast<std::int64_t>(static_cast<double>(rows) * options.epochs) / a_step;
  require(steps > 0, "data", "{} usable rows are fewer than the {} of one step", rows, a_step);
  return steps;
}

void print_loss_table(const std::vector<StepReport>& reports) {
  fmt::print("{:>6} {:>10} {:>12} {:>12}\n", "step", "loss", "rate", "grad norm");
  const std::size_t stride = std::max<std::size_t>(1, reports.size() / 10);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (i % stride != 0 && i + 1 != reports.size()) continue;
    const StepReport& r = reports[i];
    fmt::print("{:>6} {:>10.4f} {:>12.3e} {:>12.4f}\n", r.step, r.loss, r.learning_rate, r.gradient_norm);
  }
}

void run(const Options& given) {
  Options options = given;
  check(options);
  const auto ctx = make_context(options.run);
  LoadedModel model = load_model(*ctx, options.model, compute_dtype(options.run));
  require(model.config.vision.has_value(), options.model,
          "is a text model; 'artemis graft' gives it a tower first");
  auto source = open_samples(options.data);
  const std::int64_t rows = count_rows(*source);
  options.train.steps = planned_steps(options, rows);
  ShuffledSamples samples(std::move(source), static_cast<std::size_t>(options.shuffle_window), options.seed);
  ExampleStream stream(samples, model, ctx->pool(), options.max_skipped);
  Trainer trainer(*ctx, model.graft, model.config, training_stage(1, 0), options.train);

  const std::string log_file = options.out + ".log.jsonl";
  std::ofstream log(log_file, std::ios::binary);
  require(log.good(), log_file, "cannot be written");
  std::vector<StepReport> reports;
  Progress progress("align", options.train.steps, "samples");
  double samples_done = 0;
  for (std::int64_t i = 0; i < options.train.steps; ++i) {
    const StepReport report = trainer.step(next_micro_batches(stream, options.train));
    reports.push_back(report);
    samples_done += static_cast<double>(report.samples);
    progress.update(report.step, samples_done, fmt::format("loss {:.4f}", report.loss));
    log << Json{{"step", report.step},
                {"loss", report.loss},
                {"learning_rate", report.learning_rate},
                {"gradient_norm", report.gradient_norm},
                {"samples", report.samples},
                {"tokens", report.tokens},
                {"supervised_tokens", report.supervised_tokens}}
               .dump()
        << '\n';
    require(log.good(), log_file, "cannot be written");
  }
  progress.finish();

  std::vector<std::pair<WeightSpec, Tensor>> trained;
  for (const TrainedWeight& weight : trainer.optimizer().weights())
    trained.emplace_back(weight.spec, weight.master);
  save_trained(*ctx, model.directory, model.checkpoint, trained, options.out);
  print_loss_table(reports);
  fmt::print("{} rows, {} skipped; model in {}, losses in {}\n", rows, stream.skipped(), options.out,
             log_file);
}

}  // namespace

void add_align_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  TrainOptions& train = options->train;
  CLI::App* command = app.add_subcommand("align", "Stage 1: train the projector on captioned pictures");
  command->add_option("--model", options->model, "Graft to align")->required();
  command->add_option("--data", options->data, "Tar shards or JSONL files, or folders of them")->required();
  command->add_option("--out", options->out, "Directory to write; the losses go to OUT.log.jsonl")
      ->required();
  command->add_option("--batch-size", train.batch_size, "Rows in a micro-batch")->capture_default_str();
  command->add_option("--accumulation", train.accumulation, "Micro-batches in a step")->capture_default_str();
  command->add_option("--learning-rate", train.learning_rate, "At the top of the schedule")
      ->capture_default_str();
  command->add_option("--warmup-ratio", train.warmup_ratio, "Share of the steps that warm up")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--weight-decay", train.optimizer.weight_decay, "Of AdamW")->capture_default_str();
  command
      ->add_option("--max-grad-norm", train.optimizer.max_gradient_norm, "Clip to this norm; 0 does not clip")
      ->capture_default_str();
  command->add_option("--epochs", options->epochs, "Times through the data")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--steps", train.steps, "Steps, in place of --epochs")->check(CLI::PositiveNumber);
  command->add_flag("--token-weighted", train.token_weighted, "Weigh every supervised token of a step alike");
  command
      ->add_option("--shuffle-window", options->shuffle_window, "Rows held for shuffling; 1 keeps the order")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the shuffling")->capture_default_str();
  command
      ->add_option("--max-skipped", options->max_skipped,
                   "Unusable rows that are passed over before giving up")
      ->capture_default_str();
  add_run_options(*command, options->run);
  command->footer("Example:  artemis align --model graft --data captions.tar --out aligned --epochs 3");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

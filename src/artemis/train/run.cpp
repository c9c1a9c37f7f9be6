#include "artemis/train/run.h"

#include <chrono>

#include "artemis/io/atomic_file.h"
#include "artemis/model/lora.h"
#include "artemis/train/row_plan.h"
#include "artemis/train/run_checkpoint.h"

namespace artemis {
namespace {

constexpr const char* resolved_file = "resolved.yaml";

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The eval data as one pipeline, in its own order, row after row.
PipelineOptions eval_options(const RunConfig& config, std::int64_t rows) {
  return {.sources = config.eval_data,
          .batch_size = std::min(config.batch_size, rows),
          .accumulation = 1,
          .token_budget = 0,
          .max_length = config.max_length,
          .long_rows = config.long_rows == "cut" ? LongRows::cut : LongRows::drop,
          .shuffle_window = 1,
          .seed = static_cast<std::uint64_t>(config.seed),
          .workers = 0,
          .prefetch = 1,
          .max_skipped = config.max_skipped};
}

PipelineOptions pipeline_options(const RunConfig& config) {
  return {.sources = config.data,
          .batch_size = config.batch_size,
          .accumulation = config.accumulation,
          .token_budget = config.token_budget,
          .max_length = config.max_length,
          .long_rows = config.long_rows == "cut" ? LongRows::cut : LongRows::drop,
          .shuffle_window = config.shuffle_window,
          .seed = static_cast<std::uint64_t>(config.seed),
          .workers = static_cast<int>(config.workers),
          .prefetch = config.prefetch,
          .max_skipped = config.max_skipped};
}

std::optional<Recompute> recompute_of(const RunConfig& config) {
  if (config.recompute == "none") return Recompute::none;
  if (config.recompute == "selective") return Recompute::selective;
  if (config.recompute == "full") return Recompute::full;
  return std::nullopt;
}

TrainOptions train_options(const RunConfig& config, std::int64_t steps) {
  return {.steps = steps,
          .learning_rate = config.learning_rate,
          .schedule = config.schedule == "cosine" ? Schedule::cosine : Schedule::constant,
          .warmup_ratio = config.warmup_ratio,
          .token_weighted = config.token_weighted,
          .recompute = recompute_of(config),
          .optimizer = {.moments = config.optimizer == "adamw8bit" ? MomentKind::eight_bits : MomentKind::f32,
                        .rounding = config.rounding == "stochastic" ? WeightRounding::stochastic
                                                                    : WeightRounding::master,
                        .beta1 = config.beta1,
                        .beta2 = config.beta2,
                        .eps = config.eps,
                        .weight_decay = config.weight_decay,
                        .max_gradient_norm = config.max_grad_norm,
                        .layer_decay = config.layer_decay,
                        .seed = static_cast<std::uint64_t>(config.seed)}};
}

// Steps in the epochs asked for; the last, partial step is dropped, as the reference's trainer does.
std::int64_t planned_steps(const RunConfig& config) {
  if (config.steps > 0) return config.steps;
  if (config.token_budget > 0) {
    throw UsageError("token_budget", "leaves the rows of a step open: expected 'steps' in place of 'epochs'");
  }
  const std::int64_t rows = count_rows(config.data);
  const std::int64_t a_step = config.batch_size * config.accumulation;
  const auto steps = static_cast<std::int64_t>(static_cast<double>(rows) * config.epochs) / a_step;
  require(steps > 0, "data", "{} rows are fewer than the {} of one step", rows, a_step);
  return steps;
}

void check(const RunConfig& config, const GraftConfig& model) {
  const auto refuse = [](const char* key, const std::string& why) { throw UsageError(key, why); };
  const Trainable trainable = config.trainable();
  if (config.data.empty()) refuse("data", "is missing, expected files or folders of rows");
  const bool decoder = trainable.decoder || trainable.lora;
  if (!model.vision && (trainable.any_tower() || !decoder)) {
    refuse("train", fmt::format("{} is a text model, of which the decoder alone can be trained (stage 2); "
                                "'artemis graft' gives it a tower",
                                config.model));
  }
  if (!trainable.projector && !decoder && !trainable.any_tower()) {
    refuse("train", "nothing is trained, expected a part");
  }
  if (config.method == "lora" && !trainable.lora) {
    refuse("method", "lora puts adapters on the decoder, which stage 1 does not train; expected stage 2");
  }
  if (config.rounding == "stochastic" && config.dtype != "bf16") {
    refuse("rounding", "stochastic is for weights in bf16, expected dtype bf16");
  }
  if (config.eval_every > 0 && config.eval_data.empty()) {
    refuse("eval.every", "is given without eval.data");
  }
}

// A directory of its own, new or holding a run; returns whether it holds one.
bool open_directory(const std::filesystem::path& out, const std::string& resume) {
  std::error_code error;
  bool empty = true;
  if (std::filesystem::exists(out, error)) {
    remove_leftovers(out);
    empty = std::filesystem::is_empty(out);
  }
  const bool run = std::filesystem::exists(out / resolved_file, error);
  const auto refuse = [&](const char* why) {
    throw UsageError("out", fmt::format("{} {}", out.string(), why));
  };
  if (!empty && !run) refuse("exists already, expected a new directory or one that holds a run");
  if (run && resume == "never") refuse("holds a run already, expected a new directory with resume: never");
  if (std::filesystem::exists(out / trained_weights_file, error)) refuse("holds a run that is finished");
  std::filesystem::create_directories(out, error);
  require(!error, out.string(), "cannot be created: {}", error.message());
  return run;
}

LoraOptions lora_options(const RunConfig& config) {
  return {.rank = config.lora_rank, .alpha = config.lora_alpha, .target_modules = config.lora_target_modules};
}

double gib(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

// The largest pass that the config can ask for, or where it sets no length, the least: rows of one token.
// Each row is one picture where the length allows.
PassSize largest_pass(const RunConfig& config, const GraftConfig& model, std::int64_t rows) {
  const std::int64_t length = config.max_length > 0 ? config.max_length : config.token_budget;
  PassSize size{.sequences = rows, .tokens = rows, .supervised = rows, .patches = 0};
  if (length == 0) return size;
  size.tokens = config.token_budget > 0 ? config.token_budget : rows * length;
  size.supervised = size.tokens;
  if (model.vision) size.patches = size.tokens * model.vision->merge_length();
  return size;
}

class Run {
 public:
  Run(Context& ctx, const RunModel& model, const RunConfig& config, const RunHooks& hooks)
      : ctx_(ctx),
        model_(model),
        config_(config),
        hooks_(hooks),
        out_(config.out),
        identity_(run_identity(config)),
        steps_(planned_steps(config)),
        pipeline_(pipeline_options(config), model.processor, model.config,
                  [this](const std::string& line) { log(line); }),
        trainer_(ctx, model.graft, model.config, config.trainable(), train_options(config, steps_)) {}

  RunResult go(bool resume, const std::atomic<bool>& stop) {
    if (resume) restore();
    write_file_atomically(out_ / resolved_file, yaml_text(run_config_yaml(config_)));
    MetricsFile metrics(out_ / "metrics.jsonl", step_);
    metrics_ = &metrics;
    if (!config_.eval_data.empty()) read_held_out();
    if (hooks_.on_start) hooks_.on_start(steps_, step_);
    start_ = Clock::now();
    result_.resumed_at = step_;
    while (step_ < steps_ && !stop) one_step();
    result_.stopped = step_ < steps_;
    if (result_.stopped) {
      save(std::nullopt);
    } else {
      if (model_.config.lora) save_adapters();
      save_trained_weights(out_ / trained_weights_file, trainer_.optimizer());
    }
    result_.steps = steps_;
    result_.steps_done = step_;
    result_.counts = pipeline_.counts();
    return result_;
  }

 private:
  void log(const std::string& line) const {
    if (hooks_.log) hooks_.log(line);
  }

  void restore() {
    const auto state = resume_checkpoint(out_, identity_, trainer_.optimizer(),
                                         [this](const std::string& line) { log(line); });
    if (!state) return;
    pipeline_.restore(state->pipeline);
    step_ = state->step;
    saved_ = state->step;
  }

  void read_held_out() {
    const std::int64_t rows = count_rows(config_.eval_data);
    require(rows > 0, "eval.data", "holds no rows");
    const PipelineOptions options = eval_options(config_, rows);
    const std::int64_t all = rows / options.batch_size;
    const std::int64_t count = config_.eval_batches > 0 ? std::min(config_.eval_batches, all) : all;
    Pipeline pipeline(options, model_.processor, model_.config,
                      [this](const std::string& line) { log(line); });
    for (std::int64_t i = 0; i < count; ++i) {
      for (Batch& batch : pipeline.next()) held_out_.push_back(std::move(batch));
    }
  }

  void save_adapters() {
    std::vector<std::pair<WeightSpec, Tensor>> trained;
    for (const TrainedWeight& weight : trainer_.optimizer().weights())
      trained.emplace_back(weight.spec, weight.exact());
    std::filesystem::remove_all(out_ / adapter_folder);  // of an end that was cut off
    save_adapter(out_ / adapter_folder, trained, *model_.config.lora, config_.model);
  }

  void one_step() {
    const Clock::time_point start = Clock::now();
    const double waited = pipeline_.waited();
    const StepReport report = trainer_.step(pipeline_.next());
    const double seconds = seconds_since(start);
    step_ = report.step;
    const StepMetrics metrics = {.report = report,
                                 .seconds = seconds_since(start_),
                                 .samples_per_second = static_cast<double>(report.samples) / seconds,
                                 .waited_share = (pipeline_.waited() - waited) / seconds,
                                 .peak_memory = peak_memory()};
    if (step_ % config_.log_every == 0 || step_ == steps_) metrics_->add(to_json(metrics));
    if (hooks_.on_step) hooks_.on_step(metrics);

    const bool save_due = config_.save_every > 0 && step_ % config_.save_every == 0;
    const bool eval_due = !held_out_.empty() && (step_ == steps_ || (save_due && config_.save_keep_best) ||
                                                 (config_.eval_every > 0 && step_ % config_.eval_every == 0));
    std::optional<double> eval_loss;
    if (eval_due) eval_loss = evaluate();
    if (save_due) save(eval_loss);
  }

  double evaluate() {
    EvalMetrics metrics{.step = step_, .loss = evaluate_loss(ctx_, held_out_, model_.graft, model_.config)};
    if (hooks_.evaluate) metrics.figures = hooks_.evaluate(step_);
    metrics_->add(to_json(metrics));
    if (hooks_.on_eval) hooks_.on_eval(metrics);
    result_.eval_loss = metrics.loss;
    return metrics.loss;
  }

  void save(std::optional<double> eval_loss) {
    if (step_ == saved_) return;
    const auto checkpoint = save_checkpoint(
        out_, {.step = step_, .pipeline = pipeline_.state(), .config = identity_, .eval_loss = eval_loss},
        trainer_.optimizer());
    saved_ = step_;
    prune_checkpoints(out_, config_.save_keep_last, config_.save_keep_best);
    if (hooks_.on_checkpoint) hooks_.on_checkpoint(step_, checkpoint);
  }

  Context& ctx_;
  const RunModel model_;
  const RunConfig& config_;
  const RunHooks& hooks_;
  std::filesystem::path out_;
  Json identity_;
  std::int64_t steps_;
  Pipeline pipeline_;
  Trainer trainer_;
  MetricsFile* metrics_ = nullptr;
  std::vector<Batch> held_out_;
  std::int64_t step_ = 0;
  std::int64_t saved_ = 0;  // the step of the newest checkpoint
  Clock::time_point start_;
  RunResult result_;
};

}  // namespace

void check_memory(const RunConfig& config, const GraftConfig& model, std::size_t free, std::size_t kept) {
  const DType dtype = config.dtype == "bf16" ? DType::bf16 : DType::f32;
  const Recompute recompute = recompute_of(config).value_or(Recompute::full);
  const OptimizerOptions optimizer = train_options(config, 1).optimizer;
  GraftConfig adapted = model;
  if (config.method == "lora") adapted.lora = lora_options(config);
  // A pass is of token_budget tokens, where that is set, else of batch_size rows.
  const bool budgeted = config.token_budget > 0;
  const char* setting = budgeted ? "token_budget" : "batch_size";
  const std::int64_t asked = budgeted ? config.token_budget : config.batch_size;
  const auto needed = [&](std::int64_t size, Recompute how) {
    RunConfig sized = config;
    if (budgeted) sized.token_budget = size;
    return training_memory(adapted, dtype, config.trainable(), optimizer,
                           largest_pass(sized, adapted, budgeted ? config.batch_size : size), how);
  };
  const auto fits = [&](std::int64_t size, Recompute how) {
    return needed(size, how).free_needed() + kept <= free;
  };
  // The largest of the halves that fits; 0: none does. A budget has room for the longest row.
  const auto fitting = [&](Recompute how) {
    const std::int64_t least = budgeted ? std::max<std::int64_t>(config.max_length, 1) : 1;
    std::int64_t size = asked / 2;
    while (size >= least && !fits(size, how)) size /= 2;
    return size >= least ? size : 0;
  };
  if (fits(asked, recompute)) return;
  std::string advice = fmt::format(
      "none fits: expected a shorter max_length{}, dtype bf16, optimizer adamw8bit, "
      "method lora or a smaller model",
      budgeted ? " and token_budget" : "");
  if (recompute != Recompute::full && fits(asked, Recompute::full)) {
    advice = "recompute: full fits";
  } else if (const std::int64_t size = fitting(recompute); size > 0) {
    advice = fmt::format("{} {} fits", setting, size);
  } else if (const std::int64_t smaller = fitting(Recompute::full); smaller > 0) {
    advice = fmt::format("{} {} with recompute: full fits", setting, smaller);
  }
  const TrainingMemory memory = needed(asked, recompute);
  throw UsageError(
      "memory",
      fmt::format(
          "weights {:.1f} GiB, optimizer {:.1f} GiB and activations of {} {} {:.1f} GiB, a third more beside "
          "these{}, need {:.1f} GiB, the GPU has {:.1f} GiB free; {}",
          gib(memory.weights), gib(memory.optimizer), setting, asked, gib(memory.activations),
          kept > 0 ? fmt::format(", and the {:.1f} GiB of eval.bare", gib(kept)) : "",
          gib(memory.free_needed() + kept), gib(free), advice));
}

RunResult run_training(Context& ctx, const RunModel& model, const RunConfig& config, const RunHooks& hooks,
                       const std::atomic<bool>& stop) {
  check(config, model.config);
  const bool resume = open_directory(config.out, config.resume);
  GraftConfig adapted = model.config;
  if (config.method == "lora") {
    add_lora(ctx, model.graft, adapted, lora_options(config), static_cast<std::uint64_t>(config.seed));
  }
  const RunConfig resolved = config.resolved();
  return Run(ctx, {adapted, model.processor, model.graft}, resolved, hooks).go(resume, stop);
}

}  // namespace artemis

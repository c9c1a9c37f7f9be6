#include "artemis/train/trainer.h"

#include <cmath>

namespace artemis {
namespace {

std::string row_names(std::span<const Batch> batches) {
  std::string names;
  for (const Batch& batch : batches) {
    for (const std::string& key : batch.keys) names += (names.empty() ? "" : ", ") + key;
  }
  return names;
}

}  // namespace

Trainer::Trainer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
                 const TrainOptions& options)
    : ctx_(ctx),
      model_(model),
      config_(config),
      options_(options),
      optimizer_(ctx, model, config, trainable, options.optimizer) {}

StepReport Trainer::step(std::span<const Batch> micro_batches) {
  StepReport report;
  for (const Batch& batch : micro_batches) report.supervised_tokens += batch.supervision.count();
  const auto micro_count = static_cast<double>(micro_batches.size());
  double loss = 0;
  for (const Batch& batch : micro_batches) {
    require(batch.supervision.count() > 0, "train",
            "rows {} have nothing to learn from: every label is masked", row_names(std::span(&batch, 1)));
    const double weight = options_.token_weighted
                              ? 1.0 / static_cast<double>(report.supervised_tokens)
                              : 1.0 / (static_cast<double>(batch.supervision.count()) * micro_count);
    const double sum =
        graft_loss_and_gradients(ctx_, optimizer_.gradients(), batch.text, batch.pictures, batch.supervision,
                                 static_cast<float>(weight), model_, config_);
    require(std::isfinite(sum), "train", "the loss is {} at step {}, rows {}", sum,
            optimizer_.steps_done() + 1, row_names(std::span(&batch, 1)));
    loss += sum * weight;
    report.samples += static_cast<std::int64_t>(batch.keys.size());
    report.tokens += batch.text.tokens();
  }
  const std::int64_t done = optimizer_.steps_done();
  const auto warmup = static_cast<std::int64_t>(static_cast<double>(options_.steps) * options_.warmup_ratio);
  report.step = done + 1;
  report.loss = loss;
  report.learning_rate =
      options_.learning_rate * schedule_factor(options_.schedule, done, warmup, options_.steps);
  report.gradient_norm = optimizer_.gradient_norm();
  require(std::isfinite(report.gradient_norm), "train", "the gradient's norm is {} at step {}, rows {}",
          report.gradient_norm, report.step, row_names(micro_batches));
  optimizer_.step(report.learning_rate, report.gradient_norm);
  return report;
}

double evaluate_loss(Context& ctx, std::span<const Batch> batches, const Graft& model,
                     const GraftConfig& config) {
  double sum = 0;
  std::int64_t count = 0;
  for (const Batch& batch : batches) {
    sum += graft_loss(ctx, batch.text, batch.pictures, batch.supervision, model, config);
    count += batch.supervision.count();
  }
  return count > 0 ? sum / static_cast<double>(count) : std::nan("");
}

}  // namespace artemis

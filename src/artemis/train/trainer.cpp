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

// The pixels of all batches' pictures on the device; undefined: no pictures.
Tensor joined_pixels(Context& ctx, std::span<const Batch> batches) {
  std::int64_t width = 0;
  for (const Batch& batch : batches) {
    if (!batch.pictures.empty()) width = batch.pictures.pixel_values.dim(1);
  }
  if (width == 0) return {};
  const Tensor pixels = ctx.allocate(DType::f32, {size_of(batches).patches, width});
  std::int64_t begin = 0;
  for (const Batch& batch : batches) {
    if (batch.pictures.empty()) continue;
    const std::int64_t end = begin + batch.pictures.pixel_values.dim(0);
    ctx.copy(pixels.rows(begin, end), batch.pictures.pixel_values);
    begin = end;
  }
  return pixels;
}

}  // namespace

Batch joined(std::span<const Batch> batches, std::span<const double> weights) {
  Batch all;
  all.text.offsets = {0};
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i];
    const auto start = static_cast<std::int32_t>(all.text.tokens());
    const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    append(all.keys, batch.keys);
    append(all.text.input_ids, batch.text.input_ids);
    append(all.text.positions, batch.text.positions);
    append(all.supervision.labels, batch.supervision.labels);
    append(all.pictures.grid_thw, batch.pictures.grid_thw);
    for (std::size_t s = 1; s < batch.text.offsets.size(); ++s)
      all.text.offsets.push_back(start + batch.text.offsets[s]);
    for (const std::int32_t row : batch.supervision.rows) all.supervision.rows.push_back(start + row);
    all.supervision.weights.resize(all.supervision.rows.size(), static_cast<float>(weights[i]));
  }
  return all;
}

Trainer::Trainer(Context& ctx, Graft& model, const GraftConfig& config, const Trainable& trainable,
                 const TrainOptions& options)
    : ctx_(ctx),
      model_(model),
      config_(config),
      trainable_(trainable),
      options_(options),
      optimizer_(ctx, model, config, trainable, options.optimizer) {}

bool Trainer::fits(const PassSize& size, Recompute recompute) {
  Known& known = known_[static_cast<std::size_t>(recompute)];
  if (size.within(known.fitting)) return true;
  if (known.too_large && known.too_large->within(size)) return false;
  const DType dtype = model_.language_model.embed_tokens.dtype();
  const bool fit = pass_bytes(config_, dtype, trainable_, size, recompute) <= ctx_.arena().capacity();
  if (fit) {
    known.fitting = size;
  } else {
    known.too_large = size;
  }
  return fit;
}

std::optional<Recompute> Trainer::fitting(std::span<const Batch> micro_batches) {
  const PassSize size = size_of(micro_batches);
  for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    if (options_.recompute.value_or(recompute) == recompute && fits(size, recompute)) return recompute;
  }
  return std::nullopt;
}

double Trainer::run(std::span<const Batch> micro_batches, std::span<const double> weights) {
  if (ctx_.device().kind == DeviceKind::cuda && micro_batches.size() > 1) {
    const std::optional<Recompute> together = fitting(micro_batches);
    std::vector<std::optional<Recompute>> apart;
    for (const Batch& batch : micro_batches) apart.push_back(fitting(std::span(&batch, 1)));
    if (worth_joining(together, apart)) return run_as_one(micro_batches, weights, *together);
  }
  double loss = 0;
  for (std::size_t i = 0; i < micro_batches.size(); ++i) {
    const std::span<const Batch> one = micro_batches.subspan(i, 1);
    std::optional<Recompute> recompute = options_.recompute.value_or(Recompute::none);
    if (ctx_.device().kind == DeviceKind::cuda) recompute = fitting(one);
    require(recompute.has_value(), "train",
            "a pass over {} tokens and {} patches needs more than the {:.1f} GiB that {} has left for "
            "activations, rows {}; expected a smaller batch_size, token_budget or max_length, or recompute: "
            "auto or full",
            one.front().text.tokens(), size_of(one).patches,
            static_cast<double>(ctx_.arena().capacity()) / (1 << 30), device_name(ctx_.device()),
            row_names(one));
    loss += run_as_one(one, weights.subspan(i, 1), *recompute);
  }
  return loss;
}

double Trainer::run_as_one(std::span<const Batch> micro_batches, std::span<const double> weights,
                           Recompute recompute) {
  const Arena::Scope scope(ctx_.arena());
  double loss = 0;
  if (micro_batches.size() == 1) {
    const Batch& batch = micro_batches.front();
    loss = weights.front() * graft_loss_and_gradients(
                                 ctx_, optimizer_.gradients(), batch.text, batch.pictures, batch.supervision,
                                 static_cast<float>(weights.front()), model_, config_, recompute);
  } else {
    Batch all = joined(micro_batches, weights);
    all.pictures.pixel_values = joined_pixels(ctx_, micro_batches);
    loss = graft_loss_and_gradients(ctx_, optimizer_.gradients(), all.text, all.pictures, all.supervision,
                                    1.0f, model_, config_, recompute);
  }
  require(std::isfinite(loss), "train", "the loss is {} at step {}, rows {}", loss,
          optimizer_.steps_done() + 1, row_names(micro_batches));
  return loss;
}

StepReport Trainer::step(std::span<const Batch> micro_batches) {
  StepReport report;
  for (const Batch& batch : micro_batches) report.supervised_tokens += batch.supervision.count();
  const auto micro_count = static_cast<double>(micro_batches.size());
  std::vector<double> weights;
  for (const Batch& batch : micro_batches) {
    require(batch.supervision.count() > 0, "train",
            "rows {} have nothing to learn from: every label is masked", row_names(std::span(&batch, 1)));
    weights.push_back(options_.token_weighted
                          ? 1.0 / static_cast<double>(report.supervised_tokens)
                          : 1.0 / (static_cast<double>(batch.supervision.count()) * micro_count));
    report.samples += static_cast<std::int64_t>(batch.keys.size());
    report.tokens += batch.text.tokens();
  }
  const double loss = run(micro_batches, weights);
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

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/model/weights.h"
#include "artemis/train/trainer.h"

namespace artemis::bench {
namespace {

constexpr double gib = 1024.0 * 1024.0 * 1024.0;

// micro_batches of `samples` each in a step.
void measure(const Subject& subject, const std::string& name, std::int64_t samples, std::size_t micro_batches,
             Figures& figures) {
  constexpr int warm_up = 2;
  const std::vector<Batch> step(micro_batches, caption_batch(subject.config, subject.lengths, samples));
  Graft trained = subject.model;
  Trainer trainer(subject.ctx, trained, subject.config, training_stage(1, 0),
                  {.steps = 1000000, .optimizer = {}});
  subject.ctx.arena().reset_peak();
  std::vector<double> seconds;
  for (int i = 0; i < warm_up + subject.repeat; ++i) {
    const double taken = seconds_of(subject.ctx, [&] { trainer.step(step); });
    if (i >= warm_up) seconds.push_back(taken);
  }
  const double samples_each_step = static_cast<double>(samples) * static_cast<double>(micro_batches);
  const auto weights = static_cast<double>(weight_bytes(subject.config, subject.dtype));
  const double peak = weights + static_cast<double>(subject.ctx.arena().peak()) +
                      static_cast<double>(trainer.optimizer().bytes());
  figures.push_back(
      {"train_" + name + "_samples_s", samples_each_step / median(seconds), "samples/s",
       subject.ceilings.product(subject.dtype) * 1e9 / stage1_flop(subject.config, subject.lengths)});
  figures.push_back({"train_" + name + "_peak_gib", peak / gib, "GiB", weights / gib, true});
}

}  // namespace

Figures measure_train(const Subject& subject) {
  require(subject.config.vision.has_value(), "bench", "the model has no tower, Stage 1 needs one");
  Figures figures;
  measure(subject, "b2x4", 2, 4, figures);
  measure(subject, "b8", 8, 1, figures);
  return figures;
}

}  // namespace artemis::bench

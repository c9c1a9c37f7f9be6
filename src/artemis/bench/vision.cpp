#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"

namespace artemis::bench {
namespace {

double seconds_for(const Subject& subject, std::int64_t count) {
  const PictureBatch pictures =
      random_pictures(subject.ctx, *subject.config.vision, count, subject.lengths.side);
  const Arena::Scope scope(subject.ctx.arena());
  const Tensor features = subject.ctx.allocate(
      subject.dtype, {image_tokens(*subject.config.vision, pictures), subject.config.text.hidden_size});
  return median_seconds(
      subject.ctx, [&] { image_features(subject.ctx, features, pictures, subject.model, subject.config); },
      subject.repeat);
}

}  // namespace

Figures measure_vision(const Subject& subject) {
  require(subject.config.vision.has_value(), "bench", "the model has no tower to measure");
  const double least_seconds =
      picture_flop(subject.config, subject.lengths.side) / (subject.ceilings.product(subject.dtype) * 1e9);
  const auto many = static_cast<double>(subject.lengths.pictures);
  return {{"vision_b1_ms", 1e3 * seconds_for(subject, 1), "ms", 1e3 * least_seconds, true},
          {"vision_b16_images_s", many / seconds_for(subject, subject.lengths.pictures), "images/s",
           1.0 / least_seconds}};
}

}  // namespace artemis::bench

#include "artemis/bench/measure.h"
#include "artemis/bench/timing.h"
#include "artemis/bench/work.h"
#include "artemis/model/index_tensor.h"
#include "artemis/model/weight_names.h"

namespace artemis::bench {
namespace {

constexpr std::int64_t samples = 8;

// Sequences of one length, of whose backward pass the first `before` tokens can be left out; their last
// quarter is supervised.
struct Rows {
  TextBatch batch;
  std::vector<std::int32_t> needed, supervised;

  Rows(const Subject& subject, std::int64_t length, std::int64_t before) {
    batch = random_text(subject.config, samples * length);
    batch.offsets.clear();
    for (std::int64_t i = 0; i < samples * length; ++i) {
      const std::int64_t position = i % length;
      const auto token = static_cast<std::int32_t>(i);
      if (position == 0) batch.offsets.push_back(token);
      batch.positions[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(position);
      if (position >= before) needed.push_back(token);
      if (position >= length - length / 4) supervised.push_back(token);
    }
    batch.offsets.push_back(static_cast<std::int32_t>(samples * length));
  }
};

// Of the forward and the backward pass through a frozen decoder.
double seconds_for(const Subject& subject, const Rows& rows, bool skipping) {
  Context& ctx = subject.ctx;
  const Decoder& weights = subject.model.language_model;
  const TextConfig& config = subject.config.text;
  const Decoder none = make_gradients(subject.config, training_stage(1, 0), ctx.device()).language_model;
  const std::int64_t width = config.hidden_size;
  const Arena::Scope scope(ctx.arena());
  const Tensor x = random_tensor(ctx, subject.dtype, {rows.batch.tokens(), width}, 1.0f, 21);
  const Tensor d_hidden = random_tensor(ctx, subject.dtype, {std::ssize(rows.supervised), width}, 1.0f, 22);
  return median_seconds(
      ctx,
      [&] {
        const Arena::Scope pass(ctx.arena());
        DecoderSaved saved;
        if (skipping) saved.needed = index_tensor(ctx, rows.needed, rows.batch.tokens(), "token");
        const Tensor hidden = ctx.allocate(subject.dtype, d_hidden.shape());
        decoder_forward(ctx, hidden, saved, x, rows.batch,
                        index_tensor(ctx, rows.supervised, rows.batch.tokens(), "row"), none, weights,
                        config);
        const std::int64_t reached = skipping ? std::ssize(rows.needed) : rows.batch.tokens();
        decoder_backward(ctx, ctx.allocate(subject.dtype, {reached, width}), none, d_hidden, saved, weights,
                         config);
      },
      subject.repeat);
}

}  // namespace

Figures measure_skipping(const Subject& subject) {
  require(subject.config.vision.has_value(), "bench", "the model has no tower, Stage 1 needs one");
  const Lengths& lengths = subject.lengths;
  const std::int64_t length =
      picture_tokens(*subject.config.vision, lengths.side) + lengths.prompt + lengths.caption;
  Figures figures;
  for (const std::int64_t part : {32, 16, 8, 4}) {
    const Rows rows(subject, length, length / part);
    const double all = seconds_for(subject, rows, false);
    const double skipping = seconds_for(subject, rows, true);
    // Half of the work is the backward pass, of which a share stays.
    const auto tokens = static_cast<double>(rows.batch.tokens());
    const double bound = 2 * tokens / (tokens + static_cast<double>(rows.needed.size()));
    figures.push_back({fmt::format("skip_1of{}_gain", part), all / skipping, "x", bound});
  }
  return figures;
}

}  // namespace artemis::bench

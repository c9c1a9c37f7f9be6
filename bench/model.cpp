// Tower, prefill, decode and Stage 1 training of random models.
#include "artemis/bench/work.h"
#include "artemis/kernels/linear.h"
#include "artemis/model/weights.h"
#include "artemis/nn/kv_cache.h"
#include "artemis/train/trainer.h"
#include "bench.h"

namespace artemis::bench {
namespace {

struct Bench {
  Context& ctx;
  const GraftConfig& config;
  const Graft& model;
  DType dtype;
  std::string label;
  double ceiling;
  const Ceilings& ceilings;
  std::vector<Line>& lines;

  void add(const std::string& name, double value, const std::string& unit, double flop_rate) const {
    lines.push_back({label + " " + name, value, unit, flop_rate / 1e9, ceiling, "GFLOP/s"});
  }

  void tower() const {
    const VisionConfig& v = *config.vision;
    const PictureBatch pictures = random_pictures(ctx, v, 1, 512);
    const Tensor out = Tensor::allocate(dtype, {image_tokens(v, pictures), v.out_hidden_size});
    const double seconds = median_seconds([&] {
      const Arena::Scope scope(ctx.arena());
      vision_tower_forward(ctx, out, nullptr, pictures, model.visual, v);
    });
    const auto patches = static_cast<double>(pictures.pixel_values.dim(0));
    const double flop = 2.0 * patches * block_parameters(config, Part::tower) +
                        attention_flop(patches, patches, v.num_heads, v.head_dim(), v.depth);
    add("tower, 512 x 512", 1.0 / seconds, "images/s", flop / seconds);
  }

  void prefill() const {
    const TextConfig& t = config.text;
    const TextBatch batch = random_text(config, 512);
    const Shape shape{batch.tokens(), t.hidden_size};
    const Tensor x = Tensor::allocate(dtype, shape);
    const Tensor hidden = Tensor::allocate(dtype, shape);
    const double seconds = median_seconds([&] {
      embed(ctx, x, batch, Tensor(), model, config);
      decoder_infer(ctx, hidden, x, batch, Tensor(), model.language_model, t);
    });
    const auto tokens = static_cast<double>(batch.tokens());
    add("prefill, 512 tokens", tokens / seconds, "tok/s", (prefill_flop(config, batch.tokens())) / seconds);
  }

  // One token at depth 256, head included: bound by reading the weights once.
  void decode() const {
    const TextConfig& t = config.text;
    constexpr std::int64_t depth = 256;
    KvCache cache(dtype, t.num_hidden_layers, 1, 512, t.num_key_value_heads * t.head_dim);
    for (std::size_t i = 0; i < cache.keys.size(); ++i) {
      cache.keys[i] = random_tensor(ctx, dtype, cache.keys[i].shape(), 1.0f, 2 * i);
      cache.values[i] = random_tensor(ctx, dtype, cache.values[i].shape(), 1.0f, 2 * i + 1);
    }
    const std::int32_t page = 0;
    const std::int32_t length = depth + 1;
    const std::int32_t row = depth;
    const CacheStep step{Tensor::from<std::int32_t>(std::span(&page, 1), {1, 1}),
                         Tensor::from<std::int32_t>(std::span(&length, 1), {1}),
                         Tensor::from<std::int32_t>(std::span(&row, 1), {1})};
    TextBatch batch = random_text(config, 1);
    batch.positions[0] = depth;
    const Tensor x = Tensor::allocate(dtype, {1, t.hidden_size});
    const Tensor hidden = Tensor::allocate(dtype, {1, t.hidden_size});
    const Tensor logits = Tensor::allocate(DType::f32, {1, t.vocab_size});
    const double seconds = median_seconds([&] {
      const Arena::Scope scope(ctx.arena());
      embed(ctx, x, batch, Tensor(), model, config);
      decoder_infer_cached(ctx, hidden, cache, step, x, decoder_inputs(ctx, batch, t), Tensor(),
                           model.language_model, t);
      linear_forward(ctx, logits, hidden, model.language_model.lm_head, Tensor());
    });
    const double bytes = decode_bytes(config, dtype, depth);
    lines.push_back(
        {label + " decode, depth 256", 1.0 / seconds, "tok/s", bytes / seconds / 1e9, ceilings.read, "GB/s"});
  }

  // Stage 1: two rows of one 256 x 256 picture (64 tokens), 16 prompt tokens and 64 of caption.
  void train() const {
    const Lengths lengths{.side = 256, .prompt = 16, .caption = 64};
    const Batch batch = caption_batch(config, lengths, 2);
    Graft trained = model;
    Trainer trainer(ctx, trained, config, training_stage(1, 0), {.steps = 1000000, .optimizer = {}});
    const double seconds = median_seconds([&] { trainer.step(std::span(&batch, 1)); });
    add("Stage 1, 2 x (64 + 80) tokens", 2.0 / seconds, "samples/s",
        2.0 * stage1_flop(config, lengths) / seconds);
  }
};

}  // namespace

void bench_model(Context& ctx, const std::string& size, DType dtype, const Ceilings& ceilings,
                 std::vector<Line>& lines) {
  const GraftConfig config = find_preset(size).config;
  const Graft model = random_weights(ctx, config, dtype, 7);
  const Bench bench{.ctx = ctx,
                    .config = config,
                    .model = model,
                    .dtype = dtype,
                    .label = fmt::format("{} {}", size, dtype_name(dtype)),
                    .ceiling = ceilings.product(dtype),
                    .ceilings = ceilings,
                    .lines = lines};
  bench.tower();
  bench.prefill();
  bench.decode();
  bench.train();
}

}  // namespace artemis::bench

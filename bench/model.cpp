// Tower, prefill, decode and Stage 1 training of random models.
#include <numeric>

#include "artemis/kernels/linear.h"
#include "artemis/kernels/rows.h"
#include "artemis/model/weight_names.h"
#include "artemis/nn/kv_cache.h"
#include "artemis/train/trainer.h"
#include "bench.h"

namespace artemis::bench {
namespace {

GraftConfig make_config(const std::string& size) {
  GraftConfig config;
  config.vision = VisionConfig{};
  VisionConfig& v = *config.vision;
  TextConfig& t = config.text;
  t.max_position_embeddings = 4096;
  t.rope.theta = 1e6f;
  if (size == "small") {
    v.depth = 4, v.hidden_size = 192, v.intermediate_size = 768, v.num_heads = 6, v.out_hidden_size = 192;
    t.vocab_size = 8192, t.hidden_size = 256, t.intermediate_size = 704, t.num_hidden_layers = 4;
    t.num_attention_heads = 8, t.num_key_value_heads = 2, t.head_dim = 32;
  } else {
    v.depth = 12, v.hidden_size = 512, v.intermediate_size = 2048, v.num_heads = 8, v.out_hidden_size = 1024;
    t.vocab_size = 32768, t.hidden_size = 1024, t.intermediate_size = 2816, t.num_hidden_layers = 8;
    t.num_attention_heads = 16, t.num_key_value_heads = 4, t.head_dim = 64;
  }
  v.deepstack_visual_indexes.clear();
  return config;
}

Graft random_graft(const GraftConfig& config, DType dtype) {
  Graft model;
  Random random(7);
  for_each_weight(model, config, [&](const WeightSpec& spec, Tensor& weight) {
    weight = random_tensor(dtype, held_shape(spec.shape), spec.shape.rank() > 1 ? 0.02f : 1.0f, random);
  });
  return model;
}

PictureBatch random_pictures(const VisionConfig& config, std::int64_t count, std::int64_t side) {
  Random random(9);
  const std::int64_t rows = side / config.patch_size;
  PictureBatch batch;
  batch.pixel_values = random_tensor(DType::f32, {count * rows * rows, config.patch_width()}, 1.0f, random);
  batch.grid_thw.assign(static_cast<std::size_t>(count), {1, rows, rows});
  return batch;
}

TextBatch random_text(const TextConfig& config, std::int64_t tokens) {
  Random random(11);
  TextBatch batch;
  for (std::int64_t i = 0; i < tokens; ++i) {
    batch.input_ids.push_back(
        static_cast<std::int32_t>(30 + random.below(static_cast<std::uint64_t>(config.vocab_size - 30))));
  }
  batch.offsets = {0, static_cast<std::int32_t>(tokens)};
  batch.positions.resize(static_cast<std::size_t>(tokens));
  std::iota(batch.positions.begin(), batch.positions.end(), 0);
  return batch;
}

// Weights that every token is multiplied by: all matrices of the blocks.
double block_parameters(const GraftConfig& config, Part part) {
  double count = 0;
  Graft shapes;
  for_each_weight(shapes, config, [&](const WeightSpec& spec, Tensor&) {
    if (spec.part == part && spec.shape.rank() == 2 && spec.block >= 0)
      count += static_cast<double>(spec.shape.count());
  });
  return count;
}

double attention_flop(double queries, double keys, std::int64_t heads, std::int64_t head_dim,
                      std::int64_t layers) {
  return 4.0 * queries * keys * static_cast<double>(heads * head_dim * layers);
}

struct Bench {
  Context& ctx;
  const GraftConfig& config;
  const Graft& model;
  DType dtype;
  std::string label;
  double ceiling;
  const Ceilings& ceilings;
  std::vector<Figure>& figures;

  void add(const std::string& name, double value, const std::string& unit, double flop_rate) const {
    figures.push_back({label + " " + name, value, unit, flop_rate / 1e9, ceiling, "GFLOP/s"});
  }

  void tower() const {
    const VisionConfig& v = *config.vision;
    const PictureBatch pictures = random_pictures(v, 1, 512);
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
    const TextBatch batch = random_text(t, 512);
    const Shape shape{batch.tokens(), t.hidden_size};
    const Tensor x = Tensor::allocate(dtype, shape);
    const Tensor hidden = Tensor::allocate(dtype, shape);
    const double seconds = median_seconds([&] {
      embed(ctx, x, batch, Tensor(), model, config);
      decoder_infer(ctx, hidden, x, batch, Tensor(), model.language_model, t);
    });
    const auto tokens = static_cast<double>(batch.tokens());
    const double flop =
        2.0 * tokens * block_parameters(config, Part::decoder) +
        attention_flop(tokens, tokens / 2, t.num_attention_heads, t.head_dim, t.num_hidden_layers);
    add("prefill, 512 tokens", tokens / seconds, "tok/s", flop / seconds);
  }

  // One token at depth 256, head included: bound by reading the weights once.
  void decode() const {
    const TextConfig& t = config.text;
    constexpr std::int64_t depth = 256;
    KvCache cache(dtype, t.num_hidden_layers, 1, 512, t.num_key_value_heads * t.head_dim);
    Random random(13);
    for (std::size_t i = 0; i < cache.keys.size(); ++i) {
      cache.keys[i] = random_tensor(dtype, cache.keys[i].shape(), 1.0f, random);
      cache.values[i] = random_tensor(dtype, cache.values[i].shape(), 1.0f, random);
    }
    const std::int32_t page = 0;
    const std::int32_t length = depth + 1;
    const std::int32_t row = depth;
    const CacheStep step{Tensor::from<std::int32_t>(std::span(&page, 1), {1, 1}),
                         Tensor::from<std::int32_t>(std::span(&length, 1), {1}),
                         Tensor::from<std::int32_t>(std::span(&row, 1), {1})};
    TextBatch batch = random_text(t, 1);
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
    const double parameters =
        block_parameters(config, Part::decoder) + static_cast<double>(t.vocab_size * t.hidden_size);
    const double bytes = parameters * static_cast<double>(dtype_size(dtype));
    figures.push_back(
        {label + " decode, depth 256", 1.0 / seconds, "tok/s", bytes / seconds / 1e9, ceilings.read, "GB/s"});
  }

  // Stage 1: two rows of one 256 x 256 picture (64 tokens), 16 prompt tokens and 64 of caption.
  void train() const {
    const VisionConfig& v = *config.vision;
    Batch batch;
    batch.keys = {"a", "b"};
    batch.pictures = random_pictures(v, 2, 256);
    constexpr std::int32_t length = 144;
    batch.text = random_text(config.text, std::int64_t{2} * length);
    batch.text.offsets = {0, length, 2 * length};
    for (std::int32_t i = 0; i < 2 * length; ++i) {
      const std::int32_t place = i % length;
      batch.text.positions[static_cast<std::size_t>(i)] = place;
      if (place >= 8 && place < 72) batch.text.input_ids[static_cast<std::size_t>(i)] = config.image_token_id;
      if (place >= 79 && place < length - 1) {
        batch.supervision.rows.push_back(i);
        batch.supervision.labels.push_back(batch.text.input_ids[static_cast<std::size_t>(i) + 1]);
      }
    }
    Graft trained = model;
    Trainer trainer(ctx, trained, config, training_stage(1, 0), {.steps = 1000000, .optimizer = {}});
    const double seconds = median_seconds([&] { trainer.step(std::span(&batch, 1)); });
    const auto tokens = static_cast<double>(batch.text.tokens());
    const auto patches = static_cast<double>(batch.pictures.pixel_values.dim(0));
    const double head = static_cast<double>(config.text.vocab_size * config.text.hidden_size) *
                        static_cast<double>(batch.supervision.count());
    const double flop = 2.0 * patches * block_parameters(config, Part::tower) +
                        4.0 * tokens * block_parameters(config, Part::decoder) + 4.0 * head;
    add("Stage 1, 2 x (64 + 80) tokens", 2.0 / seconds, "samples/s", flop / seconds);
  }
};

}  // namespace

void bench_model(Context& ctx, const std::string& size, DType dtype, const Ceilings& ceilings,
                 std::vector<Figure>& figures) {
  const GraftConfig config = make_config(size);
  const Graft model = random_graft(config, dtype);
  const Bench bench{.ctx = ctx,
                    .config = config,
                    .model = model,
                    .dtype = dtype,
                    .label = fmt::format("{} {}", size, dtype_name(dtype)),
                    .ceiling = dtype == DType::f32 ? ceilings.gemm_f32 : ceilings.gemm_bf16,
                    .ceilings = ceilings,
                    .figures = figures};
  bench.tower();
  bench.prefill();
  bench.decode();
  bench.train();
}

}  // namespace artemis::bench

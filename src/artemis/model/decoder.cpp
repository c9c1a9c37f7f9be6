#include "artemis/model/decoder.h"

#include <cmath>

#include "artemis/kernels/norm.h"
#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

AttentionOptions attention_options(const TextConfig& config) {
  return {.heads = config.num_attention_heads,
          .kv_heads = config.num_key_value_heads,
          .head_dim = config.head_dim,
          .scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim)),
          .causal = true,
          .window = config.sliding_window};
}

// What all blocks of one pass share; the cache is null outside generation.
struct Pass {
  const RotaryTable& rotary;
  const Tensor& offsets;
  const TextConfig& config;
  KvCache* cache = nullptr;
  const CacheStep* step = nullptr;
};

// The tensors of a block that are undefined, from the arena: those that products make, and those that are
// made from them pointwise. `rows` of the block's tokens pass its attention.
void allocate_products(Context& ctx, DecoderBlockSaved& saved, std::int64_t rows, const TextConfig& config) {
  const Tensor& x = saved.in;
  const std::int64_t q_width = config.num_attention_heads * config.head_dim;
  const std::int64_t kv_width = config.num_key_value_heads * config.head_dim;
  const auto need = [&](Tensor& tensor, DType dtype, const Shape& shape) {
    if (!tensor) tensor = ctx.allocate(dtype, shape);
  };
  need(saved.input_layernorm.rstd, DType::f32, {x.dim(0)});
  need(saved.attention.qkv, x.dtype(), {x.dim(0), q_width + 2 * kv_width});
  need(saved.attention.out, x.dtype(), {x.dim(0), q_width});
  need(saved.attention.lse, DType::f32, {x.dim(0), config.num_attention_heads});
  need(saved.middle, x.dtype(), {rows, config.hidden_size});
  need(saved.post_attention_layernorm.rstd, DType::f32, {rows});
  need(saved.mlp.gate_up, x.dtype(), {rows, 2 * config.intermediate_size});
}

void allocate_pointwise(Context& ctx, DecoderBlockSaved& saved, std::int64_t rows, const TextConfig& config) {
  const auto need = [&](Tensor& tensor, const Shape& shape) {
    if (!tensor) tensor = ctx.allocate(saved.in.dtype(), shape);
  };
  need(saved.input_layernorm.out, saved.in.shape());
  need(saved.post_attention_layernorm.out, {rows, config.hidden_size});
  need(saved.mlp.activated, {rows, config.intermediate_size});
}

// The rows that a block passes on: all, or those named.
std::int64_t passed_on(const Tensor& x, const Tensor& rows) { return rows ? rows.dim(0) : x.dim(0); }

// Of a matrix or a vector.
Tensor chosen(Context& ctx, const Tensor& x, const Tensor& rows) {
  if (!rows) return x;
  if (x.shape().rank() == 1) return chosen(ctx, x.view({x.dim(0), 1}), rows).view({rows.dim(0)});
  const Tensor some = ctx.allocate(x.dtype(), {rows.dim(0), x.dim(1)});
  gather_rows(ctx, some, x, rows);
  return some;
}

// The block up to the MLP's input; expects the tensors of `b` that it fills allocated.
void attention_half(Context& ctx, const DecoderBlockSaved& b, const Tensor& rows, const DecoderBlock& weights,
                    std::size_t layer, const Pass& pass) {
  const Arena::Scope scope(ctx.arena());
  const AttentionOptions options = attention_options(pass.config);
  rms_norm_forward(ctx, b.input_layernorm.out, b.input_layernorm.rstd, b.in, weights.input_layernorm.weight,
                   pass.config.rms_norm_eps);
  linears_forward(ctx, b.attention.qkv, b.input_layernorm.out,
                  {&weights.q_proj, &weights.k_proj, &weights.v_proj});
  if (pass.cache != nullptr) {
    self_attention_cached(ctx, b.attention, *pass.cache, layer, *pass.step, pass.rotary, pass.offsets,
                          options);
  } else {
    self_attention_forward(ctx, b.attention, pass.rotary, pass.offsets, options);
  }
  linear_forward(ctx, b.middle, chosen(ctx, b.attention.out, rows), weights.o_proj,
                 {.activation = {}, .residual = chosen(ctx, b.in, rows)});
  rms_norm_forward(ctx, b.post_attention_layernorm.out, b.post_attention_layernorm.rstd, b.middle,
                   weights.post_attention_layernorm.weight, pass.config.rms_norm_eps);
}

// out may be x: a pass that keeps nothing.
void block_infer(Context& ctx, const Tensor& out, const Tensor& x, const Tensor& rows,
                 const DecoderBlock& weights, std::size_t layer, const Pass& pass) {
  const Arena::Scope scope(ctx.arena());
  const TextConfig& config = pass.config;
  const Shape passed{passed_on(x, rows), config.hidden_size};
  const std::int64_t q_width = config.num_attention_heads * config.head_dim;
  DecoderBlockSaved b;
  b.in = x;
  b.input_layernorm.out = ctx.allocate(x.dtype(), x.shape());
  b.attention.qkv =
      ctx.allocate(x.dtype(), {x.dim(0), q_width + 2 * config.num_key_value_heads * config.head_dim});
  b.attention.out = ctx.allocate(x.dtype(), {x.dim(0), q_width});
  b.middle = ctx.allocate(x.dtype(), passed);
  b.post_attention_layernorm.out = ctx.allocate(x.dtype(), passed);
  attention_half(ctx, b, rows, weights, layer, pass);
  gated_mlp_infer(ctx, out, b.post_attention_layernorm.out, weights.mlp, config.hidden_act, b.middle);
}

// Fills the tensors of `kept` that are defined.
void block_forward(Context& ctx, const Tensor& out, const DecoderBlockSaved& kept, const Tensor& rows,
                   const DecoderBlock& weights, const Pass& pass) {
  const Arena::Scope scope(ctx.arena());
  DecoderBlockSaved b = kept;
  allocate_products(ctx, b, passed_on(b.in, rows), pass.config);
  allocate_pointwise(ctx, b, passed_on(b.in, rows), pass.config);
  attention_half(ctx, b, rows, weights, 0, pass);
  gated_mlp_activate(ctx, b.mlp, b.post_attention_layernorm.out, weights.mlp, pass.config.hidden_act);
  linear_forward(ctx, out, b.mlp.activated, weights.mlp.down_proj, {.activation = {}, .residual = b.middle});
}

bool trained(const DecoderBlock& gradients) {
  return gradients.input_layernorm.weight || trained(gradients.q_proj) || trained(gradients.k_proj) ||
         trained(gradients.v_proj) || trained(gradients.o_proj) || trained(gradients.mlp.gate_proj) ||
         trained(gradients.mlp.up_proj) || trained(gradients.mlp.down_proj);
}

// Makes again what the backward pass reads and `kept` lacks.
DecoderBlockSaved made_again(Context& ctx, const DecoderBlockSaved& kept, const DecoderSaved& saved,
                             const Tensor& rows, bool parameters, const DecoderBlock& weights,
                             const Pass& pass) {
  DecoderBlockSaved b = kept;
  const std::int64_t passed = passed_on(b.in, rows);
  if (saved.recompute == Recompute::full) {
    allocate_products(ctx, b, passed, pass.config);
    allocate_pointwise(ctx, b, passed, pass.config);
    attention_half(ctx, b, rows, weights, 0, pass);
    gated_mlp_activate(ctx, b.mlp, b.post_attention_layernorm.out, weights.mlp, pass.config.hidden_act);
  } else if (parameters && saved.recompute == Recompute::selective) {
    allocate_pointwise(ctx, b, passed, pass.config);
    rms_norm_forward(ctx, b.input_layernorm.out, Tensor(), b.in, weights.input_layernorm.weight,
                     pass.config.rms_norm_eps);
    rms_norm_forward(ctx, b.post_attention_layernorm.out, Tensor(), b.middle,
                     weights.post_attention_layernorm.weight, pass.config.rms_norm_eps);
    gated_mlp_reactivate(ctx, b.mlp, pass.config.hidden_act);
  }
  return b;
}

// d_all gets the gradients d_rows at `rows`, and zeros elsewhere.
void spread(Context& ctx, const Tensor& d_all, const Tensor& d_rows, const Tensor& rows) {
  fill(ctx, d_all, 0.0f);
  scatter_rows(ctx, d_all, d_rows, rows);
}

// From d_out, the gradient of what a block passed on, or of `needed` (where it is defined) of its rows, to
// that of its attention's out, at all tokens: `rows` are those of the tokens that d_out stands for. d_out is
// overwritten and then holds what goes past the attention.
Tensor upper_half_backward(Context& ctx, const Tensor& d_out, const DecoderBlock& gradients,
                           const DecoderBlockSaved& b, const Tensor& needed, const Tensor& rows,
                           const DecoderBlock& weights, const TextConfig& config) {
  {
    const Arena::Scope scope(ctx.arena());
    const Tensor d_branch = ctx.allocate(d_out.dtype(), d_out.shape());
    const GatedMlpSaved mlp{.gate_up = chosen(ctx, b.mlp.gate_up, needed), .activated = b.mlp.activated};
    gated_mlp_backward(ctx, d_branch, gradients.mlp, d_out, mlp, b.post_attention_layernorm.out, weights.mlp,
                       config.hidden_act);
    rms_norm_backward(ctx, d_out, gradients.post_attention_layernorm.weight, d_branch,
                      chosen(ctx, b.middle, needed), weights.post_attention_layernorm.weight,
                      chosen(ctx, b.post_attention_layernorm.rstd, needed), d_out);
  }
  const Tensor d_attention = ctx.allocate(d_out.dtype(), b.attention.out.shape());
  const Arena::Scope scope(ctx.arena());
  const Tensor attended = trained(gradients.o_proj) ? chosen(ctx, b.attention.out, rows) : Tensor();
  const Tensor d_attended =
      rows ? ctx.allocate(d_out.dtype(), {rows.dim(0), d_attention.dim(1)}) : d_attention;
  linear_backward(ctx, d_attended, gradients.o_proj, d_out, attended, weights.o_proj);
  if (rows) spread(ctx, d_attention, d_attended, rows);
  return d_attention;
}

// The gradient of the rows that the last block passed on, as that of the tokens that a backward pass needs.
void place(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& rows,
           const DecoderSaved& saved) {
  if (!saved.needed) return spread(ctx, d_x, d_out, rows);
  const Arena::Scope scope(ctx.arena());
  const Tensor all = ctx.allocate(d_x.dtype(), {saved.rotary.cos.dim(0), d_x.dim(1)});
  spread(ctx, all, d_out, rows);
  gather_rows(ctx, d_x, all, saved.needed);
}

// d_out, the gradient of what the block passes on, is overwritten; d_x becomes the gradient of its input.
// They are one tensor, of the rows that are needed, unless `rows` is defined.
void block_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const DecoderBlock& gradients,
                    const DecoderBlockSaved& kept, const DecoderSaved& saved, const Tensor& rows,
                    const DecoderBlock& weights, const Pass& pass) {
  const Arena::Scope scope(ctx.arena());
  const DecoderBlockSaved b = made_again(ctx, kept, saved, rows, trained(gradients), weights, pass);
  const Tensor d_attention = upper_half_backward(ctx, d_out, gradients, b, rows ? Tensor() : saved.needed,
                                                 rows ? rows : saved.needed, weights, pass.config);
  if (rows) place(ctx, d_x, d_out, rows, saved);

  const Tensor d_qkv = ctx.allocate(d_x.dtype(), b.attention.qkv.shape());
  self_attention_backward(ctx, d_qkv, d_attention, b.attention, pass.rotary, pass.offsets,
                          attention_options(pass.config));
  const Tensor d_branch = ctx.allocate(d_x.dtype(), d_x.shape());
  linears_backward(ctx, d_branch, {&gradients.q_proj, &gradients.k_proj, &gradients.v_proj},
                   chosen(ctx, d_qkv, saved.needed), b.input_layernorm.out,
                   {&weights.q_proj, &weights.k_proj, &weights.v_proj});
  rms_norm_backward(ctx, d_x, gradients.input_layernorm.weight, d_branch, chosen(ctx, b.in, saved.needed),
                    weights.input_layernorm.weight, chosen(ctx, b.input_layernorm.rstd, saved.needed), d_x);
}

RotaryTable rotary_of(Context& ctx, const DecoderInputs& inputs, const TextConfig& config) {
  return rotary_table(ctx, inputs.positions, inputs.frequencies, config.rope.attention_factor);
}

// Of the last block alone.
Tensor rows_of_block(std::size_t block, const Decoder& weights, const Tensor& rows) {
  return block + 1 == weights.blocks.size() ? rows : Tensor();
}

void infer(Context& ctx, const Tensor& hidden, const Tensor& x, const Tensor& rows, const Decoder& weights,
           const Pass& pass) {
  Tensor out = x;
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const Tensor some = rows_of_block(i, weights, rows);
    if (some) out = ctx.allocate(x.dtype(), hidden.shape());
    block_infer(ctx, out, x, some, weights.blocks[i], i, pass);
  }
  rms_norm_forward(ctx, hidden, Tensor(), out, weights.norm.weight, pass.config.rms_norm_eps);
}

}  // namespace

DecoderInputs decoder_inputs(Context& ctx, const TextBatch& batch, const TextConfig& config) {
  const std::vector<float> frequencies = inverse_frequencies(config.rope, config.head_dim);
  const auto pairs = static_cast<std::int64_t>(frequencies.size());
  return {.positions = ctx.upload(DType::i32, {batch.tokens(), 1}, batch.positions.data()),
          .offsets = ctx.upload(DType::i32, {batch.sequences() + 1}, batch.offsets.data()),
          .frequencies = ctx.upload(DType::f32, {pairs}, frequencies.data())};
}

void decoder_forward(Context& ctx, const Tensor& hidden, DecoderSaved& saved, const Tensor& x,
                     const TextBatch& batch, const Tensor& rows, const Decoder& gradients,
                     const Decoder& weights, const TextConfig& config) {
  const DecoderInputs inputs = decoder_inputs(ctx, batch, config);
  saved.offsets = inputs.offsets;
  saved.rotary = rotary_of(ctx, inputs, config);
  saved.rows = rows;
  const Pass pass{.rotary = saved.rotary, .offsets = saved.offsets, .config = config};
  saved.blocks.resize(weights.blocks.size());
  saved.out = x;
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    DecoderBlockSaved& kept = saved.blocks[i];
    const Tensor some = rows_of_block(i, weights, rows);
    kept.in = saved.out;
    saved.out = ctx.allocate(x.dtype(), {passed_on(x, some), x.dim(1)});
    if (saved.recompute != Recompute::full) allocate_products(ctx, kept, passed_on(x, some), config);
    if (saved.recompute == Recompute::none && trained(gradients.blocks[i]))
      allocate_pointwise(ctx, kept, passed_on(x, some), config);
    block_forward(ctx, saved.out, kept, some, weights.blocks[i], pass);
  }
  saved.rstd = ctx.allocate(DType::f32, {hidden.dim(0)});
  rms_norm_forward(ctx, hidden, saved.rstd, saved.out, weights.norm.weight, config.rms_norm_eps);
}

void decoder_infer(Context& ctx, const Tensor& hidden, const Tensor& x, const TextBatch& batch,
                   const Tensor& rows, const Decoder& weights, const TextConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const DecoderInputs inputs = decoder_inputs(ctx, batch, config);
  const RotaryTable rotary = rotary_of(ctx, inputs, config);
  infer(ctx, hidden, x, rows, weights, {.rotary = rotary, .offsets = inputs.offsets, .config = config});
}

void decoder_infer_cached(Context& ctx, const Tensor& hidden, KvCache& cache, const CacheStep& step,
                          const Tensor& x, const DecoderInputs& inputs, const Tensor& rows,
                          const Decoder& weights, const TextConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const RotaryTable rotary = rotary_of(ctx, inputs, config);
  infer(ctx, hidden, x, rows, weights,
        {.rotary = rotary, .offsets = inputs.offsets, .config = config, .cache = &cache, .step = &step});
}

void decoder_backward(Context& ctx, const Tensor& d_x, const Decoder& gradients, const Tensor& d_hidden,
                      const DecoderSaved& saved, const Decoder& weights, const TextConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Pass pass{.rotary = saved.rotary, .offsets = saved.offsets, .config = config};
  ARTEMIS_ASSERT(!saved.needed || saved.rows);
  Tensor d_out = saved.rows ? ctx.allocate(d_x.dtype(), d_hidden.shape()) : d_x;
  rms_norm_backward(ctx, d_out, gradients.norm.weight, d_hidden, saved.out, weights.norm.weight, saved.rstd);
  for (std::size_t i = weights.blocks.size(); i-- > 0;) {
    block_backward(ctx, d_x, d_out, gradients.blocks[i], saved.blocks[i], saved,
                   rows_of_block(i, weights, saved.rows), weights.blocks[i], pass);
    d_out = d_x;
  }
}

}  // namespace artemis

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

Tensor offsets_tensor(Context& ctx, const TextBatch& batch) {
  return ctx.upload(DType::i32, {batch.sequences() + 1}, batch.offsets.data());
}

RotaryTable positions_table(Context& ctx, const TextBatch& batch, const TextConfig& config) {
  const std::vector<float> frequencies = inverse_frequencies(config.rope, config.head_dim);
  return rotary_table(ctx, batch.positions, frequencies, config.rope.attention_factor);
}

void rms_norm(Context& ctx, RmsNormSaved& saved, const Tensor& x, const RmsNorm& weights, float eps) {
  saved.out = ctx.allocate(x.dtype(), x.shape());
  saved.rstd = ctx.allocate(DType::f32, {x.dim(0)});
  rms_norm_forward(ctx, saved.out, saved.rstd, x, weights.weight, eps);
}

void block_forward(Context& ctx, const Tensor& out, DecoderBlockSaved& saved, const Tensor& x,
                   const DecoderBlock& weights, std::size_t layer, const Pass& pass) {
  const AttentionOptions options = attention_options(pass.config);
  saved.in = x;
  saved.middle = ctx.allocate(x.dtype(), x.shape());
  rms_norm(ctx, saved.input_layernorm, x, weights.input_layernorm, pass.config.rms_norm_eps);
  const std::int64_t qkv_width = (options.heads + 2 * options.kv_heads) * options.head_dim;
  saved.attention.qkv = ctx.allocate(x.dtype(), {x.dim(0), qkv_width});
  const auto [q, k, v] = split_qkv(saved.attention.qkv, options);
  linear_forward(ctx, q, saved.input_layernorm.out, weights.q_proj);
  linear_forward(ctx, k, saved.input_layernorm.out, weights.k_proj);
  linear_forward(ctx, v, saved.input_layernorm.out, weights.v_proj);
  if (pass.cache != nullptr) {
    self_attention_cached(ctx, saved.attention, *pass.cache, layer, *pass.step, pass.rotary, pass.offsets,
                          options);
  } else {
    self_attention_forward(ctx, saved.attention, pass.rotary, pass.offsets, options);
  }
  linear_forward(ctx, saved.middle, saved.attention.out, weights.o_proj);
  add(ctx, saved.middle, saved.middle, x);

  rms_norm(ctx, saved.post_attention_layernorm, saved.middle, weights.post_attention_layernorm,
           pass.config.rms_norm_eps);
  gated_mlp_forward(ctx, out, saved.mlp, saved.post_attention_layernorm.out, weights.mlp,
                    pass.config.hidden_act);
  add(ctx, out, out, saved.middle);
}

// d_x holds d_out on entry and the gradient of the block's input on return.
void block_backward(Context& ctx, const Tensor& d_x, const DecoderBlock& gradients,
                    const DecoderBlockSaved& saved, const DecoderBlock& weights, const Pass& pass) {
  const Arena::Scope scope(ctx.arena());
  const AttentionOptions options = attention_options(pass.config);
  const Tensor d_branch = ctx.allocate(d_x.dtype(), d_x.shape());
  gated_mlp_backward(ctx, d_branch, gradients.mlp, d_x, saved.mlp, saved.post_attention_layernorm.out,
                     weights.mlp, pass.config.hidden_act);
  rms_norm_backward(ctx, d_branch, gradients.post_attention_layernorm.weight, d_branch, saved.middle,
                    weights.post_attention_layernorm.weight, saved.post_attention_layernorm.rstd);
  add(ctx, d_x, d_x, d_branch);

  const Tensor d_attention = ctx.allocate(d_x.dtype(), saved.attention.out.shape());
  const Tensor d_qkv = ctx.allocate(d_x.dtype(), saved.attention.qkv.shape());
  const auto [d_q, d_k, d_v] = split_qkv(d_qkv, options);
  linear_backward(ctx, d_attention, gradients.o_proj, d_x, saved.attention.out, weights.o_proj);
  self_attention_backward(ctx, d_qkv, d_attention, saved.attention, pass.rotary, pass.offsets, options);
  linear_backward(ctx, d_branch, gradients.q_proj, d_q, saved.input_layernorm.out, weights.q_proj);
  linear_backward(ctx, d_branch, gradients.k_proj, d_k, saved.input_layernorm.out, weights.k_proj,
                  InputGradient::accumulate);
  linear_backward(ctx, d_branch, gradients.v_proj, d_v, saved.input_layernorm.out, weights.v_proj,
                  InputGradient::accumulate);
  rms_norm_backward(ctx, d_branch, gradients.input_layernorm.weight, d_branch, saved.in,
                    weights.input_layernorm.weight, saved.input_layernorm.rstd);
  add(ctx, d_x, d_x, d_branch);
}

void infer(Context& ctx, const Tensor& hidden, const Tensor& x, const Decoder& weights, const Pass& pass) {
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const Arena::Scope scope(ctx.arena());
    DecoderBlockSaved block;
    block_forward(ctx, x, block, x, weights.blocks[i], i, pass);
  }
  rms_norm_forward(ctx, hidden, Tensor(), x, weights.norm.weight, pass.config.rms_norm_eps);
}

}  // namespace

void decoder_forward(Context& ctx, const Tensor& hidden, DecoderSaved& saved, const Tensor& x,
                     const TextBatch& batch, const Decoder& weights, const TextConfig& config) {
  saved.offsets = offsets_tensor(ctx, batch);
  saved.rotary = positions_table(ctx, batch, config);
  const Pass pass{.rotary = saved.rotary, .offsets = saved.offsets, .config = config};
  saved.blocks.resize(weights.blocks.size());
  saved.out = x;
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const Tensor next = ctx.allocate(x.dtype(), x.shape());
    block_forward(ctx, next, saved.blocks[i], saved.out, weights.blocks[i], i, pass);
    saved.out = next;
  }
  saved.norm.out = hidden;
  saved.norm.rstd = ctx.allocate(DType::f32, {x.dim(0)});
  rms_norm_forward(ctx, hidden, saved.norm.rstd, saved.out, weights.norm.weight, config.rms_norm_eps);
}

void decoder_infer(Context& ctx, const Tensor& hidden, const Tensor& x, const TextBatch& batch,
                   const Decoder& weights, const TextConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor offsets = offsets_tensor(ctx, batch);
  const RotaryTable rotary = positions_table(ctx, batch, config);
  infer(ctx, hidden, x, weights, {.rotary = rotary, .offsets = offsets, .config = config});
}

void decoder_infer_cached(Context& ctx, const Tensor& hidden, KvCache& cache, const CacheStep& step,
                          const Tensor& x, const TextBatch& batch, const Decoder& weights,
                          const TextConfig& config) {
  const Arena::Scope scope(ctx.arena());
  const Tensor offsets = offsets_tensor(ctx, batch);
  const RotaryTable rotary = positions_table(ctx, batch, config);
  infer(ctx, hidden, x, weights,
        {.rotary = rotary, .offsets = offsets, .config = config, .cache = &cache, .step = &step});
}

void decoder_backward(Context& ctx, const Tensor& d_x, const Decoder& gradients, const Tensor& d_hidden,
                      const DecoderSaved& saved, const Decoder& weights, const TextConfig& config) {
  const Pass pass{.rotary = saved.rotary, .offsets = saved.offsets, .config = config};
  rms_norm_backward(ctx, d_x, gradients.norm.weight, d_hidden, saved.out, weights.norm.weight,
                    saved.norm.rstd);
  for (std::size_t i = weights.blocks.size(); i-- > 0;) {
    block_backward(ctx, d_x, gradients.blocks[i], saved.blocks[i], weights.blocks[i], pass);
  }
}

}  // namespace artemis

// A Mistral- or Llama-class decoder over ragged batches (transformers MistralModel, LlamaModel).
#pragma once

#include <vector>

#include "artemis/model/batch.h"
#include "artemis/model/config.h"
#include "artemis/nn/mlp.h"
#include "artemis/nn/self_attention.h"

namespace artemis {

struct DecoderBlock {
  RmsNorm input_layernorm;           // (hidden)
  Linear q_proj;                     // (heads * head_dim, hidden)
  Linear k_proj;                     // (kv_heads * head_dim, hidden)
  Linear v_proj;                     // (kv_heads * head_dim, hidden)
  Linear o_proj;                     // (hidden, heads * head_dim)
  RmsNorm post_attention_layernorm;  // (hidden)
  GatedMlp mlp;                      // hidden -> intermediate -> hidden
};

struct Decoder {
  Tensor embed_tokens;  // (vocab, hidden)
  std::vector<DecoderBlock> blocks;
  RmsNorm norm;    // (hidden)
  Tensor lm_head;  // (vocab, hidden); the same tensor as embed_tokens when they are tied
};

// What the backward pass finds and what it makes again: none keeps all that it reads; selective makes again
// what is pointwise (norms, activations; of use only where decoder weights are trained, a frozen decoder's
// backward pass reads none of it); full keeps each block's input alone and runs the block again.
enum class Recompute : std::uint8_t { none, selective, full };

struct RmsNormSaved {
  Tensor out;   // (tokens, hidden)
  Tensor rstd;  // (tokens) f32
};

// Undefined: not kept.
struct DecoderBlockSaved {
  Tensor in;  // (tokens, hidden)
  RmsNormSaved input_layernorm;
  SelfAttentionSaved attention;
  Tensor middle;  // (tokens, hidden), after the attention's residual
  RmsNormSaved post_attention_layernorm;
  GatedMlpSaved mlp;
};

// Where the tokens of a pass stand, on the device.
struct DecoderInputs {
  Tensor positions;    // (tokens, 1) i32
  Tensor offsets;      // (sequences + 1) i32
  Tensor frequencies;  // inverse_frequencies(), f32
};

// From the arena.
DecoderInputs decoder_inputs(Context& ctx, const TextBatch& batch, const TextConfig& config);

struct DecoderSaved {
  Recompute recompute = Recompute::none;
  // The tokens (n) i32, rising, whose gradients the backward pass makes: with each all that follow in its
  // sequence, and only where no weight of the decoder is trained. Undefined: all.
  Tensor needed;
  RotaryTable rotary;
  Tensor offsets;  // (sequences + 1) i32
  Tensor rows;     // as decoder_forward takes it
  std::vector<DecoderBlockSaved> blocks;
  Tensor out;   // (rows, hidden), after the last block
  Tensor rstd;  // (rows) f32, of the final norm
};

// The hidden states after the final norm, from embeddings x (tokens, hidden_size), of the tokens that `rows`
// (n) i32 names, distinct; undefined: of all. hidden (n, hidden_size). The last block computes nothing for
// other tokens that they do not need. Fills `saved`, which has `recompute` and `needed` set, for the backward
// pass through a decoder of which `gradients` are wanted; x must last until then.
void decoder_forward(Context& ctx, const Tensor& hidden, DecoderSaved& saved, const Tensor& x,
                     const TextBatch& batch, const Tensor& rows, const Decoder& gradients,
                     const Decoder& weights, const TextConfig& config);

// The same without saving; x is overwritten.
void decoder_infer(Context& ctx, const Tensor& hidden, const Tensor& x, const TextBatch& batch,
                   const Tensor& rows, const Decoder& weights, const TextConfig& config);

// The same for tokens whose earlier ones are in the cache, which takes the new keys and values.
void decoder_infer_cached(Context& ctx, const Tensor& hidden, KvCache& cache, const CacheStep& step,
                          const Tensor& x, const DecoderInputs& inputs, const Tensor& rows,
                          const Decoder& weights, const TextConfig& config);

// d_x (tokens, or those needed, hidden_size), overwritten, the gradient of the embeddings, from d_hidden (as
// hidden; where tokens are needed, rows were given). Parameter gradients accumulate where they are defined
// (embed_tokens and lm_head belong to the callers). `saved` is used up.
void decoder_backward(Context& ctx, const Tensor& d_x, const Decoder& gradients, const Tensor& d_hidden,
                      const DecoderSaved& saved, const Decoder& weights, const TextConfig& config);

}  // namespace artemis

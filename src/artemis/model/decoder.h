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

struct RmsNormSaved {
  Tensor out;   // (tokens, hidden)
  Tensor rstd;  // (tokens) f32
};

struct DecoderBlockSaved {
  Tensor in;  // (tokens, hidden)
  RmsNormSaved input_layernorm;
  SelfAttentionSaved attention;
  Tensor middle;  // (tokens, hidden), after the attention's residual
  RmsNormSaved post_attention_layernorm;
  GatedMlpSaved mlp;
};

struct DecoderSaved {
  RotaryTable rotary;
  Tensor offsets;  // (sequences + 1) i32
  std::vector<DecoderBlockSaved> blocks;
  Tensor out;  // (tokens, hidden), after the last block
  RmsNormSaved norm;
};

// The hidden states after the final norm, hidden (tokens, hidden_size), from embeddings x of the same shape.
// x is overwritten. Fills `saved` for the backward pass.
void decoder_forward(Context& ctx, const Tensor& hidden, DecoderSaved& saved, const Tensor& x,
                     const TextBatch& batch, const Decoder& weights, const TextConfig& config);

// The same without saving; x is overwritten.
void decoder_infer(Context& ctx, const Tensor& hidden, const Tensor& x, const TextBatch& batch,
                   const Decoder& weights, const TextConfig& config);

// The same for tokens whose earlier ones are in the cache, which takes the new keys and values.
void decoder_infer_cached(Context& ctx, const Tensor& hidden, KvCache& cache, const CacheStep& step,
                          const Tensor& x, const TextBatch& batch, const Decoder& weights,
                          const TextConfig& config);

// d_x (tokens, hidden_size), overwritten, the gradient of the embeddings, from d_hidden. Parameter gradients
// accumulate where they are defined (embed_tokens and lm_head belong to the callers).
void decoder_backward(Context& ctx, const Tensor& d_x, const Decoder& gradients, const Tensor& d_hidden,
                      const DecoderSaved& saved, const Decoder& weights, const TextConfig& config);

}  // namespace artemis

// The speed of a whole model: Stage 1, pictures, prompts, single tokens, and its way from a checkpoint.
#pragma once

#include <filesystem>

#include "artemis/bench/ceilings.h"
#include "artemis/bench/preset.h"
#include "artemis/model/graft.h"

namespace artemis::bench {

// What was measured beside what the ceilings allow.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  double bound = 0;  // in the same unit; 0: none
  bool less_is_better = false;

  // The share of the bound that is reached.
  double ratio() const { return less_is_better ? bound / value : value / bound; }
};

using Figures = std::vector<Figure>;

// What is measured, and how; the references must last.
struct Subject {
  Context& ctx;
  const Graft& model;
  const GraftConfig& config;
  DType dtype;
  Lengths lengths;
  Ceilings ceilings;
  int repeat = 5;  // least calls behind a median
};

// Each returns its figures, under the names of docs/performance/*.json. Throw Error where memory does not
// suffice, and measure_train and measure_vision for a model without a tower.

// train_b2x4_samples_s, train_b2x4_peak_gib, train_b8_samples_s, train_b8_peak_gib: Stage 1 in micro-batches
// of 2 (4 a step) and of 8 (1 a step). The peak is that of weights, activations and optimizer state.
Figures measure_train(const Subject& subject);

// skip_1of32_gain, skip_1of16_gain, skip_1of8_gain, skip_1of4_gain: the time of a frozen decoder's forward
// and backward pass over 8 samples, over that of a pass whose backward part leaves out so large a share of
// the tokens, the first of each sample: what lies before the first picture (graft_loss_and_gradients()).
Figures measure_skipping(const Subject& subject);

// vision_b1_ms, vision_b16_images_s: tower and projector, pixels on the device.
Figures measure_vision(const Subject& subject);

// prefill_2048_tok_s, and with a tower ttft_280_ms: pixels on the host and a prompt to the first token's id.
Figures measure_prefill(const Subject& subject);

// decode_b1_bf16_tok_s and decode_b1_d4096_tok_s: one conversation, the likeliest token each time, behind a
// picture and its prompt (without a tower as many tokens of text) and behind a long text.
// decode_b8_bf16_tok_s and decode_b32_bf16_tok_s: all tokens of as many conversations side by side, each
// behind as many tokens of text. sample_b1_us, sample_b8_us and sample_b32_us: tokens drawn from as many rows
// of logits, temperature 1 and top-p 0.9.
Figures measure_decode(const Subject& subject);

// For 1, 8 and 32 clients, each of whom asks three questions one after the other, with a picture of its own
// and a prompt, and reads an answer of Lengths::decoded tokens, from an engine that takes all at once (at
// default options): serve_cN_tok_s, answer tokens a second of all; serve_cN_first_p50_ms, _p99_ms, from a
// question to the first piece of its answer, pixels on the host; serve_cN_gap_p50_ms, _p99_ms, between
// pieces. With a tower serve_pause_ms: the longest wait between two pieces of 31 answers while somebody's
// picture of 1,936 image tokens (half of the context, where that is less) is read.
Figures measure_serve(const Subject& subject);

// A checkpoint on its way to the device.
struct LoadSubject {
  Context& ctx;
  const GraftConfig& config;
  DType dtype;
  Ceilings ceilings;
};

// load_25gb_s: the second of two loads of the checkpoint, whose pages are then in memory.
Figures measure_load(const LoadSubject& subject, const std::filesystem::path& model_directory);

// The same of random bytes of the model's size, written to a new folder below `directory` and removed at the
// end. Throws Error when there is no room for them.
Figures measure_load_of_random(const LoadSubject& subject, const std::filesystem::path& directory);

}  // namespace artemis::bench

// What is asked of a model, and what it answers.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/generate/sampler.h"
#include "artemis/grammar/constraint.h"
#include "artemis/model/batch.h"

namespace artemis {

struct GenerateOptions {
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::map<std::int32_t, float> logit_bias{};  // added to the logits of these tokens
  std::optional<std::int64_t> logprobs{};      // of each token and of this many likeliest ones; absent: none
  std::vector<std::string> stop;               // the text ends before the first of these
  std::vector<std::int32_t> end_tokens;        // each ends the text
  bool ignore_eos = false;                     // end tokens are ordinary tokens
  bool skip_special_tokens = true;             // in the text
  std::vector<std::int32_t> shown_tokens{};    // special tokens that stand in the text all the same
  const std::atomic<bool>* cancel = nullptr;   // once true, the text ends within one pass
};

// A picture of a prompt.
struct EnginePicture {
  PictureBatch patches;  // of it alone
  std::string
      key{};  // equal keys: equal patches (a SHA-256 of file and settings, 32 bytes); empty: not shared
};

struct EngineRequest {
  std::vector<std::int32_t> prompt;
  std::vector<EnginePicture> pictures{};  // those of the prompt's image tokens, in order
  GenerateOptions options{};
  std::shared_ptr<Constraint> constraint{};                         // what the answer may say; null: anything
  std::optional<std::chrono::steady_clock::time_point> deadline{};  // the answer ends then, as "timeout"
  std::string client{};  // who asks: those who have less under way come first

  // Of its pictures' patches.
  std::int64_t picture_bytes() const;
};

// Natural logarithms of the model's own probabilities, before any penalty, mask or temperature.
struct TokenLogprob {
  std::int32_t id = 0;
  float logprob = 0;
};

struct AnswerToken {
  TokenLogprob drawn;
  std::vector<TokenLogprob> top;  // falling
};

// What is new of an answer.
struct AnswerPiece {
  std::string_view text;                // whole characters, and no part of a stop string
  std::span<const AnswerToken> tokens;  // that this text ends with, where log probabilities were asked for
};

struct GenerateResult {
  std::vector<std::int32_t> ids;  // the new tokens, an end token included
  std::string text;
  std::string finish_reason;       // "stop", "length", "cancelled", "timeout" or "error"
  std::string error;               // what went wrong
  std::int64_t cached_tokens = 0;  // of the prompt, found in the cache
  double prefill_seconds = 0;      // from the request to the first token
  double decode_seconds = 0;       // the tokens after the first
};

// Called by whoever runs the engine; must not wait.
struct AnswerListener {
  std::function<void(const AnswerPiece& piece)> on_piece;
  std::function<void(GenerateResult result)> on_end;  // once, last
};

}  // namespace artemis

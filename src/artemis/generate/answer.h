// One answer as it grows: how its tokens are drawn, its text and its end.
#pragma once

#include <chrono>

#include "artemis/generate/generator.h"
#include "artemis/generate/stop_filter.h"

namespace artemis {

class Answer {
 public:
  // `tokenizer`, `options` and `on_text` must outlive it.
  Answer(const Tokenizer& tokenizer, std::vector<std::int32_t> prompt, const GenerateOptions& options,
         const TextCallback& on_text);

  // Whether the next token is always that of the largest logit; else how it is drawn, once for each token.
  bool takes_likeliest() const { return sampler_.takes_likeliest(); }
  RowSampling draw() { return sampler_.draw(); }
  // Takes the next token. Throws Error for -1, which stands for logits of which none is a number.
  void take(std::int32_t token);
  bool ended() const { return ended_; }
  // The token taken last.
  std::span<const std::int32_t> last() const { return std::span(&history_.back(), 1); }
  // Once it has ended.
  GenerateResult finish();

 private:
  void show(const std::string& piece);
  void end();

  const GenerateOptions& options_;
  const TextCallback& on_text_;
  Sampler sampler_;
  StopFilter filter_;
  StreamDecoder stream_;
  std::vector<std::int32_t> history_;  // the prompt and the answer
  GenerateResult result_;
  bool ended_ = false;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace artemis

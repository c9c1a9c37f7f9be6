// One answer as it grows: how its tokens are drawn, its text and its end.
#pragma once

#include "artemis/generate/request.h"
#include "artemis/generate/stop_filter.h"
#include "artemis/kernels/logits.h"
#include "artemis/processor/processor.h"

namespace artemis {

class Answer {
 public:
  // Throws UsageError for options outside their range. `tokenizer` and `request` must outlive it.
  Answer(const Tokenizer& tokenizer, const EngineRequest& request,
         std::function<void(const AnswerPiece&)> on_piece);

  const Sampler& sampler() const { return sampler_; }
  // Whether the next token depends on the logits as they are and on nothing that came before.
  bool draws_freely() const;
  // What is changed in the logits of the next token, which stand in this row.
  void add_edits(std::vector<LogitEdit>& edits, std::int32_t row) const;
  // Whether only some tokens may come next; then which: bit t % 32 of word t / 32 for token t.
  bool constrained() const { return request_.constraint != nullptr; }
  void allowed(std::span<std::uint32_t> mask) const;

  // Takes the next token, with its probabilities where they were asked for. Throws Error for -1, which stands
  // for logits of which none is a number.
  void take(std::int32_t token, AnswerToken probabilities = {});
  // This many tokens of the prompt needed no computing.
  void found_in_cache(std::int64_t tokens) { result_.cached_tokens = tokens; }
  // Ends it early, for this reason.
  void end(std::string_view reason, std::string error = "");
  bool ended() const { return ended_; }
  // The prompt and the answer so far.
  std::span<const std::int32_t> history() const { return history_; }
  std::int64_t new_tokens() const { return std::ssize(result_.ids); }
  // Once it has ended.
  GenerateResult finish();

 private:
  bool ends(std::int32_t token) const;
  void show(std::string_view text);

  const EngineRequest& request_;
  std::function<void(const AnswerPiece&)> on_piece_;
  Sampler sampler_;
  StopFilter filter_;
  StreamDecoder stream_;
  std::vector<std::int32_t> history_;
  std::map<std::int32_t, std::int64_t> seen_;  // tokens of the history, and how often the answer has them
  std::vector<AnswerToken> unshown_;           // whose text is still held back
  GenerateResult result_;
  bool ended_ = false;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace artemis

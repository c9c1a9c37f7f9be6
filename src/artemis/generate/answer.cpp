#include "artemis/generate/answer.h"

#include <algorithm>

namespace artemis {

Answer::Answer(const Tokenizer& tokenizer, const EngineRequest& request,
               std::function<void(const AnswerPiece&)> on_piece)
    : request_(request),
      on_piece_(std::move(on_piece)),
      sampler_(request.options.sampling),
      filter_(request.options.stop),
      stream_(tokenizer, request.options.skip_special_tokens, request.options.shown_tokens),
      history_(request.prompt),
      start_(std::chrono::steady_clock::now()) {
  if (!draws_freely())
    for (const std::int32_t token : history_) seen_.emplace(token, 0);
}

bool Answer::draws_freely() const {
  const SamplingOptions& sampling = request_.options.sampling;
  return sampling.repetition_penalty == 1.0f && sampling.frequency_penalty == 0.0f &&
         sampling.presence_penalty == 0.0f && request_.options.logit_bias.empty() &&
         request_.constraint == nullptr;
}

void Answer::add_edits(std::vector<LogitEdit>& edits, std::int32_t row) const {
  const SamplingOptions& sampling = request_.options.sampling;
  const std::map<std::int32_t, float>& bias = request_.options.logit_bias;
  const auto bias_of = [&](std::int32_t id) {
    const auto found = bias.find(id);
    return found == bias.end() ? 0.0f : found->second;
  };
  for (const auto& [id, count] : seen_) {
    const float taken = sampling.frequency_penalty * static_cast<float>(count) +
                        (count > 0 ? sampling.presence_penalty : 0.0f);
    edits.push_back({row, id, sampling.repetition_penalty, bias_of(id) - taken});
  }
  for (const auto& [id, added] : bias) {
    if (!seen_.contains(id)) edits.push_back({row, id, 1.0f, bias_of(id)});
  }
}

void Answer::allowed(std::span<std::uint32_t> mask) const {
  request_.constraint->allowed(mask);
  const bool may_end = request_.constraint->may_end();
  for (const std::int32_t token : request_.options.end_tokens) {
    const auto place = static_cast<std::size_t>(token);
    const std::uint32_t bit = std::uint32_t{1} << (place % 32);
    if (place / 32 < mask.size())
      mask[place / 32] = may_end ? mask[place / 32] | bit : mask[place / 32] & ~bit;
  }
}

bool Answer::ends(std::int32_t token) const {
  const GenerateOptions& options = request_.options;
  const bool ignored = options.ignore_eos && !constrained();  // a whole form has nothing behind its end
  return !ignored && std::ranges::find(options.end_tokens, token) != options.end_tokens.end();
}

void Answer::show(std::string_view text) {
  result_.text += text;
  if (text.empty()) return;
  if (on_piece_) on_piece_({text, unshown_});
  unshown_.clear();
}

void Answer::take(std::int32_t token, AnswerToken probabilities) {
  require(token >= 0, "sampler", "no token may follow: none of the logits is a number that is allowed");
  if (result_.ids.empty()) {
    const auto now = std::chrono::steady_clock::now();
    result_.prefill_seconds = std::chrono::duration<double>(now - start_).count();
    start_ = now;
  }
  sampler_.advance();
  result_.ids.push_back(token);
  history_.push_back(token);
  if (ends(token)) return end("stop");
  if (!draws_freely()) ++seen_[token];
  if (constrained()) {
    require(request_.constraint->accept(token), "sampler", "token {} is not allowed by the grammar", token);
  }
  if (request_.options.logprobs) unshown_.push_back(std::move(probabilities));
  show(filter_.push(stream_.push(token)));
  if (filter_.stopped()) {
    end("stop");
  } else if (new_tokens() >= request_.options.max_new_tokens) {
    end("length");
  }
}

void Answer::end(std::string_view reason, std::string error) {
  show(filter_.push(stream_.flush()));
  show(filter_.flush());
  if (!unshown_.empty() && on_piece_) on_piece_({"", unshown_});
  result_.finish_reason = filter_.stopped() && error.empty() ? "stop" : reason;
  result_.error = std::move(error);
  result_.decode_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  ended_ = true;
}

GenerateResult Answer::finish() {
  ARTEMIS_ASSERT(ended_);
  return std::move(result_);
}

}  // namespace artemis

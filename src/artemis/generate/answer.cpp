#include "artemis/generate/answer.h"

#include <algorithm>

namespace artemis {

Answer::Answer(const Tokenizer& tokenizer, std::vector<std::int32_t> prompt, const GenerateOptions& options,
               const TextCallback& on_text)
    : options_(options),
      on_text_(on_text),
      sampler_(options.sampling),
      filter_(options.stop),
      stream_(tokenizer, options.skip_special_tokens),
      history_(std::move(prompt)),
      start_(std::chrono::steady_clock::now()) {}

void Answer::show(const std::string& piece) {
  result_.text += piece;
  if (on_text_ && !piece.empty()) on_text_(piece);
}

void Answer::take(std::int32_t token) {
  require(token >= 0, "sampler", "none of the logits is a number");
  if (result_.ids.empty()) {
    const auto now = std::chrono::steady_clock::now();
    result_.prefill_seconds = std::chrono::duration<double>(now - start_).count();
    start_ = now;
  }
  result_.ids.push_back(token);
  history_.push_back(token);
  if (!options_.ignore_eos && std::ranges::find(options_.end_tokens, token) != options_.end_tokens.end()) {
    result_.finish_reason = "stop";
    end();
    return;
  }
  show(filter_.push(stream_.push(token)));
  if (filter_.stopped()) {
    end();
  } else if (static_cast<std::int64_t>(result_.ids.size()) >= options_.max_new_tokens) {
    result_.finish_reason = "length";
    end();
  } else if (options_.cancel != nullptr && options_.cancel->load()) {
    result_.finish_reason = "cancelled";
    end();
  }
}

void Answer::end() {
  show(filter_.push(stream_.flush()));
  show(filter_.flush());
  if (filter_.stopped()) result_.finish_reason = "stop";
  result_.decode_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  ended_ = true;
}

GenerateResult Answer::finish() {
  ARTEMIS_ASSERT(ended_);
  return std::move(result_);
}

}  // namespace artemis

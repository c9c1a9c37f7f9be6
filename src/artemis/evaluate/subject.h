// What is evaluated, and how much at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "artemis/generate/generator.h"
#include "artemis/train/collate.h"

namespace artemis {

// A model, whole in memory; all of it must outlive the evaluation.
struct Subject {
  Context& ctx;
  const Graft& graft;
  const GraftConfig& config;
  const Processor& processor;
  std::vector<std::int32_t> end_tokens;  // of its answers
};

struct EvaluateOptions {
  std::int64_t limit = 0;  // rows, from the first on; 0: all
  std::int64_t batch_size = 32;
  std::int64_t max_new_tokens = 192;         // of an answer
  std::function<void(std::int64_t)> done{};  // called with the rows so far
};

// The sum of losses over supervised tokens, and how many these were.
struct LossSum {
  double sum = 0;
  std::int64_t tokens = 0;

  LossSum& operator+=(const LossSum& other);
  // Per token; not a number when there are none.
  double mean() const;
  double perplexity() const;
};

LossSum loss_of(const Subject& subject, std::span<const Example> examples);

// The rows of files and folders, in their order. Throws Error for one that cannot be used, and when there are
// none.
std::vector<Row> read_rows(const std::vector<std::string>& paths, std::int64_t limit);

// One user turn: pictures, then text.
Json user_turn(const std::string& text, std::size_t pictures);

// The prompt of an answer to these messages, thinking off.
GenerateRequest answer_request(const Subject& subject, const Json& messages,
                               std::span<const PictureFile> images);

// Greedy answers.
std::vector<GenerateResult> answers_to(const Subject& subject, std::span<const GenerateRequest> requests,
                                       std::int64_t max_new_tokens);

}  // namespace artemis

#include "artemis/evaluate/text_regression.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace artemis {
namespace {

// What one model makes of a row.
struct TextReading {
  Example example;
  LossSum loss;
  Tensor logits;  // (tokens, vocab) f32 on the host
};

TextReading read_text(const Subject& subject, const Row& row) {
  TextReading reading;
  reading.example = make_example(row, subject.processor, subject.config, subject.ctx.pool());
  reading.loss = loss_of(subject, std::span(&reading.example, 1));
  const Arena::Scope scope(subject.ctx.arena());
  const Batch batch = collate(std::span(&reading.example, 1));
  const Tensor logits =
      subject.ctx.allocate(DType::f32, {batch.text.tokens(), subject.config.text.vocab_size});
  graft_logits(subject.ctx, logits, batch.text, Tensor(), subject.graft, subject.config);
  reading.logits = Tensor::allocate(DType::f32, logits.shape());
  subject.ctx.copy(reading.logits, logits);
  return reading;
}

// Infinite where one has a number and the other has none.
double difference(std::span<const float> a, std::span<const float> b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    const double gap = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = std::max(most, std::isnan(gap) ? std::numeric_limits<double>::infinity() : gap);
  }
  return most;
}

void compare(const TextReading& graft, const TextReading& bare, TextFigures& figures) {
  ++figures.rows;
  figures.graft += graft.loss;
  figures.bare += bare.loss;
  if (graft.example.input_ids != bare.example.input_ids || graft.example.labels != bare.example.labels)
    return;
  ++figures.same_tokens;
  if (graft.logits.shape() != bare.logits.shape()) return;
  if (std::memcmp(graft.logits.raw(), bare.logits.raw(), graft.logits.bytes()) == 0) ++figures.same_logits;
  figures.max_difference =
      std::max(figures.max_difference, difference(graft.logits.values<float>(), bare.logits.values<float>()));
}

std::vector<GenerateResult> answer_rows(const Subject& subject, std::span<const Row> rows,
                                        std::int64_t max_new_tokens) {
  std::vector<GenerateRequest> requests;
  for (const Row& row : rows) {
    Json before = row.messages;
    before.erase(before.size() - 1);
    requests.push_back(answer_request(subject, before, {}));
  }
  return answers_to(subject, requests, max_new_tokens);
}

}  // namespace

Json TextFigures::to_json() const {
  return {{"rows", rows},
          {"identical", identical()},
          {"same_tokens", same_tokens},
          {"same_logits", same_logits},
          {"same_answers", same_answers},
          {"max_difference", max_difference},
          {"loss_graft", graft.mean()},
          {"loss_bare", bare.mean()}};
}

TextFigures evaluate_text(const Subject& graft, const Subject& bare, const std::vector<std::string>& paths,
                          const EvaluateOptions& options) {
  const std::vector<Row> rows = read_rows(paths, options.limit);
  for (const Row& row : rows) {
    require(row.images.empty(), row.key, "has pictures, expected text alone");
    require(row.messages.size() > 1, row.key, "has one message, expected a question and its answer");
  }
  TextFigures figures;
  const auto batch = static_cast<std::size_t>(options.batch_size);
  for (std::size_t begin = 0; begin < rows.size(); begin += batch) {
    const std::span group = std::span(rows).subspan(begin, std::min(batch, rows.size() - begin));
    for (const Row& row : group) compare(read_text(graft, row), read_text(bare, row), figures);
    const auto ours = answer_rows(graft, group, options.max_new_tokens);
    const auto theirs = answer_rows(bare, group, options.max_new_tokens);
    for (std::size_t i = 0; i < group.size(); ++i)
      figures.same_answers += ours[i].ids == theirs[i].ids ? 1 : 0;
    if (options.done) options.done(figures.rows);
  }
  return figures;
}

}  // namespace artemis

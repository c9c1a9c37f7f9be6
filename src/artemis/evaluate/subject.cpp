#include "artemis/evaluate/subject.h"

#include <cmath>

#include "artemis/train/samples.h"

namespace artemis {

LossSum& LossSum::operator+=(const LossSum& other) {
  sum += other.sum;
  tokens += other.tokens;
  return *this;
}

double LossSum::mean() const { return tokens > 0 ? sum / static_cast<double>(tokens) : std::nan(""); }

double LossSum::perplexity() const { return std::exp(mean()); }

LossSum loss_of(const Subject& subject, std::span<const Example> examples) {
  const Batch batch = collate(examples);
  const double sum =
      graft_loss(subject.ctx, batch.text, batch.pictures, batch.supervision, subject.graft, subject.config);
  return {sum, batch.supervision.count()};
}

std::vector<Row> read_rows(const std::vector<std::string>& paths, std::int64_t limit) {
  SampleSource source(paths);
  std::vector<Row> rows;
  while (limit == 0 || static_cast<std::int64_t>(rows.size()) < limit) {
    std::optional<Row> row = source.next();
    if (!row) break;
    rows.push_back(std::move(*row));
  }
  require(!rows.empty(), "evaluate", "the data hold no rows, expected at least one");
  return rows;
}

Json user_turn(const std::string& text, std::size_t pictures) {
  Json content = Json::array();
  for (std::size_t i = 0; i < pictures; ++i) content.push_back({{"type", "image"}});
  content.push_back({{"type", "text"}, {"text", text}});
  Json message = {{"role", "user"}};
  message["content"] = std::move(content);
  return Json::array({std::move(message)});
}

GenerateRequest answer_request(const Subject& subject, const Json& messages,
                               std::span<const PictureFile> images) {
  GenerateRequest request;
  if (!images.empty()) request.pictures = subject.processor.preprocess(images, subject.ctx.pool());
  const std::string text = subject.processor.chat_template().render(
      messages, {.add_generation_prompt = true, .enable_thinking = false});
  request.prompt = subject.processor.encode(text, request.pictures, true);
  return request;
}

std::vector<GenerateResult> answers_to(const Subject& subject, std::span<const GenerateRequest> requests,
                                       std::int64_t max_new_tokens) {
  const GenerateOptions options{
      .max_new_tokens = max_new_tokens, .sampling = {}, .stop = {}, .end_tokens = subject.end_tokens};
  return generate_batch(subject.ctx, subject.graft, subject.config, subject.processor.tokenizer(), requests,
                        options);
}

}  // namespace artemis

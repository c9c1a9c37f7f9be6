#include "artemis/evaluate/loss.h"

#include "artemis/train/samples.h"

namespace artemis {

Json LossFigures::to_json() const {
  return {{"rows", rows}, {"tokens", loss.tokens}, {"loss", loss.mean()}, {"perplexity", loss.perplexity()}};
}

LossFigures evaluate_rows(const Subject& subject, const std::vector<std::string>& paths,
                          const EvaluateOptions& options) {
  SampleSource source(paths);
  LossFigures figures;
  std::vector<Example> examples;
  const auto flush = [&] {
    figures.loss += loss_of(subject, examples);
    figures.rows += static_cast<std::int64_t>(examples.size());
    examples.clear();
    if (options.done) options.done(figures.rows);
  };
  for (std::int64_t read = 0; options.limit == 0 || read < options.limit; ++read) {
    const std::optional<Row> row = source.next();
    if (!row) break;
    examples.push_back(make_example(*row, subject.processor, subject.config, subject.ctx.pool()));
    if (static_cast<std::int64_t>(examples.size()) == options.batch_size) flush();
  }
  if (!examples.empty()) flush();
  require(figures.rows > 0, "evaluate", "the data hold no rows, expected at least one");
  return figures;
}

}  // namespace artemis

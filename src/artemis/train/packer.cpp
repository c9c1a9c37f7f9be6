#include "artemis/train/packer.h"

#include <algorithm>

namespace artemis {
namespace {

std::int64_t tokens(const Example& example) { return static_cast<std::int64_t>(example.input_ids.size()); }

bool learns(const Example& example) {
  return std::ranges::any_of(example.labels, [](std::int32_t label) { return label != ignored_label; });
}

PipelineOptions checked(PipelineOptions options) {
  require(options.accumulation > 0, "data", "{} micro-batches a step, expected at least 1",
          options.accumulation);
  require(options.token_budget > 0 || options.batch_size > 0, "data",
          "{} rows a micro-batch, expected at least 1", options.batch_size);
  require(options.token_budget >= 0 && options.max_length >= 0, "data",
          "a token budget of {} and a length of {}, expected at least 0", options.token_budget,
          options.max_length);
  if (options.token_budget > 0 && options.max_length == 0) options.max_length = options.token_budget;
  require(options.token_budget == 0 || options.max_length <= options.token_budget, "data",
          "rows of {} tokens do not fit a token budget of {}", options.max_length, options.token_budget);
  return options;
}

}  // namespace

Packer::Packer(const PipelineOptions& options, std::int32_t image_token_id, const PipelineCounts& counts)
    : options_(checked(options)), image_token_id_(image_token_id), counts_(counts) {}

std::optional<Step> Packer::add(Outcome outcome) {
  if (outcome.failure) std::rethrow_exception(outcome.failure);
  std::optional<Step> step;
  std::optional<Example> example = std::move(outcome.example);
  const bool too_long = example && options_.max_length > 0 && tokens(*example) > options_.max_length;
  if (too_long && !shorten(*example)) example.reset();
  if (example && !fits(*example)) {
    close_batch();
    // This row opens the next step, so the position is before it.
    if (std::ssize(batches_) == options_.accumulation) step = close_step(outcome, outcome.sequence);
  }
  if (too_long) ++counts_.too_long;
  count(outcome);
  check_source(outcome, example.has_value());
  if (example) {
    ++counts_.rows;
    open_tokens_ += tokens(*example);
    open_.push_back(std::move(*example));
    if (options_.token_budget == 0 && std::ssize(open_) == options_.batch_size) close_batch();
  }
  if (std::ssize(batches_) == options_.accumulation) step = close_step(outcome, outcome.sequence + 1);
  return step;
}

bool Packer::fits(const Example& example) const {
  return options_.token_budget == 0 || open_.empty() ||
         open_tokens_ + tokens(example) <= options_.token_budget;
}

void Packer::count(const Outcome& outcome) {
  for (const std::string& fault : outcome.faults) {
    log_.push_back("skipped: " + fault);
    ++counts_.skipped;
    require(counts_.skipped <= options_.max_skipped, "data",
            "{} rows could not be used, at most {} may be; the last: {}", counts_.skipped,
            options_.max_skipped, fault);
  }
  counts_.epochs = outcome.epochs;
}

// A source without a row of use would be read for ever.
void Packer::check_source(const Outcome& outcome, bool used) {
  std::int64_t& last = last_used_.try_emplace(outcome.source, outcome.source_epochs).first->second;
  if (used) last = outcome.source_epochs;
  require(outcome.source_epochs < last + 2, "data",
          "source {} has given no row of use in a whole epoch; so far {} rows were skipped and {} too long",
          outcome.source + 1, counts_.skipped, counts_.too_long);
}

// Cuts a row to max_length; false where that takes a picture's tokens away or leaves nothing to learn, or
// rows are to be dropped.
bool Packer::shorten(Example& example) const {
  const auto length = static_cast<std::size_t>(options_.max_length);
  const auto kept_end = example.input_ids.begin() + options_.max_length;
  if (options_.long_rows == LongRows::drop ||
      std::find(kept_end, example.input_ids.end(), image_token_id_) != example.input_ids.end())
    return false;
  example.input_ids.resize(length);
  example.labels.resize(length);
  return learns(example);
}

void Packer::close_batch() {
  batches_.push_back(collate(open_));
  open_.clear();
  open_tokens_ = 0;
}

Step Packer::close_step(const Outcome& outcome, std::int64_t end) {
  Step step{.batches = std::move(batches_),
            .log = std::move(log_),
            .counts = counts_,
            .plan = outcome.plan,
            .draws = end - outcome.plan_sequence};
  batches_.clear();
  log_.clear();
  return step;
}

}  // namespace artemis

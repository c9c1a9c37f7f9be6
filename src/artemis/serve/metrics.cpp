#include "artemis/serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace artemis {
namespace {

void describe(std::string& text, std::string_view name, std::string_view kind, std::string_view help) {
  fmt::format_to(std::back_inserter(text), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
}

template <typename Number>
void write_number(std::string& text, std::string_view name, std::string_view kind, std::string_view help,
                  Number number) {
  describe(text, name, kind, help);
  fmt::format_to(std::back_inserter(text), "{} {}\n", name, number);
}

void write_engine(std::string& text, const EngineCounters& engine) {
  const auto gauge = [&](std::string_view name, std::string_view help, std::int64_t value) {
    write_number(text, name, "gauge", help, value);
  };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    write_number(text, name, "counter", help, value);
  };
  gauge("artemis_answers_running", "Answers that are being generated.", engine.running);
  gauge("artemis_answers_waiting", "Answers that wait for their turn.", engine.waiting);
  gauge("artemis_cache_pages", "Pages of the cache of keys and values.", engine.pages);
  gauge("artemis_cache_pages_used", "Pages that running answers hold.", engine.pages_used);
  gauge("artemis_cache_pages_cached", "Pages kept for prompts that begin alike.", engine.pages_cached);
  counter("artemis_answers_total", "Answers that were asked for.", engine.requests);
  counter("artemis_answers_finished_total", "Answers that came to their end.", engine.finished);
  counter("artemis_answers_cancelled_total", "Answers whose client went away.", engine.cancelled);
  counter("artemis_answers_failed_total", "Answers that failed or took too long.", engine.failed);
  counter("artemis_preemptions_total", "Answers put back for want of pages.", engine.preempted);
  counter("artemis_prompt_tokens_total", "Tokens of prompts.", engine.prompt_tokens);
  counter("artemis_cached_tokens_total", "Tokens of prompts found in the cache.", engine.cached_tokens);
  counter("artemis_completion_tokens_total", "Tokens generated.", engine.completion_tokens);
  counter("artemis_drafted_tokens_total", "Tokens guessed ahead.", engine.drafted_tokens);
  counter("artemis_accepted_tokens_total", "Guessed tokens that were right.", engine.accepted_tokens);
  counter("artemis_pictures_total", "Pictures of prompts.", engine.pictures);
  counter("artemis_pictures_reused_total", "Pictures whose features were still there.",
          engine.pictures_reused);
  counter("artemis_steps_total", "Passes through the model.", engine.steps);
}

}  // namespace

void Histogram::add(double seconds) {
  const auto bound = std::ranges::lower_bound(bounds_, seconds);
  ++counts_[static_cast<std::size_t>(bound - bounds_.begin())];
  sum_ += seconds;
}

void Histogram::write(std::string& text, std::string_view name, std::string_view help) const {
  describe(text, name, "histogram", help);
  const auto out = std::back_inserter(text);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    below += counts_[i];
    fmt::format_to(out, "{}_bucket{{le=\"{}\"}} {}\n", name, bounds_[i], below);
  }
  below += counts_.back();
  fmt::format_to(out, "{}_bucket{{le=\"+Inf\"}} {}\n{}_sum {}\n{}_count {}\n", name, below, name, sum_, name,
                 below);
}

Metrics::Metrics()
    : request_seconds_({0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300}),
      first_token_({0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30}),
      between_tokens_({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5}) {}

void Metrics::count_request(std::string_view path, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(path), status}];
  request_seconds_.add(seconds);
}

void Metrics::add_first_token(double seconds) {
  const std::lock_guard lock(mutex_);
  first_token_.add(seconds);
}

void Metrics::add_between_tokens(double seconds) {
  const std::lock_guard lock(mutex_);
  between_tokens_.add(seconds);
}

std::string Metrics::text(const EngineCounters& engine) const {
  std::string text;
  write_engine(text, engine);
  const std::lock_guard lock(mutex_);
  describe(text, "artemis_http_requests_total", "counter", "Requests answered, by path and status.");
  for (const auto& [key, count] : requests_) {
    fmt::format_to(std::back_inserter(text), "artemis_http_requests_total{{path=\"{}\",status=\"{}\"}} {}\n",
                   key.first, key.second, count);
  }
  request_seconds_.write(text, "artemis_http_request_seconds", "From a request to the end of its answer.");
  first_token_.write(text, "artemis_first_token_seconds", "From a request to its first text.");
  between_tokens_.write(text, "artemis_between_tokens_seconds", "From one piece of text to the next.");
  return text;
}

}  // namespace artemis

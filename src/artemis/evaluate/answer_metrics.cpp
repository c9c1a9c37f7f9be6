#include "artemis/evaluate/answer_metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/evaluate/answer_text.h"

namespace artemis {
namespace {

bool same_in_any_case(const std::string& a, const std::string& b) {
  return small_letters(a) == small_letters(b);
}

// Edit distance by code points, one row of the table at a time.
std::size_t edit_distance(const std::u32string& a, const std::u32string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The distance is between the tidy texts, the length that of the texts as they are.
double similarity(const std::string& prediction, const std::string& answer) {
  const std::size_t longer = std::max(code_points(prediction).size(), code_points(answer).size());
  if (longer == 0) return 1.0;
  const std::size_t distance = edit_distance(code_points(single_spaced(small_letters(prediction))),
                                             code_points(single_spaced(small_letters(answer))));
  return 1.0 - static_cast<double>(distance) / static_cast<double>(longer);
}

std::optional<double> number_of(const std::string& text) {
  std::string digits = stripped(text);
  const bool percent = digits.ends_with('%');
  while (digits.ends_with('%')) digits.pop_back();
  digits = stripped(digits);
  if (digits.starts_with('+')) digits.erase(0, 1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, fault] = std::from_chars(digits.data(), end, value);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return percent ? value / 100.0 : value;
}

bool relaxed_match(const std::string& prediction, const std::string& answer) {
  constexpr double tolerance = 0.05;
  const std::optional<double> said = number_of(prediction);
  const std::optional<double> asked = number_of(answer);
  if (said && asked && *asked != 0) return std::abs(*said - *asked) / std::abs(*asked) <= tolerance;
  return same_in_any_case(prediction, answer);
}

template <typename Match>
double any_match(std::span<const std::string> answers, const Match& match) {
  return std::ranges::any_of(answers, match) ? 1.0 : 0.0;
}

// What exact_match compares.
std::string bare(const std::string& text) {
  std::string words = stripped(small_letters(text));
  if (words.ends_with('.')) words.pop_back();
  return stripped(words);
}

// What contains_accuracy searches.
std::string in_one_line(const std::string& text) {
  std::string line = stripped(small_letters(text));
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

Metric parse_metric(std::string_view name) {
  const auto found = std::ranges::find(metric_names, name);
  if (found == metric_names.end()) {
    throw UsageError("metric",
                     fmt::format("'{}' is no metric, expected vqa, anls, relaxed, contains or exact", name));
  }
  return static_cast<Metric>(found - metric_names.begin());
}

std::string_view metric_name(Metric metric) { return metric_names[static_cast<std::size_t>(metric)]; }

double vqa_accuracy(const std::string& prediction, std::span<const std::string> answers) {
  const std::string said = normalise_vqa_answer(prediction);
  std::vector<bool> same;
  for (const std::string& answer : answers) same.push_back(normalise_vqa_answer(answer) == said);
  if (same.size() == 1) return same[0] ? 1.0 : 0.0;
  const auto all = std::ranges::count(same, true);
  double sum = 0;
  for (const bool own : same) sum += std::min(1.0, static_cast<double>(all - (own ? 1 : 0)) / 3.0);
  return sum / static_cast<double>(same.size());
}

double anls(const std::string& prediction, std::span<const std::string> answers) {
  constexpr double threshold = 0.5;
  double best = 0;
  for (const std::string& answer : answers) best = std::max(best, similarity(prediction, answer));
  return best < threshold ? 0.0 : best;
}

double relaxed_accuracy(const std::string& prediction, std::span<const std::string> answers) {
  return any_match(answers, [&](const std::string& answer) { return relaxed_match(prediction, answer); });
}

double contains_accuracy(const std::string& prediction, std::span<const std::string> answers) {
  const std::string said = in_one_line(prediction);
  return any_match(answers,
                   [&](const std::string& answer) { return said.find(in_one_line(answer)) != said.npos; });
}

double exact_match(const std::string& prediction, std::span<const std::string> answers) {
  const std::string said = bare(prediction);
  return any_match(answers, [&](const std::string& answer) { return said == bare(answer); });
}

double score_answer(Metric metric, const std::string& prediction, std::span<const std::string> answers) {
  require(!answers.empty(), "metric", "a question has no accepted answer, expected at least one");
  switch (metric) {
    case Metric::vqa:
      return vqa_accuracy(prediction, answers);
    case Metric::anls:
      return anls(prediction, answers);
    case Metric::relaxed:
      return relaxed_accuracy(prediction, answers);
    case Metric::contains:
      return contains_accuracy(prediction, answers);
    case Metric::exact:
      return exact_match(prediction, answers);
  }
  ARTEMIS_ASSERT(false);
}

}  // namespace artemis

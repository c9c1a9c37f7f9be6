// How right an answer is, as the question benchmarks score it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace artemis {

enum class Metric : std::uint8_t { vqa, anls, relaxed, contains, exact };

inline constexpr std::array<std::string_view, 5> metric_names{"vqa", "anls", "relaxed", "contains", "exact"};

// Throws UsageError for a name that is none of them.
Metric parse_metric(std::string_view name);
std::string_view metric_name(Metric metric);

// 0 to 1. Texts are UTF-8; `answers` are the accepted ones, at least one.
double score_answer(Metric metric, const std::string& prediction, std::span<const std::string> answers);

// VQA-v2 and TextVQA: with each person's answer left out in turn, a third for each other person who said the
// same, 1 at most; the mean of these. Both sides are normalised. A single answer is right or wrong.
double vqa_accuracy(const std::string& prediction, std::span<const std::string> answers);
// Small letters, no punctuation (but within numbers), no articles, numbers to ten as digits, contractions
// with their apostrophe.
std::string normalise_vqa_answer(std::string_view answer);

// DocVQA: 1 less the edit distance over the longer length, case and runs of spaces aside; 0 under a half. The
// best over the answers.
double anls(const std::string& prediction, std::span<const std::string> answers);

// ChartQA: a number within 5 % of the answer's (a percentage is a hundredth), otherwise the same text but for
// case.
double relaxed_accuracy(const std::string& prediction, std::span<const std::string> answers);

// OCRBench: an answer stands in the prediction, case and outer spaces aside.
double contains_accuracy(const std::string& prediction, std::span<const std::string> answers);

// The same text, but for case, outer spaces and a final dot.
double exact_match(const std::string& prediction, std::span<const std::string> answers);

}  // namespace artemis

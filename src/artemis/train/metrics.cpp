#include "artemis/train/metrics.h"

#include <sys/resource.h>

#include "artemis/io/atomic_file.h"

namespace artemis {
namespace {

// The lines up to a step. A line that is no JSON is one that a killed process left half written.
std::string lines_until(const std::filesystem::path& file, std::int64_t steps_done) {
  std::ifstream stream(file, std::ios::binary);
  std::string kept;
  for (std::string line; std::getline(stream, line);) {
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded() || json_get<std::int64_t>(json, "step", file.string()) > steps_done) continue;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

Json to_json(const StepMetrics& metrics) {
  const StepReport& report = metrics.report;
  return {{"step", report.step},
          {"loss", report.loss},
          {"learning_rate", report.learning_rate},
          {"gradient_norm", report.gradient_norm},
          {"samples", report.samples},
          {"tokens", report.tokens},
          {"supervised_tokens", report.supervised_tokens},
          {"seconds", metrics.seconds},
          {"samples_per_second", metrics.samples_per_second},
          {"waited_share", metrics.waited_share},
          {"peak_memory", metrics.peak_memory}};
}

Json to_json(const EvalMetrics& metrics) {
  Json json = {{"step", metrics.step}, {"eval_loss", metrics.loss}};
  if (metrics.figures.is_object()) json.update(metrics.figures);
  return json;
}

std::int64_t peak_memory() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

MetricsFile::MetricsFile(std::filesystem::path file, std::int64_t steps_done) : file_(std::move(file)) {
  if (std::filesystem::exists(file_)) write_file_atomically(file_, lines_until(file_, steps_done));
  stream_.open(file_, std::ios::binary | std::ios::app);
  require(stream_.good(), file_.string(), "cannot be written");
}

void MetricsFile::add(const Json& line) {
  stream_ << line.dump() + "\n" << std::flush;
  require(stream_.good(), file_.string(), "cannot be written");
}

}  // namespace artemis

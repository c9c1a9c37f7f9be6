// report.html of a training run, from what the run writes as it goes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "artemis/io/json.h"
#include "artemis/report/page.h"

namespace artemis {

struct RunReportOptions {
  std::string title;
  std::string program;     // name and version, for the footer
  std::int64_t steps = 0;  // planned; 0: unknown
};

// Reads metrics.jsonl and resolved.yaml of a run's directory. Each line of metrics.jsonl is an object with
// its "step" and figures, in objects within it or by themselves; every figure becomes a curve. What is kept
// does not grow with the run.
class RunReport {
 public:
  RunReport(std::filesystem::path run_directory, RunReportOptions options);

  // Reads the lines that were added since the last call and rewrites report.html. A file that became shorter
  // is read anew; lines that are no such objects are counted and named on the page. Throws Error when the
  // page cannot be written.
  void update();

  // The curves of training and evaluation and the configuration, as parts of another page.
  void add_to(Page& page);

 private:
  using Curves = std::map<std::string, Curve, std::less<>>;

  void read_new_lines();
  void read_line(const std::string& line);
  void add_figures(double step, const std::string& prefix, const Json& figures);
  const Curve* find(std::string_view key) const;

  void add_cards(Page& page) const;
  void add_sections(Page& page) const;
  void add_training(Page& page) const;
  void add_evaluation(Page& page) const;
  void add_remarks(Page& page) const;

  std::filesystem::path directory_;
  RunReportOptions options_;
  std::streamoff offset_ = 0;
  Curves curves_;
  std::int64_t last_step_ = 0;
  std::int64_t unread_lines_ = 0;
  bool too_many_ = false;
};

}  // namespace artemis

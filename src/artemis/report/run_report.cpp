#include "artemis/report/run_report.h"

#include <algorithm>
#include <array>

#include "artemis/core/error.h"
#include "artemis/io/atomic_file.h"
#include "artemis/report/markup.h"

namespace artemis {
namespace {

constexpr std::size_t most_curves = 100;

// What the charts of training show; "step" and what only sums up what they show has no chart of its own.
constexpr std::array training_keys{"loss",         "eval_loss",   "learning_rate",     "gradient_norm",
                                   "samples",      "tokens",      "supervised_tokens", "seconds",
                                   "waited_share", "peak_memory", "samples_per_second"};

bool is_training_key(std::string_view key) {
  return std::find(training_keys.begin(), training_keys.end(), key) != training_keys.end();
}

// "unseen_pairs" as "unseen pairs".
std::string words_of(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string title_of(const std::string& name) {
  std::string key = words_of(name);
  if (!key.empty() && key[0] >= 'a' && key[0] <= 'z') key[0] = static_cast<char>(key[0] - 'a' + 'A');
  return key;
}

// A logarithmic scale for what falls or rises by more than a factor of ten.
Scale scale_for(const Curve& curve) {
  const double low = curve.lowest().y;
  return low > 0 && curve.highest().y > 10 * low ? Scale::logarithmic : Scale::even;
}

// A curve that jumps from step to step, and its moving average over it.
void add_noisy(LineChart& chart, const std::string& name, const Curve& curve) {
  const std::vector<Point> means = curve.means();
  if (means.size() < 20) {
    chart.series.push_back({name, curve.extremes()});
    return;
  }
  chart.series.push_back({"each step", curve.extremes(), true});
  chart.series.push_back({name + ", smoothed", smooth(means, means.size() / 40 + 1)});
}

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

RunReport::RunReport(std::filesystem::path run_directory, RunReportOptions options)
    : directory_(std::move(run_directory)), options_(std::move(options)) {}

void RunReport::update() {
  read_new_lines();
  Page page(options_.title, directory_.filename().string());
  add_cards(page);
  add_sections(page);
  page.footer(fmt::format("{} \u00B7 {}", options_.program, date_now()));
  write_file_atomically(directory_ / "report.html", page.html());
}

void RunReport::add_to(Page& page) {
  read_new_lines();
  add_sections(page);
}

void RunReport::add_sections(Page& page) const {
  add_training(page);
  add_evaluation(page);
  add_remarks(page);
  const std::filesystem::path config = directory_ / "resolved.yaml";
  if (!std::filesystem::exists(config)) return;
  page.section("Configuration");
  page.code("resolved.yaml", read_file(config));
}

void RunReport::read_new_lines() {
  std::ifstream stream(directory_ / "metrics.jsonl", std::ios::binary | std::ios::ate);
  if (!stream) return;  // nothing was measured yet
  if (stream.tellg() < offset_) {
    *this = RunReport(directory_, options_);
  }
  stream.seekg(offset_);
  for (std::string line;
       std::getline(stream, line) && !stream.eof();) {  // one without its end is still written
    offset_ += static_cast<std::streamoff>(line.size()) + 1;
    read_line(line);
  }
}

void RunReport::read_line(const std::string& line) {
  try {
    const Json json = parse_json(line, "metrics.jsonl", 32);
    const auto step = json_get<std::int64_t>(json, "step", "metrics.jsonl");
    last_step_ = std::max(last_step_, step);
    add_figures(static_cast<double>(step), "", json);
  } catch (const Error&) {
    ++unread_lines_;
  }
}

void RunReport::add_figures(double step, const std::string& prefix, const Json& figures) {
  for (const auto& [name, value] : figures.items()) {
    const std::string key = prefix + name;
    if (value.is_object()) {
      add_figures(step, key + ".", value);
    } else if (value.is_number() && key != "step") {
      if (curves_.size() < most_curves || curves_.contains(key)) {
        curves_[key].add({step, value.get<double>()});
      } else {
        too_many_ = true;
      }
    }
  }
}

const Curve* RunReport::find(std::string_view key) const {
  const auto found = curves_.find(key);
  return found == curves_.end() || found->second.empty() ? nullptr : &found->second;
}

void RunReport::add_cards(Page& page) const {
  std::vector<Card> cards{
      {"step", std::to_string(last_step_), options_.steps > 0 ? fmt::format("of {}", options_.steps) : ""}};
  if (const Curve* loss = find("loss")) {
    cards.push_back({"training loss", fmt::format("{:.4f}", loss->last().y), "last step"});
  }
  if (const Curve* loss = find("eval_loss")) {
    const Point best = loss->lowest();
    cards.push_back({"eval loss", fmt::format("{:.4f}", loss->last().y),
                     fmt::format("best {:.4f}, step {:.0f}", best.y, best.x)});
  }
  if (const Curve* rate = find("samples_per_second")) {
    cards.push_back({"samples a second", short_number(rate->last().y), "last step"});
  }
  if (const Curve* seconds = find("seconds")) {
    cards.push_back({"time", duration(seconds->last().y), "since start or resume"});
  }
  if (const Curve* memory = find("peak_memory")) {
    cards.push_back({"memory", fmt::format("{:.0f} MiB", memory->last().y / (1 << 20)), "at most, resident"});
  }
  page.cards(cards);
}

void RunReport::add_training(Page& page) const {
  page.section("Training");
  LineChart losses{"Loss", "step", {}};
  if (const Curve* loss = find("loss")) {
    add_noisy(losses, "training", *loss);
    losses.y_scale = scale_for(*loss);
  }
  if (const Curve* loss = find("eval_loss")) losses.series.push_back({"held out", loss->extremes()});
  page.chart(losses);
  if (const Curve* rate = find("learning_rate")) {
    page.chart(LineChart{"Learning rate", "step", {{"learning rate", rate->extremes()}}});
  }
  if (const Curve* norm = find("gradient_norm")) {
    LineChart chart{"Gradient norm, before clipping", "step", {}, scale_for(*norm)};
    add_noisy(chart, "mean", *norm);
    page.chart(chart);
  }
  const auto add_from_zero = [&](const char* title, const Curve* curve) {
    if (curve == nullptr) return;
    LineChart chart{title, "step", {}, Scale::even, true};
    add_noisy(chart, "mean", *curve);
    page.chart(chart);
  };
  add_from_zero("Samples a second", find("samples_per_second"));
  add_from_zero("Share of the time spent waiting for data", find("waited_share"));
  if (const Curve* memory = find("peak_memory")) {
    std::vector<Point> points = memory->extremes();
    for (Point& point : points) point.y /= 1 << 20;
    page.chart(
        LineChart{"Peak memory, MiB", "step", {{"peak memory", std::move(points)}}, Scale::even, true});
  }
}

// A chart for each figure that training does not have; those of one object share theirs.
void RunReport::add_evaluation(Page& page) const {
  std::map<std::string, LineChart> charts;
  for (const auto& [key, curve] : curves_) {
    if (is_training_key(key) || curve.empty()) continue;
    const std::size_t dot = key.find('.');
    LineChart& chart = charts[key.substr(0, dot)];
    chart.series.push_back({words_of(dot == key.npos ? key : key.substr(dot + 1)), curve.extremes()});
  }
  if (charts.empty()) return;
  page.section("Evaluation");
  for (auto& [key, chart] : charts) {
    chart.title = title_of(key);
    chart.x_label = "step";
    page.chart(chart);
  }
}

void RunReport::add_remarks(Page& page) const {
  if (unread_lines_ > 0) {
    page.text(fmt::format("Lines of metrics.jsonl that could not be read: {}.", unread_lines_));
  }
  if (too_many_) page.text(fmt::format("Of the figures in metrics.jsonl, {} are shown.", most_curves));
}

}  // namespace artemis

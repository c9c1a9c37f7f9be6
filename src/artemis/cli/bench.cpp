#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <ctime>

#include "artemis/bench/measure.h"
#include "artemis/cli/commands.h"
#include "artemis/cli/eval_report.h"
#include "artemis/cli/options.h"
#include "artemis/cli/stderr.h"
#include "artemis/core/gpu.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "artemis/model/weights.h"

namespace artemis {
namespace {

struct Options {
  RunOptions run;
  std::string what;
  std::string preset;
  std::string model;
  bool random_weights = false;
  std::string directory;
  std::string json;
  std::string peers;
  int repeat = 5;
};

// What needs the model's weights in memory; "skipping" says where a threshold lies, and is no part of "all".
using Measurement = bench::Figures (*)(const bench::Subject&);
const std::vector<std::pair<std::string, Measurement>>& measurements() {
  static const std::vector<std::pair<std::string, Measurement>> all = {
      {"train", bench::measure_train},   {"skipping", bench::measure_skipping},
      {"vision", bench::measure_vision}, {"prefill", bench::measure_prefill},
      {"decode", bench::measure_decode}, {"serve", bench::measure_serve}};
  return all;
}

void note(const std::string& what) {
  print_stderr("artemis bench: {} ...\n", what);
  std::fflush(stderr);
}

void check(const Options& options) {
  if (options.what == "ceilings") return;
  if (options.preset.empty() == options.model.empty())
    throw UsageError("bench", "expected either --preset or --model");
  if (!options.preset.empty() && !options.random_weights)
    throw UsageError("bench", "a preset has shapes but no weights, expected --random-weights beside it");
  if (!options.model.empty() && options.random_weights)
    throw UsageError("bench", "--random-weights goes with --preset, a model has its own");
}

// Refuses what memory cannot hold before any of it is taken.
void check_fits(Device device, const GraftConfig& config, DType dtype) {
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  const auto wanted = static_cast<double>(weight_bytes(config, dtype));
  const bool on_cpu = device.kind == DeviceKind::cpu;
  const double there =
      on_cpu ? static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE))
             : static_cast<double>(gpu_free_bytes(device));
  require(wanted < there, "bench",
          "the weights take {:.1f} GiB in {}, {} has {:.1f} GiB{}: choose a smaller "
          "preset or another device",
          wanted / gib, dtype_name(dtype), device_name(device), there / gib, on_cpu ? "" : " free");
}

// Its weights leave memory at the end.
void measure_model(const Options& options, const bench::Preset& preset, const bench::Ceilings& ceilings,
                   bench::Figures& figures) {
  const auto ctx = make_context(options.run);
  const DType dtype = compute_dtype(options.run);
  check_fits(ctx->device(), preset.config, dtype);
  note("weights");
  const Graft model = options.model.empty()
                          ? random_weights(*ctx, preset.config, dtype, 1)
                          : load_graft(*ctx, CheckpointReader::open(options.model), preset.config, dtype);
  const bench::Subject subject{*ctx, model, preset.config, dtype, preset.lengths, ceilings, options.repeat};
  for (const auto& [name, measure] : measurements()) {
    if (options.what == "all" ? name == "skipping" : options.what != name) continue;
    if (options.what == "all" && !preset.config.vision && (name == "train" || name == "vision")) {
      print_stderr("artemis bench: {} is passed over, the model has no tower\n", name);
      continue;
    }
    note(name);
    for (bench::Figure& figure : measure(subject)) figures.push_back(std::move(figure));
  }
}

void measure_load(const Options& options, const bench::Preset& preset, const bench::Ceilings& ceilings,
                  bench::Figures& figures) {
  const auto ctx = make_context(options.run);
  const DType dtype = compute_dtype(options.run);
  check_fits(ctx->device(), preset.config, dtype);
  note("load");
  const bench::LoadSubject subject{*ctx, preset.config, dtype, ceilings};
  const std::filesystem::path below = options.directory.empty() ? std::filesystem::temp_directory_path()
                                                                : std::filesystem::path(options.directory);
  const bench::Figures loaded = options.model.empty() ? bench::measure_load_of_random(subject, below)
                                                      : bench::measure_load(subject, options.model);
  figures.insert(figures.end(), loaded.begin(), loaded.end());
}

std::string number(double value) { return fmt::format("{:.{}f}", value, value < 0.1 ? 6 : 2); }

void print_table(const std::string& machine, const bench::Ceilings& ceilings, const bench::Figures& figures) {
  EvalTable limits{.title = "", .header = {"ceiling", "value"}, .rows = {}};
  const Json values = bench::to_json(ceilings);
  for (const auto& [name, value] : values.items())
    limits.rows.push_back({name, fmt::format("{:.1f}", value.get<double>())});
  fmt::print("{}\n\n{}", machine, limits.text());
  if (figures.empty()) return;
  EvalTable table{.title = "", .header = {"figure", "value", "unit", "bound", "ratio"}, .rows = {}};
  for (const bench::Figure& figure : figures) {
    const bool bounded = figure.bound > 0;
    table.rows.push_back({figure.name, number(figure.value), figure.unit,
                          bounded ? number(figure.bound) : "-",
                          bounded ? fmt::format("{:.0f} %", 100 * figure.ratio()) : "-"});
  }
  fmt::print("\n{}", table.text());
}

Json lengths_json(const bench::Lengths& lengths) {
  return {{"side", lengths.side},        {"prompt", lengths.prompt}, {"caption", lengths.caption},
          {"prefill", lengths.prefill},  {"depth", lengths.depth},   {"decoded", lengths.decoded},
          {"pictures", lengths.pictures}};
}

Json read_peers(const std::string& file) {
  if (file.empty()) return Json::object();
  Json peers = read_json(file);
  require(peers.is_object(), file, "is {}, expected an object of figures", peers.type_name());
  return peers;
}

void run(const Options& options) {
  check(options);
  const Json peers = read_peers(options.peers);
  bench::Preset preset;
  if (!options.preset.empty()) preset = bench::find_preset(options.preset);
  if (!options.model.empty()) preset = {options.model, read_graft_config(options.model), {}};
  const DType dtype = compute_dtype(options.run);
  bench::Ceilings ceilings;
  std::string machine;
  {
    const auto ctx = make_context(options.run);
    if (options.what != "ceilings") check_fits(ctx->device(), preset.config, dtype);
    machine = bench::machine_name(ctx->device());
    note("ceilings");
    ceilings = bench::measure_ceilings(*ctx);
  }
  bench::Figures figures;
  if (options.what != "ceilings" && options.what != "load") {
    measure_model(options, preset, ceilings, figures);
  }
  if (options.what == "load" || options.what == "all") measure_load(options, preset, ceilings, figures);
  print_table(machine, ceilings, figures);
  if (options.json.empty()) return;
  Json report = {{"machine", machine},
                 {"date", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))},
                 {"ceilings", bench::to_json(ceilings)},
                 {"figures", Json::object()},
                 {"bounds", Json::object()},
                 {"peers", peers}};
  for (const bench::Figure& figure : figures) {
    report["figures"][figure.name] = figure.value;
    if (figure.bound > 0) report["bounds"][figure.name] = figure.bound;
  }
  if (!figures.empty()) {
    report["model"] = preset.name;
    report["dtype"] = dtype_name(dtype);
    report["lengths"] = lengths_json(preset.lengths);
  }
  write_file_atomically(options.json, report.dump(2) + "\n");
}

}  // namespace

void add_bench_command(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure speed beside what the machine allows, in the same run");
  command
      ->add_option("what", options->what,
                   "ceilings, train, skipping, vision, prefill, decode, serve, load or all")
      ->required()
      ->check(CLI::IsMember(
          {"ceilings", "train", "skipping", "vision", "prefill", "decode", "serve", "load", "all"}));
  command->add_option("--preset", options->preset,
                      fmt::format("Shapes by name: {}", fmt::join(bench::preset_names(), ", ")));
  command->add_option("--model", options->model, "Model directory, in place of --preset");
  command->add_flag("--random-weights", options->random_weights, "Make the preset's weights on the device");
  command->add_option("--directory", options->directory,
                      "Where load writes its checkpoint, removed at the end (default: the system's temporary "
                      "directory)");
  command->add_option("--repeat", options->repeat, "Least repeats behind a median")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--json", options->json, "Write the figures here too");
  command->add_option("--peers", options->peers, "JSON object of others' figures, to stand in that file");
  add_run_options(*command, options->run);
  command->footer(
      "Example:  artemis bench all --preset a3 --random-weights --device cuda --dtype bf16 --json h200.json");
  command->callback([options] { run(*options); });
}

}  // namespace artemis

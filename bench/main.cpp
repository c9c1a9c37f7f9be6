// make bench: the speed of every stage on this machine, beside its ceilings.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "bench.h"

namespace artemis::bench {
namespace {

void print_table(const Ceilings& ceilings, const std::vector<Line>& lines) {
  fmt::print(
      "ceilings, this run: product f32 {:.1f} GFLOP/s, product bf16 {:.1f} GFLOP/s, memory read {:.1f} "
      "GB/s\n\n",
      ceilings.product_f32, ceilings.product_bf16, ceilings.read);
  fmt::print("{:<38} {:>12} {:<12} {:>10} {:>10} {:<8} {:>6}\n", "what", "value", "", "work", "ceiling", "",
             "ratio");
  for (const Line& f : lines) {
    fmt::print("{:<38} {:>12.2f} {:<12} {:>10.1f} {:>10.1f} {:<8} {:>5.0f} %\n", f.name, f.value, f.unit,
               f.work_rate, f.ceiling, f.ceiling_unit, 100.0 * f.work_rate / f.ceiling);
  }
}

Json to_json(const Ceilings& ceilings, const std::vector<Line>& lines) {
  Json json = {{"ceilings", to_json(ceilings)}};
  for (const Line& f : lines) {
    json["figures"][f.name] = {{"value", f.value},
                               {"unit", f.unit},
                               {"work", f.work_rate},
                               {"ceiling", f.ceiling},
                               {"ceiling_unit", f.ceiling_unit}};
  }
  return json;
}

int run(int argc, char** argv) {
  CLI::App app("Measures every stage beside the ceilings of this machine.", "bench_artemis");
  int threads = 0;
  std::string json_file;
  std::string only;
  app.add_option("--threads", threads, "Threads (default: one a core)");
  app.add_option("--json", json_file, "Write the figures here too");
  app.add_option("--only", only, "operations, text, grammar, pictures, pipeline or model");
  app.footer("Example:  bench_artemis --only model --json figures.json");
  CLI11_PARSE(app, argc, argv);

  Context ctx(Device{}, threads);
  const Ceilings ceilings = measure_ceilings(ctx);
  std::vector<Line> lines;
  const auto wanted = [&](const char* name) { return only.empty() || only == name; };
  if (wanted("operations")) bench_operations(ctx, ceilings, lines);
  if (wanted("text")) bench_text(lines, ceilings);
  if (wanted("grammar")) bench_grammar(lines, ceilings);
  if (wanted("pictures")) bench_pictures(ctx, lines, ceilings);
  if (wanted("pipeline")) bench_pipeline(ctx, lines, ceilings);
  if (wanted("model")) {
    for (const DType dtype : {DType::f32, DType::bf16}) {
      bench_model(ctx, "small", dtype, ceilings, lines);
      bench_model(ctx, "medium", dtype, ceilings, lines);
    }
  }
  print_table(ceilings, lines);
  if (!json_file.empty()) std::ofstream(json_file) << to_json(ceilings, lines).dump(2) << '\n';
  return 0;
}

}  // namespace
}  // namespace artemis::bench

int main(int argc, char** argv) { return artemis::bench::run(argc, argv); }

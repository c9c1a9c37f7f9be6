// A run that was stopped and gone on with is the run that was never stopped, to the bit.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "artemis/model/lora.h"
#include "run_support.h"

namespace artemis {
namespace {

using test::curve;
using test::error_of;
using test::expect_error;
using test::names_in;
using test::run;
using test::small_run;
using test::TemporaryFolder;
using test::trained_bytes;

// Stops after one to four steps, over and over, and compares with a run in one go.
void expect_exact_resume(const RunConfig& like) {
  const TemporaryFolder folder;
  RunConfig whole = like;
  whole.out = (folder.path() / "whole").string();
  run(whole);
  RunConfig parts = like;
  parts.out = (folder.path() / "parts").string();
  std::mt19937 random(7);
  int stops = 0;
  while (run(parts, 1 + static_cast<std::int64_t>(random() % 4)).result.stopped) ++stops;
  EXPECT_GE(stops, 2);
  EXPECT_EQ(curve(parts.out), curve(whole.out));
  EXPECT_EQ(trained_bytes(parts.out), trained_bytes(whole.out));
}

TEST(Resume, Stage1IsExact) { expect_exact_resume(small_run("")); }

TEST(Resume, WithoutRegularSavesIsExact) {
  RunConfig config = small_run("");
  config.save_every = 0;
  expect_exact_resume(config);
}

TEST(Resume, AllPartsInBf16AreExact) {
  RunConfig config = small_run("");
  config.stage = 2;
  config.train_tower = true;
  config.dtype = "bf16";
  config.workers = 3;
  expect_exact_resume(config);
}

TEST(Resume, EightBitMomentsAndStochasticRoundingAreExact) {
  RunConfig config = small_run("");
  config.stage = 2;
  config.optimizer = "adamw8bit";
  config.rounding = "stochastic";
  config.dtype = "bf16";
  config.layer_decay = 0.8;
  expect_exact_resume(config);
}

TEST(Resume, AdaptersAreExact) {
  RunConfig config = small_run("");
  config.stage = 2;
  config.method = "lora";
  config.lora_rank = 3;
  expect_exact_resume(config);
}

// The projector and the adapters are trained; what the run leaves is what merges into the model it trained.
TEST(Resume, ARunWithAdaptersLeavesThemForPeft) {
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  config.stage = 2;
  config.method = "lora";
  config.lora_rank = 3;
  config.lora_target_modules = {"v_proj"};
  run(config);
  const std::filesystem::path adapter = folder.path() / "out" / adapter_folder;
  const auto file = SafetensorsFile::open(adapter / "adapter_model.safetensors");
  const std::string name = "base_model.model.language_model.model.layers.1.self_attn.v_proj.lora_B.weight";
  EXPECT_EQ(file.names().size(), 4u + 2 * 2);
  double sum = 0;
  for (const float value : golden::floats(file, name)) sum += static_cast<double>(std::abs(value));
  EXPECT_GT(sum, 0);

  Context ctx(Device{}, 1);
  GraftConfig model_config = read_graft_config(config.model);
  Graft model = load_graft(ctx, CheckpointReader::open(config.model), model_config, DType::f32);
  load_adapter(ctx, adapter, model, model_config);
  EXPECT_EQ(model_config.lora->target_modules, config.lora_target_modules);
}

TEST(Resume, PackedBatchesAndEvaluationsAreExact) {
  RunConfig config = small_run("");
  config.token_budget = 80;
  config.eval_data = config.data;
  config.eval_every = 3;
  config.eval_batches = 2;
  expect_exact_resume(config);
}

TEST(Resume, ADamagedCheckpointIsNamedAndPassedOver) {
  struct Damage {
    const char* file;
    double at;  // share of the file
  };
  for (const auto& [file, at] :
       {Damage{"model-trained.safetensors", 0.5}, Damage{"optimizer.safetensors", 0.5},
        Damage{"state.json", 0.2}, Damage{"state.json", 0.5}, Damage{"state.json", 0.9}}) {
    SCOPED_TRACE(fmt::format("{} at {}", file, at));
    const TemporaryFolder folder;
    const RunConfig whole = small_run(folder.path() / "whole");
    run(whole);
    const RunConfig config = small_run(folder.path() / "out");
    EXPECT_TRUE(run(config, 4).result.stopped);
    const std::filesystem::path damaged = folder.path() / "out" / "checkpoint-4" / file;
    std::string bytes = read_file(damaged);
    char& byte = bytes[static_cast<std::size_t>(static_cast<double>(bytes.size()) * at)];
    byte = static_cast<char>(byte ^ 0x01);
    write_file_atomically(damaged, bytes);
    const test::RunOutcome outcome = run(config);
    EXPECT_EQ(outcome.result.resumed_at, 3);
    ASSERT_EQ(outcome.log.size(), 1u);
    expect_error(outcome.log[0], "checkpoint passed over: [");
    expect_error(outcome.log[0], "checkpoint-4");
    EXPECT_EQ(trained_bytes(config.out), trained_bytes(whole.out));
    EXPECT_EQ(curve(config.out), curve(whole.out));
  }
}

TEST(Resume, RefusesToStartOverWhenNoCheckpointCanBeRead) {
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  config.save_keep_last = 1;
  run(config, 2);
  write_file_atomically(folder.path() / "out" / "checkpoint-2" / "state.json", "{");
  expect_error(error_of([&] { run(config); }), "none of the 1 checkpoints can be read");
}

TEST(Resume, RefusesAnotherDescriptionOfTheRun) {
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  run(config, 2);
  config.threads = 1;
  config.save_keep_last = 5;
  config.learning_rate = 2e-3;
  expect_error(error_of([&] { run(config); }), "learning_rate was \"0.001\\n\", is \"0.002\\n\"");
}

// The eval loss, on a caption of other letters than the training's, has its lowest point before the end.
TEST(Resume, KeepsTheNewestAndTheBest) {
  const TemporaryFolder folder;
  folder.write("held/00.png", read_file(test::run_root() / "images" / "00.png"));
  folder.write("held/rows.jsonl", R"({"image": "00.png", "caption": "#@%&=+ {}[]"})");
  RunConfig config = small_run(folder.path() / "out");
  config.eval_data = {{.paths = {(folder.path() / "held").string()}, .weight = 1.0}};
  config.learning_rate = 0.01;
  config.warmup_ratio = 0;
  config.save_keep_last = 1;
  run(config);
  const Json best = read_json(folder.path() / "out" / "best.json");
  double lowest = INFINITY;
  std::int64_t at = 0;
  std::ifstream stream(folder.path() / "out" / "metrics.jsonl");
  for (std::string text; std::getline(stream, text);) {
    const Json line = parse_json(text, "metrics");
    if (!line.contains("eval_loss") || line["eval_loss"].get<double>() >= lowest) continue;
    lowest = line["eval_loss"].get<double>();
    at = line["step"].get<std::int64_t>();
  }
  EXPECT_LT(at, 10);
  EXPECT_EQ(best["eval_loss"].get<double>(), lowest);
  EXPECT_EQ(best["checkpoint"].get<std::string>(), fmt::format("checkpoint-{}", at));
  std::vector<std::string> expected = {"best.json",
                                       "checkpoint-10",
                                       fmt::format("checkpoint-{}", at),
                                       "metrics.jsonl",
                                       "model-trained.safetensors",
                                       "resolved.yaml"};
  std::ranges::sort(expected);
  EXPECT_EQ(names_in(config.out), expected);
}

TEST(Resume, RefusesDirectoriesThatAreNoRun) {
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  folder.write("out/something", "x");
  expect_error(error_of([&] { run(config); }), "exists already, expected a new directory");
  config.out = (folder.path() / "finished").string();
  run(config);
  expect_error(error_of([&] { run(config); }), "holds a run that is finished");
  config.out = (folder.path() / "never").string();
  run(config, 2);
  config.resume = "never";
  expect_error(error_of([&] { run(config); }), "holds a run already");
}

TEST(Resume, ALossThatIsNoNumberNamesTheRowsAndKeepsTheCheckpoint) {
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  config.learning_rate = 1e38;
  const std::string error = error_of([&] { run(config); });
  expect_error(error, "[train] the ");
  expect_error(error, "rows rows.jsonl:");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / "checkpoint-1"));
}

// A disk that is full, as the system shows it: no file may grow past so many bytes.
TEST(Resume, AFailedSaveIsAnErrorAndKeepsThePrevious) {
  const TemporaryFolder folder;
  const RunConfig whole = small_run(folder.path() / "whole");
  run(whole);
  const RunConfig config = small_run(folder.path() / "out");
  run(config, 3);
  std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit full = before;
  full.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &full);
  const std::string error = error_of([&] { run(config); });
  setrlimit(RLIMIT_FSIZE, &before);
  expect_error(error, "cannot be written: File too large");
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "out" / "checkpoint-3"));
  EXPECT_EQ(run(config).result.resumed_at, 3);
  EXPECT_EQ(trained_bytes(config.out), trained_bytes(whole.out));
  EXPECT_EQ(curve(config.out), curve(whole.out));
}

// Resident memory, in bytes.
std::int64_t resident() {
  std::ifstream stream("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t held = 0;
  stream >> total >> held;
  return held * sysconf(_SC_PAGESIZE);
}

TEST(Resume, MemoryStaysFlat) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer keeps freed memory on purpose";
#endif
  const TemporaryFolder folder;
  RunConfig config = small_run(folder.path() / "out");
  config.steps = test::count_from_environment("ARTEMIS_LONG", 0) > 0 ? 20'000 : 300;
  config.save_every = 100;
  Context ctx(Device{}, 2);
  const GraftConfig model_config = read_graft_config(config.model);
  const Processor processor = Processor::load(config.model, model_config);
  Graft model = load_graft(ctx, CheckpointReader::open(config.model), model_config, DType::f32);
  std::int64_t early = 0;
  RunHooks hooks;
  hooks.on_step = [&](const StepMetrics& metrics) {
    if (metrics.report.step == 110) early = resident();
  };
  run_training(ctx, {model_config, processor, model}, config, hooks, std::atomic<bool>{false});
  EXPECT_GT(early, 0);
  constexpr std::int64_t mib = 1 << 20;
  EXPECT_LE(resident() - early, 8 * mib);
}

}  // namespace
}  // namespace artemis

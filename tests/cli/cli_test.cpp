// The program from its command line on: help, usage errors, names of models, and a graft made, captioned and
// graded with the models of lab/models.
#include <fcntl.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>

#include "artemis/io/json.h"
#include "cli/run.h"

namespace artemis {
namespace {

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    setenv("ARTEMIS_MODELS", (std::filesystem::path(ARTEMIS_SOURCE_DIR) / "lab/models").c_str(), 1);
  }
  void TearDown() override { unsetenv("ARTEMIS_MODELS"); }

  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  test::TemporaryFolder folder_;
};

TEST_F(Cli, EveryCommandHelpsWithAnExample) {
  for (const char* command : {"init", "graft", "extract", "inspect", "align", "tune", "merge", "generate",
                              "chat", "eval", "tokenizer", "tokenize", "template", "preprocess", "forward",
                              "report", "scenes", "corpus", "bench"}) {
    const Ran help = artemis_run({command, "--help"});
    EXPECT_EQ(help.code, 0) << command;
    EXPECT_NE(help.out.find(std::string("Example:  artemis ") + command), std::string::npos) << help.out;
  }
}

TEST_F(Cli, BadUseIsToldApart) {
  EXPECT_EQ(artemis_run({"inspect"}).code, 2);
  EXPECT_EQ(artemis_run({"no-such-command"}).code, 2);
  const Ran option = artemis_run({"align", "--lerning-rate", "1"});
  EXPECT_EQ(option.code, 2);
  test::expect_error(option.err, "did you mean '--learning-rate'");
  const Ran set = artemis_run({"scenes", "--out", at("x"), "--set", "nothing"});
  EXPECT_EQ(set.code, 2);
  test::expect_error(set.err, "'nothing' is not known, expected one of train");
  EXPECT_EQ(artemis_run({"inspect", at("missing")}).code, 1);
  unsetenv("ARTEMIS_MODELS");
  const Ran name = artemis_run({"eval", "--model", "nano-nothing", "--data", at("x")});
  EXPECT_EQ(name.code, 1);
}

TEST_F(Cli, AnEndingIsTheSameWhereStderrTakesNothing) {
  const int kept = dup(STDERR_FILENO);
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  const auto code_of = [&](std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    dup2(full, STDERR_FILENO);
    const int code = run_cli(static_cast<int>(arguments.size()), arguments.data());
    dup2(kept, STDERR_FILENO);
    std::clearerr(stderr);
    return code;
  };
  EXPECT_EQ(code_of({"artemis", "inspect", at("missing")}), 1);
  EXPECT_EQ(code_of({"artemis", "serve"}), 2);
  close(full);
  close(kept);
}

TEST_F(Cli, ShippedModelsAreKnownByName) {
  for (const char* name : {"nano", "nano-vlm", "nano-text"}) {
    const Ran found = artemis_run({"inspect", name, "--json"});
    EXPECT_EQ(found.code, 0) << found.err;
    EXPECT_TRUE(parse_json(found.out, name).is_object());
  }
}

TEST_F(Cli, FromScenesToGradedCaptions) {
  EXPECT_EQ(artemis_run({"scenes", "--out", at("train"), "--count", "64"}).code, 0);
  EXPECT_EQ(artemis_run({"scenes", "--out", at("held"), "--set", "validation", "--count", "8"}).code, 0);
  EXPECT_EQ(
      artemis_run({"graft", "--text", "nano-text", "--vision", "nano-tower", "--out", at("graft")}).code, 0);
  const Ran aligned =
      artemis_run({"align", "--model", at("graft"), "--data", at("train"), "--out", at("run"), "--batch-size",
                   "8", "--accumulation", "1", "--eval.data", at("held"), "--eval.scenes",
                   "held=" + at("held"), "--eval.limit", "4", "--merge", at("aligned")});
  ASSERT_EQ(aligned.code, 0) << aligned.err;
  bool events = false;
  for (const auto& entry : std::filesystem::directory_iterator(at("run")))
    events = events || entry.path().filename().string().starts_with("events.out.tfevents.");
  EXPECT_TRUE(events);
  EXPECT_TRUE(std::filesystem::exists(at("run") + "/report.html"));
  EXPECT_TRUE(std::filesystem::exists(at("run") + "/resolved.yaml"));
  const Ran graded = artemis_run(
      {"eval", "--model", at("aligned"), "--scenes", "held=" + at("held"), "--json", at("figures.json")});
  ASSERT_EQ(graded.code, 0) << graded.err;
  EXPECT_EQ(read_json(at("figures.json"))["scenes"]["held"]["captions"], 8);
}

TEST_F(Cli, BenchRefusesWhatItCannotMeasure) {
  EXPECT_EQ(artemis_run({"bench"}).code, 2);
  EXPECT_EQ(artemis_run({"bench", "everything"}).code, 2);
  EXPECT_EQ(artemis_run({"bench", "train"}).code, 2);
  const Ran weights = artemis_run({"bench", "train", "--preset", "small"});
  EXPECT_EQ(weights.code, 2);
  test::expect_error(weights.err, "--random-weights");
  const Ran preset = artemis_run({"bench", "train", "--preset", "huge", "--random-weights"});
  EXPECT_EQ(preset.code, 2);
  test::expect_error(preset.err, "expected one of small, medium, a3");
  folder_.write("peers.json", "[1]");
  const Ran peers = artemis_run({"bench", "ceilings", "--peers", at("peers.json")});
  EXPECT_EQ(peers.code, 1);
  test::expect_error(peers.err, "expected an object");
}

TEST_F(Cli, BenchWritesEveryFigure) {
  folder_.write("peers.json", R"({"reference": {"train_b8_samples_s": 19.3}})");
  const Ran all = artemis_run({"bench", "all", "--preset", "small", "--random-weights", "--device", "cpu",
                               "--threads", "2", "--repeat", "1", "--directory", at("scratch"), "--json",
                               at("bench.json"), "--peers", at("peers.json")});
  ASSERT_EQ(all.code, 0) << all.err;
  const Json report = read_json(at("bench.json"));
  std::vector<std::string> names = {"train_b2x4_samples_s",  "train_b8_samples_s",   "train_b8_peak_gib",
                                    "train_b2x4_peak_gib",   "vision_b1_ms",         "vision_b16_images_s",
                                    "prefill_2048_tok_s",    "ttft_280_ms",          "decode_b1_bf16_tok_s",
                                    "decode_b1_d4096_tok_s", "decode_b8_bf16_tok_s", "decode_b32_bf16_tok_s",
                                    "sample_b1_us",          "sample_b8_us",         "sample_b32_us",
                                    "load_25gb_s",           "serve_pause_ms"};
  for (const char* clients : {"serve_c1", "serve_c8", "serve_c32"}) {
    for (const char* what : {"_tok_s", "_first_p50_ms", "_first_p99_ms", "_gap_p50_ms", "_gap_p99_ms"})
      names.push_back(std::string(clients) + what);
  }
  EXPECT_EQ(report["figures"].size(), names.size());
  for (const std::string& name : names) {
    ASSERT_TRUE(report["figures"].contains(name)) << name;
    const double value = report["figures"][name].get<double>();
    EXPECT_TRUE(std::isfinite(value) && value > 0) << name << " " << value;
    EXPECT_NE(all.out.find(name), std::string::npos) << all.out;
    if (name != "load_25gb_s" && !name.starts_with("serve_")) {
      EXPECT_GT(report["bounds"][name].get<double>(), 0) << name;
    }
  }
  for (const char* name : {"product_f32_gflop_s", "product_bf16_gflop_s", "read_gb_s", "copy_gb_s"})
    EXPECT_GT(report["ceilings"][name].get<double>(), 0) << name;
  EXPECT_FALSE(report["machine"].get<std::string>().empty());
  EXPECT_EQ(report["date"].get<std::string>().size(), std::string("2026-01-01T00:00:00Z").size());
  EXPECT_EQ(report["peers"]["reference"]["train_b8_samples_s"], 19.3);
  EXPECT_TRUE(std::filesystem::is_empty(at("scratch")));
}

TEST_F(Cli, BenchOfSkippingHasABoundForEachShare) {
  const Ran skipping = artemis_run({"bench", "skipping", "--preset", "small", "--random-weights", "--device",
                                    "cpu", "--repeat", "1", "--json", at("skipping.json")});
  ASSERT_EQ(skipping.code, 0) << skipping.err;
  const Json report = read_json(at("skipping.json"));
  double least = 1;
  for (const char* name : {"skip_1of32_gain", "skip_1of16_gain", "skip_1of8_gain", "skip_1of4_gain"}) {
    EXPECT_GT(report["figures"][name].get<double>(), 0) << name;
    EXPECT_GE(report["bounds"][name].get<double>(), least) << name;
    least = report["bounds"][name].get<double>();
  }
  EXPECT_EQ(report["figures"].size(), 4u);
  EXPECT_LE(least, 8.0 / 7.0 + 1e-9);
}

}  // namespace
}  // namespace artemis

// The program itself, killed, interrupted and kept from writing.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "run_support.h"

namespace artemis {
namespace {

using test::curve;
using test::TemporaryFolder;
using test::trained_bytes;
using Clock = std::chrono::steady_clock;

using Options = std::map<std::string, std::string>;

// `artemis align` on the golden rows as a process of its own, its messages in `log`.
class Program {
 public:
  Program(const std::filesystem::path& out, const std::filesystem::path& log, const Options& other = {},
          bool as_nobody = false) {
    Options options = {{"--model", (test::run_root() / "checkpoint").string()},
                       {"--data", (test::run_root() / "rows.jsonl").string()},
                       {"--out", out.string()},
                       {"--steps", "20"},
                       {"--save.every", "1"},
                       {"--threads", "1"},
                       {"--accumulation", "2"}};
    for (const auto& [name, value] : other) options[name] = value;
    std::vector<std::string> words = {ARTEMIS_PROGRAM, "align"};
    for (const auto& [name, value] : options) words.insert(words.end(), {name, value});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    process_ = fork();
    if (process_ != 0) return;
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    if (as_nobody && setuid(65534) != 0) _exit(99);
    execv(arguments[0], arguments.data());
    _exit(98);
  }

  void send(int signal) const { kill(process_, signal); }
  // The exit code, or minus the signal that ended it.
  int wait() const {
    int status = 0;
    waitpid(process_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t process_;
};

void sleep_for(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

void wait_for(const std::filesystem::path& file) {
  for (int i = 0; i < 6000 && !std::filesystem::exists(file); ++i) sleep_for(0.01);
  ASSERT_TRUE(std::filesystem::exists(file)) << file;
}

TEST(Kill, ARunKilledAtAnyMomentGoesOnExactly) {
  const std::int64_t kills = test::count_from_environment("ARTEMIS_KILLS", 10);
  const std::int64_t seed = test::count_from_environment("ARTEMIS_SEED", std::random_device{}() % 1'000'000);
  std::printf("%ld kills, ARTEMIS_SEED=%ld\n", kills, seed);
  std::mt19937_64 random(static_cast<std::uint64_t>(seed));
  const TemporaryFolder folder;
  const std::filesystem::path log = folder.path() / "log";
  const std::filesystem::path whole = folder.path() / "whole";
  const Clock::time_point start = Clock::now();
  ASSERT_EQ(Program(whole, log).wait(), 0) << read_file(log);
  const double duration = std::chrono::duration<double>(Clock::now() - start).count();

  std::int64_t killed = 0;
  std::int64_t inside_a_save = 0;
  for (int number = 0; killed < kills; ++number) {
    const std::filesystem::path out = folder.path() / fmt::format("run-{}", number);
    for (;;) {
      const Program program(out, log);
      if (killed < kills) {
        sleep_for(std::uniform_real_distribution<double>(0.0, duration)(random));
        program.send(SIGKILL);
      }
      const int code = program.wait();
      if (code == 0) break;
      ASSERT_EQ(code, -SIGKILL) << read_file(log);
      ++killed;
      if (std::filesystem::exists(out / trained_weights_file)) break;  // killed behind its end
      if (!std::filesystem::exists(out)) continue;
      for (const std::string& name : test::names_in(out)) {
        if (!name.starts_with("checkpoint-") || name.find(".tmp-") == std::string::npos) continue;
        ++inside_a_save;
        break;
      }
    }
    EXPECT_EQ(trained_bytes(out), trained_bytes(whole)) << "run " << number;
    EXPECT_EQ(curve(out), curve(whole)) << "run " << number;
  }
  std::printf("%ld killed, %ld of them inside a save\n", killed, inside_a_save);
}

TEST(Kill, AnInterruptSavesAndTheRunGoesOnExactly) {
  const TemporaryFolder folder;
  const std::filesystem::path log = folder.path() / "log";
  const Options more = {{"--steps", "200"}, {"--save.every", "0"}};
  ASSERT_EQ(Program(folder.path() / "whole", log, more).wait(), 0) << read_file(log);
  const std::filesystem::path out = folder.path() / "out";
  const Program program(out, log, more);
  wait_for(out / "metrics.jsonl");
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 0) << read_file(log);
  test::expect_error(read_file(log), "the same command goes on from there");
  EXPECT_EQ(Program(out, log, more).wait(), 0) << read_file(log);
  EXPECT_EQ(trained_bytes(out), trained_bytes(folder.path() / "whole"));
  EXPECT_EQ(curve(out), curve(folder.path() / "whole"));
}

TEST(Kill, ASecondInterruptEndsAtOnce) {
  const TemporaryFolder folder;
  const std::filesystem::path log = folder.path() / "log";
  const Program program(folder.path() / "out", log, {{"--accumulation", "100000"}, {"--prefetch", "1"}});
  wait_for(folder.path() / "out" / "metrics.jsonl");
  program.send(SIGINT);
  sleep_for(0.2);
  program.send(SIGINT);
  EXPECT_EQ(program.wait(), 130) << read_file(log);
}

TEST(Kill, AReadOnlyDirectoryIsAnErrorAndKeepsTheCheckpoints) {
  const TemporaryFolder folder;
  const std::filesystem::path log = folder.path() / "log";
  const std::filesystem::path out = folder.path() / "out";
  const RunConfig config = test::small_run(out);
  test::run(config, 3);
  chmod(folder.path().c_str(), 0755);
  chmod(out.c_str(), 0555);
  const bool as_nobody = getuid() == 0;  // who may write everywhere
  const int code =
      Program(out, log, {{"--steps", "10"}, {"--warmup-ratio", "0.2"}, {"--shuffle-window", "5"}}, as_nobody)
          .wait();
  chmod(out.c_str(), 0755);
  EXPECT_EQ(code, 1) << read_file(log);
  test::expect_error(read_file(log), "Permission denied");
  EXPECT_EQ(test::run(config).result.resumed_at, 3);
}

}  // namespace
}  // namespace artemis

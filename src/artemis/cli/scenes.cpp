#include <fmt/format.h>

#include <charconv>

#include "artemis/cli/commands.h"
#include "artemis/cli/options.h"
#include "artemis/cli/progress.h"
#include "artemis/io/atomic_file.h"
#include "artemis/lab/rows.h"

namespace artemis {
namespace {

struct SceneOptions {
  lab::ShardOptions shards;
  std::vector<std::string> sizes{"128x128"};
  std::string out;
  int threads = 0;
};

// "128x96".
std::pair<int, int> parse_size(const std::string& text) {
  int width = 0;
  int height = 0;
  const char* end = text.data() + text.size();
  const auto [cross, fault] = std::from_chars(text.data(), end, width);
  if (fault == std::errc() && cross != end && *cross == 'x') {
    const auto [stop, second_fault] = std::from_chars(cross + 1, end, height);
    if (second_fault == std::errc() && stop == end && std::min(width, height) >= 32 &&
        std::max(width, height) <= 4096) {
      return {width, height};
    }
  }
  throw UsageError("size", fmt::format("'{}' is no size, expected WIDTHxHEIGHT of 32 to 4096 pixels", text));
}

void run_scenes(SceneOptions options) {
  options.shards.sizes.clear();
  for (const std::string& size : options.sizes) options.shards.sizes.push_back(parse_size(size));
  options.shards.directory = options.out;
  lab::scene_set(options.shards.set);
  ThreadPool pool(options.threads);
  Progress progress("scenes", options.shards.count, "pictures");
  const auto files = lab::write_shards(pool, options.shards, [&](std::int64_t done) {
    progress.update(done, static_cast<double>(done), options.shards.set);
  });
  progress.finish();
  fmt::print("{} pictures of set '{}' in {} shard{}: {}\n", options.shards.count, options.shards.set,
             files.size(), files.size() == 1 ? "" : "s", options.out);
}

struct CorpusOptions {
  std::string out;
  std::int64_t count = 10000;
  std::uint64_t seed = 1;
};

void run_corpus(const CorpusOptions& options) {
  AtomicFile file(options.out);
  Progress progress("corpus", options.count, "rows");
  std::string lines;
  for (std::int64_t i = 0; i < options.count; ++i) {
    lines += Json{{"messages", lab::text_row(options.seed, static_cast<std::uint64_t>(i))}}.dump() + "\n";
    if (lines.size() > (std::size_t{1} << 20) || i + 1 == options.count) {
      file.append(lines);
      lines.clear();
      progress.update(i + 1, static_cast<double>(i + 1), "");
    }
  }
  file.commit();
  progress.finish();
  fmt::print("{} rows of text in {}\n", options.count, options.out);
}

}  // namespace

void add_scenes_command(CLI::App& app) {
  auto options = std::make_shared<SceneOptions>();
  lab::ShardOptions& shards = options->shards;
  CLI::App* command = app.add_subcommand(
      "scenes", "Draw scenes of plain objects, with captions, questions and the exact truth");
  command->add_option("--out", options->out, "Folder for the tar shards")->required();
  command->add_option("--count", shards.count, "Pictures")->check(CLI::PositiveNumber)->capture_default_str();
  command
      ->add_option(
          "--set", shards.set,
          "train, validation, unseen-backgrounds, unseen-counts, unseen-pairs, or text (all combinations)")
      ->capture_default_str();
  command->add_option("--seed", shards.seed, "Of everything drawn")->capture_default_str();
  command->add_option("--size", options->sizes, "WIDTHxHEIGHT; of several, each picture takes one")
      ->capture_default_str();
  command->add_option("--questions", shards.questions, "Share of the rows that ask in place of describing")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--textured", shards.textured, "Share of the objects that are striped or dotted")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--noise", shards.draw.noise, "Standard deviation of the pixels' noise, of 255")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--quality", shards.draw.quality, "Of the JPEG files")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--shard-rows", shards.shard_rows, "Pictures in a shard")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--threads", options->threads, "0: one for each core")->capture_default_str();
  command->footer("Example:  artemis scenes --out scenes/train --count 16000 --seed 1");
  command->callback([options] { run_scenes(*options); });
}

void add_corpus_command(CLI::App& app) {
  auto options = std::make_shared<CorpusOptions>();
  CLI::App* command =
      app.add_subcommand("corpus", "Write text rows about scenes, for a decoder that never sees a picture");
  command->add_option("--out", options->out, "JSONL file to write")->required();
  command->add_option("--count", options->count, "Rows")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--seed", options->seed, "Of everything drawn")->capture_default_str();
  command->footer("Example:  artemis corpus --out corpus.jsonl --count 100000 --seed 1");
  command->callback([options] { run_corpus(*options); });
}

}  // namespace artemis

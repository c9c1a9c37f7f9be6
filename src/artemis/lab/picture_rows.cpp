#include <algorithm>

#include "artemis/core/error.h"
#include "artemis/io/tar.h"
#include "artemis/lab/rows.h"
#include "artemis/lab/words.h"

namespace artemis::lab {
namespace {

constexpr int questions_a_row = 3;

Json question_messages(const QuestionAnswer& asked) {
  Json messages = Json::array();
  messages.push_back(
      {{"role", "user"}, {"content", {{{"type", "image"}}, {{"type", "text"}, {"text", asked.question}}}}});
  messages.push_back({{"role", "assistant"}, {"content", asked.answer}});
  return messages;
}

// Sets of one seed share no scene: each has a stream of numbers of its own.
std::uint64_t stream_of(const std::string& set, std::uint64_t index) {
  const auto number = static_cast<std::uint64_t>(std::ranges::find(scene_sets, set) - scene_sets.begin());
  return (number << 48) + index;
}

}  // namespace

PictureRow picture_row(const ShardOptions& options, std::uint64_t index) {
  Random random(options.seed, stream_of(options.set, index));
  SceneRules rules = scene_set(options.set);
  rules.textured = options.textured;
  const auto& [width, height] = pick_of(random, options.sizes);
  const Scene scene = sample_scene(random, rules, width, height);
  PictureRow row{.key = fmt::format("{}-{:08}", options.set, index), .jpeg = {}, .json = {}};
  row.jpeg = draw_scene(random, scene, options.draw);
  row.json["caption"] = describe(scene, random);
  row.json["scene"] = scene_to_json(scene);
  Json questions = Json::array();
  for (int i = 0; i < questions_a_row; ++i) {
    const QuestionAnswer asked = ask(scene, random);
    if (i == 0 && chance(random, options.questions)) row.json["messages"] = question_messages(asked);
    questions.push_back({{"kind", asked.kind}, {"question", asked.question}, {"answer", asked.answer}});
  }
  row.json["questions"] = std::move(questions);
  return row;
}

std::vector<std::filesystem::path> write_shards(ThreadPool& pool, const ShardOptions& options,
                                                const std::function<void(std::int64_t)>& done) {
  constexpr std::int64_t chunk = 256;
  std::filesystem::create_directories(options.directory);
  std::vector<std::filesystem::path> files;
  std::vector<PictureRow> rows;
  for (std::int64_t start = 0; start < options.count; start += options.shard_rows) {
    const std::int64_t end = std::min(options.count, start + options.shard_rows);
    files.push_back(options.directory / fmt::format("{}-{:05}.tar", options.set, files.size()));
    TarWriter writer(files.back());
    for (std::int64_t begin = start; begin < end; begin += chunk) {
      const std::int64_t count = std::min(chunk, end - begin);
      rows.assign(static_cast<std::size_t>(count), {});
      pool.run(count, [&](std::int64_t i) {
        rows[static_cast<std::size_t>(i)] = picture_row(options, static_cast<std::uint64_t>(begin + i));
      });
      for (const PictureRow& row : rows) {
        writer.append(row.key + ".jpg", row.jpeg);
        writer.append(row.key + ".json", row.json.dump());
      }
      done(begin + count);
    }
    writer.close();
  }
  return files;
}

}  // namespace artemis::lab

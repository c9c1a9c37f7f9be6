// Rows of training data from the laboratory: text alone, and pictures with what is said of them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "artemis/core/thread_pool.h"
#include "artemis/lab/draw.h"
#include "artemis/lab/scene.h"

namespace artemis::lab {

// The messages of row `index` of the text corpus: notes of a scene with a task on them, and a few rows of
// other kinds (lists from descriptions, short reasoning, tool calls, sums). A function of seed and index.
Json text_row(std::uint64_t seed, std::uint64_t index);

struct ShardOptions {
  std::filesystem::path directory;  // made where it is missing
  std::string set = "train";
  std::int64_t count = 1000;
  std::uint64_t seed = 1;
  std::vector<std::pair<int, int>> sizes{{128, 128}};  // width, height; each scene takes one at random
  double questions = 0.0;                              // share of the rows that ask in place of describing
  double textured = 0.0;                               // share of the objects with a texture
  std::int64_t shard_rows = 8192;
  DrawOptions draw;
};

// One picture with its row: KEY.jpg, and KEY.json with "caption", "scene" (the truth), "questions" (three of
// them with answers) and, in rows that ask, "messages".
struct PictureRow {
  std::string key;
  std::string jpeg;
  Json json;
};
PictureRow picture_row(const ShardOptions& options, std::uint64_t index);

// Writes SET-00000.tar and on; the same options give the same bytes at any number of threads. `done` is
// called with the rows written so far. Returns the files.
std::vector<std::filesystem::path> write_shards(ThreadPool& pool, const ShardOptions& options,
                                                const std::function<void(std::int64_t)>& done);

}  // namespace artemis::lab

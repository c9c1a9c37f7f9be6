// Sharded checkpoints, hostile indexes, and directories that appear whole or not at all.
#include "artemis/io/checkpoint.h"

#include <sys/stat.h>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

std::vector<NamedTensor> numbered(const std::vector<float>& values) {
  std::vector<NamedTensor> tensors;
  for (std::size_t i = 0; i < values.size(); ++i) {
    tensors.push_back({"t" + std::to_string(i), "F32", {1}, std::as_bytes(std::span(&values[i], 1))});
  }
  return tensors;
}

TEST(Checkpoint, ShardsAreFilledInOrderAndReadBack) {
  const TemporaryFolder folder;
  const std::vector<float> values = {0, 1, 2, 3, 4};
  const std::vector<NamedTensor> tensors = numbered(values);
  write_checkpoint(folder.path(), tensors, 8);  // two tensors of four bytes a shard
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "model-00003-of-00003.safetensors"));
  const Json index = read_json(folder.path() / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 20);
  EXPECT_EQ(index["metadata"]["total_parameters"], 5);
  EXPECT_EQ(index["weight_map"]["t2"], "model-00002-of-00003.safetensors");
  const CheckpointReader reader = CheckpointReader::open(folder.path());
  ASSERT_EQ(reader.names().size(), 5u);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(reader.tensor("t" + std::to_string(i)).data<float>()[0], values[i]);
  }
  expect_error(error_of([&] { reader.entry("t9"); }), "has no tensor 't9'");
}

TEST(Checkpoint, WritesTheShardsThatTransformersWrites) {
  const std::filesystem::path golden = std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "io" / "sharded";
  const CheckpointReader reader = CheckpointReader::open(golden);
  std::vector<NamedTensor> tensors;
  for (const Json& name : read_json(golden / "order.json")) {
    const SafetensorsEntry& entry = reader.entry(name.get<std::string>());
    tensors.push_back({entry.name(), std::string(entry.dtype_name()), entry.shape(), entry.bytes()});
  }
  EXPECT_EQ(tensors.size(), reader.names().size());
  const TemporaryFolder folder;
  write_checkpoint(folder.path(), tensors, 600);
  int files = 0;
  for (const auto& written : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_EQ(read_file(written.path()), read_file(golden / written.path().filename())) << written.path();
    ++files;
  }
  EXPECT_EQ(files, 8);  // seven shards and the index
}

TEST(Checkpoint, ATensorLargerThanAShardHasOneOfItsOwn) {
  const TemporaryFolder folder;
  const std::vector<float> values = {0, 1};
  write_checkpoint(folder.path(), numbered(values), 2);
  EXPECT_EQ(CheckpointReader::open(folder.path()).names().size(), 2u);
}

TEST(Checkpoint, HostileIndexesOpenNothingOutside) {
  const std::vector<float> values = {1};
  const TemporaryFolder outside;
  write_checkpoint(outside.path(), numbered(values));
  const TemporaryFolder folder;
  std::filesystem::create_symlink(outside.path() / "model.safetensors", folder.path() / "link.safetensors");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"../x.safetensors", "expected a plain name"},
      {(outside.path() / "model.safetensors").string(), "expected a plain name"},
      {"..", "expected a plain name"},
      {"", "expected a plain name"},
      {"a/b.safetensors", "expected a plain name"},
      {"a\\b.safetensors", "expected a plain name"},
      {std::string("a\0b", 3), "expected a plain name"},
      {"link.safetensors", "a link that leads out of the directory"},
      {"missing.safetensors", "cannot be found"},
  };
  for (const auto& [file, expected] : cases) {
    folder.write("model.safetensors.index.json", Json{{"weight_map", {{"t0", file}}}}.dump());
    expect_error(error_of([&] { CheckpointReader::open(folder.path()); }), expected);
  }
}

TEST(Checkpoint, TheHubsCacheOfLinksIsRead) {
  const TemporaryFolder cache;
  const std::vector<float> values = {4};
  std::filesystem::create_directories(cache.path() / "blobs");
  std::filesystem::create_directories(cache.path() / "snapshots" / "abc");
  write_safetensors(cache.path() / "blobs" / "f00d", numbered(values), {});
  std::filesystem::create_symlink("../../blobs/f00d",
                                  cache.path() / "snapshots" / "abc" / "shard.safetensors");
  cache.write("snapshots/abc/model.safetensors.index.json", R"({"weight_map": {"t0": "shard.safetensors"}})");
  EXPECT_EQ(CheckpointReader::open(cache.path() / "snapshots" / "abc").tensor("t0").data<float>()[0], 4.0f);
}

TEST(Checkpoint, MalformedIndexesAreRefused) {
  const TemporaryFolder folder;
  const std::vector<float> values = {1};
  write_safetensors(folder.path() / "shard.safetensors", numbered(values), {});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "'weight_map' is missing"},
      {"{}", "'weight_map' is missing"},
      {R"({"weight_map": 3})", "'weight_map' is missing"},
      {R"({"weight_map": {"t0": 3}})", "expected a file name"},
      {R"({"weight_map": {"t1": "shard.safetensors"}})",
       "should be in shard.safetensors, which does not hold it"},
      {R"({"weight_map": )", "malformed JSON at byte"},
      {std::string(100000, '['), "nested deeper"},
  };
  for (const auto& [text, expected] : cases) {
    folder.write("model.safetensors.index.json", text);
    expect_error(error_of([&] { CheckpointReader::open(folder.path()); }), expected);
  }
  const TemporaryFolder empty;
  expect_error(error_of([&] { CheckpointReader::open(empty.path()); }),
               "holds neither model.safetensors nor");
  expect_error(error_of([&] { CheckpointReader::open(empty.path() / "none"); }), "is no directory");
}

TEST(AtomicFile, TheOldFileStaysUntilTheNewOneIsWhole) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("x", "old");
  {
    AtomicFile unfinished(file);
    unfinished.append("new");
  }
  EXPECT_EQ(read_file(file), "old");
  write_file_atomically(file, "new");
  EXPECT_EQ(read_file(file), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(AtomicFile, FailuresNameTheFile) {
  const TemporaryFolder folder;
  expect_error(error_of([&] { write_file_atomically(folder.path() / "none" / "x", "new"); }),
               "none/x] cannot be created: No such file or directory");
  expect_error(error_of([&] { read_file(folder.path() / "x"); }),
               "x] cannot be opened: No such file or directory");
  expect_error(error_of([&] { read_file(folder.path()); }), "cannot be read: Is a directory");
}

TEST(StagedDirectory, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "deep" / "out";
  {
    StagedDirectory staged(out);
    write_file_atomically(staged.path() / "x", "1");
  }
  EXPECT_FALSE(std::filesystem::exists(out));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "deep"));
  StagedDirectory staged(out);
  write_file_atomically(staged.path() / "x", "1");
  staged.commit();
  EXPECT_EQ(read_file(out / "x"), "1");
  expect_error(error_of([&] { StagedDirectory again(out); }), "exists already");
}

TEST(Json, ErrorsNameFileKeyAndByte) {
  const TemporaryFolder folder;
  expect_error(error_of([&] { read_json(folder.write("a.json", "{\"x\": tru}")); }),
               "a.json] malformed JSON at byte 10");
  const Json json = parse_json(R"({"x": "text", "n": null})", "a.json");
  EXPECT_EQ(error_of([&] { json_get<std::int64_t>(json, "x", "a.json"); }),
            "[a.json] key 'x' is string, expected an integer");
  EXPECT_EQ(error_of([&] { json_get<std::int64_t>(json, "y", "a.json"); }),
            "[a.json] key 'y' is missing, expected an integer");
  EXPECT_EQ(json_get_or<std::int64_t>(json, "n", "a.json", 7), 7);
  expect_error(error_of([&] { json_get<bool>(Json(3), "y", "a.json"); }),
               "expected an object with the key 'y'");
  for (const char* open : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += open;
    expect_error(error_of([&] { parse_json(deep, "deep"); }), "nested deeper than 512");
  }
}

}  // namespace
}  // namespace artemis

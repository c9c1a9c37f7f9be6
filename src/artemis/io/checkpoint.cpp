#include "artemis/io/checkpoint.h"

#include <algorithm>
#include <map>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"

namespace artemis {
namespace {

constexpr const char* single_file = "model.safetensors";
constexpr const char* index_file = "model.safetensors.index.json";

// In the cache of the Hugging Face hub a model directory (snapshots/REVISION) holds links into ../../blobs.
bool is_hub_blob(const std::filesystem::path& directory, const std::filesystem::path& target) {
  const std::filesystem::path snapshot = std::filesystem::canonical(directory);
  return snapshot.parent_path().filename() == "snapshots" &&
         target.parent_path() == snapshot.parent_path().parent_path() / "blobs";
}

// A shard's file inside the directory: a plain name, and no link that leads out of it.
std::filesystem::path shard_path(const std::filesystem::path& directory, const std::string& name,
                                 const std::string& where) {
  const bool plain = !name.empty() && name != "." && name != ".." &&
                     name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  require(plain, where, "weight_map names the file '{}', expected a plain name in the same directory", name);
  const std::filesystem::path file = directory / name;
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(file, error);
  require(!error, where, "weight_map names the file '{}', which cannot be found: {}", name, error.message());
  require(target.parent_path() == std::filesystem::canonical(directory) || is_hub_blob(directory, target),
          where, "weight_map names the file '{}', a link that leads out of the directory", name);
  return file;
}

std::map<std::string, std::string> read_weight_map(const std::filesystem::path& file) {
  const Json index = read_json(file);
  require(index.is_object() && index.contains("weight_map") && index["weight_map"].is_object(), file.string(),
          "key 'weight_map' is missing, expected an object of file names");
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : index["weight_map"].items()) {
    require(value.is_string(), file.string(), "weight_map '{}' is {}, expected a file name", name,
            value.type_name());
    require(map.emplace(name, value.get<std::string>()).second, file.string(), "weight_map names '{}' twice",
            name);
  }
  return map;
}

std::string shard_name(std::size_t number, std::size_t count) {
  return count == 1 ? single_file : fmt::format("model-{:05}-of-{:05}.safetensors", number + 1, count);
}

// Tensors go in order to the open shard until the next would pass the limit.
std::vector<std::span<const NamedTensor>> divide(std::span<const NamedTensor> tensors, std::int64_t limit) {
  std::vector<std::span<const NamedTensor>> shards;
  std::size_t begin = 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto size = static_cast<std::int64_t>(tensors[i].bytes.size());
    if (i > begin && bytes + size > limit) {
      shards.push_back(tensors.subspan(begin, i - begin));
      begin = i;
      bytes = 0;
    }
    bytes += size;
  }
  shards.push_back(tensors.subspan(begin));
  return shards;
}

}  // namespace

CheckpointReader CheckpointReader::open(const std::filesystem::path& directory) {
  CheckpointReader reader;
  reader.where_ = directory.string();
  reader.shards_ = std::make_shared<std::vector<SafetensorsFile>>();
  reader.names_ = std::make_shared<std::vector<std::string>>();
  reader.shard_of_ = std::make_shared<std::unordered_map<std::string, std::size_t>>();
  require(std::filesystem::is_directory(directory), reader.where_,
          "is no directory, expected a model directory");
  if (std::filesystem::exists(directory / single_file)) {
    reader.shards_->push_back(SafetensorsFile::open(directory / single_file));
    *reader.names_ = reader.shards_->front().names();
    for (const std::string& name : *reader.names_) reader.shard_of_->emplace(name, 0);
    return reader;
  }
  const std::filesystem::path index = directory / index_file;
  require(std::filesystem::exists(index), reader.where_, "holds neither {} nor {}", single_file, index_file);
  const std::map<std::string, std::string> weight_map = read_weight_map(index);
  std::map<std::string, std::vector<std::string>> by_file;
  for (const auto& [name, file] : weight_map) by_file[file].push_back(name);
  std::vector<std::filesystem::path> paths;  // all checked before any is opened
  for (const auto& [file, names] : by_file) paths.push_back(shard_path(directory, file, index.string()));
  for (const auto& [file, names] : by_file) {
    const std::size_t number = reader.shards_->size();
    const SafetensorsFile& shard = reader.shards_->emplace_back(SafetensorsFile::open(paths[number]));
    for (const std::string& name : names) {
      require(shard.contains(name), index.string(), "tensor '{}' should be in {}, which does not hold it",
              name, file);
      reader.shard_of_->emplace(name, number);
    }
    for (const std::string& name : shard.names()) {
      if (weight_map.contains(name) && weight_map.at(name) == file) reader.names_->push_back(name);
    }
  }
  return reader;
}

const SafetensorsFile& CheckpointReader::shard(std::string_view name) const {
  const auto found = shard_of_->find(std::string(name));
  require(found != shard_of_->end(), where_, "has no tensor '{}'", name);
  return (*shards_)[found->second];
}

void write_checkpoint(const std::filesystem::path& directory, std::span<const NamedTensor> tensors,
                      std::int64_t max_shard_bytes) {
  const std::vector<std::span<const NamedTensor>> shards = divide(tensors, max_shard_bytes);
  std::int64_t total_bytes = 0;
  std::int64_t total_parameters = 0;
  std::map<std::string, std::string> weight_map;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write_safetensors(directory / name, shards[i], {{"format", "pt"}});
    for (const NamedTensor& tensor : shards[i]) {
      weight_map[tensor.name] = name;
      total_bytes += static_cast<std::int64_t>(tensor.bytes.size());
      total_parameters += Shape(std::span<const std::int64_t>(tensor.shape)).count();
    }
  }
  if (shards.size() == 1) return;
  const Json index = {{"metadata", {{"total_parameters", total_parameters}, {"total_size", total_bytes}}},
                      {"weight_map", weight_map}};
  write_file_atomically(directory / index_file, index.dump(2) + "\n");
}

void copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to,
                     std::span<const std::string> names) {
  for (const std::string& name : names) {
    if (std::filesystem::exists(from / name)) write_file_atomically(to / name, read_file(from / name));
  }
}

}  // namespace artemis

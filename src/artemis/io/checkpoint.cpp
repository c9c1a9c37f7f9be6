#include "artemis/io/checkpoint.h"

#include <map>
#include <unordered_set>
#include <utility>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"

namespace artemis {
namespace {

constexpr const char* single_file = "model.safetensors";

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
  const SortedJson index = read_sorted_json(file);
  const bool found = index.is_object() && index.contains("weight_map") && index["weight_map"].is_object();
  require(found, file.string(), "key 'weight_map' is missing, expected an object of file names");
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : index["weight_map"].items()) {
    require(value.is_string(), file.string(), "weight_map '{}' is {}, expected a file name", name,
            value.type_name());
    map.emplace(name, value.get<std::string>());
  }
  return map;
}

std::string shard_name(std::size_t number, std::size_t count) {
  return count == 1 ? single_file : fmt::format("model-{:05}-of-{:05}.safetensors", number + 1, count);
}

using Shard = std::vector<NamedTensor>;

// Tensors go in order to the open shard until the next would pass the limit; one that passes it alone gets a
// shard of its own, and the open one stays open.
std::vector<Shard> divide(std::span<const NamedTensor> tensors, std::int64_t limit) {
  std::vector<Shard> shards;
  Shard open;
  std::int64_t open_bytes = 0;
  for (const NamedTensor& tensor : tensors) {
    const auto size = static_cast<std::int64_t>(tensor.bytes.size());
    if (size > limit) {
      shards.push_back({tensor});
      continue;
    }
    if (open_bytes + size > limit) {
      shards.push_back(std::exchange(open, {}));
      open_bytes = 0;
    }
    open.push_back(tensor);
    open_bytes += size;
  }
  if (!open.empty() || shards.empty()) shards.push_back(std::move(open));
  return shards;
}

}  // namespace

CheckpointReader CheckpointReader::open(const std::filesystem::path& directory) {
  CheckpointReader reader;
  reader.where_ = directory.string();
  std::error_code error;
  require(std::filesystem::is_directory(directory, error), reader.where_,
          "is no directory, expected a model directory");
  const std::filesystem::path index = directory / checkpoint_index_file;
  if (std::filesystem::exists(directory / single_file, error)) {
    SafetensorsFile file = SafetensorsFile::open(directory / single_file);
    const std::vector<std::string> names = file.names();
    reader.add_shard(std::move(file), names);
  } else {
    require(std::filesystem::exists(index, error), reader.where_, "holds neither {} nor {}", single_file,
            checkpoint_index_file);
    reader.open_shards(directory, index);
  }
  return reader;
}

void CheckpointReader::open_shards(const std::filesystem::path& directory,
                                   const std::filesystem::path& index) {
  std::map<std::string, std::unordered_set<std::string>> names_of;
  for (auto& [name, file] : read_weight_map(index)) names_of[file].insert(name);
  for (const auto& [file, names] : names_of) shard_path(directory, file, index.string());  // before any opens
  for (const auto& [file, names] : names_of) {
    SafetensorsFile shard = SafetensorsFile::open(shard_path(directory, file, index.string()));
    std::vector<std::string> in_order;
    for (const std::string& name : shard.names()) {
      if (names.contains(name)) in_order.push_back(name);
    }
    for (const std::string& name : names) {
      require(shard.contains(name), index.string(), "tensor '{}' should be in {}, which does not hold it",
              name, file);
    }
    add_shard(std::move(shard), in_order);
  }
}

void CheckpointReader::add_shard(SafetensorsFile file, const std::vector<std::string>& names) {
  for (const std::string& name : names) shard_of_->emplace(name, shards_->size());
  names_->insert(names_->end(), names.begin(), names.end());
  shards_->push_back(std::move(file));
}

const SafetensorsFile& CheckpointReader::shard(std::string_view name) const {
  const auto found = shard_of_->find(std::string(name));
  require(found != shard_of_->end(), where_, "has no tensor '{}'", name);
  return (*shards_)[found->second];
}

void write_checkpoint(const std::filesystem::path& directory, std::span<const NamedTensor> tensors,
                      std::int64_t max_shard_bytes, Durability durability) {
  const std::vector<Shard> shards = divide(tensors, max_shard_bytes);
  std::int64_t total_bytes = 0;
  std::int64_t total_parameters = 0;
  std::map<std::string, std::string> weight_map;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write_safetensors(directory / name, shards[i], {{"format", "pt"}}, durability);
    for (const NamedTensor& tensor : shards[i]) {
      weight_map[tensor.name] = name;
      total_bytes += static_cast<std::int64_t>(tensor.bytes.size());
      total_parameters += Shape(std::span<const std::int64_t>(tensor.shape)).count();
    }
  }
  if (shards.size() == 1) return;
  const Json index = {{"metadata", {{"total_parameters", total_parameters}, {"total_size", total_bytes}}},
                      {"weight_map", weight_map}};
  write_file_atomically(directory / checkpoint_index_file, index.dump(2, ' ', true) + "\n");
}

void copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to,
                     std::span<const std::string> names) {
  for (const std::string& name : names) {
    std::error_code error;
    if (std::filesystem::exists(from / name, error)) write_file_atomically(to / name, read_file(from / name));
  }
}

}  // namespace artemis

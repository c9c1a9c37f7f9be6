// The weights of a Hugging Face model directory: one safetensors file, or shards with an index.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/io/safetensors.h"

namespace artemis {

// Cheap to copy: copies share the mapped files.
class CheckpointReader {
 public:
  // model.safetensors, or model.safetensors.index.json and its shards. Throws Error for an index that names
  // files outside the directory (none of which is opened), or tensors that their shard does not hold.
  static CheckpointReader open(const std::filesystem::path& directory);

  // Shard by shard, in the order of their bytes.
  const std::vector<std::string>& names() const { return *names_; }
  bool contains(std::string_view name) const { return shard_of_->contains(std::string(name)); }
  // Throw Error when there is no such tensor.
  const SafetensorsEntry& entry(std::string_view name) const { return shard(name).entry(name); }
  Tensor tensor(std::string_view name) const { return shard(name).tensor(name); }
  // One after the other as names() has their tensors.
  const std::vector<SafetensorsFile>& shards() const { return *shards_; }
  // The directory, for messages.
  const std::string& where() const { return where_; }

 private:
  void open_shards(const std::filesystem::path& directory, const std::filesystem::path& index);
  void add_shard(SafetensorsFile file, const std::vector<std::string>& names);
  const SafetensorsFile& shard(std::string_view name) const;

  std::string where_;
  std::shared_ptr<std::vector<SafetensorsFile>> shards_ = std::make_shared<std::vector<SafetensorsFile>>();
  std::shared_ptr<std::vector<std::string>> names_ = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<std::unordered_map<std::string, std::size_t>> shard_of_ =
      std::make_shared<std::unordered_map<std::string, std::size_t>>();
};

constexpr std::int64_t default_shard_bytes = 5'000'000'000;

// Writes the tensors to model.safetensors, or where they pass max_shard_bytes to shards filled in the given
// order, with model.safetensors.index.json, as huggingface_hub divides them.
void write_checkpoint(const std::filesystem::path& directory, std::span<const NamedTensor> tensors,
                      std::int64_t max_shard_bytes = default_shard_bytes,
                      Durability durability = Durability::synced);

// The index of a checkpoint of several shards.
constexpr const char* checkpoint_index_file = "model.safetensors.index.json";

// Copies those of the named files that exist, byte for byte.
void copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to,
                     std::span<const std::string> names);

}  // namespace artemis

// The safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes without gaps.
// What the reference library (safetensors 0.8) accepts is accepted here, and the reverse.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "artemis/core/tensor.h"
#include "artemis/io/atomic_file.h"
#include "artemis/io/mapped_file.h"

namespace artemis {

// One dtype of the format; some have fewer bits than a byte, and not all are dtypes of Tensor.
struct StoredDType {
  std::string_view name;  // "BF16"
  std::int64_t bits;
};

// One tensor as it is stored.
class SafetensorsEntry {
 public:
  SafetensorsEntry(std::string name, const StoredDType& dtype, std::vector<std::int64_t> shape,
                   std::span<const std::byte> bytes)
      : name_(std::move(name)), dtype_(&dtype), shape_(std::move(shape)), bytes_(bytes) {}

  const std::string& name() const { return name_; }
  std::string_view dtype_name() const { return dtype_->name; }
  std::int64_t bits() const { return dtype_->bits; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::string shape_string() const;
  std::int64_t count() const;
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::string name_;
  const StoredDType* dtype_;
  std::vector<std::int64_t> shape_;
  std::span<const std::byte> bytes_;
};

class SafetensorsFile {
 public:
  // Maps the file and reads its header; throws Error naming file, tensor and fault.
  static SafetensorsFile open(const std::filesystem::path& file);
  // The same for bytes in memory, which entries view (they must last) and tensors copy.
  static SafetensorsFile parse(std::span<const std::byte> bytes, std::string where);

  // The file, or the name that was given for the bytes.
  const std::string& where() const { return where_; }
  // In the order of their bytes.
  const std::vector<std::string>& names() const { return names_; }
  bool contains(std::string_view name) const;
  // Throws Error when there is no such tensor.
  const SafetensorsEntry& entry(std::string_view name) const;
  // A read-only view of the file, or a copy where the file leaves it misaligned. Throws Error for a dtype
  // that Tensor does not have or a rank over Shape::max_rank.
  Tensor tensor(std::string_view name) const;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  void read_header(std::span<const std::byte> bytes);

  std::string where_;
  std::shared_ptr<const MappedFile> file_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// What is to be written; the bytes must last until then.
struct NamedTensor {
  std::string name;
  std::string dtype_name;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

// A contiguous tensor on the CPU under a name.
NamedTensor named(const std::string& name, const Tensor& tensor);

// Writes atomically, in the reference's order: wide dtypes first, then by name; the header padded to 8 bytes.
void write_safetensors(const std::filesystem::path& file, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata,
                       Durability durability = Durability::synced);

// The format's name for a dtype of Tensor.
std::string_view stored_dtype_name(DType dtype);

}  // namespace artemis

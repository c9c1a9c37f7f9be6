#include "artemis/io/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "artemis/io/safetensors_header.h"

namespace artemis {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr auto max_extent = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

// Extents past 2^63 only stand beside a zero: what matters of them is that they are large.
std::vector<std::int64_t> signed_shape(std::span<const std::uint64_t> shape) {
  std::vector<std::int64_t> extents;
  for (const std::uint64_t extent : shape)
    extents.push_back(static_cast<std::int64_t>(std::min(extent, max_extent)));
  return extents;
}

// Whether every partial product of the extents fits; beside a zero they can be of any size.
bool countable(std::span<const std::int64_t> shape) {
  std::int64_t product = 1;
  return std::ranges::none_of(shape, [&](std::int64_t extent) {
    return __builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product);
  });
}

}  // namespace

std::string SafetensorsEntry::shape_string() const { return shape_text(shape_); }

std::int64_t SafetensorsEntry::count() const {
  if (std::ranges::find(shape_, 0) != shape_.end()) return 0;  // the others' product may overflow
  std::int64_t product = 1;
  for (const std::int64_t extent : shape_) product *= extent;
  return product;
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.where_ = path.string();
  file.file_ = MappedFile::open(path);
  file.read_header(file.file_->bytes());
  return file;
}

SafetensorsFile SafetensorsFile::parse(std::span<const std::byte> bytes, std::string where) {
  SafetensorsFile file;
  file.where_ = std::move(where);
  file.read_header(bytes);
  return file;
}

void SafetensorsFile::read_header(std::span<const std::byte> bytes) {
  require(bytes.size() >= length_bytes, where_, "{} bytes hold no header length, expected at least 8",
          bytes.size());
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), length_bytes);
  require(header_bytes <= max_safetensors_header_bytes, where_,
          "the header has {} bytes, at most {} are allowed", header_bytes, max_safetensors_header_bytes);
  require(header_bytes <= bytes.size() - length_bytes, where_, "the header ends at byte {}, the file has {}",
          header_bytes + length_bytes, bytes.size());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes,
                              static_cast<std::size_t>(header_bytes));
  const auto data = bytes.subspan(length_bytes + static_cast<std::size_t>(header_bytes));
  SafetensorsHeader header = parse_safetensors_header(text, where_);
  check_safetensors_layout(header, data.size(), where_);
  metadata_ = std::move(header.metadata);
  for (const SafetensorsHeaderEntry& tensor : header.entries) {
    const auto stored = data.subspan(static_cast<std::size_t>(tensor.begin),
                                     static_cast<std::size_t>(tensor.end - tensor.begin));
    names_.push_back(tensor.name);
    entries_.emplace(tensor.name,
                     SafetensorsEntry(tensor.name, *tensor.dtype, signed_shape(tensor.shape), stored));
  }
}

bool SafetensorsFile::contains(std::string_view name) const { return entries_.contains(std::string(name)); }

const SafetensorsEntry& SafetensorsFile::entry(std::string_view name) const {
  const auto found = entries_.find(std::string(name));
  require(found != entries_.end(), where_, "has no tensor '{}'", name);
  return found->second;
}

Tensor SafetensorsFile::tensor(std::string_view name) const {
  const SafetensorsEntry& stored = entry(name);
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16, DType::i32, DType::i64, DType::u8}) {
    if (stored_dtype_name(dtype) != stored.dtype_name()) continue;
    require(stored.shape().size() <= Shape::max_rank, where_,
            "tensor '{}' has {} axes, at most {} are supported", name, stored.shape().size(),
            Shape::max_rank);
    require(countable(stored.shape()), where_, "tensor '{}' of shape {} is too large to compute with", name,
            stored.shape_string());
    const Shape shape{std::span<const std::int64_t>(stored.shape())};
    auto* data = const_cast<std::byte*>(stored.bytes().data());
    const bool aligned = reinterpret_cast<std::uintptr_t>(data) % dtype_size(dtype) == 0;
    if (aligned && file_ != nullptr && data != nullptr)
      return Tensor::wrap(data, dtype, shape, Device{}, file_, true);
    Tensor copy = Tensor::allocate(dtype, shape);
    if (!stored.bytes().empty()) std::memcpy(copy.mutable_raw(), data, stored.bytes().size());
    return copy;
  }
  fail(where_, "tensor '{}' is {}, which artemis does not compute with", name, stored.dtype_name());
}

std::string_view stored_dtype_name(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::bf16:
      return "BF16";
    case DType::f16:
      return "F16";
    case DType::i32:
      return "I32";
    case DType::i64:
      return "I64";
    case DType::u8:
      return "U8";
  }
  ARTEMIS_ASSERT(false);
}

NamedTensor named(const std::string& name, const Tensor& tensor) {
  ARTEMIS_ASSERT(tensor.contiguous() && tensor.device().kind == DeviceKind::cpu);
  const auto extents = tensor.shape().extents();
  return {name,
          std::string(stored_dtype_name(tensor.dtype())),
          {extents.begin(), extents.end()},
          {tensor.raw(), tensor.bytes()}};
}

}  // namespace artemis

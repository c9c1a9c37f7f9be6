#include "artemis/io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>
#include <unordered_set>

#include "artemis/io/json.h"

namespace artemis {
namespace {

constexpr std::uint64_t max_header_bytes = 100'000'000;
constexpr std::size_t length_bytes = 8;
constexpr int max_header_depth = 128;

// In the reference's order, by which tensors are written: later ones first.
constexpr std::array<StoredDType, 22> dtypes = {
    {{"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
     {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
     {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
     {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}}};

const StoredDType* find_dtype(std::string_view name) {
  const auto found = std::ranges::find(dtypes, name, &StoredDType::name);
  return found == dtypes.end() ? nullptr : &*found;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  return text + ")";
}

// One tensor of the header, before its bytes are known to be there.
struct HeaderEntry {
  std::string name;
  const StoredDType* dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

using HeaderJson = nlohmann::json;

std::uint64_t unsigned_integer(const HeaderJson& value, const std::string& where, const std::string& name,
                               const char* key) {
  require(value.is_number_unsigned(), where, "tensor '{}': {} holds {}, expected integers from 0 on", name,
          key, value.dump());
  return value.get<std::uint64_t>();
}

// A tensor is an object, or (as the reference's reader also takes it) a list of dtype, shape and offsets.
const HeaderJson& field(const HeaderJson& value, const char* key, std::size_t place, const std::string& where,
                        const std::string& name) {
  if (value.is_array()) {
    require(value.size() == 3, where, "tensor '{}' is a list of {}, expected dtype, shape and data_offsets",
            name, value.size());
    return value[place];
  }
  require(value.is_object(), where, "tensor '{}' is {}, expected an object", name, value.type_name());
  const auto found = value.find(key);
  require(found != value.end(), where, "tensor '{}' has no '{}'", name, key);
  return *found;
}

HeaderEntry parse_entry(const std::string& name, const HeaderJson& value, const std::string& where) {
  HeaderEntry entry{.name = name, .dtype = nullptr, .shape = {}, .begin = 0, .end = 0};
  const HeaderJson& dtype = field(value, "dtype", 0, where, name);
  require(dtype.is_string(), where, "tensor '{}': dtype is {}, expected a string", name, dtype.type_name());
  entry.dtype = find_dtype(dtype.get_ref<const std::string&>());
  require(entry.dtype != nullptr, where, "tensor '{}' has the unknown dtype {}", name, dtype.dump());

  const HeaderJson& shape = field(value, "shape", 1, where, name);
  require(shape.is_array(), where, "tensor '{}': shape is {}, expected a list", name, shape.type_name());
  for (const HeaderJson& extent : shape) {
    // An extent past 2^63 can only stand beside a zero; what matters of it is that the product stays the
    // same.
    const std::uint64_t number = unsigned_integer(extent, where, name, "shape");
    entry.shape.push_back(static_cast<std::int64_t>(std::min<std::uint64_t>(
        number, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))));
  }
  const HeaderJson& offsets = field(value, "data_offsets", 2, where, name);
  require(offsets.is_array() && offsets.size() == 2, where,
          "tensor '{}': data_offsets is {}, expected two integers", name, offsets.dump());
  entry.begin = unsigned_integer(offsets[0], where, name, "data_offsets");
  entry.end = unsigned_integer(offsets[1], where, name, "data_offsets");
  return entry;
}

// Bytes that the shape asks for.
std::uint64_t bytes_of(const HeaderEntry& entry, const std::string& where) {
  std::uint64_t count = 1;
  bool overflow = false;
  for (const std::int64_t extent : entry.shape) {
    overflow = overflow || __builtin_mul_overflow(count, static_cast<std::uint64_t>(extent), &count);
  }
  std::uint64_t bits = 0;
  overflow = overflow || __builtin_mul_overflow(count, static_cast<std::uint64_t>(entry.dtype->bits), &bits);
  require(!overflow, where, "tensor '{}': the size of shape {} overflows", entry.name,
          shape_text(entry.shape));
  require(bits % 8 == 0, where, "tensor '{}': {} elements of {} bits do not fill whole bytes", entry.name,
          count, entry.dtype->bits);
  return bits / 8;
}

// Refuses a key that stands twice, in the header or in one tensor.
class DuplicateCheck {
 public:
  explicit DuplicateCheck(const std::string& where) : where_(where) {}

  bool operator()(int depth, HeaderJson::parse_event_t event, HeaderJson& parsed) {
    if (event == HeaderJson::parse_event_t::object_start && depth == 1) inner_.clear();
    if (event != HeaderJson::parse_event_t::key || depth > 2) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    require((depth == 1 ? outer_ : inner_).insert(key).second, where_,
            "the key '{}' stands twice in the header", key);
    return true;
  }

 private:
  const std::string& where_;
  std::unordered_set<std::string> outer_;
  std::unordered_set<std::string> inner_;
};

HeaderJson parse_header(std::string_view text, const std::string& where) {
  check_json_depth(text, where, max_header_depth);
  try {
    DuplicateCheck check(where);
    return HeaderJson::parse(text, [&](int depth, HeaderJson::parse_event_t event, HeaderJson& parsed) {
      return check(depth, event, parsed);
    });
  } catch (const HeaderJson::exception& error) {
    fail(where, "malformed header: {}", error.what());
  }
}

std::map<std::string, std::string> parse_metadata(const HeaderJson& json, const std::string& where) {
  std::map<std::string, std::string> metadata;
  if (json.is_null()) return metadata;
  require(json.is_object(), where, "__metadata__ is {}, expected an object of strings", json.type_name());
  for (const auto& [key, value] : json.items()) {
    require(value.is_string(), where, "__metadata__ '{}' is {}, expected a string", key, value.type_name());
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

}  // namespace

std::string SafetensorsEntry::shape_string() const { return shape_text(shape_); }

std::int64_t SafetensorsEntry::count() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape_) product = extent == 0 ? 0 : product * extent;
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
  require(header_bytes <= max_header_bytes, where_, "the header has {} bytes, at most {} are allowed",
          header_bytes, max_header_bytes);
  require(header_bytes <= bytes.size() - length_bytes, where_, "the header ends at byte {}, the file has {}",
          header_bytes + length_bytes, bytes.size());
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes,
                              static_cast<std::size_t>(header_bytes));
  const HeaderJson header = parse_header(text, where_);
  require(header.is_object(), where_, "the header is {}, expected an object", header.type_name());
  const auto data = bytes.subspan(length_bytes + static_cast<std::size_t>(header_bytes));

  std::vector<HeaderEntry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      metadata_ = parse_metadata(value, where_);
    } else {
      entries.push_back(parse_entry(name, value, where_));
    }
  }
  std::ranges::sort(entries, {}, [](const HeaderEntry& e) { return std::tie(e.begin, e.end, e.name); });
  std::uint64_t expected = 0;
  for (HeaderEntry& entry : entries) {
    require(entry.begin == expected, where_, "tensor '{}' begins at byte {}, expected {} ({})", entry.name,
            entry.begin, expected,
            entry.begin < expected ? "it overlaps another" : "bytes before it are in no tensor");
    require(entry.end >= entry.begin, where_, "tensor '{}' ends at byte {}, before it begins at {}",
            entry.name, entry.end, entry.begin);
    const std::uint64_t needed = bytes_of(entry, where_);
    require(entry.end - entry.begin == needed, where_, "tensor '{}' holds {} bytes, {} of shape {} needs {}",
            entry.name, entry.end - entry.begin, entry.dtype->name, shape_text(entry.shape), needed);
    require(entry.end <= data.size(), where_, "tensor '{}' ends at byte {}, file has {}", entry.name,
            entry.end, data.size());
    expected = entry.end;
    names_.push_back(entry.name);
    entries_.emplace(entry.name, SafetensorsEntry(entry.name, *entry.dtype, std::move(entry.shape),
                                                  data.subspan(static_cast<std::size_t>(entry.begin),
                                                               static_cast<std::size_t>(needed))));
  }
  require(expected == data.size(), where_, "{} bytes follow the last tensor", data.size() - expected);
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

std::int64_t stored_dtype_bits(std::string_view name) {
  const StoredDType* dtype = find_dtype(name);
  return dtype == nullptr ? 0 : dtype->bits;
}

std::size_t stored_dtype_rank(std::string_view name) {
  const StoredDType* dtype = find_dtype(name);
  ARTEMIS_ASSERT(dtype != nullptr);
  return static_cast<std::size_t>(dtype - dtypes.data());
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

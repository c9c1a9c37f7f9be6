#include "artemis/io/safetensors_header.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "artemis/io/json.h"

namespace artemis {
namespace {

constexpr int max_depth = 127;

// In the reference's order, by which tensors are written: later ones first.
constexpr std::array<StoredDType, 22> dtypes = {
    {{"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
     {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
     {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
     {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}}};

using HeaderJson = nlohmann::json;
using Event = HeaderJson::parse_event_t;

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

// A string, or (as the reference's reader also takes it) an object {"F32": null}.
const StoredDType* dtype_of(const HeaderJson& value, const std::string& where, const std::string& name) {
  const bool tagged = value.is_object() && value.size() == 1 && value.front().is_null();
  require(value.is_string() || tagged, where, "tensor '{}': dtype is {}, expected a string", name,
          value.type_name());
  const std::string& text = tagged ? value.begin().key() : value.get_ref<const std::string&>();
  const StoredDType* dtype = find_stored_dtype(text);
  require(dtype != nullptr, where, "tensor '{}' has the unknown dtype {}", name, HeaderJson(text).dump());
  return dtype;
}

SafetensorsHeaderEntry parse_entry(const std::string& name, const HeaderJson& value,
                                   const std::string& where) {
  SafetensorsHeaderEntry entry{.name = name, .dtype = nullptr, .shape = {}, .begin = 0, .end = 0};
  entry.dtype = dtype_of(field(value, "dtype", 0, where, name), where, name);
  const HeaderJson& shape = field(value, "shape", 1, where, name);
  require(shape.is_array(), where, "tensor '{}': shape is {}, expected a list", name, shape.type_name());
  for (const HeaderJson& extent : shape)
    entry.shape.push_back(unsigned_integer(extent, where, name, "shape"));
  const HeaderJson& offsets = field(value, "data_offsets", 2, where, name);
  require(offsets.is_array() && offsets.size() == 2, where,
          "tensor '{}': data_offsets is {}, expected two integers", name, offsets.dump());
  entry.begin = unsigned_integer(offsets[0], where, name, "data_offsets");
  entry.end = unsigned_integer(offsets[1], where, name, "data_offsets");
  return entry;
}

std::map<std::string, std::string> parse_metadata(const HeaderJson& json, const std::string& where) {
  std::map<std::string, std::string> metadata;
  if (json.is_null()) return metadata;
  require(json.is_object(), where, "__metadata__ is {}, expected an object of strings", json.type_name());
  for (const auto& [key, value] : json.items()) {
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

// Takes each tensor as the parser completes it. What the reference's reader does with a key that stands
// twice: of tensors the last counts (the first must be sound too), of metadata entries likewise; other keys
// are refused.
class HeaderBuilder {
 public:
  explicit HeaderBuilder(const std::string& where) : where_(where) {}

  // The callback of nlohmann's parser; false drops the value.
  bool operator()(int depth, Event event, HeaderJson& value) {
    if (depth == 0) return root(event, value);
    if (event == Event::key) {
      note_key(depth, value.get_ref<const std::string&>());
      return true;
    }
    if (depth == 2 && key_ == metadata_key && field_) check_metadata(event, value);
    const bool complete = event == Event::value || event == Event::object_end || event == Event::array_end;
    if (depth > 1 || !complete) return true;
    if (key_ == metadata_key) {
      header_.metadata = parse_metadata(value, where_);
    } else {
      take_tensor(value);
    }
    return false;
  }

  SafetensorsHeader take() { return std::move(header_); }

 private:
  static constexpr std::string_view metadata_key = "__metadata__";

  bool root(Event event, const HeaderJson& value) {
    require(event != Event::array_start && event != Event::value, where_,
            "the header is {}, expected an object",
            event == Event::array_start ? "array" : value.type_name());
    return true;
  }

  void note_key(int depth, const std::string& key) {
    if (depth == 1) {
      require(key != metadata_key || !std::exchange(metadata_seen_, true), where_,
              "the key '{}' stands twice", key);
      key_ = key;
      fields_ = {};
      field_.reset();
      dtype_tags_ = 0;
    } else if (depth == 2) {
      field_ = key;
      dtype_tags_ = 0;
      if (key_ == metadata_key) return;
      const auto found = std::ranges::find(field_names, key);
      if (found == field_names.end()) return;
      const auto number = static_cast<std::size_t>(found - field_names.begin());
      require(!std::exchange(fields_[number], true), where_, "tensor '{}': the key '{}' stands twice", key_,
              key);
    } else if (depth == 3 && field_.value_or("dtype") == "dtype" && key_ != metadata_key) {
      require(++dtype_tags_ == 1, where_, "tensor '{}': dtype is object, expected a string", key_);
    }
  }

  // Each value as it comes: one that a later value of the same key replaces must be a string too.
  void check_metadata(Event event, const HeaderJson& value) const {
    const bool begins = event == Event::object_start || event == Event::array_start;
    if (event != Event::value && !begins) return;
    const char* type = !begins ? value.type_name() : event == Event::object_start ? "object" : "array";
    require(!begins && value.is_string(), where_, "__metadata__ '{}' is {}, expected a string", *field_,
            type);
  }

  void take_tensor(const HeaderJson& value) {
    SafetensorsHeaderEntry entry = parse_entry(key_, value, where_);
    const auto [place, fresh] = place_of_.emplace(key_, header_.entries.size());
    if (fresh) {
      header_.entries.push_back(std::move(entry));
    } else {
      header_.entries[place->second] = std::move(entry);
    }
  }

  static constexpr std::array<std::string_view, 3> field_names = {"dtype", "shape", "data_offsets"};

  const std::string& where_;
  SafetensorsHeader header_;
  std::unordered_map<std::string, std::size_t> place_of_;
  std::string key_;                   // of the tensor being read
  std::optional<std::string> field_;  // the last key in it; none in a list
  std::array<bool, 3> fields_{};      // which of field_names stood in it
  int dtype_tags_ = 0;                // keys of a dtype that is an object
  bool metadata_seen_ = false;
};

std::string shape_text(std::span<const std::uint64_t> shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

// Bytes that dtype and shape ask for.
std::uint64_t bytes_of(const SafetensorsHeaderEntry& entry, const std::string& where) {
  std::uint64_t count = 1;
  bool overflow = false;
  for (const std::uint64_t extent : entry.shape)
    overflow = __builtin_mul_overflow(count, extent, &count) || overflow;
  std::uint64_t bits = 0;
  overflow = __builtin_mul_overflow(count, static_cast<std::uint64_t>(entry.dtype->bits), &bits) || overflow;
  require(!overflow, where, "tensor '{}': the size of shape {} overflows", entry.name,
          shape_text(entry.shape));
  require(bits % 8 == 0, where, "tensor '{}': {} elements of {} bits do not fill whole bytes", entry.name,
          count, entry.dtype->bits);
  return bits / 8;
}

}  // namespace

const StoredDType* find_stored_dtype(std::string_view name) {
  const auto found = std::ranges::find(dtypes, name, &StoredDType::name);
  return found == dtypes.end() ? nullptr : &*found;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where) {
  // nlohmann-json passes over one.
  require(!text.starts_with("\xef\xbb\xbf"), where, "malformed header: it begins with a byte order mark");
  check_json_depth(text, where, max_depth);
  HeaderBuilder builder(where);
  try {
    const HeaderJson parsed = HeaderJson::parse(
        text, [&](int depth, Event event, HeaderJson& value) { return builder(depth, event, value); });
  } catch (const HeaderJson::exception& error) {
    fail(where, "malformed header: {}", json_reason(error));
  }
  SafetensorsHeader header = builder.take();
  std::ranges::sort(header.entries, {},
                    [](const SafetensorsHeaderEntry& e) { return std::tie(e.begin, e.end, e.name); });
  return header;
}

void check_safetensors_layout(const SafetensorsHeader& header, std::uint64_t data_bytes,
                              const std::string& where) {
  std::uint64_t expected = 0;
  for (const SafetensorsHeaderEntry& entry : header.entries) {
    require(entry.begin == expected, where, "tensor '{}' begins at byte {}, expected {} ({})", entry.name,
            entry.begin, expected,
            entry.begin < expected ? "it overlaps another" : "bytes before it are in no tensor");
    require(entry.end >= entry.begin, where, "tensor '{}' ends at byte {}, before it begins at {}",
            entry.name, entry.end, entry.begin);
    const std::uint64_t needed = bytes_of(entry, where);
    require(entry.end - entry.begin == needed, where, "tensor '{}' holds {} bytes, {} of shape {} needs {}",
            entry.name, entry.end - entry.begin, entry.dtype->name, shape_text(entry.shape), needed);
    require(entry.end <= data_bytes, where, "tensor '{}' ends at byte {}, file has {}", entry.name, entry.end,
            data_bytes);
    expected = entry.end;
  }
  require(expected == data_bytes, where, "{} bytes follow the last tensor", data_bytes - expected);
}

}  // namespace artemis

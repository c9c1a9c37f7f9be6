// The JSON header of a safetensors file, read as the reference library (safetensors 0.8) reads it: what that
// accepts is accepted here, and the reverse.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/safetensors.h"

namespace artemis {

constexpr std::uint64_t max_safetensors_header_bytes = 100'000'000;

// One tensor of the header, before its bytes are known to be there.
struct SafetensorsHeaderEntry {
  std::string name;
  const StoredDType* dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin;  // byte after the header
  std::uint64_t end;
};

struct SafetensorsHeader {
  std::vector<SafetensorsHeaderEntry> entries;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// Throws Error naming `where`, tensor and fault.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where);

// Throws Error unless the entries lie one after another from byte 0 to `data_bytes`, each as long as its
// dtype and shape ask.
void check_safetensors_layout(const SafetensorsHeader& header, std::uint64_t data_bytes,
                              const std::string& where);

// The dtype of this name, null when the format has none such. Later dtypes are written before earlier ones.
const StoredDType* find_stored_dtype(std::string_view name);

}  // namespace artemis

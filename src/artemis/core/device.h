// Where a tensor lives and a kernel runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace artemis {

// On `meta` tensors have shapes and no memory, and kernels check their arguments and do nothing: a pass over
// it tells what the same pass would take on a GPU.
enum class DeviceKind : std::uint8_t { cpu, cuda, meta };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;  // of the GPU; 0 for the CPU

  friend bool operator==(const Device&, const Device&) = default;
};

// "cpu", "meta" or "cuda:N".
std::string device_name(Device device);

// "cpu", "cuda" or "cuda:N"; throws UsageError for anything else.
Device parse_device(std::string_view name);

}  // namespace artemis

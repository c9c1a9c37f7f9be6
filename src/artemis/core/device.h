// Where a tensor lives and a kernel runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace artemis {

enum class DeviceKind : std::uint8_t { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;  // of the GPU; 0 for the CPU

  friend bool operator==(const Device&, const Device&) = default;
};

// "cpu" or "cuda:N".
std::string device_name(Device device);

// "cpu", "cuda" or "cuda:N"; throws UsageError for anything else.
Device parse_device(std::string_view name);

}  // namespace artemis

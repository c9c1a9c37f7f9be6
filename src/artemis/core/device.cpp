#include "artemis/core/device.h"

#include <charconv>

#include "artemis/core/error.h"

namespace artemis {

std::string device_name(Device device) {
  switch (device.kind) {
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::meta:
      return "meta";
    case DeviceKind::cuda:
      return fmt::format("cuda:{}", device.index);
  }
  ARTEMIS_ASSERT(false);
}

Device parse_device(std::string_view name) {
  if (name == "cpu") return {};
  if (name == "cuda") return {DeviceKind::cuda, 0};
  if (name.starts_with("cuda:")) {
    const std::string_view digits = name.substr(5);
    int index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (error == std::errc() && end == digits.data() + digits.size() && index >= 0)
      return {DeviceKind::cuda, index};
  }
  throw UsageError("device", fmt::format("'{}' is no device, expected cpu, cuda or cuda:N", name));
}

}  // namespace artemis

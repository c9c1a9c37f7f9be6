// The device that a test runs on.
#pragma once

#include <cstdlib>

#include "artemis/core/device.h"

namespace artemis {

// ARTEMIS_TEST_DEVICE, "cuda" for instance; the CPU when it is not set.
inline Device test_device() {
  const char* name = std::getenv("ARTEMIS_TEST_DEVICE");
  return name == nullptr ? Device{} : parse_device(name);
}

// Whether ARTEMIS_SMALL_TESTS is set: tests of the CUDA back end then leave out their large cases, for a
// sanitizer under which kernels are some hundred times slower.
inline bool small_tests() { return std::getenv("ARTEMIS_SMALL_TESTS") != nullptr; }

}  // namespace artemis

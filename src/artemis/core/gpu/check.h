// Checked calls of the CUDA runtime, for the files of this folder; free of vendor headers.
#pragma once

#include "artemis/core/device.h"

namespace artemis::gpu {

// Throws Error that quotes the call unless the status (cudaError_t) is success.
void check(int status, const char* call);

// Makes the device the calling thread's; throws Error naming it when it is not there.
void select(Device device);

}  // namespace artemis::gpu

#define ARTEMIS_RUNTIME_CHECK(call) ::artemis::gpu::check(call, #call)

// Memory of tensors on the CPU.
#pragma once

#include <cstddef>
#include <memory>

namespace artemis {

// Uninitialised memory, aligned to 64 bytes, given back when the last owner is gone. Blocks of 128 KiB and
// more are kept for the next of their size, at most 1 GiB in all, since the system's pages cost more than the
// copy that fills them. Throws std::bad_alloc.
std::shared_ptr<void> host_allocate(std::size_t bytes);

// Brings the pages of mapped memory in at once, where the system can: far cheaper than a fault for each as it
// is read. Only a hint: reading works without it.
void touch_pages(const void* memory, std::size_t bytes);

}  // namespace artemis

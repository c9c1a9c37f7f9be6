// Memory of tensors on the CPU.
#pragma once

#include <cstddef>
#include <memory>

namespace artemis {

// Uninitialised memory, aligned to 64 bytes, given back when the last owner is gone. Blocks of 128 KiB and
// more are kept for the next of their size, at most 1 GiB in all, since the system's pages cost more than the
// copy that fills them. Throws std::bad_alloc.
std::shared_ptr<void> host_allocate(std::size_t bytes);

// What makes a GPU read and write host memory at full speed, and what ends that.
struct HostPinning {
  void (*pin)(void* memory, std::size_t bytes);
  void (*unpin)(void* memory);
};

// From now on blocks of 1 MiB and more are pinned as they come from the system, and unpinned before they go
// back: batches of pictures. Called when a GPU is opened; `pinning` must outlive the program's tensors.
void set_host_pinning(const HostPinning& pinning);

// Brings the pages of mapped memory in at once, where the system can: far cheaper than a fault for each as it
// is read. Only a hint: reading works without it.
void touch_pages(const void* memory, std::size_t bytes);

}  // namespace artemis

#include "artemis/core/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace artemis {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t least_kept_block = std::size_t{128} << 10;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t most_kept = 0;  // so that use after the end is seen
#else
constexpr std::size_t most_kept = std::size_t{1} << 30;
#endif

constexpr std::size_t least_pinned_block = std::size_t{1} << 20;

std::atomic<const HostPinning*> host_pinning = nullptr;

void* system_block(std::size_t bytes) {
  void* memory = std::aligned_alloc(alignment, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  const HostPinning* pinning = host_pinning;
  if (pinning != nullptr && bytes >= least_pinned_block) pinning->pin(memory, bytes);
  return memory;
}

void give_back(void* memory, std::size_t bytes) {
  const HostPinning* pinning = host_pinning;
  if (pinning != nullptr && bytes >= least_pinned_block) pinning->unpin(memory);
  std::free(memory);
}

// Sizes are kept in steps of an eighth of a power of two, so that like sizes share their blocks.
std::size_t block_size(std::size_t bytes) {
  const std::size_t step = std::max(std::bit_floor(bytes) / 8, alignment);
  return (bytes + step - 1) / step * step;
}

class Blocks {
 public:
  void* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    const auto found = free_.find(size);
    if (found == free_.end() || found->second.empty()) return nullptr;
    void* block = found->second.back();
    found->second.pop_back();
    kept_ -= size;
    return block;
  }

  // False when there is no room for it.
  bool keep(void* block, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (kept_ + size > most_kept) return false;
    free_[size].push_back(block);
    kept_ += size;
    return true;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  std::size_t kept_ = 0;
};

// Never destroyed: tensors may outlive any static object.
Blocks& blocks() {
  static Blocks& all = *new Blocks;
  return all;
}

}  // namespace

std::shared_ptr<void> host_allocate(std::size_t bytes) {
  const std::size_t size = block_size(std::max<std::size_t>(bytes, 1));
  if (size < least_kept_block) return {system_block(size), std::free};
  void* block = blocks().take(size);
  if (block == nullptr) block = system_block(size);
  return {block, [size](void* memory) {
            if (!blocks().keep(memory, size)) give_back(memory, size);
          }};
}

void set_host_pinning(const HostPinning& pinning) { host_pinning = &pinning; }

void touch_pages(const void* memory, std::size_t bytes) {
#ifdef MADV_POPULATE_READ
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(memory) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(memory) + bytes;
  static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ));
#else
  static_cast<void>(memory);
  static_cast<void>(bytes);
#endif
}

}  // namespace artemis

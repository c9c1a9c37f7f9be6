#include "artemis/core/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace artemis {
namespace {

thread_local bool inside_a_body = false;

int usable_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable work_ready;
  std::condition_variable work_done;
  std::vector<std::jthread> workers;
  std::mutex one_caller;

  // One job at a time; `generation` tells a sleeping worker that there is a new one.
  const std::function<void(std::int64_t)>* body = nullptr;
  std::int64_t tiles = 0;
  std::uint64_t generation = 0;
  int busy = 0;
  bool stopping = false;
  std::exception_ptr error;
  std::atomic<std::int64_t> next{0};

  void work_through_tiles() {
    inside_a_body = true;
    for (std::int64_t tile; (tile = next.fetch_add(1, std::memory_order_relaxed)) < tiles;) {
      try {
        (*body)(tile);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        next.store(tiles, std::memory_order_relaxed);
      }
    }
    inside_a_body = false;
  }

  void worker() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      work_ready.wait(lock, [&] { return stopping || generation != seen; });
      if (stopping) return;
      seen = generation;
      lock.unlock();
      work_through_tiles();
      lock.lock();
      if (--busy == 0) work_done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  const int total = threads > 0 ? threads : usable_cores();
  for (int i = 1; i < total; ++i) state_->workers.emplace_back([state = state_.get()] { state->worker(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->work_ready.notify_all();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::run(std::int64_t tiles, const std::function<void(std::int64_t)>& body) {
  if (inside_a_body || tiles <= 1 || state_->workers.empty()) {
    for (std::int64_t tile = 0; tile < tiles; ++tile) body(tile);
    return;
  }
  const std::lock_guard caller(state_->one_caller);
  {
    const std::lock_guard lock(state_->mutex);
    state_->body = &body;
    state_->tiles = tiles;
    state_->next.store(0, std::memory_order_relaxed);
    state_->busy = static_cast<int>(state_->workers.size());
    state_->error = nullptr;
    ++state_->generation;
  }
  state_->work_ready.notify_all();
  state_->work_through_tiles();
  std::unique_lock lock(state_->mutex);
  state_->work_done.wait(lock, [&] { return state_->busy == 0; });
  if (state_->error) std::rethrow_exception(state_->error);
}

void ThreadPool::ranges(std::int64_t count, std::int64_t grain,
                        const std::function<void(std::int64_t, std::int64_t)>& body) {
  const std::int64_t step = std::max<std::int64_t>(1, grain);
  run((count + step - 1) / step,
      [&](std::int64_t tile) { body(tile * step, std::min(count, (tile + 1) * step)); });
}

}  // namespace artemis

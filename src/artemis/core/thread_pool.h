// A fixed set of worker threads for data-parallel loops.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace artemis {

// Work is cut into tiles by the caller, in a way that does not depend on the number of threads; each tile is
// done whole by one thread. So results are the same bit for bit at any thread count. Waiting threads sleep.
class ThreadPool {
 public:
  // `threads` counts the calling thread too; 0 takes one for each core that this process may use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  // Runs body(tile) for tile in [0, tiles), in any order; returns when all are done. The first exception
  // thrown by a body is rethrown. A call from inside a body runs its tiles one after the other on that
  // thread.
  void run(std::int64_t tiles, const std::function<void(std::int64_t tile)>& body);

  // Runs body(begin, end) over [0, count) in pieces of `grain` (the last may be shorter).
  void ranges(std::int64_t count, std::int64_t grain,
              const std::function<void(std::int64_t begin, std::int64_t end)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace artemis

#include "artemis/serve/delivery.h"

namespace artemis {

Delivery::Delivery() : thread_([this] { run(); }) {}

Delivery::~Delivery() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_one();
  thread_.join();
}

void Delivery::post(std::function<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = work_.empty();
    work_.push_back(std::move(work));
  }
  if (first) posted_.notify_one();
}

void Delivery::run() {
  std::vector<std::function<void()>> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return stopping_ || !work_.empty(); });
      if (work_.empty()) return;
      batch.swap(work_);
    }
    for (const std::function<void()>& work : batch) work();
    batch.clear();
  }
}

}  // namespace artemis

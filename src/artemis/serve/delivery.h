// One thread that hands on what the engine's thread has for its clients, so that the engine never waits for
// it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace artemis {

// Runs what it is given, one after the other, in the order given. None of it may throw.
class Delivery {
 public:
  Delivery();
  // Runs what was given before.
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // Any thread.
  void post(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<std::function<void()>> work_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace artemis

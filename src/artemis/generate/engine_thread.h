// An engine on a thread of its own, for use by any thread.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "artemis/generate/engine.h"

namespace artemis {

// The queue is full, or closed: come again later.
class Busy : public Error {
 public:
  using Error::Error;
};

// An earlier failure ended it for good.
class EngineBroken : public Error {
 public:
  using Error::Error;
};

class EngineThread {
 public:
  // As Engine; the context is the thread's alone from now on.
  EngineThread(Context& ctx, const Graft& model, const GraftConfig& config, const Tokenizer& tokenizer,
               const EngineOptions& options);
  // Cancels what is under way.
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  struct Submission {
    EngineRequest request;
    AnswerListener listener;
    std::uint64_t id = 0;  // given by submit()
  };

  // The listener is called on the engine's thread. Throws Error for a request that can never be answered,
  // Busy when the queue is full or the engine drains, and EngineBroken once failure() says something.
  std::uint64_t submit(EngineRequest request, AnswerListener listener);
  // The same for requests that belong together: all are taken, or none. Where nobody waits there is room for
  // them, whatever the limits. Returns their ids.
  std::vector<std::uint64_t> submit(std::vector<Submission> together);
  // Ends it within one pass; of one that has ended already nothing is left to do.
  void cancel(std::uint64_t id);
  // Takes no more requests, and returns when all have ended.
  void drain();
  EngineCounters counters() const;
  // What ended it for good, "" as long as it works.
  std::string failure() const;

 private:
  void run();
  bool take_orders();
  void work();
  void end_all(const std::string& error);

  Engine engine_;
  EngineOptions limits_;
  mutable std::mutex mutex_;
  std::condition_variable orders_;   // for the engine's thread
  std::condition_variable settled_;  // for drain()
  std::deque<Submission> submitted_;
  std::int64_t submitted_tokens_ = 0;  // of their prompts
  std::int64_t submitted_bytes_ = 0;   // of their pictures
  std::vector<std::uint64_t> cancelled_;
  std::uint64_t last_id_ = 0;
  bool draining_ = false;
  bool stopping_ = false;
  std::string failure_;  // what broke the engine for good
  bool ended_ = false;   // since then nobody waits for an end
  EngineCounters counters_;
  std::thread thread_;
};

}  // namespace artemis

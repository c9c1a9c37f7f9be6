#include "artemis/generate/engine_thread.h"

#include <algorithm>
#include <exception>

namespace artemis {

EngineThread::EngineThread(Context& ctx, const Graft& model, const GraftConfig& config,
                           const Tokenizer& tokenizer, const EngineOptions& options)
    : engine_(ctx, model, config, tokenizer, options),
      limits_(options),
      counters_(engine_.counters()),
      thread_([this] { run(); }) {}

EngineThread::~EngineThread() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  orders_.notify_one();
  thread_.join();
}

std::uint64_t EngineThread::submit(EngineRequest request, AnswerListener listener) {
  std::vector<Submission> one;
  one.push_back({.request = std::move(request), .listener = std::move(listener)});
  return submit(std::move(one)).front();
}

std::vector<std::uint64_t> EngineThread::submit(std::vector<Submission> together) {
  std::int64_t tokens = 0;
  std::int64_t bytes = 0;
  for (const Submission& one : together) {
    engine_.check(one.request);
    tokens += std::ssize(one.request.prompt);
    bytes += one.request.picture_bytes();
  }
  std::vector<std::uint64_t> ids;
  {
    const std::scoped_lock lock(mutex_);
    if (!failure_.empty()) throw EngineBroken("engine", "it has stopped: " + failure_);
    if (draining_ || stopping_) throw Busy("engine", "it is shutting down");
    const std::int64_t waiting = counters_.waiting + std::ssize(submitted_);
    const std::int64_t waiting_tokens = counters_.waiting_tokens + submitted_tokens_;
    const std::int64_t waiting_bytes = counters_.waiting_bytes + submitted_bytes_;
    if (waiting > 0 && std::ssize(together) > limits_.max_waiting - waiting)
      throw Busy("engine", fmt::format("{} requests wait already", waiting));
    if (waiting > 0 && tokens > limits_.waiting_tokens - waiting_tokens)
      throw Busy("engine", fmt::format("prompts of {} tokens wait already", waiting_tokens));
    if (waiting > 0 && bytes > limits_.waiting_bytes - waiting_bytes)
      throw Busy("engine", fmt::format("pictures of {} bytes wait already", waiting_bytes));
    for (Submission& one : together) {
      one.id = ids.emplace_back(++last_id_);
      submitted_.push_back(std::move(one));
    }
    submitted_tokens_ += tokens;
    submitted_bytes_ += bytes;
  }
  orders_.notify_one();
  return ids;
}

void EngineThread::cancel(std::uint64_t id) {
  {
    const std::scoped_lock lock(mutex_);
    cancelled_.push_back(id);
  }
  orders_.notify_one();
}

void EngineThread::drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  settled_.wait(lock, [&] {
    return ended_ || (submitted_.empty() && counters_.running == 0 && counters_.waiting == 0);
  });
}

EngineCounters EngineThread::counters() const {
  const std::scoped_lock lock(mutex_);
  return counters_;
}

std::string EngineThread::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

// What others asked for meanwhile; waits for it when there is nothing to do. False to stop.
bool EngineThread::take_orders() {
  std::deque<Submission> submitted;
  std::vector<std::uint64_t> cancelled;
  {
    std::unique_lock lock(mutex_);
    counters_ = engine_.counters();
    if (engine_.idle() && submitted_.empty()) settled_.notify_all();
    orders_.wait(lock,
                 [&] { return stopping_ || !engine_.idle() || !submitted_.empty() || !cancelled_.empty(); });
    if (stopping_) return false;
    std::swap(submitted, submitted_);
    std::swap(cancelled, cancelled_);
    // Until the next look they count as waiting.
    counters_.waiting_tokens += std::exchange(submitted_tokens_, 0);
    counters_.waiting_bytes += std::exchange(submitted_bytes_, 0);
    counters_.waiting += std::ssize(submitted);
  }
  for (Submission& one : submitted) engine_.submit(one.id, std::move(one.request), std::move(one.listener));
  for (const std::uint64_t id : cancelled) engine_.cancel(id);
  return true;
}

void EngineThread::work() {
  while (take_orders()) engine_.step();
}

// Nobody is left without an end.
void EngineThread::end_all(const std::string& error) {
  std::deque<Submission> submitted;
  {
    const std::scoped_lock lock(mutex_);
    failure_ = error;  // first: whoever hears of an end may ask again at once
    std::swap(submitted, submitted_);
  }
  engine_.fail_all(error);
  for (const Submission& one : submitted) {
    GenerateResult result;
    result.finish_reason = "error";
    result.error = error;
    if (one.listener.on_end) one.listener.on_end(std::move(result));
  }
  {
    const std::scoped_lock lock(mutex_);
    counters_ = engine_.counters();
    ended_ = true;
  }
  settled_.notify_all();
}

void EngineThread::run() {
  std::string error = "the program ends";
  try {
    work();
  } catch (const std::exception& broken) {
    error = broken.what();
  }
  end_all(error);
}

}  // namespace artemis

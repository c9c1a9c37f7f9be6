#include "artemis/train/pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "artemis/core/thread_pool.h"
#include "artemis/io/byte_source.h"
#include "artemis/train/packer.h"

namespace artemis {
namespace {

// The plan's state is taken every so many rows; a position in between is that state and a number of draws.
constexpr std::int64_t rows_between_states = 256;

Json counts_to_json(const PipelineCounts& counts) {
  return {{"rows", counts.rows},
          {"skipped", counts.skipped},
          {"too_long", counts.too_long},
          {"epochs", counts.epochs}};
}

PipelineCounts counts_from_json(const Json& json) {
  const auto number = [&json](const char* key) { return json_get<std::int64_t>(json, key, "data position"); };
  return {.rows = number("rows"),
          .skipped = number("skipped"),
          .too_long = number("too_long"),
          .epochs = number("epochs")};
}

}  // namespace

// Workers draw rows from the plan one after the other, prepare them at the same time, and put what came of
// them into `done`. One worker at a time packs these in their order into steps.
struct Pipeline::Implementation {
  PipelineOptions options;
  const Processor& processor;
  const GraftConfig& config;
  std::function<void(const std::string&)> log;

  // What next() returned last.
  Step position{};

  // Locked before `mutex` where both are.
  std::mutex plan_mutex{};
  RowPlan plan;
  std::int64_t planned = 0;
  std::shared_ptr<const Json> plan_state{};
  std::int64_t plan_state_sequence = 0;

  std::mutex mutex{};
  std::condition_variable wanted{};  // rows may be drawn
  std::condition_variable ready{};   // there is a step or a failure
  std::map<std::int64_t, Outcome> done{};
  std::int64_t packed = 0;       // outcomes that were packed
  std::int64_t outstanding = 0;  // rows drawn, or about to be, and not packed
  bool packing = false;
  bool stopping = false;
  Packer packer;
  std::deque<Step> steps{};
  std::exception_ptr failure{};
  double waited = 0;
  std::vector<std::thread> workers{};

  Implementation(const PipelineOptions& given, const Processor& used, const GraftConfig& graft,
                 std::function<void(const std::string&)> lines)
      : options(given),
        processor(used),
        config(graft),
        log(std::move(lines)),
        plan(options.sources, options.shuffle_window, options.seed),
        packer(options, config.image_token_id, {}) {
    options.workers = std::max(1, options.workers);
    options.prefetch = std::max<std::int64_t>(1, options.prefetch);
    position.plan = std::make_shared<const Json>(plan.state());
  }

  void start() {
    if (!workers.empty()) return;
    for (int i = 0; i < options.workers; ++i) workers.emplace_back([this] { work(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wanted.notify_all();
    for (std::thread& worker : workers) worker.join();
    workers.clear();
  }

  void work() {
    ThreadPool alone(1);
    while (may_draw()) {
      std::shared_ptr<RowFile> file;
      RowPlace place;
      Outcome outcome = draw(file, place);
      if (!outcome.failure) prepare(outcome, *file, place, alone);
      file.reset();
      deliver(std::move(outcome));
    }
  }

  // Waits until one more row is wanted; false when the work is over.
  bool may_draw() {
    std::unique_lock lock(mutex);
    wanted.wait(lock, [this] {
      const bool room = std::ssize(steps) < options.prefetch && outstanding < 2 * options.workers + 2;
      return stopping || failure || room;
    });
    if (stopping || failure) return false;
    ++outstanding;
    return true;
  }

  Outcome draw(std::shared_ptr<RowFile>& file, RowPlace& place) {
    const std::lock_guard lock(plan_mutex);
    Outcome outcome;
    outcome.sequence = planned++;
    try {
      if (outcome.sequence % rows_between_states == 0) {
        plan_state = std::make_shared<const Json>(plan.state());
        plan_state_sequence = outcome.sequence;
      }
      PlannedRow row = plan.next();
      file = std::move(row.file);
      place = row.place;
      outcome.faults = std::move(row.faults);
      outcome.source = row.source;
      outcome.source_epochs = row.source_epochs;
      outcome.epochs = row.epochs;
    } catch (const std::exception&) {
      outcome.failure = std::current_exception();
    }
    outcome.plan = plan_state;
    outcome.plan_sequence = plan_state_sequence;
    return outcome;
  }

  void prepare(Outcome& outcome, RowFile& file, const RowPlace& place, ThreadPool& alone) const {
    try {
      Example example = make_example(file.read(place), processor, config, alone);
      require(std::ranges::any_of(example.labels, [](std::int32_t label) { return label != ignored_label; }),
              example.key, "has nothing to learn from: every label is masked");
      outcome.example = std::move(example);
    } catch (const ReadError&) {
      outcome.failure = std::current_exception();
    } catch (const Error& error) {
      outcome.faults.emplace_back(error.what());
    } catch (const std::exception&) {
      outcome.failure = std::current_exception();
    }
  }

  void deliver(Outcome outcome) {
    std::unique_lock lock(mutex);
    done.emplace(outcome.sequence, std::move(outcome));
    if (packing) return;
    packing = true;
    while (!failure && !done.empty() && done.begin()->first == packed) {
      Outcome next = std::move(done.extract(done.begin()).mapped());
      lock.unlock();
      std::optional<Step> step;
      std::exception_ptr fault;
      try {
        step = packer.add(std::move(next));
      } catch (const std::exception&) {
        fault = std::current_exception();
      }
      lock.lock();
      ++packed;
      --outstanding;
      failure = fault;
      if (step) steps.push_back(std::move(*step));
      if (step || failure) ready.notify_one();
      wanted.notify_all();
    }
    packing = false;
  }

  std::vector<Batch> next() {
    start();
    std::unique_lock lock(mutex);
    const auto begin = std::chrono::steady_clock::now();
    ready.wait(lock, [this] { return !steps.empty() || failure; });
    waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (steps.empty()) {
      const std::vector<std::string> lines = packer.take_log();
      lock.unlock();
      write(lines);
      std::rethrow_exception(failure);
    }
    position = std::move(steps.front());
    steps.pop_front();
    wanted.notify_all();
    lock.unlock();
    write(std::exchange(position.log, {}));
    return std::exchange(position.batches, {});
  }

  void write(const std::vector<std::string>& lines) const {
    if (!log) return;
    for (const std::string& line : lines) log(line);
  }

  Json state() const {
    return {{"plan", *position.plan}, {"draws", position.draws}, {"counts", counts_to_json(position.counts)}};
  }

  void restore(const Json& state) {
    stop();
    const auto draws = json_get<std::int64_t>(state, "draws", "data position");
    require(draws >= 0 && draws <= rows_between_states, "data position", "lies {} rows on, expected 0 to {}",
            draws, rows_between_states);
    position = {};
    position.counts = counts_from_json(json_get<Json>(state, "counts", "data position"));
    plan.restore(json_get<Json>(state, "plan", "data position"));
    for (std::int64_t i = 0; i < draws; ++i) {
      const PlannedRow row = plan.next();
      row.file->forget(row.place);
    }
    position.plan = std::make_shared<const Json>(plan.state());
    packer = Packer(options, config.image_token_id, position.counts);
    planned = packed = outstanding = 0;
    done.clear();
    steps.clear();
    failure = nullptr;
    stopping = false;
  }
};

Pipeline::Pipeline(const PipelineOptions& options, const Processor& processor, const GraftConfig& config,
                   std::function<void(const std::string&)> log)
    : implementation_(std::make_unique<Implementation>(options, processor, config, std::move(log))) {}

Pipeline::~Pipeline() { implementation_->stop(); }

std::vector<Batch> Pipeline::next() { return implementation_->next(); }

Json Pipeline::state() const { return implementation_->state(); }

void Pipeline::restore(const Json& state) { implementation_->restore(state); }

PipelineCounts Pipeline::counts() const { return implementation_->position.counts; }

double Pipeline::waited() const { return implementation_->waited; }

}  // namespace artemis

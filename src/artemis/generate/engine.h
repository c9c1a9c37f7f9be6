// Continuous batching: requests come and go, and each pass takes along all that can go on.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <vector>

#include "artemis/generate/answer.h"
#include "artemis/generate/decoding.h"
#include "artemis/generate/picture_store.h"

namespace artemis {

struct EngineOptions {
  std::int64_t max_sequences = 32;                     // that go on at once
  std::int64_t max_waiting = 256;                      // requests, where EngineThread takes them
  std::int64_t waiting_tokens = 1 << 22;               // likewise, of their prompts in all
  std::int64_t waiting_bytes = std::int64_t{4} << 30;  // likewise, of their pictures in all
  std::int64_t step_tokens = 512;   // of one pass: long prompts are read in pieces beside the answers
  std::int64_t draft_tokens = 0;    // guessed by prompt look-up and checked in the same pass; 0: none
  std::int64_t cache_tokens = 0;    // room for keys and values; 0: see fit_engine()
  std::int64_t picture_tokens = 0;  // room for features of pictures, in image tokens; 0: likewise
  bool reuse = true;                // beginnings that were computed before; pictures with a key always are
};

// Throws UsageError for a number out of its range, naming the option.
void check_engine_options(const EngineOptions& options);

// Since the start, and (first two lines) at present.
struct EngineCounters {
  std::int64_t running = 0, waiting = 0, waiting_tokens = 0, waiting_bytes = 0;
  std::int64_t pages = 0, pages_used = 0, pages_cached = 0;
  std::uint64_t requests = 0, finished = 0, cancelled = 0, failed = 0, preempted = 0;
  std::uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  std::uint64_t drafted_tokens = 0, accepted_tokens = 0;
  std::uint64_t pictures = 0, pictures_reused = 0, steps = 0;
};

// Not for use by several threads at once (see EngineThread), but for check().
//
// Each conversation's keys and values lie in pages of one cache. A pass takes one token of each conversation
// that has its prompt behind it and, with what is left of step_tokens, the next tokens of prompts. When pages
// run out, the conversation that began last gives its own back and later goes on exactly where it was: what
// it has said is read again, what it will say is drawn from the same numbers. Pages that are full are found
// by others with the same beginning (pictures included). So batching, reuse and preemption change no token,
// but for rounding where a product's rounding depends on its number of rows (Context::batch_invariant).
class Engine {
 public:
  // All but `options` must outlive it; options.cache_tokens is not zero.
  Engine(Context& ctx, const Graft& model, const GraftConfig& config, const Tokenizer& tokenizer,
         const EngineOptions& options);
  ~Engine();

  // Throws Error for a request that can never be answered. Any thread may call it.
  void check(const EngineRequest& request) const;
  // Puts a request that check() passed at the end of the queue, under an id that no other has.
  void submit(std::uint64_t id, EngineRequest request, AnswerListener listener);
  // Ends it before the next pass.
  void cancel(std::uint64_t id);
  // Ends all, with this error.
  void fail_all(const std::string& error);

  // One pass; false when there is nothing to do.
  bool step();
  bool idle() const { return running_.empty() && waiting_.empty(); }
  EngineCounters counters() const;

 private:
  struct Conversation;
  using Conversations = std::list<std::unique_ptr<Conversation>>;

  enum class Start : std::uint8_t { now, later, no_room };

  // The turns of a pass, and of whom they are.
  struct Plan {
    std::vector<Conversation*> conversations;
    std::vector<Turn> turns;
    std::deque<std::vector<std::int32_t>> drafted;  // tokens of turns with guesses
    std::vector<std::int32_t> feature_rows;         // of the picture store
    std::vector<std::int32_t> feature_places;       // among the tokens of the pass, where they stand
    std::int64_t tokens = 0;
  };

  void end_early();
  std::vector<Conversations::iterator> by_turn();
  void admit();
  Start start(Conversation& conversation);
  void let_go(Conversation& conversation);
  void preempt(Conversation& conversation);
  void count_waiting(const EngineRequest& request, std::int64_t by);
  void remove_ended();

  void hold_pictures();
  Plan plan();
  void add(Plan& plan, Conversation& conversation, std::span<const std::int32_t> tokens);
  void add_guesses(Plan& plan);
  void plan_prompts(Plan& plan, std::span<Conversation*> reading);
  std::int64_t plan_prompt(Plan& plan, Conversation& conversation, std::int64_t left);
  std::int64_t ready_until(const Conversation& conversation, std::int64_t end) const;
  bool make_room(const Plan& plan, Conversation& conversation);
  std::span<const std::int32_t> draw(const Plan& plan);
  std::vector<float> logits_of(std::int64_t row);
  void take(const Plan& plan, std::span<const std::int32_t> tokens);
  void take(Conversation& conversation, const Turn& turn, std::span<const std::int32_t> drawn,
            std::size_t row);
  void settle(Conversation& conversation);

  Context& ctx_;
  const GraftConfig& config_;
  const Tokenizer& tokenizer_;
  EngineOptions options_;
  Decoding decoding_;
  PagePool pages_;
  PictureStore pictures_;
  Conversations waiting_;
  Conversations running_;  // in the order in which they began
  std::map<std::int32_t, std::vector<float>>
      raw_;  // logits of the last pass, of rows whose odds are asked for
  std::int64_t waiting_tokens_ = 0;
  std::int64_t waiting_bytes_ = 0;
  EngineCounters counters_;
};

}  // namespace artemis

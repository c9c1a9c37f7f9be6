// The answers to one request, from the engine to the client: one or several choices, as a stream or whole.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/generate/engine_thread.h"
#include "artemis/serve/call.h"
#include "artemis/serve/delivery.h"
#include "artemis/serve/openai_response.h"
#include "artemis/serve/served_model.h"

namespace artemis {

// What the choices of a request look like: OpenAI's chat, or its text completions. Used by one thread at a
// time.
class CompletionForm {
 public:
  virtual ~CompletionForm() = default;

  // Takes what is new of a choice, and gives the JSON of its piece of the stream; "" when there is nothing to
  // show. What is not streamed is kept for whole().
  virtual std::string piece(std::size_t choice, std::string_view text,
                            std::vector<TokenChances> logprobs) = 0;
  // The same for the end of a choice, with its reason.
  virtual std::string end(std::size_t choice, const GenerateResult& result) = 0;
  virtual std::string whole(const Usage& usage) = 0;
  // The last piece of a stream that was asked for the counts.
  virtual std::string usage(const Usage& usage) = 0;
  // Whether the choice wants no more text.
  virtual bool complete(std::size_t choice) const = 0;
  // Tokens of thoughts among those of a choice that has ended.
  virtual std::int64_t reasoning_tokens(std::size_t choice, const GenerateResult& result) const = 0;
};

class Completion : public std::enable_shared_from_this<Completion> {
 public:
  struct Options {
    bool stream = false;
    bool include_usage = false;
    std::int64_t prompt_tokens = 0;  // of all prompts, each counted once
    std::size_t choices_a_prompt = 1;
  };

  // `whole_answers`: where those that are not streamed are written, which may take long. All must outlive it.
  Completion(std::shared_ptr<Call> call, std::unique_ptr<CompletionForm> form, const Options& options,
             EngineThread& engine, Delivery& delivery, Delivery& whole_answers, const ServedModel& model);

  // Hands all requests, one a choice, to the engine, and answers the call as they go on. Throws what
  // EngineThread::submit() throws; then none goes on, and nothing was answered.
  void start(std::vector<EngineRequest> requests);

 private:
  using Clock = std::chrono::steady_clock;
  struct Choice {
    std::uint64_t id = 0;      // of the engine
    Clock::time_point last{};  // piece of text
    bool begun = false;
    bool ended = false;
  };

  AnswerListener listener(std::size_t choice);
  template <typename Work>
  void deliver(const Work& work);
  void take(std::size_t choice, const std::string& text, const std::vector<AnswerToken>& tokens,
            Clock::time_point at);
  void end(std::size_t choice, const GenerateResult& result);
  void count_time(Choice& choice, Clock::time_point at);
  void write(const std::string& json);
  void finish();
  void fail(const GenerateResult& result);
  void cancel_all();
  void hang_up();

  std::shared_ptr<Call> call_;
  std::unique_ptr<CompletionForm> form_;
  Options options_;
  EngineThread& engine_;
  Delivery& delivery_;
  Delivery& whole_answers_;
  const ServedModel& model_;
  Clock::time_point start_ = Clock::now();

  std::mutex mutex_;  // over all below
  std::vector<Choice> choices_;
  std::size_t going_ = 0;
  Usage usage_;
  bool closed_ = false;  // answered, or the client is gone
};

}  // namespace artemis

#include "artemis/serve/completion.h"

namespace artemis {

Completion::Completion(std::shared_ptr<Call> call, std::unique_ptr<CompletionForm> form,
                       const Options& options, EngineThread& engine, Delivery& delivery,
                       Delivery& whole_answers, const ServedModel& model)
    : call_(std::move(call)),
      form_(std::move(form)),
      options_(options),
      engine_(engine),
      delivery_(delivery),
      whole_answers_(whole_answers),
      model_(model) {
  usage_.prompt_tokens = options.prompt_tokens;
}

void Completion::start(std::vector<EngineRequest> requests) {
  {
    const std::lock_guard lock(mutex_);  // pieces that come already wait for the beginning of the stream
    choices_.resize(requests.size());
    going_ = requests.size();
    std::vector<EngineThread::Submission> submissions;
    for (std::size_t i = 0; i < requests.size(); ++i)
      submissions.push_back({.request = std::move(requests[i]), .listener = listener(i)});
    const std::vector<std::uint64_t> ids = engine_.submit(std::move(submissions));
    for (std::size_t i = 0; i < ids.size(); ++i) choices_[i].id = ids[i];
    if (options_.stream) call_->begin_events();
  }
  call_->exchange().on_hang_up([self = weak_from_this()] {
    if (const auto completion = self.lock()) completion->hang_up();
  });
}

AnswerListener Completion::listener(std::size_t choice) {
  const auto self = shared_from_this();
  AnswerListener listener;
  listener.on_piece = [self, choice](const AnswerPiece& piece) {
    self->delivery_.post([self, choice, at = Clock::now(), text = std::string(piece.text),
                          tokens = std::vector<AnswerToken>(piece.tokens.begin(), piece.tokens.end())] {
      self->deliver([&] { self->take(choice, text, tokens, at); });
    });
  };
  listener.on_end = [self, choice](GenerateResult result) {
    self->delivery_.post(
        [self, choice, result = std::move(result)] { self->deliver([&] { self->end(choice, result); }); });
  };
  return listener;
}

// What nobody foresaw ends this call, not the thread that delivers for all.
template <typename Work>
void Completion::deliver(const Work& work) {
  try {
    work();
  } catch (const std::exception& unforeseen) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    cancel_all();
    call_->failed(unforeseen.what());
  }
}

void Completion::take(std::size_t choice, const std::string& text, const std::vector<AnswerToken>& tokens,
                      Clock::time_point at) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  count_time(choices_[choice], at);
  if (form_->complete(choice)) return;
  const auto chance = [this](const TokenLogprob& token) {
    return TokenChance{model_.bytes_of(token.id), token.logprob};
  };
  std::vector<TokenChances> chances;
  for (const AnswerToken& token : tokens) {
    chances.push_back({chance(token.drawn), {}});
    for (const TokenLogprob& likely : token.top) chances.back().top.push_back(chance(likely));
  }
  write(form_->piece(choice, text, std::move(chances)));
  if (form_->complete(choice)) engine_.cancel(choices_[choice].id);
}

void Completion::count_time(Choice& choice, Clock::time_point at) {
  const auto since = [at](Clock::time_point then) {
    return std::chrono::duration<double>(at - then).count();
  };
  if (choice.begun) {
    call_->metrics().add_between_tokens(since(choice.last));
  } else {
    call_->metrics().add_first_token(since(start_));
  }
  choice.begun = true;
  choice.last = at;
}

void Completion::end(std::size_t choice, const GenerateResult& result) {
  const std::lock_guard lock(mutex_);
  choices_[choice].ended = true;
  if (closed_) return;
  usage_.completion_tokens += static_cast<std::int64_t>(result.ids.size());
  if (choice % options_.choices_a_prompt == 0) usage_.cached_tokens += result.cached_tokens;
  usage_.reasoning_tokens += form_->reasoning_tokens(choice, result);
  call_->set_tokens(usage_.prompt_tokens, usage_.completion_tokens);
  const bool cut = result.finish_reason == "cancelled" && form_->complete(choice);
  if (result.finish_reason != "stop" && result.finish_reason != "length" && !cut) {
    fail(result);
    return;
  }
  write(form_->end(choice, result));
  if (--going_ == 0) finish();
}

void Completion::write(const std::string& json) {
  if (options_.stream && !json.empty()) call_->write(event(json));
}

void Completion::finish() {
  closed_ = true;
  if (!options_.stream) {
    whole_answers_.post([self = shared_from_this(), usage = usage_] {
      self->deliver([&] { self->call_->send_json(self->form_->whole(usage)); });
    });
    return;
  }
  if (options_.include_usage) write(form_->usage(usage_));
  call_->write(std::string(last_event));
  call_->end_events(200);
}

// One choice could not be brought to its end: the others end too, and the client is told why.
void Completion::fail(const GenerateResult& result) {
  closed_ = true;
  cancel_all();
  const ApiError error =
      result.finish_reason == "timeout"
          ? ApiError(504, "The answer took longer than this server allows.", "", "timeout")
      : result.finish_reason == "cancelled"
          ? ApiError(503, "The server is shutting down.", "", "shutting_down")
          : ApiError(500, "The server failed while it made this answer.", "", "engine_failure");
  if (!options_.stream) {
    call_->refuse(error, result.error);
    return;
  }
  call_->write(event(error.body()));
  call_->end_events(error.status(), result.error);
}

void Completion::cancel_all() {
  for (const Choice& choice : choices_) {
    if (choice.id != 0 && !choice.ended) engine_.cancel(choice.id);
  }
}

void Completion::hang_up() {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  cancel_all();
  call_->hung_up();
}

}  // namespace artemis

#include "artemis/serve/call.h"

#include <algorithm>

namespace artemis {
namespace {

// What others wrote, short and in one line.
std::string loggable(std::string_view text) {
  constexpr std::size_t longest = 200;
  std::string line(text.substr(0, longest));
  std::ranges::replace_if(
      line, [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

// The same, as one word; "-" where nobody knows it.
std::string loggable_word(std::string_view text) {
  std::string word = loggable(text.empty() ? "-" : text);
  std::ranges::replace(word, ' ', '?');
  return word;
}

}  // namespace

Call::Call(std::shared_ptr<HttpExchange> exchange, std::string id, std::string path, HttpHeaders headers,
           Metrics& metrics, const AccessLog& log)
    : exchange_(std::move(exchange)),
      id_(std::move(id)),
      path_(std::move(path)),
      headers_(std::move(headers)),
      metrics_(metrics),
      log_(log) {
  headers_.emplace_back("x-request-id", id_);
}

double Call::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

void Call::send(int status, std::string_view content_type, std::string body, HttpHeaders more,
                std::string_view cause) {
  more.insert(more.end(), headers_.begin(), headers_.end());
  exchange_->send(status, content_type, std::move(body), more);
  finish(status, cause);
}

void Call::refuse(const ApiError& error, std::string_view cause) {
  HttpHeaders more;
  if (error.status() == 401) more.emplace_back("WWW-Authenticate", "Bearer");
  if (error.status() == 429 || error.status() == 503) more.emplace_back("Retry-After", "1");
  send(error.status(), "application/json", error.body(), std::move(more), cause);
}

void Call::begin_events() {
  HttpHeaders headers = headers_;
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");  // asks nginx to hand pieces on at once
  exchange_->begin(200, "text/event-stream", headers);
}

void Call::end_events(int status, std::string_view cause) {
  exchange_->end();
  finish(status, cause);
}

void Call::hung_up() { finish(client_gone); }

void Call::failed(std::string_view cause) { finish(500, cause); }

void Call::set_tokens(std::int64_t prompt, std::int64_t completion) {
  prompt_tokens_ = prompt;
  completion_tokens_ = completion;
}

void Call::finish(int status, std::string_view cause) {
  if (finished_.exchange(true)) return;
  const double took = seconds();
  metrics_.count_request(path_, status, took);
  if (!log_) return;
  log_(fmt::format("{} {} {} {}+{} tokens {:.1f} ms {}{}{}", loggable_word(request().method),
                   loggable_word(request().path), status, prompt_tokens_.load(), completion_tokens_.load(),
                   took * 1e3, id_, cause.empty() ? "" : ": ", loggable(cause)));
}

}  // namespace artemis

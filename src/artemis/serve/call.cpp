#include "artemis/serve/call.h"

#include <algorithm>

namespace artemis {
namespace {

constexpr int client_gone = 499;  // no status of HTTP: none was sent

// A path as a client sent it, short and in one line.
std::string loggable(std::string_view text) {
  constexpr std::size_t longest = 100;
  std::string line(text.substr(0, longest));
  std::ranges::replace_if(
      line, [](char c) { return c <= ' ' || c > '~'; }, '?');
  return line;
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

void Call::send(int status, std::string_view content_type, std::string body, HttpHeaders more) {
  more.insert(more.end(), headers_.begin(), headers_.end());
  exchange_->send(status, content_type, std::move(body), more);
  finish(status);
}

void Call::refuse(const ApiError& error) {
  HttpHeaders more;
  if (error.status() == 401) more.emplace_back("WWW-Authenticate", "Bearer");
  if (error.status() == 429 || error.status() == 503) more.emplace_back("Retry-After", "1");
  send(error.status(), "application/json", error.body(), std::move(more));
}

void Call::begin_events() {
  HttpHeaders headers = headers_;
  headers.emplace_back("Cache-Control", "no-cache");
  headers.emplace_back("X-Accel-Buffering", "no");  // asks nginx to hand pieces on at once
  exchange_->begin(200, "text/event-stream", headers);
}

void Call::end_events(int status) {
  exchange_->end();
  finish(status);
}

void Call::hung_up() { finish(client_gone); }

void Call::failed() { finish(500); }

void Call::set_tokens(std::int64_t prompt, std::int64_t completion) {
  prompt_tokens_ = prompt;
  completion_tokens_ = completion;
}

void Call::finish(int status) {
  if (finished_.exchange(true)) return;
  const double took = seconds();
  metrics_.count_request(path_, status, took);
  if (!log_) return;
  log_(fmt::format("{} {} {} {}+{} tokens {:.1f} ms {}", loggable(request().method), loggable(request().path),
                   status, prompt_tokens_.load(), completion_tokens_.load(), took * 1e3, id_));
}

}  // namespace artemis

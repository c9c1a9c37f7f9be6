// One request on its way through the server: how it is answered, counted and logged.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "artemis/serve/api_error.h"
#include "artemis/serve/http_server.h"
#include "artemis/serve/metrics.h"

namespace artemis {

// A line for each request that was answered: method, path, status, tokens, time, id, and the cause where the
// server itself failed or refused what was no whole request; never its content.
using AccessLog = std::function<void(const std::string& line)>;

// Any thread. Of the ends (send, refuse, end_events, hung_up, failed) the first is counted and logged.
class Call {
 public:
  // `path`: the server's own name for it, for the counts.
  Call(std::shared_ptr<HttpExchange> exchange, std::string id, std::string path, HttpHeaders headers,
       Metrics& metrics, const AccessLog& log);

  HttpExchange& exchange() { return *exchange_; }
  const HttpRequest& request() const { return exchange_->request(); }
  Metrics& metrics() { return metrics_; }
  std::chrono::steady_clock::time_point start() const { return start_; }  // the request had come in whole
  double seconds() const;

  // `cause`: for the log alone.
  void send(int status, std::string_view content_type, std::string body, HttpHeaders more = {},
            std::string_view cause = "");
  void send_json(std::string body) { send(200, "application/json", std::move(body)); }
  void refuse(const ApiError& error, std::string_view cause = "");
  // A stream of server-sent events.
  void begin_events();
  void write(std::string events) { exchange_->write(std::move(events)); }
  void end_events(int status, std::string_view cause = "");
  // The client went away.
  void hung_up();
  // No end can be sent: the exchange ends by itself once it is let go of.
  void failed(std::string_view cause);

  // For the log.
  void set_tokens(std::int64_t prompt, std::int64_t completion);

 private:
  void finish(int status, std::string_view cause = "");

  std::shared_ptr<HttpExchange> exchange_;
  std::string id_, path_;
  HttpHeaders headers_;
  Metrics& metrics_;
  const AccessLog& log_;
  std::chrono::steady_clock::time_point start_ = request().came;
  std::atomic<bool> finished_{false};
  std::atomic<std::int64_t> prompt_tokens_{0}, completion_tokens_{0};
};

}  // namespace artemis

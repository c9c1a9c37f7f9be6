// What one request is answered, on its way from any thread to the thread of the sockets; no sockets here.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/serve/http_server.h"

namespace artemis {

// The head of an answer. Throws Error for a header field with a control character in it.
std::string answer_head(int status, std::string_view content_type, const HttpHeaders& headers);

class HttpAnswer {
 public:
  struct Terms {
    bool keep_alive = true;      // the client would send another request
    bool chunked = true;         // it takes chunks
    bool head_only = false;      // HEAD
    std::size_t unsent_bytes{};  // of a stream, at most
    std::function<void()> wake;  // called where the connection has something to do; must not block
    HttpErrorBody error_body;
  };
  // What the connection does next.
  struct Work {
    std::vector<std::string> bytes;  // to be sent, in order
    bool ended = false;              // nothing comes behind them
    bool broken = false;             // the connection is to be broken off
  };

  HttpAnswer(HttpRequest request, Terms terms);

  // For the exchange, as HttpExchange has them.
  const HttpRequest& request() const { return request_; }
  void send(int status, std::string_view content_type, std::string body, const HttpHeaders& headers);
  void begin(int status, std::string_view content_type, const HttpHeaders& headers);
  void write(std::string chunk);
  void end();
  void on_hang_up(std::function<void()> call);
  bool client_gone() const;
  void abandon();  // ends what has not ended as a failure

  // For the connection.
  Work take_work(bool can_send);  // without bytes if it cannot
  void sent(std::size_t bytes);
  bool keep_alive() const;
  void close_afterwards();  // the connection will not be kept
  void release();           // the connection needs it no more
  bool hang_up();  // the client is gone: release() with the call of on_hang_up; false if it has ended

 private:
  bool open() const { return attached_ && !ended_; }
  void append(std::string bytes);
  void wake();
  void send_locked(int status, std::string_view content_type, std::string body, const HttpHeaders& headers);
  std::string_view connection_field() const;

  const HttpRequest request_;
  mutable std::mutex mutex_;
  Terms terms_;
  std::vector<std::string> bytes_;
  std::size_t unsent_ = 0;
  std::function<void()> hang_up_call_;
  bool attached_ = true;  // the connection is there
  bool gone_ = false;     // it went before the answer had ended
  bool begun_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool woken_ = false;
};

// The handler's side of an answer.
class Exchange : public HttpExchange {
 public:
  explicit Exchange(std::shared_ptr<HttpAnswer> answer) : answer_(std::move(answer)) {}
  ~Exchange() override { answer_->abandon(); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const HttpRequest& request() const override { return answer_->request(); }
  void send(int status, std::string_view content_type, std::string body,
            const HttpHeaders& headers) override {
    answer_->send(status, content_type, std::move(body), headers);
  }
  void begin(int status, std::string_view content_type, const HttpHeaders& headers) override {
    answer_->begin(status, content_type, headers);
  }
  void write(std::string chunk) override { answer_->write(std::move(chunk)); }
  void end() override { answer_->end(); }
  void on_hang_up(std::function<void()> call) override { answer_->on_hang_up(std::move(call)); }
  bool client_gone() const override { return answer_->client_gone(); }

 private:
  std::shared_ptr<HttpAnswer> answer_;
};

}  // namespace artemis

// A service over the nano model, and exchanges without sockets.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "artemis/generate/engine_memory.h"
#include "artemis/io/atomic_file.h"
#include "artemis/model/load.h"
#include "artemis/serve/service.h"

namespace artemis::test {

// Keeps what is sent; the test waits for its end.
class KeptExchange : public HttpExchange {
 public:
  explicit KeptExchange(HttpRequest request) : request_(std::move(request)) {}

  const HttpRequest& request() const override { return request_; }
  void send(int status, std::string_view content_type, std::string body,
            const HttpHeaders& headers) override {
    begin(status, content_type, headers);
    write(std::move(body));
    end();
  }
  void begin(int status, std::string_view content_type, const HttpHeaders& headers) override {
    const std::lock_guard lock(mutex_);
    status_ = status;
    type_ = content_type;
    headers_ = headers;
  }
  void write(std::string chunk) override {
    const std::lock_guard lock(mutex_);
    body_ += chunk;
    changed_.notify_all();
  }
  void end() override {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  void on_hang_up(std::function<void()> call) override {
    const std::lock_guard lock(mutex_);
    hang_up_ = std::move(call);
  }

  bool has_ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  bool client_gone() const override { return gone_; }

  void hang_up() {
    gone_ = true;
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex_);
      call = std::move(hang_up_);
    }
    if (call) call();
  }
  // Whether it ended within a minute.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return ended_; });
  }
  // Whether so many bytes came within a minute.
  bool wait_for(std::size_t bytes) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return body_.size() >= bytes; });
  }

  // Once it has ended.
  int status() const { return status_; }
  const std::string& type() const { return type_; }
  const std::string& body() const { return body_; }
  Json json() const { return Json::parse(body_); }
  std::string header(const std::string& name) const {
    for (const auto& [key, value] : headers_) {
      if (key == name) return value;
    }
    return "";
  }
  // The data of a stream's events, without the last, "[DONE]".
  std::vector<Json> events() const {
    std::vector<Json> events;
    bool done = false;
    for (std::size_t begin = 0; begin < body_.size();) {
      const std::size_t end = body_.find("\n\n", begin);
      const std::string line = body_.substr(begin, end - begin);
      EXPECT_TRUE(line.starts_with("data: ")) << line;
      done = line == "data: [DONE]";
      if (!done) events.push_back(Json::parse(line.substr(6)));
      if (end == body_.npos) break;
      begin = end + 2;
    }
    EXPECT_TRUE(done);
    return events;
  }

 private:
  HttpRequest request_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int status_ = 0;
  std::string type_, body_;
  HttpHeaders headers_;
  bool ended_ = false;
  std::atomic<bool> gone_{false};
  std::function<void()> hang_up_;
};

// The nano model in f32.
struct NanoModel {
  explicit NanoModel(std::filesystem::path from = std::filesystem::path(ARTEMIS_SOURCE_DIR) /
                                                  "lab/models/nano-vlm")
      : directory(std::move(from)) {}

  std::filesystem::path directory;
  Context loading{Device{}, 1};
  GraftConfig config = read_graft_config(directory);
  Processor processor = Processor::load(directory, config);
  CheckpointReader checkpoint = CheckpointReader::open(directory);
  Graft graft = load_graft(loading, checkpoint, config, DType::f32);

  // Loaded once.
  static NanoModel& get() {
    static NanoModel model;
    return model;
  }
};

class ServiceRun {
 public:
  explicit ServiceRun(ServiceOptions options = {}, EngineOptions engine = {},
                      NanoModel& nano = NanoModel::get())
      : nano_(nano),
        context_(Device{}, 2),
        fitted_(fit(engine)),
        served_("nano", nano_.directory, nano_.config, nano_.processor, fitted_.cache_tokens),
        engine_(context_, nano_.graft, nano_.config, nano_.processor.tokenizer(), fitted_),
        service_(served_, engine_, std::move(options)) {}
  ~ServiceRun() { engine_.drain(); }

  Service& service() { return service_; }
  EngineThread& engine() { return engine_; }

  std::shared_ptr<KeptExchange> start(std::string method, std::string path, std::string body = "",
                                      HttpHeaders headers = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.headers = std::move(headers);
    request.body = std::move(body);
    auto exchange = std::make_shared<KeptExchange>(std::move(request));
    service_.handle(exchange);
    return exchange;
  }
  std::shared_ptr<KeptExchange> ask(std::string method, std::string path, std::string body = "",
                                    HttpHeaders headers = {}) {
    auto exchange = start(std::move(method), std::move(path), std::move(body), std::move(headers));
    EXPECT_TRUE(exchange->wait());
    return exchange;
  }
  std::shared_ptr<KeptExchange> chat(const Json& body) {
    return ask("POST", "/v1/chat/completions", body.dump());
  }

 private:
  EngineOptions fit(EngineOptions options) const {
    if (options.cache_tokens == 0) options.cache_tokens = 8192;
    return fit_engine(Device{}, nano_.config, DType::f32, options);
  }

  NanoModel& nano_;
  Context context_;
  EngineOptions fitted_;
  ServedModel served_;
  EngineThread engine_;
  Service service_;
};

inline const Json& choice_of(const Json& body) { return body.at("choices").at(0); }

// Lines of the log, which come from several threads.
class Log {
 public:
  AccessLog sink() {
    return [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(line);
      changed_.notify_all();
    };
  }
  // The first line with this in it; "" when none came within a minute.
  std::string line_with(std::string_view text) {
    std::unique_lock lock(mutex_);
    const auto found = [&] {
      return std::ranges::find_if(lines_,
                                  [&](const std::string& line) { return line.find(text) != line.npos; });
    };
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return found() != lines_.end(); });
    return found() == lines_.end() ? "" : *found();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// A question without thoughts, with these members added.
inline Json question(const std::string& text, const Json& more = Json::object()) {
  Json body = {{"model", "nano"},
               {"messages", Json::array({{{"role", "user"}, {"content", text}}})},
               {"max_tokens", 24},
               {"reasoning_effort", "none"}};
  body.update(more);
  return body;
}

}  // namespace artemis::test

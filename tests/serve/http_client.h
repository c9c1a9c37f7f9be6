// A server under test and a client of plain sockets that can misbehave.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "artemis/serve/http_server.h"

namespace artemis::test {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct HttpAnswer {
  int status = 0;  // 0: none came
  std::string head;
  std::string body;
  bool whole = false;
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port, int receive_buffer = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~HttpClient() { leave(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }
  void leave() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    leave();
  }
  void finish_sending() { shutdown(socket_, SHUT_WR); }

  // Whether all could be handed to the system; false when the server closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }

  // What comes next, up to `most` bytes; nothing at the end, or when nothing comes for `seconds`.
  std::string receive(double seconds = 10, std::size_t most = 65536) {
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, static_cast<int>(seconds * 1000)) <= 0) return "";
    std::string bytes(most, '\0');
    const ssize_t got = recv(socket_, bytes.data(), most, 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  // Whether the server closes within the time; drops what it sends before.
  bool closes(double seconds = 10) {
    const auto start = Clock::now();
    while (seconds_since(start) < seconds) {
      pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      char bytes[4096];
      if (recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
    }
    return false;
  }

  // One answer with its body by length, by chunks, or up to the end.
  HttpAnswer answer(bool head_only = false, double seconds = 10) {
    HttpAnswer answer;
    const std::size_t end = want("\r\n\r\n", 0, seconds);
    if (end == std::string::npos) return answer;
    answer.head = came_.substr(0, end + 2);
    answer.status = std::atoi(came_.c_str() + 9);
    came_.erase(0, end + 4);
    if (head_only || answer.status == 100) {
      answer.whole = true;
    } else if (answer.head.find("chunked") != std::string::npos) {
      answer.whole = take_chunks(answer.body, seconds);
    } else if (const std::size_t at = answer.head.find("Content-Length: "); at != std::string::npos) {
      answer.whole = take(answer.body, std::strtoull(answer.head.c_str() + at + 16, nullptr, 10), seconds);
    } else {
      answer.body = rest(seconds);
      answer.whole = true;
    }
    return answer;
  }

  // All that is left up to the end.
  std::string rest(double seconds = 10) {
    std::string bytes = std::exchange(came_, {});
    for (std::string more = receive(seconds); !more.empty(); more = receive(seconds)) bytes += more;
    return bytes;
  }

  HttpAnswer ask(std::string_view request, double seconds = 10) {
    send(request);
    return answer(false, seconds);
  }

 private:
  // Where `mark` stands in what came, receiving until it does.
  std::size_t want(std::string_view mark, std::size_t from, double seconds) {
    for (;;) {
      const std::size_t at = came_.find(mark, from);
      if (at != std::string::npos) return at;
      const std::string more = receive(seconds);
      if (more.empty()) return std::string::npos;
      came_ += more;
    }
  }
  bool take(std::string& into, std::size_t count, double seconds) {
    while (came_.size() < count) {
      const std::string more = receive(seconds);
      if (more.empty()) return false;
      came_ += more;
    }
    into.append(came_, 0, count);
    came_.erase(0, count);
    return true;
  }
  bool take_chunks(std::string& into, double seconds) {
    for (;;) {
      const std::size_t line = want("\r\n", 0, seconds);
      if (line == std::string::npos) return false;
      const std::size_t size = std::strtoull(came_.c_str(), nullptr, 16);
      came_.erase(0, line + 2);
      std::string end;
      if (!take(into, size, seconds) || !take(end, 2, seconds) || end != "\r\n") return false;
      if (size == 0) return true;
    }
  }

  int socket_;
  bool connected_ = false;
  std::string came_;
};

inline std::string get(std::string_view path, std::string_view headers = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, headers);
}
inline std::string post(std::string_view path, std::string_view body, std::string_view headers = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(),
                     headers, body);
}

inline std::string error_text(int status, const std::string& message) {
  return fmt::format("{{\"error\":{{\"code\":{},\"message\":\"{}\"}}}}", status, message);
}

// "METHOD path?query bytes" of every request.
inline void echo(const std::shared_ptr<HttpExchange>& exchange) {
  const HttpRequest& request = exchange->request();
  exchange->send(200, "text/plain",
                 fmt::format("{} {}?{} {}", request.method, request.path, request.query, request.body));
}

inline HttpOptions any_port(HttpLimits limits = {}) {
  HttpOptions options;
  options.port = 0;
  options.limits = limits;
  return options;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Waits for what other threads bring about.
template <typename Condition>
bool eventually(const Condition& condition, double seconds = 10) {
  for (const auto start = Clock::now(); seconds_since(start) < seconds;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

}  // namespace artemis::test

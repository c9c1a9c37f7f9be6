// A small HTTP server on this machine, with the faults that a remote file must bear.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace artemis::test {

// Serves `files` ("/name" to bytes) by ranges, one connection after the other, each closed after its answer.
class HttpServer {
 public:
  // What answers in place of a file's bytes: a whole response, or "" for none of its own.
  using Fault = std::function<std::string(const std::string& request, int number)>;

  explicit HttpServer(std::map<std::string, std::string> files, Fault fault = {})
      : files_(std::move(files)), fault_(std::move(fault)), socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (bind(socket_, any, size) != 0 || listen(socket_, 64) != 0 || getsockname(socket_, any, &size) != 0)
      throw std::runtime_error("no server");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    thread_.join();
    close(socket_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url(const std::string& path) const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  static std::string response(int status, const std::string& headers, const std::string& body) {
    return fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status,
                       body.size(), headers, body);
  }

 private:
  void serve() {
    while (!stopping_) {
      pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int connection = accept(socket_, nullptr, nullptr);
      if (connection < 0) continue;
      answer(connection);
      close(connection);
    }
  }

  void answer(int connection) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      request.append(buffer, static_cast<std::size_t>(got));
    }
    int number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = static_cast<int>(requests_.size());
      requests_.push_back(request);
    }
    std::string text = fault_ ? fault_(request, number) : "";
    if (text.empty()) text = file_response(request);
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t put = send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (put <= 0) return;
      sent += static_cast<std::size_t>(put);
    }
  }

  std::string file_response(const std::string& request) const {
    const std::size_t begin = request.find(' ') + 1;
    const auto file = files_.find(request.substr(begin, request.find_first_of(" ?", begin) - begin));
    if (file == files_.end()) return response(404, "", "none");
    const std::string& bytes = file->second;
    std::size_t first = 0;
    std::size_t last = 0;
    const std::size_t range = request.find("Range: bytes=");
    if (range == std::string::npos ||
        std::sscanf(request.c_str() + range, "Range: bytes=%zu-%zu", &first, &last) != 2)
      return response(200, "", bytes);
    if (first >= bytes.size())
      return response(416, fmt::format("Content-Range: bytes */{}\r\n", bytes.size()), "");
    last = std::min(last, bytes.size() - 1);
    return response(206, fmt::format("content-range: bytes {}-{}/{}\r\n", first, last, bytes.size()),
                    bytes.substr(first, last + 1 - first));
  }

  std::map<std::string, std::string> files_;
  Fault fault_;
  int socket_;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace artemis::test

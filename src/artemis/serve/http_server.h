// An HTTP/1.1 server for many clients at once, slow and hostile ones among them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace artemis {

// What one client may take; the number behind each is the status of the refusal.
struct HttpLimits {
  std::size_t request_line = 8 << 10;   // bytes, 414
  std::size_t header_field = 8 << 10;   // bytes of one field, 400
  std::size_t header_bytes = 64 << 10;  // of all fields together, 400
  std::size_t headers = 256;            // fields, 400
  std::size_t body = 20 << 20;          // bytes, 413
  std::size_t bodies = 1 << 30;         // of all requests that are being read or answered, 503
  double header_seconds = 10;           // in all, the TLS handshake included, 408
  double body_seconds = 60;             // in all, 408
  double idle_seconds = 30;             // between requests; then closed
  double send_seconds = 60;            // from an answer's end until the client has taken it all; then hung up
  std::size_t connections = 4096;      // more: 503 at once, closed
  std::size_t unsent_bytes = 4 << 20;  // of a stream that its client does not read: closed as hung up
};

struct HttpOptions {
  std::string host = "127.0.0.1";  // a name or an address
  std::uint16_t port = 8080;       // 0: any free one
  std::string tls_certificate;     // PEM files, the certificate with its chain; both empty: no TLS
  std::string tls_key;
  int threads = 2;  // that run the handler for requests with a body; the others have one of their own
  HttpLimits limits;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string path;   // as sent, without the query; escapes stay
  std::string query;  // behind the '?'
  HttpHeaders headers;
  std::string body;
  std::chrono::steady_clock::time_point came = std::chrono::steady_clock::now();  // in whole

  // The first field of this name, in any case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

// One request's answer. Every method may be called by any thread, and does nothing once the client is gone or
// the answer has ended. When the last holder lets go of one that has not ended, it ends as a failure (500, or
// a stream that breaks off).
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;

  // The whole answer.
  virtual void send(int status, std::string_view content_type, std::string body,
                    const HttpHeaders& headers = {}) = 0;

  // A stream: begin(), any number of write(), each sent at once, and end().
  virtual void begin(int status, std::string_view content_type, const HttpHeaders& headers = {}) = 0;
  virtual void write(std::string chunk) = 0;
  virtual void end() = 0;

  // `call` runs once when the client is gone before the answer has ended (at once if it already is), else
  // never. A client that closes its side for sending is gone too. It runs on the thread that serves all
  // sockets: it must not block. A second one takes the place of the first.
  virtual void on_hang_up(std::function<void()> call) = 0;
  // Whether nobody takes the answer any more.
  virtual bool client_gone() const = 0;
};

// Runs on one of the worker threads, never on the one of the sockets. What it throws becomes a 500 that does
// not say why.
using HttpHandler = std::function<void(std::shared_ptr<HttpExchange>)>;

// The body (JSON) of what the server answers by itself.
using HttpErrorBody = std::function<std::string(int status, std::string message)>;

// Whether the body behind a head is wanted; else the handler gets the request without it, and its answer is
// the connection's last. Runs on the thread that serves all sockets: it must not block.
using HttpWantsBody = std::function<bool(const HttpRequest& head)>;

// Answers what the server refuses by itself, before there is a request for the handler: malformed, too late,
// too large. Of the request the exchange has what is known, down to nothing, and never the body; the answer
// is the connection's last. Runs as the handler does.
using HttpRefuser =
    std::function<void(std::shared_ptr<HttpExchange>, int status, const std::string& message)>;

class HttpServer {
 public:
  // Listens at once. Throws Error when the address cannot be had, a file of the certificate cannot be used,
  // or the system allows too few open files for the connections.
  // Without a `refuser` refusals have the error's body alone.
  HttpServer(
      HttpOptions options, HttpHandler handler, HttpErrorBody error_body,
      HttpWantsBody wants_body = [](const HttpRequest&) { return true; }, HttpRefuser refuser = nullptr);
  // Breaks off what has not ended, and waits for the handlers that run.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // Accepts no more and closes the connections without an exchange under way; returns when those exchanges
  // have ended and their clients have the answers. Any thread, any number of times.
  void drain();

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace artemis

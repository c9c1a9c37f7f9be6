// TLS: what is spoken, what is refused, and clients that leave or stall.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>

#include "artemis/serve/http_server.h"
#include "http_client.h"
#include "support/files.h"
#include "tls_identity.h"

namespace artemis {
namespace {

using namespace test;

// A client of OpenSSL's own, over a socket that may misbehave.
class TlsClient {
 public:
  TlsClient(std::uint16_t port, int newest = TLS1_3_VERSION)
      : socket(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), newest);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket.descriptor());
    greeted_ = SSL_connect(ssl_.get()) == 1;
  }
  bool greeted() const { return greeted_; }
  int version() const { return SSL_version(ssl_.get()); }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  // Up to the mark, or to the end.
  std::string receive(std::string_view mark) {
    std::string came;
    char buffer[4096];
    while (came.find(mark) == std::string::npos) {
      const int got = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (got <= 0) {
        clean_end_ = SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN;
        break;
      }
      came.append(buffer, static_cast<std::size_t>(got));
    }
    return came;
  }
  bool clean_end() const { return clean_end_; }
  void say_goodbye() { SSL_shutdown(ssl_.get()); }

  HttpClient socket;

 private:
  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool greeted_ = false;
  bool clean_end_ = false;
};

TEST(HttpTls, SpeaksVersionsFrom12On) {
  const Identity identity;
  HttpServer server(identity.options(), echo, error_text);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), version);
    ASSERT_TRUE(client.greeted());
    EXPECT_EQ(client.version(), version);
    for (int i = 0; i < 3; ++i) {
      client.send(post("/a", std::string(10000, 'x') + "!"));
      EXPECT_NE(client.receive("!").find("POST /a? xxx"), std::string::npos);
    }
    client.send(get("/", "Connection: close\r\n"));
    client.receive("nothing like this");
    EXPECT_TRUE(client.clean_end());  // so that nobody could have cut the answer short
  }
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    EXPECT_FALSE(TlsClient(server.port(), version).greeted());
  }
  HttpClient plain(server.port());
  plain.send(get("/"));
  EXPECT_TRUE(plain.closes());
}

TEST(HttpTls, LeavingIsNoticed) {
  const Identity identity;
  std::atomic<int> calls = 0;
  std::atomic<int> begun = 0;
  std::mutex mutex;
  std::vector<std::shared_ptr<HttpExchange>> held;
  HttpServer server(
      identity.options(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        exchange->on_hang_up([&] { ++calls; });
        exchange->begin(200, "text/event-stream");
        exchange->write("data: 1\n\n");
        const std::lock_guard lock(mutex);
        held.push_back(std::move(exchange));
        ++begun;
      },
      error_text);
  const std::size_t before = open_descriptors();
  for (int how = 0; how < 3; ++how) {
    TlsClient client(server.port());
    client.send(get("/"));
    EXPECT_NE(client.receive("data: 1\n\n"), "");
    EXPECT_TRUE(eventually([&] { return begun == how + 1; }));
    EXPECT_EQ(calls, how);
    if (how == 0) client.say_goodbye();
    if (how == 1) client.socket.leave();
    if (how == 2) client.socket.reset();
    EXPECT_TRUE(eventually([&] { return calls == how + 1; }));
  }
  EXPECT_TRUE(eventually([&] { return open_descriptors() == before; }));
}

TEST(HttpTls, TheGreetingHasTheDeadlineOfTheHeader) {
  const Identity identity;
  HttpLimits limits;
  limits.header_seconds = 0.3;
  limits.connections = 2;
  HttpServer server(identity.options(limits), echo, error_text);
  HttpClient silent(server.port());
  const auto start = Clock::now();
  EXPECT_TRUE(silent.closes());
  EXPECT_LT(seconds_since(start), 2);
  TlsClient stalls(server.port());
  ASSERT_TRUE(stalls.greeted());
  EXPECT_NE(stalls.receive("\r\n\r\n").find("HTTP/1.1 408 "), std::string::npos);
}

TEST(HttpTls, TooManyAreToldSoAndDrainingEnds) {
  const Identity identity;
  HttpLimits limits;
  limits.connections = 2;
  HttpServer server(identity.options(limits), echo, error_text);
  TlsClient first(server.port());
  TlsClient second(server.port());
  TlsClient third(server.port());
  EXPECT_NE(third.receive("\r\n\r\n").find("HTTP/1.1 503 "), std::string::npos);
  third.socket.leave();
  server.drain();
  EXPECT_TRUE(first.socket.closes());
}

TEST(HttpTls, ARefusalReachesAClientThatStillSends) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's sockets raise it where the server has closed
  const Identity identity;
  HttpServer server(identity.options(), echo, error_text);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), version);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 31457280\r\n\r\n");
    const std::string part(1 << 20, 'x');
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(client.send(part)) << i;
    EXPECT_NE(client.receive("nothing like this").find("HTTP/1.1 413 "), std::string::npos);
    EXPECT_TRUE(client.clean_end());
  }
}

TEST(HttpTls, FilesThatCannotBeUsedAreNamed) {
  const Identity one;
  const Identity two;
  HttpOptions options = one.options();
  options.tls_key = two.key();
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }),
               "key.pem] cannot be used as the key");
  options.tls_key = one.certificate();
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }), "cannot be used as the key");
  options.tls_certificate = one.key();
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }),
               "cannot be used as a TLS certificate");
}

}  // namespace
}  // namespace artemis

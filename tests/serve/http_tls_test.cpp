// TLS: what is spoken, what is refused, and clients that leave or stall.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "artemis/serve/http_server.h"
#include "http_client.h"
#include "support/files.h"

namespace artemis {
namespace {

using namespace test;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// A certificate that signs itself, and its key.
class Identity {
 public:
  Identity() {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> signed_by_itself(X509_new(), X509_free);
    X509* x509 = signed_by_itself.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_sign(x509, pair.get(), EVP_sha256());
    PEM_write_X509(File(std::fopen(certificate().c_str(), "w"), std::fclose).get(), x509);
    const File file(std::fopen(key().c_str(), "w"), std::fclose);
    PEM_write_PrivateKey(file.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  std::string certificate() const { return (folder_.path() / "certificate.pem").string(); }
  std::string key() const { return (folder_.path() / "key.pem").string(); }
  HttpOptions options(HttpLimits limits = {}) const {
    HttpOptions options = any_port(limits);
    options.tls_certificate = certificate();
    options.tls_key = key();
    return options;
  }

 private:
  TemporaryFolder folder_;
};

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

#include "artemis/serve/http/transport.h"

#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "artemis/core/error.h"

namespace artemis {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class PlainTransport : public Transport {
 public:
  explicit PlainTransport(Socket socket) : socket_(std::move(socket)) {}

  Socket& socket() override { return socket_; }
  void handshake(Done done) override {
    asio::post(socket_.get_executor(), [done = std::move(done)] { done({}, 0); });
  }
  void read(asio::mutable_buffer into, Done done) override { socket_.async_read_some(into, std::move(done)); }
  void write(std::vector<asio::const_buffer> bytes, Done done) override {
    asio::async_write(socket_, std::move(bytes), std::move(done));
  }
  void say_goodbye(Done done) override {
    error_code error;
    socket_.shutdown(Socket::shutdown_send, error);
    asio::post(socket_.get_executor(), [done = std::move(done), error] { done(error, 0); });
  }

 private:
  Socket socket_;
};

class TlsTransport : public Transport {
 public:
  TlsTransport(Socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  Socket& socket() override { return stream_.next_layer(); }
  void handshake(Done done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](const error_code& error) { done(error, 0); });
  }
  // Behind the goodbye what comes is only taken in: OpenSSL would fail over it.
  void read(asio::mutable_buffer into, Done done) override {
    if (said_goodbye_) return socket().async_read_some(into, std::move(done));
    stream_.async_read_some(into,
                            [this, into, done = std::move(done)](const error_code& error, std::size_t n) {
                              if (error && error != asio::error::eof && said_goodbye_)
                                return read(into, done);
                              done(error, n);
                            });
  }
  void write(std::vector<asio::const_buffer> bytes, Done done) override {
    asio::async_write(stream_, std::move(bytes), std::move(done));
  }
  // Ends when the client's own goodbye, or whatever else, comes.
  void say_goodbye(Done done) override {
    said_goodbye_ = true;
    stream_.async_shutdown([this, done = std::move(done)](const error_code& error) {
      error_code ignored;
      socket().shutdown(Socket::shutdown_send, ignored);
      done(error, 0);
    });
  }

 private:
  asio::ssl::stream<Socket> stream_;
  bool said_goodbye_ = false;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(Transport::Socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

std::unique_ptr<Transport> tls_transport(Transport::Socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

asio::ssl::context tls_context(const std::string& certificate, const std::string& key) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  SSL_CTX* native = context.native_handle();
  ARTEMIS_ASSERT(SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) == 1);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections keep none
  // A key under a password would be asked for at the terminal.
  context.set_password_callback(
      [](std::size_t, asio::ssl::context::password_purpose) { return std::string(); });
  error_code error;
  context.use_certificate_chain_file(certificate, error);
  require(!error, certificate, "cannot be used as a TLS certificate in PEM: {}", error.message());
  context.use_private_key_file(key, asio::ssl::context::pem, error);
  require(!error, key, "cannot be used as the key of the TLS certificate in PEM, without a password: {}",
          error.message());
  return context;
}

}  // namespace artemis

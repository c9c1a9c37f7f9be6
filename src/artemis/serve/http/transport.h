// A client's socket, plain or under TLS.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace artemis {

// One reading and one writing may be under way at a time. The buffers, and the transport, stay until `done`.
class Transport {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Done = std::function<void(const boost::system::error_code& error, std::size_t bytes)>;

  virtual ~Transport() = default;
  virtual Socket& socket() = 0;
  virtual void handshake(Done done) = 0;
  virtual void read(boost::asio::mutable_buffer into, Done done) = 0;               // some bytes
  virtual void write(std::vector<boost::asio::const_buffer> bytes, Done done) = 0;  // all
  virtual void say_goodbye(Done done) = 0;  // the client learns that no more comes; reading goes on
};

std::unique_ptr<Transport> plain_transport(Transport::Socket socket);
std::unique_ptr<Transport> tls_transport(Transport::Socket socket, boost::asio::ssl::context& context);

// TLS 1.2 or newer, with a certificate and its key from PEM files. Throws Error naming the file that cannot
// be used.
boost::asio::ssl::context tls_context(const std::string& certificate, const std::string& key);

}  // namespace artemis

#include "artemis/serve/http_server.h"

#include <netinet/tcp.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "artemis/core/error.h"
#include "artemis/serve/ascii.h"
#include "artemis/serve/http/connection.h"

namespace artemis {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// Connections beyond the limit that are told so; further ones are closed without a word.
constexpr std::size_t most_unwelcome = 64;
// For all else that the process opens: models, pictures, the threads' own.
constexpr std::size_t spare_descriptors = 256;
constexpr std::chrono::milliseconds accept_pause{50};

// A connection is an open file. The system's soft limit is often 1024, meant to be raised up to the hard one.
void allow_descriptors(std::size_t connections, const std::string& where) {
  const rlim_t needed = connections + most_unwelcome + spare_descriptors;
  rlimit limit{};
  ARTEMIS_ASSERT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur >= needed) return;
  require(limit.rlim_max >= needed, where,
          "{} connections take {} open files, the system allows {}: raise it (ulimit -n) or take fewer",
          connections, needed, limit.rlim_max);
  limit.rlim_cur = needed;
  require(setrlimit(RLIMIT_NOFILE, &limit) == 0, where, "the system does not allow {} open files", needed);
}

void tune(tcp::socket& socket, const HttpLimits& limits) {
  error_code ignored;  // the client may have left already; reading will tell
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  // A client that vanished without a word, or takes nothing, is given up.
  using UserTimeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket.set_option(UserTimeout(static_cast<int>(limits.send_seconds * 1000)), ignored);
}

HttpRefuser refuser_with(HttpErrorBody error_body) {
  return [error_body = std::move(error_body)](const std::shared_ptr<HttpExchange>& exchange, int status,
                                              const std::string& message) {
    HttpHeaders headers;
    if (status == 503) headers.emplace_back("Retry-After", "1");
    exchange->send(status, "application/json", error_body(status, message), headers);
  };
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const auto& field) { return same_ignoring_case(field.first, name); });
  return found == headers.end() ? std::string_view() : found->second;
}

class HttpServer::Core {
 public:
  Core(HttpOptions options, HttpHandler handler, HttpErrorBody error_body, HttpWantsBody wants_body,
       HttpRefuser refuser)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        refuser_(refuser ? std::move(refuser) : refuser_with(error_body)),
        workers_(static_cast<std::size_t>(std::max(1, options_.threads))) {
    const std::string where = fmt::format("{}:{}", options_.host, options_.port);
    require(options_.tls_certificate.empty() == options_.tls_key.empty(), where,
            "TLS takes a certificate and its key, one of them is missing");
    if (!options_.tls_certificate.empty())
      tls_.emplace(tls_context(options_.tls_certificate, options_.tls_key));
    allow_descriptors(options_.limits.connections, where);
    listen(where);
    host_.limits = options_.limits;
    host_.error_body = std::move(error_body);
    host_.wants_body = std::move(wants_body);
    host_.handle = [this](std::shared_ptr<HttpAnswer> answer) { call(handler_, std::move(answer)); };
    host_.refuse = [this](std::shared_ptr<HttpAnswer> answer, HttpRefusal refusal) {
      call([this, refusal = std::move(refusal)](
               auto exchange) { refuser_(std::move(exchange), refusal.status, refusal.message); },
           std::move(answer));
    };
    host_.closed = [this](Connection* connection) { forget(connection); };
    for (Listener& listener : listeners_) accept(listener);
    thread_ = std::thread([this] { context_.run(); });
  }

  ~Core() {
    asio::post(context_, [this] {
      stop_listening();
      for (const auto& connection : all_connections()) connection->break_off();
    });
    for (asio::thread_pool* threads : {&workers_, &quick_}) {
      threads->stop();  // what has not begun has no client any more
      threads->join();
    }
    busy_.reset();
    thread_.join();
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  std::uint16_t port() const { return port_; }

  void drain() {
    asio::post(context_, [this] {
      stop_listening();
      for (const auto& connection : all_connections()) connection->drain();
      note_end();
    });
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return all_ended_; });
  }

 private:
  struct Listener {
    explicit Listener(asio::io_context& context) : acceptor(context), pause(context) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
  };

  // On every address of the name: "localhost" has two.
  void listen(const std::string& where) {
    error_code error;
    const auto found = tcp::resolver(context_).resolve(options_.host, std::to_string(options_.port),
                                                       tcp::resolver::passive, error);
    require(!error, where, "cannot listen, the host is not known: {}", error.message());
    port_ = options_.port;
    for (const auto& entry : found) {
      tcp::endpoint endpoint = entry.endpoint();
      endpoint.port(port_);
      tcp::acceptor& acceptor = listeners_.emplace_back(context_).acceptor;
      acceptor.open(endpoint.protocol(), error);
      if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
      if (!error) acceptor.bind(endpoint, error);
      if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
      require(!error, where, "cannot listen: {}", error.message());
      port_ = acceptor.local_endpoint().port();
    }
  }

  void accept(Listener& listener) {
    listener.acceptor.async_accept([this, &listener](const error_code& error, tcp::socket socket) {
      if (!listener.acceptor.is_open()) return;
      if (!error) {
        welcome(std::move(socket));
      } else if (error != asio::error::connection_aborted) {
        // No descriptors, or no memory, left: the client that waits would have it fail again at once.
        listener.pause.expires_after(accept_pause);
        listener.pause.async_wait([this, &listener](const error_code&) {
          if (listener.acceptor.is_open()) accept(listener);
        });
        return;
      }
      accept(listener);
    });
  }

  void welcome(tcp::socket socket) {
    const std::size_t most = options_.limits.connections;
    if (connections_.size() >= most + most_unwelcome) return;
    tune(socket, options_.limits);
    auto transport = tls_ ? tls_transport(std::move(socket), *tls_) : plain_transport(std::move(socket));
    const auto connection =
        std::make_shared<Connection>(std::move(transport), host_, connections_.size() < most);
    connections_.emplace(connection.get(), connection);
    connection->start();
  }

  void call(HttpHandler handler, std::shared_ptr<HttpAnswer> answer) {
    asio::thread_pool& threads = answer->request().body.empty() ? quick_ : workers_;
    asio::post(threads, [handler = std::move(handler), answer = std::move(answer)] {
      try {
        handler(std::make_shared<Exchange>(answer));
      } catch (...) {
        // Whatever it was, it may name what is none of the client's business. A copy of the exchange may live
        // on.
        answer->abandon();
      }
    });
  }

  void stop_listening() {
    host_.draining = true;
    for (Listener& listener : listeners_) {
      error_code ignored;
      listener.acceptor.close(ignored);
      listener.pause.cancel();
    }
  }

  std::vector<std::shared_ptr<Connection>> all_connections() const {
    std::vector<std::shared_ptr<Connection>> all;
    for (const auto& [key, connection] : connections_) all.push_back(connection);
    return all;
  }

  void forget(Connection* connection) {
    connections_.erase(connection);
    note_end();
  }

  void note_end() {
    if (!host_.draining || !connections_.empty()) return;
    const std::lock_guard lock(mutex_);
    all_ended_ = true;
    ended_.notify_all();
  }

  const HttpOptions options_;
  const HttpHandler handler_;
  const HttpRefuser refuser_;
  std::optional<asio::ssl::context> tls_;
  std::uint16_t port_ = 0;

  asio::io_context context_{1};  // one thread
  asio::executor_work_guard<asio::io_context::executor_type> busy_{context_.get_executor()};
  asio::thread_pool workers_;
  // For requests without a body: they do not wait behind those that take long to prepare.
  asio::thread_pool quick_{1};
  // On the thread of the sockets only.
  std::list<Listener> listeners_;
  ConnectionHost host_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool all_ended_ = false;
  std::thread thread_;
};

HttpServer::HttpServer(HttpOptions options, HttpHandler handler, HttpErrorBody error_body,
                       HttpWantsBody wants_body, HttpRefuser refuser)
    : core_(std::make_unique<Core>(std::move(options), std::move(handler), std::move(error_body),
                                   std::move(wants_body), std::move(refuser))) {}
HttpServer::~HttpServer() = default;
std::uint16_t HttpServer::port() const { return core_->port(); }
void HttpServer::drain() { core_->drain(); }

}  // namespace artemis

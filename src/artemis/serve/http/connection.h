// One client: its requests one after the other, its deadlines, and its leaving.
#pragma once

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "artemis/serve/http/answer.h"
#include "artemis/serve/http/request_reader.h"
#include "artemis/serve/http/transport.h"

namespace artemis {

class Connection;

// What the connections share. Used on the thread of the sockets only.
struct ConnectionHost {
  HttpLimits limits;
  HttpErrorBody error_body;
  HttpWantsBody wants_body;
  // Have a worker thread call the handler, or the refuser.
  std::function<void(std::shared_ptr<HttpAnswer>)> handle;
  std::function<void(std::shared_ptr<HttpAnswer>, HttpRefusal)> refuse;
  std::function<void(Connection*)> closed;  // the connection is no more
  bool draining = false;
  std::size_t body_bytes = 0;  // of the requests that are being read or answered
};

// All on the thread of the sockets. Kept alive by what it waits for, until it is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // One that is not `welcome` gets a 503.
  Connection(std::unique_ptr<Transport> transport, ConnectionHost& host, bool welcome);
  void start();
  void drain();      // closes at once without an exchange under way, else behind it
  void break_off();  // the client may get less than it was sent

 private:
  enum class State { greeting, reading, answering, refusing, lingering, closed };
  enum class Deadline { none, greeting, header, body, idle, send, linger };

  void set_deadline(Deadline deadline);
  double seconds_of(Deadline deadline) const;
  void deadline_passed();

  void read();
  void bytes_came(const boost::system::error_code& error, std::size_t count);
  void client_left(bool sends_no_more);
  void process();
  bool body_begins();  // false: it is not wanted
  bool count_body();
  void dispatch();
  void open_answer(bool whole);

  void flush();
  void send(std::vector<std::string> bytes);
  void bytes_left(const boost::system::error_code& error, std::size_t count);
  void answer_left();
  void refuse(HttpRefusal refusal);
  void linger();
  void close();

  std::unique_ptr<Transport> transport_;
  ConnectionHost& host_;
  const bool welcome_;
  State state_ = State::greeting;

  boost::asio::steady_timer timer_;
  Deadline deadline_ = Deadline::none;
  std::size_t deadlines_ = 0;  // set so far

  std::array<char, 16 << 10> in_;
  bool reading_ = false;
  bool half_closed_ = false;  // the client sends no more, and still takes the answer
  std::string backlog_;       // came and not read yet: requests sent ahead
  std::unique_ptr<RequestReader> reader_;
  std::size_t counted_ = 0;  // of the body, in host_.body_bytes

  std::shared_ptr<HttpAnswer> answer_;  // of states `answering` and `refusing`
  std::vector<std::string> out_;        // being written
  bool out_of_answer_ = false;          // out_ is the answer's, not "100 Continue"
};

}  // namespace artemis

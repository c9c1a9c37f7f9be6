#include "artemis/serve/http/connection.h"

#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <utility>

#include "artemis/core/error.h"

namespace artemis {
namespace {

using boost::system::error_code;

// Requests sent ahead that are kept while one is answered. Behind them the client waits, and its leaving
// shows when the answer is written.
constexpr std::size_t most_backlog = 64 << 10;

// A connection that is done reads on for a while: closed over unread bytes, it would be reset, and the client
// might lose the answer.
constexpr double linger_seconds = 5;

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, ConnectionHost& host, bool welcome)
    : transport_(std::move(transport)),
      host_(host),
      welcome_(welcome),
      timer_(transport_->socket().get_executor()),
      reader_(std::make_unique<RequestReader>(host.limits)) {}

void Connection::start() {
  set_deadline(Deadline::greeting);
  transport_->handshake([self = shared_from_this()](const error_code& error, std::size_t) {
    if (self->state_ != State::greeting) return;
    if (error) return self->close();
    if (!self->welcome_) return self->refuse({503, "too many connections"});
    self->state_ = State::reading;
    self->deadline_ = Deadline::header;  // the same one goes on: all of it within the header's seconds
    self->read();
  });
}

double Connection::seconds_of(Deadline deadline) const {
  switch (deadline) {
    case Deadline::greeting:
    case Deadline::header:
      return host_.limits.header_seconds;
    case Deadline::body:
      return host_.limits.body_seconds;
    case Deadline::idle:
      return host_.limits.idle_seconds;
    case Deadline::send:
      return host_.limits.send_seconds;
    case Deadline::linger:
      return linger_seconds;
    case Deadline::none:
      break;
  }
  return 0;
}

void Connection::set_deadline(Deadline deadline) {
  deadline_ = deadline;
  const std::size_t number = ++deadlines_;  // one that has passed may still be on its way
  if (deadline == Deadline::none) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(seconds_of(deadline))));
  timer_.async_wait([self = shared_from_this(), number](const error_code& error) {
    if (!error && number == self->deadlines_ && self->state_ != State::closed) self->deadline_passed();
  });
}

void Connection::deadline_passed() {
  switch (deadline_) {
    case Deadline::header:
      return refuse(
          {408, fmt::format("the request's header did not come within {} s", host_.limits.header_seconds)});
    case Deadline::body:
      return refuse(
          {408, fmt::format("the request's body did not come within {} s", host_.limits.body_seconds)});
    case Deadline::send:
      return break_off();
    case Deadline::greeting:
    case Deadline::idle:
    case Deadline::linger:
    case Deadline::none:
      return close();
  }
}

void Connection::read() {
  if (reading_ || half_closed_ || state_ == State::closed) return;
  if (state_ == State::answering && backlog_.size() >= most_backlog) return;
  reading_ = true;
  transport_->read(boost::asio::buffer(in_),
                   [self = shared_from_this()](const error_code& error, std::size_t n) {
                     self->reading_ = false;
                     if (self->state_ != State::closed) self->bytes_came(error, n);
                   });
}

void Connection::bytes_came(const error_code& error, std::size_t count) {
  if (error) return client_left(error == boost::asio::error::eof);
  if (state_ == State::reading || state_ == State::answering) {
    backlog_.append(in_.data(), count);
    if (state_ == State::reading) process();
  }
  read();
}

void Connection::client_left(bool sends_no_more) {
  // It still takes an answer that has ended, or ends before the client is found gone.
  half_closed_ =
      sends_no_more && (state_ == State::refusing || (state_ == State::answering && !answer_->hang_up()));
  if (!half_closed_) close();
}

void Connection::process() {
  while (state_ == State::reading && !backlog_.empty()) {
    const RequestReader::State before = reader_->state();
    backlog_.erase(0, reader_->take(backlog_));
    if (deadline_ == Deadline::idle && reader_->has_begun()) set_deadline(Deadline::header);
    if (reader_->state() == RequestReader::State::refused) return refuse(reader_->refusal());
    const bool at_body =
        before == RequestReader::State::head && reader_->state() == RequestReader::State::body;
    if (at_body && !body_begins()) return dispatch();
    if (!count_body()) return refuse({503, "too many large requests at once"});
    if (reader_->state() == RequestReader::State::complete) return dispatch();
  }
}

bool Connection::body_begins() {
  if (!host_.wants_body(reader_->head())) return false;
  set_deadline(Deadline::body);
  if (reader_->expects_continue() && backlog_.empty()) send({"HTTP/1.1 100 Continue\r\n\r\n"});
  return true;
}

bool Connection::count_body() {
  const std::size_t bytes = reader_->body_bytes();
  host_.body_bytes += bytes - counted_;
  counted_ = bytes;
  return bytes == 0 || host_.body_bytes <= host_.limits.bodies;
}

void Connection::dispatch() {
  set_deadline(Deadline::none);
  state_ = State::answering;
  open_answer(reader_->state() == RequestReader::State::complete);
  host_.handle(answer_);
}

void Connection::open_answer(bool whole) {
  HttpAnswer::Terms terms;
  terms.keep_alive = whole && reader_->keep_alive() && !host_.draining;
  terms.chunked = reader_->chunked_answer();
  terms.unsent_bytes = host_.limits.unsent_bytes;
  terms.error_body = host_.error_body;
  terms.wake = [self = shared_from_this()] {
    boost::asio::post(self->timer_.get_executor(), [self] { self->flush(); });
  };
  HttpRequest request = reader_->take_request();
  request.came = std::chrono::steady_clock::now();
  if (!whole) request.body = {};
  terms.head_only = request.method == "HEAD";
  answer_ = std::make_shared<HttpAnswer>(std::move(request), std::move(terms));
}

void Connection::flush() {
  if (!answer_) return;
  const bool can_send = out_.empty();
  HttpAnswer::Work work = answer_->take_work(can_send);
  if (work.broken) return break_off();
  if (work.ended && deadline_ == Deadline::none) set_deadline(Deadline::send);
  if (!can_send) return;  // again when that has left
  if (!work.bytes.empty()) {
    out_of_answer_ = true;
    return send(std::move(work.bytes));
  }
  if (work.ended) answer_left();
}

void Connection::send(std::vector<std::string> bytes) {
  out_ = std::move(bytes);
  std::vector<boost::asio::const_buffer> buffers;
  buffers.reserve(out_.size());
  for (const std::string& part : out_) buffers.emplace_back(part.data(), part.size());
  transport_->write(std::move(buffers),
                    [self = shared_from_this()](const error_code& error, std::size_t count) {
                      if (self->state_ != State::closed) self->bytes_left(error, count);
                    });
}

void Connection::bytes_left(const error_code& error, std::size_t count) {
  if (error) return close();
  out_.clear();
  const bool of_answer = std::exchange(out_of_answer_, false);
  if (of_answer) answer_->sent(count);
  flush();
}

void Connection::answer_left() {
  const bool keep = answer_->keep_alive() && !host_.draining && !half_closed_;
  answer_->release();
  answer_.reset();
  host_.body_bytes -= std::exchange(counted_, 0);
  if (!keep) return linger();
  reader_ = std::make_unique<RequestReader>(host_.limits);
  state_ = State::reading;
  set_deadline(Deadline::idle);
  // Not from here: requests sent ahead whose answers come at once would call each other deeper and deeper.
  boost::asio::post(timer_.get_executor(), [self = shared_from_this()] {
    if (self->state_ != State::reading) return;
    self->process();
    self->read();
  });
}

void Connection::refuse(HttpRefusal refusal) {
  state_ = State::refusing;
  set_deadline(Deadline::linger);
  backlog_ = {};
  open_answer(false);
  reader_.reset();
  host_.body_bytes -= std::exchange(counted_, 0);
  host_.refuse(answer_, std::move(refusal));
  read();
}

void Connection::linger() {
  if (half_closed_) return close();
  state_ = State::lingering;
  set_deadline(Deadline::linger);
  backlog_ = {};
  transport_->say_goodbye([self = shared_from_this()](const error_code&, std::size_t) {});
  read();
}

void Connection::drain() {
  if (state_ == State::greeting || state_ == State::reading) return close();
  if (state_ == State::answering) answer_->close_afterwards();
}

void Connection::break_off() {
  if (state_ == State::closed) return;
  error_code ignored;
  transport_->socket().set_option(boost::asio::socket_base::linger(true, 0), ignored);
  close();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  const auto self = shared_from_this();  // the host lets go of it
  set_deadline(Deadline::none);
  error_code ignored;
  transport_->socket().close(ignored);
  host_.body_bytes -= std::exchange(counted_, 0);
  host_.closed(this);
  const auto answer = std::exchange(answer_, nullptr);
  if (answer && !answer->hang_up()) answer->release();
}

}  // namespace artemis

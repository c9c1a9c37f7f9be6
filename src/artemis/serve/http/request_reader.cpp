#include "artemis/serve/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>

#include "artemis/core/error.h"
#include "artemis/serve/ascii.h"

namespace artemis {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Lines are measured as they come, so that endless ones are refused early; the parser sees the head only as a
// whole.
class RequestReader::Parser {
 public:
  explicit Parser(const HttpLimits& limits) : limits_(limits) {
    parser_.body_limit(limits.body);
    parser_.header_limit(static_cast<std::uint32_t>(std::max(limits.request_line, limits.header_bytes) + 8));
  }

  std::size_t take(std::string_view bytes) {
    std::size_t taken = 0;
    while (state_ == State::head && taken < bytes.size()) take_head(bytes[taken++]);
    if (state_ == State::body && taken < bytes.size()) taken += take_body(bytes.substr(taken));
    return taken;
  }

  State state() const { return state_; }
  bool has_begun() const { return !head_.empty() || fields_ > 0; }
  const HttpRefusal& refusal() const { return refusal_; }
  std::size_t body_bytes() const { return request_.body.size(); }
  bool expects_continue() const { return expects_continue_; }
  bool keep_alive() const { return parser_.keep_alive(); }
  bool http_1_1() const { return parser_.get().version() == 11; }
  const HttpRequest& head() const { return request_; }
  HttpRequest take_request() { return std::move(request_); }

 private:
  void refuse(int status, std::string message) {
    state_ = State::refused;
    refusal_ = {status, std::move(message)};
  }

  void take_head(char c) {
    head_ += c;
    if (c == '\n') {
      end_line();
    } else if (fields_ == 0) {
      check_request_line(static_cast<unsigned char>(c));
    } else {
      check_field(c);
    }
  }

  std::size_t line_size() const { return head_.size() - line_; }

  void check_request_line(unsigned char c) {
    // At once, so that a TLS greeting on a plain port does not wait for its end.
    if ((c < ' ' && c != '\r') || c == 0x7F)
      return refuse(400, fmt::format("byte 0x{:02x} in the request line", c));
    if (line_size() > limits_.request_line + (c == '\r' ? 1 : 0))
      refuse(414, fmt::format("the request line has over {} bytes", limits_.request_line));
  }

  void check_field(char c) {
    if (line_size() == 1 && (c == ' ' || c == '\t'))
      return refuse(400, "a header field goes on in a second line");
    if (line_size() > limits_.header_field + (c == '\r' ? 1 : 0))
      return refuse(400, fmt::format("a header field has over {} bytes", limits_.header_field));
    if (head_.size() > limits_.header_bytes)
      return refuse(400, fmt::format("the header fields have over {} bytes", limits_.header_bytes));
    if (line_size() == 1 && c != '\r' && fields_ > limits_.headers)
      refuse(400, fmt::format("over {} header fields", limits_.headers));
  }

  void end_line() {
    if (line_size() < 2 || head_[head_.size() - 2] != '\r')
      return refuse(400, "a line of the header ends without a carriage return");
    const bool empty = line_size() == 2;
    if (empty && fields_ == 0) {
      // One empty line before the request is forgiven (RFC 9112, 2.2): some clients send it after a body.
      if (skipped_line_) return refuse(400, "the request line is empty");
      skipped_line_ = true;
      head_.clear();
      return;
    }
    if (fields_++ == 0) return parse_request_line();
    line_ = head_.size();
    if (empty) parse_fields();
  }

  // At once, so that nonsense is refused before its sender waits for an answer.
  void parse_request_line() {
    put_head();
    line_ = 0;
    if (state_ == State::refused) return;
    const auto& message = parser_.get();
    request_.method = view(message.method_string());
    split_target(view(message.target()));
  }

  void put_head() {
    error_code ec;
    const std::size_t taken = parser_.put(boost::asio::const_buffer(head_.data(), head_.size()), ec);
    if (ec && ec != http::error::need_more) return refuse_as(ec);
    // A line that is too short to be one: the parser waits for the rest of it, which would be the next line.
    if (taken != head_.size()) return refuse(400, "malformed HTTP request: a line breaks off");
    head_ = {};
  }

  void parse_fields() {
    put_head();
    if (state_ == State::refused) return;
    if (!parser_.is_header_done()) return refuse(400, "malformed HTTP request: the header breaks off");
    check_meaning();
    if (state_ == State::refused) return;
    if (parser_.chunked()) chunks_.emplace(limits_);
    length_ = static_cast<std::size_t>(parser_.content_length().value_or(0));
    state_ = chunks_ || length_ > 0 ? State::body : State::complete;
  }

  void refuse_as(error_code ec) {
    if (ec == http::error::body_limit)
      return refuse(413, fmt::format("the body has over {} bytes", limits_.body));
    if (ec == http::error::bad_version) return refuse(400, "no HTTP/1.0 or HTTP/1.1 request");
    refuse(400, fmt::format("malformed HTTP request: {}", ec.message()));
  }

  // What the parser lets pass and we do not: whatever another server in front could read otherwise.
  void check_meaning() {
    const auto& message = parser_.get();
    const auto count = [&](http::field field) { return message.count(field); };
    const std::size_t hosts = count(http::field::host);
    if (hosts > 1 || (http_1_1() && hosts == 0)) return refuse(400, "expected one Host header field");
    if (count(http::field::content_length) > 1 ||
        view(message[http::field::content_length]).find(',') != std::string_view::npos)
      return refuse(400, "several lengths in Content-Length");
    if (count(http::field::transfer_encoding) > 0) {
      if (!http_1_1()) return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
      if (count(http::field::content_length) > 0)
        return refuse(400, "both Transfer-Encoding and Content-Length");
      if (!parser_.chunked() || !same_ignoring_case(view(message[http::field::transfer_encoding]), "chunked"))
        return refuse(501, "this Transfer-Encoding is not known, expected chunked");
    }
    if (const auto expect = message[http::field::expect]; !expect.empty() && http_1_1()) {
      if (!same_ignoring_case(view(expect), "100-continue"))
        return refuse(417, "this Expect is not known, expected 100-continue");
      expects_continue_ = true;
    }
    // A host in the target counts, whatever the Host field says (RFC 9112, 3.2.2).
    const bool host_named = !request_.headers.empty();
    for (const auto& field : message) {
      if (host_named && field.name() == http::field::host) continue;
      request_.headers.emplace_back(view(field.name_string()), view(field.value()));
    }
  }

  // "/path?query", "http://host/path?query" as a proxy's client asks, or "*".
  void split_target(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (same_ignoring_case(target.substr(0, scheme.size()), scheme)) {
        const std::size_t path = target.find_first_of("/?", scheme.size());
        request_.headers.emplace_back("Host", target.substr(scheme.size(), path - scheme.size()));
        target = path == target.npos ? "/" : target.substr(path);
        break;
      }
    }
    if (!target.starts_with('/') && target != "*")
      return refuse(400, "the target of the request is no path, expected one that begins with '/'");
    if (target.find('#') != target.npos) return refuse(400, "'#' in the target of the request");
    const std::size_t mark = target.find('?');
    request_.path = target.substr(0, mark);
    if (mark != target.npos) request_.query = target.substr(mark + 1);
  }

  std::size_t take_body(std::string_view bytes) {
    std::size_t taken = 0;
    if (chunks_) {
      taken = chunks_->take(bytes, request_.body);
      if (chunks_->refusal().status != 0) {
        refuse(chunks_->refusal().status, chunks_->refusal().message);
      } else if (chunks_->complete()) {
        state_ = State::complete;
      }
    } else {
      taken = std::min(bytes.size(), length_ - request_.body.size());
      request_.body.append(bytes, 0, taken);  // grows as it comes, whatever Content-Length claims
      if (request_.body.size() == length_) state_ = State::complete;
    }
    return taken;
  }

  HttpLimits limits_;
  http::request_parser<http::empty_body> parser_;  // of the head
  State state_ = State::head;
  HttpRefusal refusal_;
  std::string head_;        // the request line, then the fields
  std::size_t line_ = 0;    // where in it the line that comes begins
  std::size_t fields_ = 0;  // the field that comes, counted from 1; 0: the request line
  bool skipped_line_ = false;
  bool expects_continue_ = false;
  std::optional<ChunkedBody> chunks_;
  std::size_t length_ = 0;  // of a body that is not in chunks
  HttpRequest request_;
};

RequestReader::RequestReader(const HttpLimits& limits) : parser_(std::make_unique<Parser>(limits)) {}
RequestReader::~RequestReader() = default;
std::size_t RequestReader::take(std::string_view bytes) { return parser_->take(bytes); }
RequestReader::State RequestReader::state() const { return parser_->state(); }
bool RequestReader::has_begun() const { return parser_->has_begun(); }
const HttpRefusal& RequestReader::refusal() const { return parser_->refusal(); }
std::size_t RequestReader::body_bytes() const { return parser_->body_bytes(); }
bool RequestReader::expects_continue() const { return parser_->expects_continue(); }
bool RequestReader::keep_alive() const { return parser_->keep_alive(); }
bool RequestReader::chunked_answer() const { return parser_->http_1_1(); }
const HttpRequest& RequestReader::head() const { return parser_->head(); }
HttpRequest RequestReader::take_request() { return parser_->take_request(); }

}  // namespace artemis

#include "artemis/serve/http/request_reader.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include "artemis/core/error.h"

namespace artemis {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

// A body that grows as it comes: Beast's own reserves what Content-Length claims.
struct GrowingBody {
  using value_type = std::string;
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, error_code& ec) { ec = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& ec) {
      ec = {};
      const std::size_t before = body_.size();
      for (const boost::asio::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
      }
      return body_.size() - before;
    }
    void finish(error_code& ec) { ec = {}; }

   private:
    value_type& body_;
  };
};

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

// Lines are measured as they come, so that endless ones are refused early; the parser sees the head only as a
// whole.
class RequestReader::Parser {
 public:
  explicit Parser(const HttpLimits& limits) : limits_(limits) {
    parser_.body_limit(limits.body);
    parser_.header_limit(static_cast<std::uint32_t>(std::max(limits.request_line, limits.header_bytes) + 8));
    parser_.eager(false);
  }

  std::size_t take(std::string_view bytes) {
    std::size_t taken = 0;
    while (state_ == State::head && taken < bytes.size()) take_head(bytes[taken++]);
    if (state_ == State::body && taken < bytes.size()) taken += take_body(bytes.substr(taken));
    return taken;
  }

  State state() const { return state_; }
  bool has_begun() const { return !head_.empty() || fields_ > 0; }
  const Refusal& refusal() const { return refusal_; }
  std::size_t body_bytes() const { return parser_.get().body().size(); }
  bool expects_continue() const { return expects_continue_; }
  bool keep_alive() const { return parser_.keep_alive(); }
  bool http_1_1() const { return parser_.get().version() == 11; }
  HttpRequest take_request() {
    request_.body = std::move(parser_.get().body());
    return std::move(request_);
  }

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
    state_ = parser_.is_done() ? State::complete : State::body;
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
    if (http_1_1() && count(http::field::host) != 1) return refuse(400, "expected one Host header field");
    if (count(http::field::content_length) > 1 ||
        view(message[http::field::content_length]).find(',') != std::string_view::npos)
      return refuse(400, "several lengths in Content-Length");
    if (count(http::field::transfer_encoding) > 0) {
      if (!http_1_1()) return refuse(400, "Transfer-Encoding in an HTTP/1.0 request");
      if (count(http::field::content_length) > 0)
        return refuse(400, "both Transfer-Encoding and Content-Length");
      if (!parser_.chunked() || !boost::beast::iequals(message[http::field::transfer_encoding], "chunked"))
        return refuse(501, "this Transfer-Encoding is not known, expected chunked");
    }
    if (const auto expect = message[http::field::expect]; !expect.empty() && http_1_1()) {
      if (!boost::beast::iequals(expect, "100-continue"))
        return refuse(417, "this Expect is not known, expected 100-continue");
      expects_continue_ = true;
    }
    request_.method = view(message.method_string());
    for (const auto& field : message) {
      request_.headers.emplace_back(view(field.name_string()), view(field.value()));
    }
    split_target(view(message.target()));
  }

  // "/path?query", "http://host/path?query" as a proxy's client asks, or "*".
  void split_target(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (boost::beast::iequals(
              boost::beast::string_view(target.data(), std::min(target.size(), scheme.size())),
              boost::beast::string_view(scheme.data(), scheme.size()))) {
        const std::size_t path = target.find_first_of("/?", scheme.size());
        target = path == target.npos ? "/" : target.substr(path);
      }
    }
    if (!target.starts_with('/') && target != "*")
      return refuse(400, "the target of the request is no path, expected one that begins with '/'");
    if (target.find('#') != target.npos) return refuse(400, "'#' in the target of the request");
    const std::size_t mark = target.find('?');
    request_.path = target.substr(0, mark);
    if (mark != target.npos) request_.query = target.substr(mark + 1);
  }

  // Bytes of a chunk's own line wait in unparsed_ until it is whole.
  std::size_t take_body(std::string_view bytes) {
    unparsed_.append(bytes);
    // Whatever is missing of a chunked body ends in 0 CR LF CR LF, and the parser asserts that it sees as
    // much.
    const std::size_t least = parser_.chunked() ? 5 : 1;
    std::size_t parsed = 0;
    error_code ec;
    while (!ec && !parser_.is_done() && unparsed_.size() - parsed >= least) {
      parsed +=
          parser_.put(boost::asio::const_buffer(unparsed_.data() + parsed, unparsed_.size() - parsed), ec);
    }
    if (ec && ec != http::error::need_more) {
      refuse_as(ec);
      return bytes.size();
    }
    unparsed_.erase(0, parsed);
    if (parser_.is_done()) {
      state_ = State::complete;
      return bytes.size() - unparsed_.size();
    }
    if (unparsed_.size() > limits_.header_field)
      refuse(400, fmt::format("a line between chunks has over {} bytes", limits_.header_field));
    return bytes.size();
  }

  HttpLimits limits_;
  http::request_parser<GrowingBody> parser_;
  State state_ = State::head;
  Refusal refusal_;
  std::string head_;        // the request line, then the fields
  std::size_t line_ = 0;    // where in it the line that comes begins
  std::size_t fields_ = 0;  // the field that comes, counted from 1; 0: the request line
  bool skipped_line_ = false;
  bool expects_continue_ = false;
  std::string unparsed_;
  HttpRequest request_;
};

RequestReader::RequestReader(const HttpLimits& limits) : parser_(std::make_unique<Parser>(limits)) {}
RequestReader::~RequestReader() = default;
std::size_t RequestReader::take(std::string_view bytes) { return parser_->take(bytes); }
RequestReader::State RequestReader::state() const { return parser_->state(); }
bool RequestReader::has_begun() const { return parser_->has_begun(); }
const RequestReader::Refusal& RequestReader::refusal() const { return parser_->refusal(); }
std::size_t RequestReader::body_bytes() const { return parser_->body_bytes(); }
bool RequestReader::expects_continue() const { return parser_->expects_continue(); }
bool RequestReader::keep_alive() const { return parser_->keep_alive(); }
bool RequestReader::chunked_answer() const { return parser_->http_1_1(); }
HttpRequest RequestReader::take_request() { return parser_->take_request(); }

}  // namespace artemis

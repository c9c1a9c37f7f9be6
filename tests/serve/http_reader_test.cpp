// Requests out of bytes: what is read, what is refused, and that the cuts between the bytes make no
// difference.
#include "artemis/serve/http/request_reader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>

namespace artemis {
namespace {

using State = RequestReader::State;

struct Outcome {
  State state = State::head;
  int status = 0;
  std::string message{};
  std::size_t taken = 0;
  std::optional<HttpRequest> request{};
};

// The request in pieces of `piece` bytes.
Outcome read(std::string_view bytes, std::size_t piece = std::string_view::npos,
             const HttpLimits& limits = {}) {
  RequestReader reader(limits);
  Outcome outcome;
  while (outcome.taken < bytes.size() && (reader.state() == State::head || reader.state() == State::body)) {
    const std::string_view part = bytes.substr(outcome.taken, piece);
    const std::size_t taken = reader.take(part);
    outcome.taken += taken;
    EXPECT_TRUE(taken == part.size() || reader.state() == State::complete ||
                reader.state() == State::refused);
  }
  outcome.state = reader.state();
  if (outcome.state == State::refused) {
    outcome.status = reader.refusal().status;
    outcome.message = reader.refusal().message;
  }
  if (outcome.state == State::complete) outcome.request = reader.take_request();
  return outcome;
}

const std::string head = "POST /a HTTP/1.1\r\nHost: x\r\n";

TEST(RequestReader, ReadsARequestHoweverItIsCut) {
  const std::string length =
      "\r\nPOST /v1/x?a=1&b HTTP/1.1\r\nHost: x\r\nX-Key:  a b \r\nContent-Length: 5\r\n\r\nhello";
  const std::string chunks =
      "POST /v1/x?a=1&b HTTP/1.1\r\nHost: x\r\nX-Key: a b\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "2;q=\"1\"\r\nhe\r\n003\r\nllo\r\n0\r\nX-Key: trailer\r\nAuthorization: trailer\r\n\r\n";
  for (const std::string& bytes : {length, chunks}) {
    for (std::size_t piece = 1; piece <= bytes.size() + 4; ++piece) {
      const Outcome outcome = read(bytes + "GET", piece);
      ASSERT_EQ(outcome.state, State::complete) << piece << outcome.message;
      EXPECT_EQ(outcome.taken, bytes.size());
      EXPECT_EQ(outcome.request->method, "POST");
      EXPECT_EQ(outcome.request->path, "/v1/x");
      EXPECT_EQ(outcome.request->query, "a=1&b");
      EXPECT_EQ(outcome.request->body, "hello");
      EXPECT_EQ(outcome.request->header("x-KEY"), "a b");
      EXPECT_EQ(outcome.request->header("Authorization"), "");  // a trailer is none
    }
  }
}

TEST(RequestReader, TargetsAndVersions) {
  EXPECT_EQ(read("GET http://h:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n").request->path, "/p");
  EXPECT_EQ(read("GET hTTps:// HTTP/1.1\r\nHost: x\r\n\r\n").request->path, "/");
  EXPECT_EQ(read("GET HTTP://h HTTP/1.1\r\nHost: x\r\n\r\n").request->path, "/");
  EXPECT_EQ(read("GET http://h:1/p HTTP/1.1\r\nHost: x\r\n\r\n").request->header("host"), "h:1");
  EXPECT_EQ(read("GET http://h HTTP/1.1\r\nHost: x\r\n\r\n").request->header("host"), "h");
  EXPECT_EQ(read("GET /http://h/ HTTP/1.1\r\nHost: x\r\n\r\n").request->header("host"), "x");
  EXPECT_EQ(read("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").request->path, "*");
  EXPECT_EQ(read("GET /%2e%2e/ HTTP/1.0\r\n\r\n").request->path, "/%2e%2e/");
  RequestReader old({});
  old.take("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(old.keep_alive());
  EXPECT_FALSE(old.chunked_answer());
  RequestReader kept({});
  kept.take("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(kept.keep_alive());
  RequestReader closed({});
  closed.take("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(closed.keep_alive());
  RequestReader waits({});
  waits.take(head + "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_TRUE(waits.expects_continue());
  EXPECT_EQ(waits.state(), State::body);
}

TEST(RequestReader, RefusesWithTheStatus) {
  struct Case {
    std::string bytes;
    int status;
  };
  const std::vector<Case> cases{
      {"\x16\x03\x01\x02", 400},  // a TLS greeting
      {"\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
      {"GET /\r\n", 400},
      {"nonsense\r\n", 400},
      {"POST / H/1.1\r\n", 400},
      {"GET / HTTP/0.9\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"CONNECT h:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 28), 400},
      {"GET /\rx HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {head + "a b: c\r\n\r\n", 400},
      {head + "a : c\r\n\r\n", 400},
      {head + ": c\r\n\r\n", 400},
      {head + "abc\r\n\r\n", 400},
      {head + "a: b\r\n c\r\n\r\n", 400},  // a field over two lines
      {head + "a: b\rc\r\n\r\n", 400},
      {head + std::string("a: b\0c\r\n\r\n", 10), 400},
      {head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {head + "Content-Length: 5, 5\r\n\r\n", 400},
      {head + "Content-Length: -5\r\n\r\n", 400},
      {head + "Content-Length: +5\r\n\r\n", 400},
      {head + "Content-Length: 0x5\r\n\r\n", 400},
      {head + "Content-Length: 5 5\r\n\r\n", 400},
      {head + "Content-Length:\r\n\r\n", 400},
      {head + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {head + "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {head + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {head + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {head + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {head + "Transfer-Encoding: chunked, gzip\r\n\r\n", 501},
      {head + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {head + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
      {head + "Transfer-Encoding: identity\r\n\r\n", 501},
      {head + "Transfer-Encoding:\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {head + "Expect: magic\r\nContent-Length: 1\r\n\r\n", 417},
      {head + "Content-Length: 20971521\r\n\r\n", 413},
      {head + "Transfer-Encoding: chunked\r\n\r\n1400001\r\n", 413},
      {head + "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1\ra", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n1 a\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n;a\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\nGET / HTTP/1.1\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\na : b\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\n b: c\r\n", 400},
      {head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413},
      {head + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(9000, 'x'), 400},
      {head + "Transfer-Encoding: chunked\r\n\r\n0\r\na: " + std::string(9000, 'x'), 400},
  };
  for (const Case& broken : cases) {
    for (const std::size_t piece : {std::string::npos, std::size_t{1}, std::size_t{7}}) {
      const Outcome outcome = read(broken.bytes, piece);
      EXPECT_EQ(outcome.state, State::refused) << broken.bytes.substr(0, 200);
      EXPECT_EQ(outcome.status, broken.status) << broken.bytes.substr(0, 200) << ": " << outcome.message;
    }
  }
}

TEST(RequestReader, ARefusedRequestHasWhatIsKnownOfIt) {
  const auto known = [](const std::string& bytes) {
    RequestReader reader({});
    reader.take(bytes);
    EXPECT_EQ(reader.state(), State::refused) << bytes;
    const HttpRequest request = reader.take_request();
    return request.method + " " + request.path;
  };
  EXPECT_EQ(known("nonsense\r\n"), " ");
  EXPECT_EQ(known("HEAD a HTTP/1.1\r\n"), "HEAD ");
  EXPECT_EQ(known("GET http://h/p?secret HTTP/1.1\r\nno field\r\n\r\n"), "GET /p");
  EXPECT_EQ(known(head + "Content-Length: 20971521\r\n\r\n"), "POST /a");
  EXPECT_EQ(known(head + "Transfer-Encoding: chunked\r\n\r\nx\r\n"), "POST /a");
}

// The last that passes, and one more.
TEST(RequestReader, LimitsAreExact) {
  const auto status = [](const std::string& bytes, const HttpLimits& limits = {}) {
    const Outcome outcome = read(bytes, std::string::npos, limits);
    return outcome.state == State::complete ? 200 : outcome.status;
  };
  const auto line = [](std::size_t size) {
    return "GET /" + std::string(size - 14, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  };
  EXPECT_EQ(status(line(8192)), 200);
  EXPECT_EQ(status(line(8193)), 414);
  EXPECT_EQ(status("GET /" + std::string(10000, 'a')), 414);  // before its end
  const auto field = [](std::size_t size) {
    return "GET / HTTP/1.1\r\nHost: x\r\na: " + std::string(size - 3, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(status(field(8192)), 200);
  EXPECT_EQ(status(field(8193)), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\n" + std::string(10000, 'a')), 400);
  const auto fields = [](int count) {
    std::string text = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 1; i < count; ++i) text += "a: b\r\n";
    return text + "\r\n";
  };
  EXPECT_EQ(status(fields(256)), 200);
  EXPECT_EQ(status(fields(257)), 400);
  std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 9; ++i) many += "a: " + std::string(8000, 'b') + "\r\n";
  EXPECT_EQ(read(many).message, "the header fields have over 65536 bytes");
  HttpLimits small;
  small.body = 10;
  const std::string sized = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ";
  EXPECT_EQ(status(sized + "10\r\n\r\n0123456789", small), 200);
  EXPECT_EQ(status(sized + "11\r\n\r\n", small), 413);  // before a byte of it
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n";
  EXPECT_EQ(status(chunked + "5\r\n01234\r\n0\r\n\r\n", small), 200);
  EXPECT_EQ(status(chunked + "6\r\n", small), 413);
}

}  // namespace
}  // namespace artemis

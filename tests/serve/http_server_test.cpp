// The server over real sockets: requests, answers, streams, and clients that leave.
#include "artemis/serve/http_server.h"

#include <fmt/format.h>

#include <algorithm>

#include "artemis/core/error.h"
#include "http_client.h"
#include "support/files.h"

namespace artemis {
namespace {

using namespace test;
using std::chrono::milliseconds;

bool has(const HttpAnswer& answer, std::string_view part) {
  return answer.head.find(part) != std::string::npos;
}

TEST(HttpServer, AnswersOneRequestAfterTheOther) {
  HttpServer server(any_port(), echo, error_text);
  HttpClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const HttpAnswer answer = client.ask(post("/a?b=c", std::string(100, 'x')));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /a?b=c " + std::string(100, 'x'));
    EXPECT_TRUE(has(answer, "Content-Type: text/plain\r\n"));
    EXPECT_TRUE(has(answer, "Date: "));
    EXPECT_FALSE(has(answer, "Connection:"));
  }
  const HttpAnswer last = client.ask(get("/", "Connection: close\r\n"));
  EXPECT_TRUE(has(last, "Connection: close\r\n"));
  EXPECT_TRUE(client.closes());
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  HttpServer server(any_port(), echo, error_text);
  HttpClient client(server.port());
  client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(has(client.answer(true), "Content-Length: 8\r\n"));
  EXPECT_EQ(client.ask(get("/")).body, "GET /? ");
}

TEST(HttpServer, OldClients) {
  HttpServer server(
      any_port(),
      [](std::shared_ptr<HttpExchange> exchange) {
        if (exchange->request().path == "/whole") return echo(exchange);
        exchange->begin(200, "text/plain");
        exchange->write("one ");
        exchange->write("two");
        exchange->end();
      },
      error_text);
  HttpClient kept(server.port());
  for (int i = 0; i < 2; ++i) {
    const HttpAnswer answer = kept.ask("GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(answer.body, "GET /whole? ");
    EXPECT_TRUE(has(answer, "Connection: keep-alive\r\n"));
  }
  // A stream is no chunks to them; its end is the connection's.
  const HttpAnswer stream = kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(has(stream, "chunked"));
  EXPECT_TRUE(has(stream, "Connection: close\r\n"));
  EXPECT_EQ(stream.body, "one two");
  HttpClient closed(server.port());
  EXPECT_EQ(closed.ask("GET /whole HTTP/1.0\r\n\r\n").body, "GET /whole? ");
  EXPECT_TRUE(closed.closes());
}

TEST(HttpServer, RequestsSentAheadAreAnsweredInOrder) {
  HttpServer server(any_port(), echo, error_text);
  HttpClient client(server.port());
  std::string requests;
  for (std::size_t i = 0; i < 5000; ++i) requests += post(fmt::format("/{}", i), std::string(i % 50, 'y'));
  std::thread sender([&] { client.send(requests + "nonsense\r\n"); });
  for (std::size_t i = 0; i < 5000; ++i) {
    ASSERT_EQ(client.answer().body, fmt::format("POST /{}? {}", i, std::string(i % 50, 'y')));
  }
  sender.join();
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_TRUE(client.closes());
}

TEST(HttpServer, UploadsInChunksAndWithContinue) {
  HttpServer server(
      any_port(),
      [](std::shared_ptr<HttpExchange> exchange) {
        exchange->send(200, "text/plain", std::to_string(exchange->request().body.size()));
      },
      error_text);
  HttpClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100; ++i) client.send("8000\r\n" + std::string(0x8000, 'z') + "\r\n");
  EXPECT_EQ(client.ask("0\r\n\r\n").body, std::to_string(100 * 0x8000));
  EXPECT_EQ(client.ask(post("/", "", "Expect: 100-continue\r\n")).status, 200);  // none is due without a body
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100);
  EXPECT_EQ(client.ask("hello").body, "5");
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 413);
}

TEST(HttpServer, EachPieceOfAStreamIsSentAtOnce) {
  std::mutex mutex;
  std::condition_variable changed;
  int wanted = 0;
  HttpServer server(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        exchange->begin(200, "text/event-stream", {{"Cache-Control", "no-cache"}});
        for (int i = 0; i < 20; ++i) {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return wanted > i; });
          exchange->write(fmt::format("data: {}\n\n", i));
          exchange->write("");  // is no end
        }
        exchange->end();
      },
      error_text);
  HttpClient client(server.port());
  client.send(get("/"));
  std::string came;
  for (int i = 0; i < 20; ++i) {
    {
      const std::lock_guard lock(mutex);
      wanted = i + 1;
    }
    changed.notify_all();
    while (came.find(fmt::format("data: {}\n\n", i)) == std::string::npos) {
      const std::string more = client.receive(5);
      ASSERT_FALSE(more.empty());
      came += more;
    }
    EXPECT_EQ(came.find(fmt::format("data: {}", i + 1)), std::string::npos);
  }
  EXPECT_NE(came.find("Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 0"),
            std::string::npos);
  while (came.find("0\r\n\r\n", came.size() - 5) == std::string::npos) came += client.receive(5);
  client.send(get("/"));  // the connection goes on
  EXPECT_NE(client.receive(5), "");
}

TEST(HttpServer, WhatAHandlerThrowsStaysInside) {
  HttpServer server(
      any_port(),
      [](std::shared_ptr<HttpExchange> exchange) {
        const std::string& path = exchange->request().path;
        if (path == "/error") throw Error("/secret/model.safetensors", "is at 0x7fff");
        if (path == "/other") throw 7;
        if (path == "/forgotten") return;
        if (path == "/split") return exchange->send(200, "text/plain", "x", {{"X-Id", "a\r\nSet-Cookie: b"}});
        exchange->begin(200, "text/plain");
        exchange->write("half");
        if (path == "/broken") throw std::runtime_error("no");
      },
      error_text);
  HttpClient client(server.port());
  for (const char* path : {"/error", "/other", "/forgotten", "/split"}) {
    const HttpAnswer answer = client.ask(get(path));
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.body, error_text(500, "internal error"));
    EXPECT_TRUE(has(answer, "Content-Type: application/json\r\n"));
  }
  // A stream that breaks off must not look whole.
  for (const char* path : {"/broken", "/dropped"}) {
    HttpClient other(server.port());
    EXPECT_FALSE(other.ask(get(path)).whole) << path;
  }
}

// A client leaves, in several ways, while nothing is written, or between the pieces of a stream.
TEST(HttpServer, LeavingIsNoticedAtOnceAndOnce) {
  std::mutex mutex;
  std::vector<std::shared_ptr<HttpExchange>> held;
  std::atomic<int> calls = 0;
  HttpServer server(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        exchange->on_hang_up([&] { ++calls; });
        if (exchange->request().path == "/stream") {
          exchange->begin(200, "text/event-stream");
          exchange->write("x");
        }
        const std::lock_guard lock(mutex);
        held.push_back(exchange);
      },
      error_text);
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return held.size();
  };
  int expected = 0;
  for (const char* path : {"/quiet", "/stream"}) {
    for (const int how : {0, 1, 2}) {
      HttpClient client(server.port());
      client.send(get(path));
      ASSERT_TRUE(eventually([&] { return count() == static_cast<std::size_t>(expected) + 1; }));
      EXPECT_EQ(calls, expected);
      const auto start = Clock::now();
      if (how == 0) client.leave();
      if (how == 1) client.reset();
      if (how == 2) client.finish_sending();
      ++expected;
      EXPECT_TRUE(eventually([&] { return calls == expected; }));
      EXPECT_LT(seconds_since(start), 1.0);
    }
  }
  for (const auto& exchange : held) {
    // Nothing happens any more.
    if (exchange->request().path == "/stream") {
      exchange->write("y");
      exchange->end();
    } else {
      exchange->send(200, "text/plain", "late");
    }
    exchange->on_hang_up([&] { ++calls; });  // the call was made already
  }
  held.clear();
  EXPECT_EQ(calls, expected);
}

TEST(HttpServer, OneThatHasLeftBeforeIsReportedAtOnce) {
  std::shared_ptr<HttpExchange> held;
  std::atomic<bool> here = false;
  HttpServer server(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        held = std::move(exchange);
        here = true;
      },
      error_text);
  const std::size_t before = open_descriptors();
  {
    HttpClient client(server.port());
    client.send(get("/"));
    ASSERT_TRUE(eventually([&] { return here.load(); }));
  }
  ASSERT_TRUE(eventually([&] { return open_descriptors() == before; }));
  int calls = 0;
  held->on_hang_up([&] { ++calls; });
  EXPECT_EQ(calls, 1);
  held->on_hang_up([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

// A client that sends no more right behind its request is gone, or gets the whole answer.
TEST(HttpServer, NoCallForAnAnswerThatEnded) {
  std::atomic<int> calls = 0;
  std::atomic<int> handled = 0;
  HttpServer server(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        exchange->on_hang_up([&calls, exchange] { ++calls; });  // holds the exchange itself
        echo(exchange);
        ++handled;
      },
      error_text);
  int whole = 0;
  for (int i = 0; i < 40; ++i) {
    HttpClient client(server.port());
    client.send(get("/"));
    if (i % 2 == 0) client.finish_sending();
    whole += client.answer().body == "GET /? " ? 1 : 0;
  }
  EXPECT_GE(whole, 20);
  EXPECT_TRUE(eventually([&] { return handled == 40; }));
  server.drain();
  EXPECT_EQ(calls + whole, 40);
}

TEST(HttpServer, DrainFinishesWhatRuns) {
  std::atomic<bool> here = false;
  std::atomic<bool> go = false;
  HttpServer server(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        if (exchange->request().path == "/quick") return echo(exchange);
        here = true;
        exchange->begin(200, "text/plain");
        while (!go) std::this_thread::sleep_for(milliseconds(1));
        exchange->write("to the end");
        exchange->end();
      },
      error_text);
  HttpClient idle(server.port());
  EXPECT_EQ(idle.ask(get("/quick")).status, 200);
  HttpClient half(server.port());
  half.send("GET / HT");
  HttpClient busy(server.port());
  busy.send(get("/slow"));
  ASSERT_TRUE(eventually([&] { return here.load(); }));
  std::atomic<bool> drained = false;
  std::thread drain([&] {
    server.drain();
    drained = true;
  });
  EXPECT_TRUE(idle.closes());
  EXPECT_TRUE(half.closes());
  EXPECT_TRUE(eventually([&] { return !HttpClient(server.port()).connected(); }));
  EXPECT_FALSE(drained);
  go = true;
  EXPECT_EQ(busy.answer().body, "to the end");
  EXPECT_TRUE(busy.closes());
  busy.leave();
  drain.join();
  server.drain();  // again
}

TEST(HttpServer, RefusalsAreTheRefusers) {
  const auto refuse = [](const std::shared_ptr<HttpExchange>& exchange, int status,
                         const std::string& message) {
    const HttpRequest& request = exchange->request();
    if (request.path == "/forgotten") return;
    exchange->send(status, "text/plain",
                   fmt::format("{} {} {}: {}", request.method, request.path, request.body.size(), message),
                   {{"X-Id", "7"}});
  };
  HttpServer server(
      any_port(), echo, error_text, [](const HttpRequest&) { return true; }, refuse);
  const auto refused = [&](const std::string& request, bool head_only = false) {
    HttpClient client(server.port());
    client.send(request);
    const HttpAnswer answer = client.answer(head_only);
    EXPECT_TRUE(has(answer, "Connection: close\r\n"));
    EXPECT_EQ(client.rest(), "");
    return answer;
  };
  const HttpAnswer malformed = refused("nonsense\r\n");
  EXPECT_EQ(malformed.status, 400);
  EXPECT_TRUE(has(malformed, "X-Id: 7\r\n"));
  EXPECT_EQ(malformed.body.substr(0, 5), "  0: ");
  const std::string chunks = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nx\r\n";
  EXPECT_EQ(refused("POST /a?b HTTP/1.1\r\n" + chunks).body.substr(0, 11), "POST /a 0: ");
  const HttpAnswer forgotten = refused("POST /forgotten HTTP/1.1\r\n" + chunks);
  EXPECT_EQ(forgotten.status, 500);
  EXPECT_EQ(forgotten.body, error_text(500, "internal error"));
  EXPECT_EQ(refused("HEAD / HTTP/1.1\r\n\r\n", true).status, 400);  // nothing stands behind the fields
}

TEST(HttpServer, DrainFinishesARefusal) {
  std::atomic<bool> here = false;
  std::atomic<bool> go = false;
  const auto refuse = [&](const std::shared_ptr<HttpExchange>& exchange, int status, const std::string&) {
    here = true;
    while (!go) std::this_thread::sleep_for(milliseconds(1));
    exchange->send(status, "text/plain", "no");
  };
  HttpServer server(
      any_port(), echo, error_text, [](const HttpRequest&) { return true; }, refuse);
  HttpClient client(server.port());
  client.send("nonsense\r\n");
  client.finish_sending();  // one that is refused still takes the answer
  ASSERT_TRUE(eventually([&] { return here.load(); }));
  std::thread drain([&] { server.drain(); });
  EXPECT_TRUE(eventually([&] { return !HttpClient(server.port()).connected(); }));
  go = true;
  EXPECT_EQ(client.answer().body, "no");
  EXPECT_TRUE(client.closes());
  client.leave();
  drain.join();
}

TEST(HttpServer, ItsEndBreaksOffWhatRuns) {
  std::vector<std::shared_ptr<HttpExchange>> held;
  std::atomic<int> calls = 0;
  std::atomic<bool> here = false;
  auto server = std::make_unique<HttpServer>(
      any_port(),
      [&](std::shared_ptr<HttpExchange> exchange) {
        exchange->on_hang_up([&] { ++calls; });
        exchange->begin(200, "text/plain");
        held.push_back(std::move(exchange));
        here = true;
      },
      error_text);
  HttpClient client(server->port());
  client.send(get("/"));
  ASSERT_TRUE(eventually([&] { return here.load(); }));
  server.reset();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(client.closes());
  held[0]->write("x");
  held[0]->end();
}

TEST(HttpServer, StartsOrSaysWhyNot) {
  const HttpServer first(any_port(), echo, error_text);
  HttpOptions options = any_port();
  options.port = first.port();
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }),
               fmt::format("[127.0.0.1:{}] cannot listen: Address already in use", first.port()));
  options = any_port();
  options.host = "no such host";
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }),
               "[no such host:0] cannot listen, the host is not known");
  options = any_port();
  options.tls_key = "key.pem";
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }), "one of them is missing");
  options.tls_certificate = "none.pem";
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }),
               "[none.pem] cannot be used as a TLS certificate in PEM");
  options = any_port();
  options.limits.connections = std::size_t{1} << 40;
  expect_error(error_of([&] { HttpServer(options, echo, error_text); }), "open files, the system allows");
  options = any_port();
  options.host = "localhost";
  const HttpServer named(options, echo, error_text);
  EXPECT_EQ(HttpClient(named.port()).ask(get("/")).status, 200);
}

}  // namespace
}  // namespace artemis

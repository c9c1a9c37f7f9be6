// The service behind real sockets: HEAD, and what is refused before it is a request.
#include "http_client.h"
#include "serve/service_fixture.h"

namespace artemis {
namespace {

using namespace test;

// As `artemis serve` wires them.
class SocketRun {
 public:
  explicit SocketRun(HttpLimits limits = {}) : run_(options()), server_(server(any_port(limits))) {}

  std::uint16_t port() const { return server_.port(); }
  Log& log() { return log_; }

  // A header's value; "" for none.
  static std::string field(const test::HttpAnswer& answer, std::string_view name) {
    const std::string mark = fmt::format("\r\n{}: ", name);
    const std::size_t at = answer.head.find(mark);
    if (at == std::string::npos) return "";
    const std::size_t begin = at + mark.size();
    return answer.head.substr(begin, answer.head.find("\r\n", begin) - begin);
  }
  std::string metrics() { return HttpClient(port()).ask(get("/metrics")).body; }

 private:
  ServiceOptions options() {
    ServiceOptions options;
    options.page = "<!doctype html>";
    options.log = log_.sink();
    return options;
  }
  HttpServer server(HttpOptions http) {
    Service& service = run_.service();
    return {std::move(http),
            [&service](std::shared_ptr<HttpExchange> exchange) { service.handle(std::move(exchange)); },
            Service::error_body, [&service](const HttpRequest& head) { return service.wants_body(head); },
            [&service](std::shared_ptr<HttpExchange> exchange, int status, const std::string& message) {
              service.refuse(std::move(exchange), status, message);
            }};
  }

  Log log_;
  ServiceRun run_;
  HttpServer server_;
};

TEST(ServiceOverHttp, HeadIsGetWithoutABody) {
  SocketRun run;
  HttpClient client(run.port());
  const auto head = [&](const char* path) {
    client.send(fmt::format("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    return client.answer(true);
  };
  for (const char* path : {"/", "/health", "/v1/models", "/v1/models/nano", "/v1/models/none", "/none"}) {
    const test::HttpAnswer without = head(path);
    const test::HttpAnswer with = client.ask(get(path));  // a body before it would be taken for its status
    EXPECT_NE(with.body, "") << path;
    EXPECT_EQ(without.status, with.status) << path;
    for (const char* name : {"Content-Length", "Content-Type", "Content-Security-Policy", "Cache-Control"})
      EXPECT_EQ(SocketRun::field(without, name), SocketRun::field(with, name)) << path << " " << name;
  }
  EXPECT_EQ(head("/metrics").status, 200);
  const test::HttpAnswer refused = head("/v1/chat/completions");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(SocketRun::field(refused, "Allow"), "POST");
  const test::HttpAnswer posted = client.ask(post("/v1/models", ""));
  EXPECT_EQ(posted.status, 405);
  EXPECT_EQ(SocketRun::field(posted, "Allow"), "GET, HEAD");
  EXPECT_TRUE(run.log().line_with("HEAD /health 200 ").starts_with("HEAD /health 200 0+0 tokens "));
  EXPECT_NE(run.metrics().find(R"({path="/health",status="200"} 2)"), std::string::npos);
}

TEST(ServiceOverHttp, RefusalsAreNamedLoggedAndCounted) {
  HttpLimits limits;
  limits.header_seconds = 0.3;
  limits.bodies = 1000;
  limits.request_line = 100;
  SocketRun run(limits);
  const std::string chat = "/v1/chat/completions";
  struct Case {
    std::string bytes, logged, cause;
    int status;
    std::string path;  // in the counts
  };
  const std::vector<Case> cases{
      {"nonsense\r\n", "- - 400", "malformed HTTP request", 400, "other"},
      {"GET /" + std::string(200, 'a'), "- - 414", "the request line has over 100 bytes", 414, "other"},
      {"GET /a/secret?b HTTP/1.1\r\n\r\n", "GET /a/secret 400", "expected one Host header field", 400,
       "other"},
      {"HEAD /health HTTP/1.1\r\nHo", "HEAD /health 408", "the request's header did not come", 408,
       "/health"},
      {post(chat, "", "Transfer-Encoding: gzip\r\n"), "POST " + chat + " 400",
       "malformed HTTP request: bad Transfer-Encoding", 400, chat},
      {"POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", "POST /tokenize 413",
       "the body has over 20971520 bytes", 413, "/tokenize"},
      {get("/", "Transfer-Encoding: gzip\r\n"), "GET / 501", "this Transfer-Encoding is not known", 501, "/"},
      {get("/", "Expect: magic\r\n"), "GET / 417", "this Expect is not known", 417, "/"},
      {post(chat, std::string(2000, ' ')), "POST " + chat + " 503", "too many large requests at once", 503,
       chat},
  };
  for (const Case& wrong : cases) {
    HttpClient client(run.port());
    client.send(wrong.bytes);
    const test::HttpAnswer answer = client.answer(wrong.bytes.starts_with("HEAD"));
    EXPECT_EQ(answer.status, wrong.status) << wrong.bytes;
    EXPECT_EQ(client.rest(), "");
    EXPECT_EQ(SocketRun::field(answer, "Retry-After"), wrong.status == 503 ? "1" : "");
    const std::string id = SocketRun::field(answer, "x-request-id");
    ASSERT_TRUE(id.starts_with("req_") && id.size() == 28) << answer.head;
    const std::string line = run.log().line_with(id);
    EXPECT_TRUE(line.starts_with(wrong.logged + " 0+0 tokens ")) << line;
    EXPECT_NE(line.find(fmt::format(" ms {}: {}", id, wrong.cause)), std::string::npos) << line;
    if (!answer.body.empty()) {
      const Json error = Json::parse(answer.body)["error"];
      EXPECT_EQ(error["type"], wrong.status < 500 ? "invalid_request_error" : "server_error");
      EXPECT_TRUE(error["message"].get<std::string>().starts_with(wrong.cause)) << answer.body;
    }
  }
  const std::string metrics = run.metrics();
  for (const Case& wrong : cases) {
    const std::string count = fmt::format("{{path=\"{}\",status=\"{}\"}} ", wrong.path, wrong.status);
    EXPECT_NE(metrics.find(count), std::string::npos) << count;
  }
  EXPECT_NE(metrics.find(R"({path="other",status="400"} 2)"), std::string::npos);
  EXPECT_EQ(metrics.find("secret"), std::string::npos);
}

TEST(ServiceOverHttp, SoAreThoseWhoFindNoRoom) {
  HttpLimits limits;
  limits.connections = 1;
  SocketRun run(limits);
  HttpClient first(run.port());
  EXPECT_EQ(first.ask(get("/health")).status, 200);
  const test::HttpAnswer answer = HttpClient(run.port()).answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(run.log().line_with(SocketRun::field(answer, "x-request-id")).starts_with("- - 503 "));
  EXPECT_NE(first.ask(get("/metrics")).body.find(R"({path="other",status="503"} 1)"), std::string::npos);
}

}  // namespace
}  // namespace artemis

// What one client may take of the service that all share.
#include <future>

#include "http_client.h"
#include "serve/service_fixture.h"
#include "support/http_server.h"

namespace artemis {
namespace {

using test::question;
using test::seconds_since;
using test::ServiceRun;

HttpRequest chat_request(const Json& body) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/chat/completions";
  request.body = body.dump();
  return request;
}

TEST(ServiceLimits, TokensOfAText) {
  ServiceRun run;
  const std::int64_t most = run.ask("GET", "/v1/models")->json()["data"][0]["max_model_len"];
  const auto text_of = [&](std::int64_t tokens) {
    const std::vector<int> ids(static_cast<std::size_t>(tokens), 50);
    return run.ask("POST", "/detokenize", Json({{"tokens", ids}}).dump());
  };
  EXPECT_EQ(text_of(most)->status(), 200);
  const auto refused = text_of(most + 1);
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(refused->json()["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(refused->json()["error"]["param"], "tokens");
}

// Two pictures from another server, which sends each after a while.
class SlowPictures {
 public:
  explicit SlowPictures(std::function<void()> asked = [] {}) : asked_(std::move(asked)) {
    const std::string server = server_.url("");
    options.fetching.hosts = {server.substr(server.find("//") + 2)};
    options.fetching.private_addresses = true;
    request = question("What?");
    const Json part = {{"type", "image_url"}, {"image_url", {{"url", server_.url("/cup.png")}}}};
    request["messages"][0]["content"] = Json::array({part, part});
  }
  std::size_t asked() const { return server_.requests().size(); }

  ServiceOptions options;
  Json request;
  std::chrono::milliseconds pause{500};

 private:
  const std::string picture_ = read_file(std::string(ARTEMIS_GOLDEN_DIR) + "/model/images/cup.png");
  std::function<void()> asked_;
  test::HttpServer server_{{}, [this](const std::string&, int) {
                             asked_();
                             std::this_thread::sleep_for(pause);
                             return test::HttpServer::response(200, "", picture_);
                           }};
};

TEST(ServiceLimits, PicturesOfARequestShareTheirTime) {
  SlowPictures pictures;
  EXPECT_EQ(ServiceRun(pictures.options).chat(pictures.request)->status(), 200);
  pictures.options.fetching.seconds = 0.9;
  const auto refused = ServiceRun(pictures.options).chat(pictures.request);
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(refused->json()["error"]["message"], "the picture did not come in time");
  EXPECT_EQ(refused->json()["error"]["param"], "messages[0].content[1].image_url.url");
}

TEST(ServiceLimits, TheDeadlineHoldsWhilePicturesCome) {
  SlowPictures pictures;
  pictures.options.request_seconds = 0.1;
  pictures.pause = std::chrono::milliseconds(1500);
  ServiceRun run(pictures.options);
  const auto start = test::Clock::now();
  const auto late = run.chat(pictures.request);
  EXPECT_LT(seconds_since(start), 1);
  EXPECT_EQ(late->status(), 504);
  EXPECT_EQ(late->json()["error"]["code"], "timeout");
}

TEST(ServiceLimits, WhatWaitedTooLongIsNotBegun) {
  SlowPictures pictures;
  ServiceRun run(pictures.options);
  HttpRequest request = chat_request(pictures.request);
  request.came -= std::chrono::seconds(601);
  const auto exchange = std::make_shared<test::KeptExchange>(std::move(request));
  run.service().handle(exchange);
  ASSERT_TRUE(exchange->wait());
  EXPECT_EQ(exchange->status(), 504);
  EXPECT_EQ(pictures.asked(), 0u);
}

TEST(ServiceLimits, NoPictureForAClientThatLeft) {
  std::shared_ptr<test::KeptExchange> exchange;
  SlowPictures pictures([&exchange] { exchange->hang_up(); });
  ServiceRun run(pictures.options);
  exchange = std::make_shared<test::KeptExchange>(chat_request(pictures.request));
  run.service().handle(exchange);
  EXPECT_EQ(pictures.asked(), 1u);
  EXPECT_EQ(exchange->status(), 499);  // for the counts; no client takes it
}

TEST(ServiceLimits, BodiesAreReadOnlyWhereTheyMatter) {
  ServiceOptions options;
  options.api_keys = {"secret"};
  options.sites.check_host = true;
  ServiceRun run(options);
  const auto wanted = [&](const char* method, const char* path, const char* authorization, const char* host,
                          const char* type = "application/json") {
    HttpRequest head;
    head.method = method;
    head.path = path;
    head.headers = {{"Authorization", authorization}, {"Host", host}, {"Content-Type", type}};
    return run.service().wants_body(head);
  };
  EXPECT_TRUE(wanted("POST", "/v1/chat/completions", "Bearer secret", "localhost"));
  EXPECT_FALSE(wanted("POST", "/v1/chat/completions", "Bearer wrong", "localhost"));
  EXPECT_FALSE(wanted("POST", "/v1/chat/completions", "", "localhost"));
  EXPECT_FALSE(wanted("POST", "/v1/chat/completions", "Bearer secret", "evil.example"));
  EXPECT_FALSE(wanted("POST", "/v1/chat/completions", "Bearer secret", "localhost", "text/plain"));
  EXPECT_FALSE(wanted("POST", "/none", "Bearer secret", "localhost"));
  EXPECT_FALSE(wanted("GET", "/v1/models", "Bearer secret", "localhost"));
  EXPECT_FALSE(wanted("GET", "/health", "", "localhost"));
}

TEST(ServiceLimits, AClientIsItsKeyHoweverItIsSent) {
  ServiceOptions options;
  options.api_keys = {"one", "two"};
  EngineOptions engine;
  engine.max_sequences = 2;
  ServiceRun run(options, engine);
  const auto start = [&](const char* authorization, int tokens) {
    const Json body = question("Go on.", {{"max_tokens", tokens}, {"ignore_eos", true}});
    return run.start("POST", "/v1/chat/completions", body.dump(), {{"Authorization", authorization}});
  };
  const auto endless = start("Bearer one", 1800);
  const auto short_one = start("Bearer one", 300);
  const auto next_of_one = start("BEARER one", 600);
  const auto of_two = start("Bearer two", 5);
  ASSERT_TRUE(of_two->wait());  // the place of the short one is that of who has nothing under way
  EXPECT_EQ(of_two->status(), 200);
  EXPECT_FALSE(next_of_one->has_ended());
  for (const auto& exchange : {endless, next_of_one}) exchange->hang_up();
}

// Its answer takes as long to be sent as the test wants.
class HeldExchange : public test::KeptExchange {
 public:
  using KeptExchange::KeptExchange;
  void send(int status, std::string_view content_type, std::string body,
            const HttpHeaders& headers) override {
    reached.set_value();
    go_on.get_future().wait();
    KeptExchange::send(status, content_type, std::move(body), headers);
  }

  std::promise<void> reached, go_on;
};

TEST(ServiceLimits, AWholeAnswerKeepsNoStreamWaiting) {
  ServiceRun run;
  const auto whole = std::make_shared<HeldExchange>(chat_request(question("Hi", {{"max_tokens", 3}})));
  run.service().handle(whole);
  whole->reached.get_future().wait();
  EXPECT_EQ(run.chat(question("Hi", {{"stream", true}, {"max_tokens", 3}}))->status(), 200);
  whole->go_on.set_value();
  EXPECT_TRUE(whole->wait());
}

}  // namespace
}  // namespace artemis

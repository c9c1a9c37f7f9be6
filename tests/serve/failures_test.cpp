// What the server itself does wrong ends the one call it befell, or all of them, and is said in the log.
#include <future>

#include "serve/service_fixture.h"

namespace artemis {
namespace {

using test::KeptExchange;
using test::Log;
using test::question;
using test::ServiceRun;

// Fails at the second piece.
class FailingExchange : public KeptExchange {
 public:
  using KeptExchange::KeptExchange;
  void write(std::string chunk) override {
    if (++pieces_ == 2) throw std::runtime_error("no room\nfor more");
    KeptExchange::write(std::move(chunk));
  }

 private:
  int pieces_ = 0;
};

TEST(Failures, OneThatNobodyForesawEndsItsCallAlone) {
  Log log;
  ServiceOptions options;
  options.log = log.sink();
  ServiceRun run(options);
  const Json endless = question("Go on.", {{"stream", true}, {"max_tokens", 1500}, {"ignore_eos", true}});
  HttpRequest request;
  request.method = "POST";
  request.path = "/v1/chat/completions";
  request.body = endless.dump();
  run.service().handle(std::make_shared<FailingExchange>(std::move(request)));
  const std::string line = log.line_with("no room");
  EXPECT_TRUE(line.starts_with("POST /v1/chat/completions 500 ")) << line;
  EXPECT_TRUE(line.ends_with(": no room?for more")) << line;

  EXPECT_EQ(run.chat(question("Hi", {{"max_tokens", 3}}))->status(), 200);
  run.engine().drain();  // in time only where the failed answer was given up
  EXPECT_EQ(run.engine().counters().cancelled, 1u);
  const auto metrics = run.ask("GET", "/metrics");
  EXPECT_NE(metrics->body().find(R"({path="/v1/chat/completions",status="500"} 1)"), std::string::npos);
}

TEST(Failures, ABrokenEngineSaysSo) {
  Log log;
  ServiceOptions options;
  options.log = log.sink();
  ServiceRun run(options);
  const auto under_way = run.start("POST", "/v1/chat/completions",
                                   question("Go on.", {{"max_tokens", 1500}, {"ignore_eos", true}}).dump());
  EngineRequest breaking{.prompt = {50, 41, 42}};
  breaking.options.ignore_eos = true;
  std::promise<std::string> ended;
  run.engine().submit(std::move(breaking),
                      {.on_piece = [](const AnswerPiece&) { throw std::runtime_error("a device is lost"); },
                       .on_end = [&](const GenerateResult& result) { ended.set_value(result.error); }});
  EXPECT_EQ(ended.get_future().get(), "a device is lost");

  ASSERT_TRUE(under_way->wait());
  EXPECT_EQ(under_way->status(), 500);
  EXPECT_EQ(under_way->json()["error"]["code"], "engine_failure");
  EXPECT_EQ(under_way->body().find("device"), std::string::npos);
  EXPECT_NE(log.line_with("chat/completions 500 ").find(": a device is lost"), std::string::npos);

  const auto later = run.chat(question("Hi"));
  EXPECT_EQ(later->status(), 503);
  EXPECT_EQ(later->json()["error"]["code"], "engine_failure");
  EXPECT_NE(log.line_with("chat/completions 503 ").find("a device is lost"), std::string::npos);
  const auto health = run.ask("GET", "/health");
  EXPECT_EQ(health->status(), 503);
  EXPECT_EQ(health->json()["status"], "failed");
  EXPECT_EQ(run.ask("GET", "/v1/models")->status(), 200);
}

}  // namespace
}  // namespace artemis

// What one client may take of the service that all share.
#include "serve/service_fixture.h"

namespace artemis {
namespace {

using test::ServiceRun;

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

}  // namespace
}  // namespace artemis

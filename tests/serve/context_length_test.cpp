// What is named where a prompt is longer than the model's context.
#include "service_fixture.h"

namespace artemis::test {
namespace {

TEST(ContextLength, TheParameterThatIsTooLongIsNamed) {
  ServiceRun run;
  const auto param = [&](const std::string& path, const Json& body) -> std::string {
    const auto answer = run.ask("POST", path, body.dump());
    EXPECT_EQ(answer->status(), 400);
    const Json error = answer->json()["error"];
    EXPECT_EQ(error["code"], "context_length_exceeded");
    return error["param"];
  };
  const std::string endless(4 << 20, 'a');
  EXPECT_EQ(param("/v1/chat/completions", question(endless)), "messages");
  EXPECT_EQ(param("/v1/chat/completions", question("Hi", {{"max_tokens", 1 << 20}})), "messages");
  EXPECT_EQ(param("/v1/completions", {{"model", "nano"}, {"prompt", endless}}), "prompt");
  EXPECT_EQ(param("/v1/completions", {{"model", "nano"}, {"prompt", "Hi"}, {"max_tokens", 1 << 20}}),
            "prompt");
  EXPECT_EQ(param("/tokenize", {{"model", "nano"}, {"prompt", endless}}), "prompt");
}

}  // namespace
}  // namespace artemis::test

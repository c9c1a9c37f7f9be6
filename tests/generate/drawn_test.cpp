// Generation that draws its tokens, on the device that the tests are for.
#include <set>

#include "artemis/generate/generator.h"
#include "artemis/model/load.h"
#include "support/device.h"
#include "support/golden.h"

namespace artemis {
namespace {

class DrawnGeneration : public testing::Test {
 protected:
  std::vector<std::vector<std::int32_t>> ids(const std::vector<GenerateRequest>& requests) {
    std::vector<std::vector<std::int32_t>> all;
    for (GenerateResult& result :
         generate_batch(ctx_, model_, config_, processor_.tokenizer(), requests, options_))
      all.push_back(std::move(result.ids));
    return all;
  }

  std::filesystem::path checkpoint_ = golden::model_root() / "base" / "checkpoint";
  Context ctx_{test_device(), 2};
  GraftConfig config_ = read_graft_config(checkpoint_);
  Processor processor_ = Processor::load(checkpoint_, config_);
  CheckpointReader reader_ = CheckpointReader::open(checkpoint_);
  Graft model_ = load_graft(ctx_, reader_, config_, DType::f32);
  GenerateOptions options_{
      .max_new_tokens = 24, .sampling = {}, .stop = {}, .end_tokens = {}, .ignore_eos = true};
  std::vector<GenerateRequest> requests_ = {
      {{7, 40, 101, 40, 300}, {}}, {{12}, {}}, {{5, 6, 7, 8, 9, 10, 11}, {}}};
};

// Such a penalty leaves a token that has been seen behind every other of a positive logit.
TEST_F(DrawnGeneration, APenaltyKnowsThePromptAndTheAnswerOfItsOwnConversation) {
  options_.sampling.repetition_penalty = 1e9f;
  const auto answers = ids(requests_);
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    std::set<std::int32_t> seen(requests_[i].prompt.begin(), requests_[i].prompt.end());
    for (const std::int32_t id : answers[i]) EXPECT_TRUE(seen.insert(id).second) << i << ": " << id;
  }
  options_.sampling.repetition_penalty = 1.0f;
  EXPECT_NE(ids(requests_), answers);
}

TEST_F(DrawnGeneration, SideBySideAsAlone) {
  options_.sampling = {
      .temperature = 1.2f, .top_k = 200, .top_p = 0.95f, .repetition_penalty = 1.3f, .seed = 3};
  const auto together = ids(requests_);
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    EXPECT_EQ(ids({requests_[i]}).front(), together[i]) << i;
  }
  options_.sampling.seed = 4;
  EXPECT_NE(ids(requests_), together);
}

}  // namespace
}  // namespace artemis

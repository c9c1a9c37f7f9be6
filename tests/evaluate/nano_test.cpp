// The models of lab/models do what they are there for: on scenes drawn anew with a seed of this test's own.
#include "artemis/evaluate/grounding.h"
#include "artemis/evaluate/scenes_eval.h"
#include "artemis/evaluate/text_regression.h"
#include "artemis/io/atomic_file.h"
#include "artemis/lab/rows.h"
#include "loaded.h"
#include "support/files.h"

namespace artemis {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::int64_t scenes = 32;
#else
constexpr std::int64_t scenes = 128;
#endif

const std::filesystem::path models = std::filesystem::path(ARTEMIS_SOURCE_DIR) / "lab/models";

class Nano : public testing::Test {
 protected:
  std::vector<std::string> shards(const std::string& set) {
    lab::ShardOptions options;
    options.directory = folder_.path() / set;
    options.set = set;
    options.count = scenes;
    options.seed = 20261125;
    lab::write_shards(ctx_.pool(), options, [](std::int64_t) {});
    return {options.directory.string()};
  }

  static double share(std::int64_t right, std::int64_t asked) {
    return static_cast<double>(right) / static_cast<double>(asked);
  }

  lab::Grade grade(const std::string& set) { return evaluate_scenes(nano_.subject, shards(set), {}).grade; }

  test::TemporaryFolder folder_;
  Context ctx_{Device{}, 0};
  Loaded nano_{ctx_, models / "nano-vlm"};
};

// The shares that Stage 1 must reach.
TEST_F(Nano, NamesWhatItSees) {
  const lab::Grade validation = grade("validation");
  EXPECT_GE(share(validation.pairs, validation.objects), 0.90);
  EXPECT_GE(share(validation.counts, validation.captions), 0.93);
  const lab::Grade backgrounds = grade("unseen-backgrounds");
  EXPECT_GE(share(backgrounds.pairs, backgrounds.objects), 0.88);
  const lab::Grade counts = grade("unseen-counts");
  EXPECT_GE(share(counts.pairs, counts.objects), 0.88);
  const lab::Grade pairs = grade("unseen-pairs");
  EXPECT_GE(share(pairs.pairs, pairs.objects), 0.70);
  EXPECT_EQ(pairs.unseen_objects, scenes);
}

TEST_F(Nano, LooksAtThePicture) {
  const GroundingFigures figures = evaluate_grounding(nano_.subject, shards("validation"), 1, {});
  EXPECT_GE(figures.under_shuffled(), 0.90);
  EXPECT_GE(figures.under_none(), 0.75);
}

TEST_F(Nano, TextPathIsTheDecodersToTheBit) {
  std::string lines;
  for (std::uint64_t i = 0; i < 32; ++i)
    lines += Json{{"messages", lab::text_row(20261125, i)}}.dump() + "\n";
  const std::filesystem::path rows = folder_.write("text.jsonl", lines);
  const Loaded bare(ctx_, models / "nano-text");
  const TextFigures figures = evaluate_text(nano_.subject, bare.subject, {rows.string()}, {});
  EXPECT_TRUE(figures.identical());
  EXPECT_EQ(figures.rows, 32);
}

}  // namespace
}  // namespace artemis

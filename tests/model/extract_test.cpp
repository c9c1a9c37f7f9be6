// A graft taken apart gives the models it was made from.
#include "artemis/model/extract.h"

#include "artemis/io/checkpoint.h"
#include "artemis/model/assemble.h"
#include "support/files.h"
#include "support/golden.h"

namespace artemis {
namespace {

using test::TemporaryFolder;

const std::filesystem::path inputs = golden::model_root() / "graft";

void expect_same_weights(const std::filesystem::path& one, const std::filesystem::path& other) {
  const CheckpointReader ours = CheckpointReader::open(one);
  const CheckpointReader theirs = CheckpointReader::open(other);
  for (const std::string& name : ours.names()) {
    ASSERT_TRUE(theirs.contains(name)) << name;
    EXPECT_TRUE(std::ranges::equal(ours.entry(name).bytes(), theirs.entry(name).bytes())) << name;
  }
}

TEST(Extract, TowerAndDecoderComeBackByteForByte) {
  const TemporaryFolder folder;
  const std::filesystem::path graft = folder.path() / "graft";
  assemble_graft(inputs / "text", inputs / "vision", graft, {});
  extract_part(graft, Part::tower, folder.path() / "tower");
  extract_part(graft, Part::decoder, folder.path() / "decoder");
  expect_same_weights(folder.path() / "tower", inputs / "vision");
  expect_same_weights(folder.path() / "decoder", inputs / "text");
  assemble_graft(folder.path() / "decoder", folder.path() / "tower", folder.path() / "again", {});
  expect_same_weights(folder.path() / "again", graft);
  EXPECT_EQ(CheckpointReader::open(folder.path() / "again").names().size(),
            CheckpointReader::open(graft).names().size());
}

TEST(Extract, RefusesWhatHasNoParts) {
  const TemporaryFolder folder;
  EXPECT_THROW(extract_part(inputs / "text", Part::tower, folder.path() / "x"), Error);
  assemble_graft(inputs / "text", inputs / "vision", folder.path() / "graft", {});
  EXPECT_THROW(extract_part(folder.path() / "graft", Part::projector, folder.path() / "x"), UsageError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "x"));
}

}  // namespace
}  // namespace artemis

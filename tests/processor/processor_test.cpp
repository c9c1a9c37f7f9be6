// Messages and pictures to ids and patches: counts that do not match, messages that are malformed.
#include "artemis/processor/processor.h"

#include "artemis/io/atomic_file.h"
#include "support/golden.h"

namespace artemis {
namespace {

std::string error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

class ProcessorTest : public testing::Test {
 protected:
  PictureBatch pictures(std::initializer_list<const char*> names) {
    std::vector<PictureFile> files;
    for (const char* name : names) {
      const std::filesystem::path file = golden::model_root() / "images" / name;
      files.push_back({read_file(file), file.string()});
    }
    return processor_.preprocess(files, pool_);
  }

  std::filesystem::path checkpoint_ = golden::model_root() / "base" / "checkpoint";
  GraftConfig config_ = read_graft_config(checkpoint_);
  Processor processor_ = Processor::load(checkpoint_, config_);
  ThreadPool pool_{1};
};

TEST_F(ProcessorTest, EachPlaceGrowsToItsPicturesTokens) {
  const PictureBatch batch = pictures({"face.png", "cat.png"});
  const std::vector<std::int32_t> ids = processor_.encode("<|image_pad|> then <|image_pad|><|image_pad|>x",
                                                          pictures({"face.png", "cat.png", "cup.png"}), true);
  std::int64_t expected = 0;
  for (const auto& [t, h, w] : pictures({"face.png", "cat.png", "cup.png"}).grid_thw)
    expected += t * h * w / 4;
  EXPECT_EQ(std::ranges::count(ids, config_.image_token_id), expected);
  EXPECT_EQ(batch.grid_thw.size(), 2u);
}

TEST_F(ProcessorTest, MismatchSaysBothCounts) {
  const PictureBatch one = pictures({"face.png"});
  EXPECT_NE(error_of([&] {
              processor_.encode("<|image_pad|><|image_pad|>", one, true);
            }).find("2 places for a picture, 1 was given"),
            std::string::npos);
  EXPECT_NE(
      error_of([&] { processor_.encode("no place", one, true); }).find("0 places for a picture, 1 was given"),
      std::string::npos);
  EXPECT_NE(error_of([&] {
              processor_.encode("<|image_pad|>", {}, true);
            }).find("1 place for a picture, 0 were given"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { processor_.encode("no place", one, false); }), "no error");
}

TEST_F(ProcessorTest, ABadPictureIsNamed) {
  const std::vector<PictureFile> files = {{"no picture at all", "broken.jpg"}};
  EXPECT_NE(error_of([&] { processor_.preprocess(files, pool_); }).find("broken.jpg"), std::string::npos);
}

TEST_F(ProcessorTest, ATextModelTakesNoPictures) {
  const std::filesystem::path text = golden::model_root() / "graft" / "text";
  const Processor processor = Processor::load(text, read_graft_config(text));
  const std::vector<PictureFile> files = {{"", "x.jpg"}};
  EXPECT_NE(error_of([&] { processor.preprocess(files, pool_); }).find("text model"), std::string::npos);
}

TEST_F(ProcessorTest, TheTokenizersImageTokenMustBeTheConfigs) {
  GraftConfig config = config_;
  config.image_token_id = 23;
  EXPECT_NE(error_of([&] { Processor::load(checkpoint_, config); }).find("has id 22, config.json says 23"),
            std::string::npos);
}

TEST(CheckMessages, RefusesWhatIsNoConversation) {
  const std::vector<std::pair<Json, const char*>> cases = {
      {Json::object(), "expected a list of messages, found object"},
      {Json::array(), "found an empty one"},
      {Json::parse(R"(["hello"])"), "message 0 is no object"},
      {Json::parse(R"([{"content": "x"}])"), "message 0 is no object with a 'role'"},
      {Json::parse(R"([{"role": "user", "content": "x"}, {"role": 3}])"), "message 1"},
      {Json::parse(R"([{"role": "user", "content": [{"text": "x"}]}])"), "content part without a 'type'"},
  };
  for (const auto& [json, expected] : cases) {
    const std::string message = error_of([&] { check_messages(json, "chat.json"); });
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  }
  EXPECT_EQ(error_of([] { check_messages(Json::parse(R"([{"role": "user", "content": null}])"), "x"); }),
            "no error");
}

}  // namespace
}  // namespace artemis

#include "artemis/image/processor_config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "artemis/core/error.h"
#include "artemis/image/preprocess.h"

namespace artemis {
namespace {

PreprocessorConfig parse(std::string_view text) {
  return parse_preprocessor_config(parse_json(text, "test"), {}, "test");
}

std::string refusal(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ProcessorConfig, DefaultsAreTheReferences) {
  const PreprocessorConfig config = load_preprocessor_config("/nonexistent", {14, 1, 3});
  EXPECT_EQ(config.sizes, (PatchSizes{14, 1, 3}));
  EXPECT_EQ(config.factor(), 42);
  EXPECT_EQ(config.min_pixels, 1024);
  EXPECT_EQ(config.max_pixels, 262144);
  EXPECT_EQ(config.mean[0], 0.48145466);
}

TEST(ProcessorConfig, AFileInTheDirectoryWins) {
  const auto directory = std::filesystem::path(testing::TempDir()) / "artemis_processor_config";
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "preprocessor_config.json")
      << R"({"size": {"shortest_edge": 65536, "longest_edge": 16777216}, "image_mean": 0.5, "image_std": [0.5, 0.5, 0.5]})";
  const PreprocessorConfig config = load_preprocessor_config(directory, {});
  std::filesystem::remove_all(directory);
  EXPECT_EQ(config.min_pixels, 65536);
  EXPECT_EQ(config.max_pixels, 16777216);
  EXPECT_EQ(config.mean, (std::array{0.5, 0.5, 0.5}));
  EXPECT_EQ(config.deviation, (std::array{0.5, 0.5, 0.5}));
}

TEST(ProcessorConfig, PixelKeysPrecedeSize) {
  const PreprocessorConfig config =
      parse(R"({"size": {"shortest_edge": 1, "longest_edge": 2}, "min_pixels": 3, "max_pixels": 4})");
  EXPECT_EQ(config.min_pixels, 3);
  EXPECT_EQ(config.max_pixels, 4);
}

TEST(ProcessorConfig, RescaleAndNormaliseCanBeOff) {
  EXPECT_EQ(normalisation_table(parse(R"({"do_normalize": false})"))[1][51],
            51 * static_cast<float>(1.0 / 255));
  EXPECT_EQ(normalisation_table(parse(R"({"do_normalize": false, "do_rescale": false})"))[2][7], 7.0f);
  const auto unscaled = parse(R"({"do_rescale": false, "image_mean": 100, "image_std": 50})");
  EXPECT_EQ(normalisation_table(unscaled)[0][200], 2.0f);
}

TEST(ProcessorConfig, RefusesWhatItCannotDo) {
  EXPECT_EQ(refusal(R"({"patch_size": 14})"),
            "[test] key 'patch_size' is 14, expected 16 as the model's vision_config has it");
  EXPECT_EQ(refusal(R"({"resample": 2})"), "[test] key 'resample': expected 3 (bicubic)");
  EXPECT_EQ(refusal(R"({"min_pixels": 0})"), "[test] key 'min_pixels' is 0, expected 1 to 1099511627776");
  EXPECT_EQ(refusal(R"({"image_std": [1, 0, 1]})"),
            "[test] key 'image_std' holds 0, expected positive numbers");
  EXPECT_EQ(refusal(R"({"image_mean": [1, 2]})"),
            "[test] key 'image_mean': expected a number or a list of 3");
  EXPECT_EQ(refusal(R"({"image_mean": [1, 2, "x"]})"), "[test] key 'image_mean': element 2 is not a number");
  EXPECT_EQ(refusal(R"({"rescale_factor": 0})"),
            "[test] key 'rescale_factor' is 0, expected a positive number");
  EXPECT_EQ(refusal(R"({"do_resize": 1})"), "[test] key 'do_resize' is number, expected true or false");
  EXPECT_EQ(refusal(R"({"do_convert_rgb": false})"), "[test] key 'do_convert_rgb': expected true");
  EXPECT_EQ(refusal("[]"), "[test] expected a JSON object, found array");
  EXPECT_EQ(refusal(R"({"image_processor_type": "PixtralImageProcessor"})"),
            "[test] key 'image_processor_type' is 'PixtralImageProcessor', expected Qwen2VLImageProcessor or "
            "Qwen2VLImageProcessorFast");
}

TEST(ProcessorConfig, WithoutResizingSidesMustFit) {
  PreprocessorConfig config;
  config.do_resize = false;
  ThreadPool pool(1);
  const std::array names = {std::string("a"), std::string("b")};
  const std::array pictures = {Tensor::zeros(DType::u8, {64, 32, 3}), Tensor::zeros(DType::u8, {33, 32, 3})};
  const PatchedImages out =
      preprocess_pixels(std::span(pictures).first(1), std::span(names).first(1), config, pool);
  EXPECT_EQ(out.grid_thw[0], (std::array<std::int64_t, 3>{1, 4, 2}));
  try {
    preprocess_pixels(pictures, names, config, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "[b] picture of 32x33 pixels, expected multiples of 32 because do_resize is false");
  }
}

}  // namespace
}  // namespace artemis

// The pictures of tests/golden/image against what the reference made of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "artemis/image/orientation.h"
#include "artemis/image/preprocess.h"
#include "artemis/io/json.h"
#include "files.h"

namespace artemis {
namespace {

constexpr std::int64_t merge = 2;
constexpr std::int64_t patch = 16;
constexpr std::int64_t temporal = 2;
constexpr std::int64_t area = patch * patch;

const Json& golden() {
  static const Json json = read_json(golden_root() / "cases.json");
  return json;
}

PreprocessorConfig config_of(const Json& entry) {
  PreprocessorConfig config;
  config.min_pixels = entry["min_pixels"].get<std::int64_t>();
  config.max_pixels = entry["max_pixels"].get<std::int64_t>();
  return config;
}

PatchedImages run(const std::string& source, const PreprocessorConfig& config, int threads = 1) {
  const std::string file = read_file(golden_root() / "sources" / source);
  const std::array images = {EncodedImage{as_bytes(file), source}};
  ThreadPool pool(threads);
  return preprocess(images, config, pool);
}

// The level that a normalised value came from; -1 when it is none of the 256.
int level_of(float value, const std::array<float, 256>& table) {
  const auto found = std::lower_bound(table.begin(), table.end(), value);
  return found != table.end() && *found == value ? static_cast<int>(found - table.begin()) : -1;
}

struct Comparison {
  std::int64_t values = 0;
  std::int64_t equal = 0;
  int largest = 0;
};

// Compares patch rows with the resized picture that the reference saw, in 8-bit levels.
void compare(const PatchedImages& ours, const Tensor& expected, Comparison& sum) {
  const auto table = normalisation_table({});
  const std::uint8_t* reference = expected.data<std::uint8_t>();
  const float* row = ours.pixel_values.data<float>();
  const std::int64_t grid_h = ours.grid_thw[0][1];
  const std::int64_t grid_w = ours.grid_thw[0][2];
  for (std::int64_t p = 0; p < grid_h * grid_w; ++p) {
    const std::int64_t block = p / (merge * merge);
    const std::int64_t top = (block / (grid_w / merge) * merge + p / merge % merge) * patch;
    const std::int64_t left = (block % (grid_w / merge) * merge + p % merge) * patch;
    for (std::int64_t column = 0; column < 3 * temporal * area; ++column, ++row) {
      const std::int64_t channel = column / (temporal * area);
      const std::int64_t y = top + column % area / patch;
      const std::int64_t x = left + column % patch;
      const int level = level_of(*row, table[static_cast<std::size_t>(channel)]);
      ASSERT_GE(level, 0);
      const int gap = std::abs(level - reference[(y * grid_w * patch + x) * 3 + channel]);
      ++sum.values;
      sum.equal += gap == 0;
      sum.largest = std::max(sum.largest, gap);
    }
  }
}

TEST(ImageGolden, NormalisationIsTheReferencesToTheBit) {
  const std::string file = read_file(golden_root() / "normalised.f32");
  const auto table = normalisation_table({});
  ASSERT_EQ(file.size(), sizeof(table));
  EXPECT_EQ(std::memcmp(file.data(), &table, sizeof(table)), 0);
}

TEST(ImageGolden, DecodedPixelsModesAndOrientation) {
  for (const Json& entry : golden()["cases"]) {
    const auto source = entry["source"].get<std::string>();
    SCOPED_TRACE(source);
    const std::string file = read_file(golden_root() / "sources" / source);
    const Image image = decode(as_bytes(file), source);
    EXPECT_EQ(image.mode, entry["mode"].get<std::string>());
    EXPECT_EQ(image.width(), entry["width"].get<std::int64_t>());
    EXPECT_EQ(image.height(), entry["height"].get<std::int64_t>());
    EXPECT_EQ(crc_of(image.pixels), entry["decoded_crc"].get<std::uint32_t>());
    const Image upright = decode(as_bytes(file), source, {.apply_orientation = true});
    EXPECT_EQ(upright.width(), entry["upright_width"].get<std::int64_t>());
    EXPECT_EQ(crc_of(upright.pixels), entry["upright_crc"].get<std::uint32_t>());
  }
}

TEST(ImageGolden, PixelValuesAndGrids) {
  Comparison sum;
  int identical = 0;
  const auto count = static_cast<int>(golden()["cases"].size());
  ASSERT_GE(count, 48);
  for (const Json& entry : golden()["cases"]) {
    const auto source = entry["source"].get<std::string>();
    SCOPED_TRACE(source);
    const PatchedImages ours = run(source, config_of(entry));
    const auto grid = entry["grid"].get<std::array<std::int64_t, 3>>();
    ASSERT_EQ(ours.grid_thw, std::vector{grid});
    const std::string file = read_file(golden_root() / "expected" / entry["expected"].get<std::string>());
    const Image expected = decode(as_bytes(file), source);
    ASSERT_EQ(expected.height(), grid[1] * patch);
    ASSERT_EQ(expected.width(), grid[2] * patch);
    Comparison one;
    compare(ours, expected.pixels, one);
    EXPECT_GE(static_cast<double>(one.equal), 0.999 * static_cast<double>(one.values));
    EXPECT_LE(one.largest, 1);
    identical += crc_of(ours.pixel_values) == entry["values_crc"].get<std::uint32_t>();
    sum.values += one.values;
    sum.equal += one.equal;
    sum.largest = std::max(sum.largest, one.largest);
  }
  std::printf(
      "pixel_values: %lld of %lld equal, largest difference %d levels; %d of %d cases equal to the bit\n",
      static_cast<long long>(sum.equal), static_cast<long long>(sum.values), sum.largest, identical, count);
  EXPECT_EQ(identical, count);
}

TEST(ImageGolden, AWrittenConfigWins) {
  const Json& entry = golden()["config"];
  const PreprocessorConfig config = parse_preprocessor_config(entry["json"], {}, "test");
  const PatchedImages ours = run(entry["source"].get<std::string>(), config);
  EXPECT_EQ(ours.grid_thw[0], (entry["grid"].get<std::array<std::int64_t, 3>>()));
  EXPECT_EQ(crc_of(ours.pixel_values), entry["values_crc"].get<std::uint32_t>());
}

TEST(ImageGolden, ThreadsAndNeighboursChangeNothing) {
  std::vector<std::string> files;
  std::vector<EncodedImage> images;
  std::vector<std::uint32_t> alone;
  for (const char* name : {"rgb-420.jpg", "p-4.png", "lossy.webp", "31x1000.jpg"}) {
    files.push_back(read_file(golden_root() / "sources" / name));
    alone.push_back(crc_of(run(name, {}).pixel_values));
    EXPECT_EQ(crc_of(run(name, {}, 3).pixel_values), alone.back()) << name;
  }
  for (const std::string& file : files) images.push_back({as_bytes(file), "picture"});
  ThreadPool pool(3);
  const PatchedImages together = preprocess(images, {}, pool);
  std::int64_t row = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const std::int64_t end = row + together.grid_thw[i][1] * together.grid_thw[i][2];
    EXPECT_EQ(crc_of(together.pixel_values.rows(row, end)), alone[i]);
    row = end;
  }
  EXPECT_EQ(row, together.pixel_values.dim(0));
}

}  // namespace
}  // namespace artemis

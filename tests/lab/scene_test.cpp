// What the sets draw, the truth as JSON, and the pixels of the pictures.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "artemis/image/decode.h"
#include "artemis/lab/draw.h"
#include "artemis/lab/rows.h"
#include "support/files.h"

namespace artemis::lab {
namespace {

constexpr int drawn = 400;  // scenes of a set

std::vector<Scene> scenes_of(std::string_view set, int width = 128, int height = 128) {
  std::vector<Scene> scenes;
  for (std::uint64_t i = 0; i < drawn; ++i) {
    Random random(5, i);
    scenes.push_back(sample_scene(random, scene_set(set), width, height));
  }
  return scenes;
}

std::set<std::size_t> counts_of(const std::vector<Scene>& scenes) {
  std::set<std::size_t> counts;
  for (const Scene& scene : scenes) counts.insert(scene.objects.size());
  return counts;
}

std::set<std::string_view> backgrounds_of(const std::vector<Scene>& scenes) {
  std::set<std::string_view> names;
  for (const Scene& scene : scenes) names.insert(backgrounds.at(static_cast<std::size_t>(scene.background)));
  return names;
}

std::int64_t unseen_objects(const Scene& scene) {
  return std::ranges::count_if(
      scene.objects, [](const SceneObject& object) { return is_unseen_pair(object.color, object.shape); });
}

const std::set<std::string_view> trained{"dark", "light", "lined", "checkered"};

TEST(SceneSets, SixOfFortyEightPairsAreHeldOut) {
  int held_out = 0;
  for (int shape = 0; shape < 6; ++shape) {
    int colors_of_shape = 0;
    for (int color = 0; color < 8; ++color) colors_of_shape += is_unseen_pair(color, shape) ? 1 : 0;
    EXPECT_EQ(colors_of_shape, 1);
    held_out += colors_of_shape;
  }
  EXPECT_EQ(held_out, 6);
}

TEST(SceneSets, EachKeepsItsRules) {
  struct Rules {
    std::string_view set;
    std::set<std::size_t> counts;
    std::set<std::string_view> backgrounds;
    std::int64_t unseen;
  };
  for (const Rules& rules :
       {Rules{"train", {1, 2, 4}, trained, 0}, Rules{"validation", {1, 2, 4}, trained, 0},
        Rules{"unseen-backgrounds", {1, 2, 4}, {"cloudy", "speckled"}, 0},
        Rules{"unseen-counts", {3, 5}, trained, 0}, Rules{"unseen-pairs", {1, 2, 4}, trained, 1}}) {
    const std::vector<Scene> scenes = scenes_of(rules.set);
    EXPECT_EQ(counts_of(scenes), rules.counts) << rules.set;
    EXPECT_EQ(backgrounds_of(scenes), rules.backgrounds) << rules.set;
    for (const Scene& scene : scenes) EXPECT_EQ(unseen_objects(scene), rules.unseen) << rules.set;
  }
}

TEST(SceneSets, TextHoldsAllCountsBackgroundsAndPairs) {
  const std::vector<Scene> scenes = scenes_of("text");
  EXPECT_EQ(counts_of(scenes), (std::set<std::size_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(backgrounds_of(scenes).size(), backgrounds.size());
  std::set<std::pair<int, int>> pairs;
  for (const Scene& scene : scenes) {
    for (const SceneObject& object : scene.objects) pairs.emplace(object.color, object.shape);
  }
  EXPECT_EQ(pairs.size(), 48u);
}

TEST(SceneSets, AnUnknownNameIsRefused) {
  EXPECT_THROW(scene_set("trian"), UsageError);
  EXPECT_NE(test::error_of([] { scene_set("trian"); }).find("'trian'"), std::string::npos);
}

// The circles around the objects may leave the picture, or overlap, by a few hundredths of a cell.
TEST(Scenes, ObjectsStayInsideAndApart) {
  for (const auto& [width, height] : {std::pair{128, 128}, {96, 160}, {224, 64}}) {
    const double slack = 0.031 * std::min(width, height) / 3;
    for (const Scene& scene : scenes_of("text", width, height)) {
      for (std::size_t i = 0; i < scene.objects.size(); ++i) {
        const SceneObject& one = scene.objects[i];
        EXPECT_GE(std::min(one.x, one.y) - one.radius, -slack);
        EXPECT_LE(one.x + one.radius, width + slack);
        EXPECT_LE(one.y + one.radius, height + slack);
        EXPECT_EQ(one.place, static_cast<int>(one.y * 3 / height) * 3 + static_cast<int>(one.x * 3 / width));
        for (std::size_t j = i + 1; j < scene.objects.size(); ++j) {
          const SceneObject& other = scene.objects[j];
          EXPECT_LT(one.place, other.place);
          EXPECT_GT(std::hypot(one.x - other.x, one.y - other.y), 0.93 * (one.radius + other.radius));
        }
      }
    }
  }
}

TEST(Scenes, TexturesComeInTheirShare) {
  SceneRules rules = scene_set("text");
  rules.textured = 0.5;
  std::array<int, textures.size()> seen{};
  for (std::uint64_t i = 0; i < drawn; ++i) {
    Random random(6, i);
    for (const SceneObject& object : sample_scene(random, rules, 128, 128).objects)
      ++seen.at(static_cast<std::size_t>(object.texture));
  }
  const int all = seen[0] + seen[1] + seen[2];
  EXPECT_NEAR(seen[0], 0.50 * all, 0.06 * all);
  EXPECT_NEAR(seen[1], 0.25 * all, 0.06 * all);
  EXPECT_NEAR(seen[2], 0.25 * all, 0.06 * all);
}

TEST(Truth, ComesBackFromJson) {
  for (const Scene& scene : scenes_of("text", 160, 96)) {
    const Json json = scene_to_json(scene);
    const Scene back = scene_from_json(parse_json(json.dump(), "truth"), "truth");
    EXPECT_EQ(scene_to_json(back), json);
    ASSERT_EQ(back.objects.size(), scene.objects.size());
    EXPECT_EQ(back.background, scene.background);
    EXPECT_EQ(back.width, 160);
    EXPECT_EQ(back.height, 96);
    for (std::size_t i = 0; i < scene.objects.size(); ++i) {
      const SceneObject& one = scene.objects[i];
      const SceneObject& other = back.objects[i];
      EXPECT_EQ(std::tie(one.shape, one.color, one.size, one.texture, one.place),
                std::tie(other.shape, other.color, other.size, other.texture, other.place));
      EXPECT_NEAR(one.x, other.x, 0.0051);
      EXPECT_NEAR(one.radius, other.radius, 0.0051);
    }
  }
}

TEST(Truth, AForeignWordIsNamed) {
  Json json = scene_to_json(scenes_of("train").front());
  json["objects"][0]["shape"] = "blob";
  const std::string error = test::error_of([&] { scene_from_json(json, "row 7"); });
  EXPECT_NE(error.find("[row 7]"), std::string::npos) << error;
  EXPECT_NE(error.find("'blob'"), std::string::npos) << error;
  json.erase("objects");
  EXPECT_THROW(scene_from_json(json, "row 7"), Error);
}

// ---- pixels

using Rgb = std::array<double, 3>;

// What each colour of the laboratory looks like: hue in degrees, from R, G, B.
double hue(const Rgb& rgb) {
  const double most = std::ranges::max(rgb);
  const double range = most - std::ranges::min(rgb);
  const auto& [r, g, b] = rgb;
  const double sixth = most == r   ? std::fmod((g - b) / range + 6, 6)
                       : most == g ? (b - r) / range + 2
                                   : (r - g) / range + 4;
  return 60 * sixth;
}

double distance(double one, double other) {
  const double gap = std::fmod(std::abs(one - other), 360.0);
  return std::min(gap, 360 - gap);
}

int nearest_color(const Rgb& rgb) {
  constexpr std::array<double, colors.size()> hues{0, 32, 55, 129, 183, 230, 283, 329};
  const double seen = hue(rgb);
  return static_cast<int>(
      std::ranges::min_element(hues, {}, [&](double value) { return distance(value, seen); }) - hues.begin());
}

// The mean of 3x3 pixels.
Rgb color_at(const Image& image, double x, double y) {
  const auto pixels = image.pixels.values<std::uint8_t>();
  Rgb mean{};
  for (int dy = -1; dy <= 1; ++dy) {
    for (int dx = -1; dx <= 1; ++dx) {
      const auto column = std::clamp<std::int64_t>(std::lround(x - 0.5) + dx, 0, image.width() - 1);
      const auto row = std::clamp<std::int64_t>(std::lround(y - 0.5) + dy, 0, image.height() - 1);
      for (std::size_t c = 0; c < 3; ++c)
        mean[c] += pixels[static_cast<std::size_t>((row * image.width() + column) * 3) + c] / 9.0;
    }
  }
  return mean;
}

Image decoded(const std::string& jpeg) { return decode(std::as_bytes(std::span(jpeg)), "scene"); }

TEST(Drawing, EveryObjectHasItsColour) {
  for (std::uint64_t i = 0; i < 120; ++i) {
    Random random(8, i);
    const Scene scene = sample_scene(random, scene_set("text"), 192, 128);
    const Image image = decoded(draw_scene(random, scene, {.noise = 6, .quality = 92}));
    ASSERT_EQ(image.width(), 192);
    ASSERT_EQ(image.height(), 128);
    for (const SceneObject& object : scene.objects) {
      const bool ring = shapes.at(static_cast<std::size_t>(object.shape)) == "ring";
      const Rgb seen = color_at(image, object.x + (ring ? 0.76 * object.radius : 0), object.y);
      EXPECT_EQ(nearest_color(seen), object.color)
          << "scene " << i << ": " << seen[0] << " " << seen[1] << " " << seen[2];
    }
  }
}

// A ring is hollow, and beside the objects the picture is gray.
TEST(Drawing, TheBackgroundIsGray) {
  constexpr double gray = 40;  // the most that the channels of 3x3 noisy pixels differ
  const auto spread = [](const Rgb& rgb) { return std::ranges::max(rgb) - std::ranges::min(rgb); };
  for (std::uint64_t i = 0; i < 60; ++i) {
    Random random(9, i);
    const Scene scene = sample_scene(random, scene_set("text"), 128, 128);
    const Image image = decoded(draw_scene(random, scene, {}));
    for (const SceneObject& object : scene.objects) {
      const double seen = spread(color_at(image, object.x, object.y));
      if (shapes.at(static_cast<std::size_t>(object.shape)) != "ring") {
        EXPECT_GT(seen, 60) << "scene " << i;
      } else if (object.size == 1) {
        EXPECT_LT(seen, gray) << "scene " << i;
      }
    }
    for (double y = 4; y < 128; y += 10) {
      for (double x = 4; x < 128; x += 10) {
        const bool near = std::ranges::any_of(scene.objects, [&](const SceneObject& object) {
          return std::hypot(x - object.x, y - object.y) < 1.15 * object.radius + 9;
        });
        if (near) continue;
        EXPECT_LT(spread(color_at(image, x, y)), gray) << "scene " << i << " at " << x << ", " << y;
      }
    }
  }
}

TEST(Drawing, NoiseIsAsLargeAsAsked) {
  Scene scene{.width = 128, .height = 128, .background = 0, .objects = {}};
  const auto deviation = [&](double noise) {
    Random random(3);
    const Image image = decoded(draw_scene(random, scene, {.noise = noise, .quality = 100}));
    const auto pixels = image.pixels.values<std::uint8_t>();
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 1; i < pixels.size(); i += 3) {
      sum += pixels[i];
      squares += pixels[i] * pixels[i];
    }
    const double count = static_cast<double>(pixels.size()) / 3;
    return std::sqrt(squares / count - sum / count * (sum / count));
  };
  EXPECT_LT(deviation(0), 0.7);
  EXPECT_GT(deviation(6), deviation(2) + 1);
}

// ---- rows and shards

TEST(Shards, TheSameBytesAtAnyNumberOfThreads) {
  const test::TemporaryFolder folder;
  ShardOptions options;
  options.count = 300;
  options.seed = 4;
  options.sizes = {{64, 64}, {96, 64}};
  options.questions = 0.5;
  options.shard_rows = 200;
  std::vector<std::vector<std::string>> bytes;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    options.directory = folder.path() / std::to_string(threads);
    std::int64_t done = 0;
    std::vector<std::string> files;
    for (const auto& file : write_shards(pool, options, [&](std::int64_t rows) { done = rows; })) {
      std::ifstream stream(file, std::ios::binary);
      files.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    EXPECT_EQ(done, 300);
    bytes.push_back(std::move(files));
  }
  ASSERT_EQ(bytes[0].size(), 2u);
  EXPECT_TRUE(bytes[0] == bytes[1]);
  EXPECT_GT(bytes[0][0].size(), 100000u);
}

TEST(Rows, SetsShareNoScene) {
  std::set<std::string> scenes;
  std::size_t rows = 0;
  for (const std::string_view set : scene_sets) {
    ShardOptions options;
    options.set = set;
    options.sizes = {{32, 32}};
    for (std::uint64_t i = 0; i < 100; ++i, ++rows)
      scenes.insert(picture_row(options, i).json["scene"].dump());
  }
  EXPECT_EQ(scenes.size(), rows);
}

TEST(Rows, HoldPictureCaptionTruthAndQuestions) {
  ShardOptions options;
  options.questions = 0.5;
  int asking = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const PictureRow row = picture_row(options, i);
    EXPECT_EQ(row.key, "train-" + std::string(8 - std::to_string(i).size(), '0') + std::to_string(i));
    EXPECT_EQ(row.json["questions"].size(), 3u);
    EXPECT_FALSE(row.json["caption"].get<std::string>().empty());
    if (!row.json.contains("messages")) continue;
    ++asking;
    const Json& messages = row.json["messages"];
    EXPECT_EQ(messages[0]["content"][1]["text"], row.json["questions"][0]["question"]);
    EXPECT_EQ(messages[1]["content"], row.json["questions"][0]["answer"]);
  }
  EXPECT_NEAR(asking, 100, 30);
}

}  // namespace
}  // namespace artemis::lab

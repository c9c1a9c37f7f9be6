#include "artemis/report/curve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "artemis/report/axis.h"
#include "artemis/report/markup.h"
#include "support/files.h"

namespace artemis {
namespace {

TEST(Curve, KeepsEveryPointWhileThereIsRoom) {
  Curve curve(4);
  for (int i = 1; i <= 4; ++i) curve.add({i * 1.0, i * i * 1.0});
  const std::vector<Point> points = curve.extremes();
  ASSERT_EQ(points.size(), 4U);
  EXPECT_EQ(points[2].x, 3);
  EXPECT_EQ(points[2].y, 9);
  EXPECT_EQ(curve.means()[3].y, 16);
}

TEST(Curve, KeepsSpikesHoweverLongItGrows) {
  Curve curve(300);
  for (int i = 0; i < 100'000; ++i) curve.add({i * 1.0, i == 77'777 ? 50.0 : i == 1234 ? -50.0 : 1.0});
  const std::vector<Point> points = curve.extremes();
  EXPECT_LE(points.size(), 600U);
  EXPECT_GE(curve.means().size(), 150U);
  EXPECT_EQ(curve.highest().x, 77'777);
  EXPECT_EQ(curve.lowest().x, 1234);
  EXPECT_TRUE(std::ranges::is_sorted(points, {}, &Point::x));
  EXPECT_TRUE(std::ranges::any_of(points, [](const Point& p) { return p.x == 77'777 && p.y == 50; }));
  EXPECT_TRUE(std::ranges::any_of(points, [](const Point& p) { return p.x == 1234 && p.y == -50; }));
}

TEST(Curve, MeansAreThoseOfTheBins) {
  Curve curve(2);
  for (int i = 0; i < 4; ++i) curve.add({i * 1.0, i * 10.0});
  const std::vector<Point> means = curve.means();
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means[0].x, 0.5);
  EXPECT_EQ(means[0].y, 5);
  EXPECT_EQ(means[1].y, 25);
}

TEST(Curve, PassesOverWhatIsNoPointOrLiesBehind) {
  Curve curve;
  curve.add({1, std::nan("")});
  curve.add({std::numeric_limits<double>::infinity(), 1});
  EXPECT_TRUE(curve.empty());
  curve.add({5, 1});
  curve.add({4, 100});
  EXPECT_EQ(curve.extremes().size(), 1U);
  EXPECT_EQ(curve.last().x, 5);
}

TEST(Smooth, TakesTheMeanOfBothSidesAndFewerNearTheEnds) {
  const std::vector<Point> points{{0, 3}, {1, 0}, {2, 6}, {3, 3}, {4, 30}};
  const std::vector<Point> out = smooth(points, 2);
  EXPECT_EQ(out[0].y, 3);
  EXPECT_EQ(out[1].y, 3);
  EXPECT_EQ(out[2].y, 42.0 / 5);
  EXPECT_EQ(out[3].y, 13);
  EXPECT_EQ(out[4].y, 30);
}

std::string labels(const Axis& axis) {
  std::string text;
  for (const Tick& tick : axis.ticks()) text += (text.empty() ? "" : " ") + tick.label;
  return text;
}

TEST(Axis, TicksStandAtRoundNumbers) {
  EXPECT_EQ(labels(Axis(0.03, 0.97, 5, true)), "0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(labels(Axis(1, 2000, 6, false)), "500 1000 1500 2000");
  EXPECT_EQ(labels(Axis(0, 250'000, 5, true)), "0 50k 100k 150k 200k 250k");
  EXPECT_EQ(labels(Axis(-1.2e-5, 1.2e-5, 4, true)), "-2e-05 -1e-05 0 1e-05 2e-05");
}

TEST(Axis, LogarithmicTicksStandAtDecadesOrBetween) {
  EXPECT_EQ(labels(Axis(0.002, 300, 5, true, Scale::logarithmic)), "0.001 0.01 0.1 1 10 100 1000");
  EXPECT_EQ(labels(Axis(0.3, 3.9, 5, true, Scale::logarithmic)), "0.2 0.5 1 2 5");
  const Axis axis(0.01, 100, 5, true, Scale::logarithmic);
  EXPECT_DOUBLE_EQ(axis.place(1), 0.5);
  EXPECT_LE(Axis(1e-300, 1e300, 5, true, Scale::logarithmic).ticks().size(), 12U);
}

TEST(Axis, HoldsWhateverValuesThereAre) {
  for (const double value : {0.0, 1.0, -7e-300, 1e308, -1e308, 5e-324, 123456789.0}) {
    const Axis axis(value, value, 5, true);
    EXPECT_GE(axis.ticks().size(), 2U) << value;
    EXPECT_LE(axis.ticks().size(), 12U) << value;
  }
  for (const double value : {5e-324, 1e-200, 1.0, 1e308}) {
    const Axis axis(value, value, 5, true, Scale::logarithmic);
    EXPECT_GE(axis.ticks().size(), 2U) << value;
    EXPECT_TRUE(std::isfinite(axis.place(value))) << value;
  }
  const Axis wide(-1e308, 1e308, 5, true);
  EXPECT_GE(wide.ticks().size(), 3U);
  EXPECT_TRUE(std::isfinite(wide.place(0)));
  const Axis close(1, 1 + 1e-12, 5, false);
  EXPECT_TRUE(std::isfinite(close.place(1)));
}

TEST(Markup, EscapesWhatCouldBeMarkup) {
  EXPECT_EQ(escape_markup("<a href=\"x\" o='y'>&amp;"),
            "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_markup(std::string_view("a\0b\x1b\n\t", 6)), "a\uFFFDb\uFFFD\n\t");
}

TEST(Markup, PicturesBecomeAddresses) {
  EXPECT_EQ(image_url("\xFF\xD8\xFF"), "data:image/jpeg;base64,/9j/");
  EXPECT_EQ(image_url("\xFF\xD8\xFF\xE0"), "data:image/jpeg;base64,/9j/4A==");
  const std::string png = "\x89PNG\r\n\x1A\n12345678901";
  const std::string url = image_url(png);
  ASSERT_TRUE(url.starts_with("data:image/png;base64,"));
  EXPECT_EQ(test::decode_base64(url.substr(22)), png);
  test::expect_error(test::error_of([] { image_url("GIF89a"); }), "neither JPEG nor PNG");
  test::expect_error(test::error_of([] { image_url(""); }), "neither JPEG nor PNG");
}

TEST(Markup, NumbersAreShort) {
  EXPECT_EQ(short_number(0.123456), "0.1235");
  EXPECT_EQ(short_number(9999), "9999");
  EXPECT_EQ(short_number(12'000), "12k");
  EXPECT_EQ(short_number(3'250'000), "3.25M");
  EXPECT_EQ(short_number(-1.5e-5), "-1.5e-05");
  EXPECT_EQ(percent(0.94716), "94.7 %");
}

}  // namespace
}  // namespace artemis

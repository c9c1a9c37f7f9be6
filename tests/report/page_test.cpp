#include "artemis/report/page.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/files.h"

namespace artemis {
namespace {

const std::string jpeg = "\xFF\xD8\xFF\xE0 jpeg";
const std::string hostile = "</title></style></pre>\"'><script>alert(1)</script><img src=x onerror=a>&lt;";

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// Opening tags without their closing ones, as far as our own markup goes.
void expect_balanced(const std::string& html) {
  for (const std::string tag : {"div", "section", "table", "tr", "td", "th", "svg", "g", "text", "figure",
                                "article", "pre", "details", "main", "mark", "style", "title"}) {
    EXPECT_EQ(count(html, "<" + tag + ">") + count(html, "<" + tag + " "), count(html, "</" + tag + ">"))
        << tag;
  }
}

Page hostile_page() {
  Page page(hostile, hostile);
  page.cards({{hostile, hostile, hostile}});
  page.section(hostile);
  page.text(hostile);
  page.chart(LineChart{hostile, hostile, {{hostile, {{0, 1}, {1, 2}}}, {hostile, {{0, 2}, {1, 1}}}}});
  page.chart(BarChart{hostile, {{hostile, 0.5, 0.7}}});
  page.table({hostile}, {{hostile}});
  page.pictures({{jpeg, hostile, {{hostile, {{hostile}, {hostile, Words::Mark::wrong}}}}}});
  page.code(hostile, hostile);
  page.footer(hostile);
  return page;
}

TEST(Page, TakesAllTextAsText) {
  const std::string html = hostile_page().html();
  EXPECT_EQ(count(html, "<script"), 0U);
  EXPECT_EQ(count(html, "onerror"), count(html, "&lt;img src=x onerror"));
  EXPECT_EQ(count(html, "<img"), 1U);
  EXPECT_GE(count(html, "&lt;script&gt;"), 20U);
  EXPECT_EQ(count(html, "&amp;lt;"), count(html, "&lt;script&gt;"));
  expect_balanced(html);
}

TEST(Page, NeedsNothingFromElsewhere) {
  const std::string html = hostile_page().html();
  EXPECT_EQ(count(html, "http://") + count(html, "https://") + count(html, "url(") + count(html, "@import"),
            0U);
  EXPECT_EQ(count(html, "default-src 'none'"), 1U);
  EXPECT_EQ(count(html, "src=\"data:image/jpeg;base64,"), 1U);
}

TEST(Page, PartsStandInTheirOrder) {
  Page page("title");
  page.section("one");
  page.chart(BarChart{"two", {{"bar", 0.5}}});
  page.chart(BarChart{"three", {{"bar", 0.5}}});
  page.text("four");
  const std::string html = page.html();
  std::size_t at = html.find("<main>");
  for (const char* part : {"one", "class=\"tiles\"", "two", "three", "four"}) {
    at = html.find(part, at);
    ASSERT_NE(at, html.npos) << part;
  }
  EXPECT_EQ(count(html, "class=\"tiles\""), 1U);
  expect_balanced(html);
}

TEST(Page, AlignsColumnsOfNumbers) {
  Page page("title");
  page.table({"name", "share", "mixed"}, {{"a", "94.7 %", "1"}, {"b", "-1.5e-05", "two"}, {"c", "-", "3"}});
  const std::string html = page.html();
  EXPECT_EQ(count(html, "<td class=\"number\">"), 3U);
  EXPECT_EQ(count(html, "<th class=\"number\">share</th>"), 1U);
}

TEST(Page, MarksWordsOfACaption) {
  Page page("title");
  page.pictures(
      {{jpeg, "scene", {{"after", {{"a "}, {"red", Words::Mark::right}, {"cube", Words::Mark::wrong}}}}}});
  const std::string html = page.html();
  EXPECT_EQ(count(html, "<dd>a <mark class=\"right\">red</mark><mark class=\"wrong\">cube</mark></dd>"), 1U);
}

TEST(Page, RefusesWhatIsNoPicture) {
  Page page("title");
  test::expect_error(test::error_of([&] { page.pictures({{"text", "scene", {}}}); }), "neither JPEG nor PNG");
}

TEST(LineChart, DrawsGapsWhereThereIsNoValue) {
  const std::string chart = svg(LineChart{
      "title", "step", {{"loss", {{0, 1}, {1, 2}, {2, NAN}, {3, 1}, {4, 2}, {5, INFINITY}, {6, 1}}}}});
  const std::size_t begin = chart.find("class=\"line c0\" d=\"");
  ASSERT_NE(begin, chart.npos);
  const std::string path = chart.substr(begin + 19, chart.find("\"/>", begin) - begin - 19);
  EXPECT_EQ(count(path, "M"), 3U);
  EXPECT_EQ(count(path, "L"), 2U);
  EXPECT_EQ(count(chart, "nan") + count(chart, "inf"), 0U);
  const std::string before_hover = chart.substr(0, chart.find("<g class=\"tip\">"));
  EXPECT_EQ(count(before_hover, "<path class=\"line dot c0\" d=\"M366.0"), 1U) << "the lone last point";
}

TEST(LineChart, CoversItsPlotFromEdgeToEdge) {
  const std::string chart = svg(LineChart{"title", "step", {{"loss", {{10, 0}, {20, 1}}}}});
  // Labels "0.0" to "1.0" take 3 letters of 6.8 pixels and 8 pixels of space; the title 36.
  EXPECT_EQ(count(chart, "d=\"M28.4 206.0L366.0 36.0\""), 1U) << chart;
}

TEST(LineChart, SaysWhenThereIsNothingToDraw) {
  EXPECT_EQ(count(svg(LineChart{"title", "step", {}}), "no values yet"), 1U);
  EXPECT_EQ(count(svg(LineChart{"title", "step", {{"loss", {{0, NAN}}}}}), "no values yet"), 1U);
  EXPECT_EQ(
      count(svg(LineChart{"title", "step", {{"loss", {{0, -1}}}}, Scale::logarithmic}), "no values yet"), 1U);
  EXPECT_EQ(count(svg(LineChart{"title", "step", {{"loss", {{0, -1}}}}}), "no values yet"), 0U);
}

TEST(LineChart, ShowsTheNearestValuesOnHovering) {
  const std::string chart =
      svg(LineChart{"title", "step", {{"raw", {{0, 9}, {100, 9}}, true}, {"mean", {{0, 1.5}, {100, 2.5}}}}});
  EXPECT_EQ(count(chart, "<title>step 0\nmean: 1.5</title>"), 30U);
  EXPECT_EQ(count(chart, "<title>step 100\nmean: 2.5</title>"), 30U);
  EXPECT_EQ(count(chart, "class=\"line c0 faint\""), 1U) << "a pale series has the colour of the next";
  EXPECT_EQ(count(chart, "class=\"line c0\""), 1U);
}

TEST(BarChart, MarksGoalsAndSaysWhichWereReached) {
  const std::string chart =
      svg(BarChart{"title", {{"a", 0.95, 0.9}, {"b", 0.8, 0.9}, {"c", 0.5}, {"d", NAN, 0.9}}});
  EXPECT_EQ(count(chart, "class=\"bar reached\""), 1U);
  EXPECT_EQ(count(chart, "class=\"bar missed\""), 2U);
  EXPECT_EQ(count(chart, "class=\"bar\""), 1U);
  EXPECT_EQ(count(chart, "class=\"goal\" d=\"M342.0"), 3U);
  EXPECT_EQ(count(chart, "<title>a: 95.0 %, goal 90.0 %</title>"), 1U);
}

TEST(BarChart, ScalesOtherFiguresToTheLargest) {
  const std::string chart = svg(BarChart{"title", {{"a", 4}, {"b", 1}}, false});
  EXPECT_EQ(count(chart, "width=\"380.0\""), 1U);
  EXPECT_EQ(count(chart, "width=\"95.0\""), 1U);
}

}  // namespace
}  // namespace artemis

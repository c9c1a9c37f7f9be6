// One HTML file that holds all it needs: style, charts, pictures. Nothing is fetched, nothing runs.
#pragma once

#include <string>
#include <vector>

#include "artemis/report/chart.h"

namespace artemis {

// A figure to be seen first: {"validation", "94.7 %", "pairs named right"}.
struct Card {
  std::string label;
  std::string value;
  std::string note{};
};

// A part of a caption; what is marked is shown as right or wrong.
struct Words {
  enum class Mark : unsigned char { none, right, wrong };

  std::string text;
  Mark mark = Mark::none;
};

using Caption = std::vector<Words>;

struct PictureCard {
  std::string image;  // the bytes of a JPEG or PNG file
  std::string title;
  std::vector<std::pair<std::string, Caption>> captions;  // {"truth", ...}, {"before", ...}, {"after", ...}
};

// Parts stand in the order of the calls. All text is taken as plain text in UTF-8.
class Page {
 public:
  explicit Page(std::string title, std::string subtitle = "");

  void cards(const std::vector<Card>& cards);
  void section(const std::string& title);
  void text(const std::string& paragraph);
  // Charts that follow each other stand side by side where there is room.
  void chart(const LineChart& chart) { add_tile(svg(chart)); }
  void chart(const BarChart& chart) { add_tile(svg(chart)); }
  // Cells that are numbers (with a unit at most) are aligned to the right. Every row is as long as the
  // header.
  void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
  // Throws Error for an image that is neither JPEG nor PNG.
  void pictures(const std::vector<PictureCard>& pictures);
  // Folded under its title.
  void code(const std::string& title, const std::string& text);
  // What stands at the end: program, version, date.
  void footer(const std::string& text) { footer_ = text; }

  std::string html() const;

 private:
  void add(const std::string& markup);
  void add_tile(const std::string& markup);

  std::string title_;
  std::string subtitle_;
  std::string footer_;
  std::string body_;
  bool tiles_open_ = false;
};

// The present day and minute, as "2026-03-01 12:30 UTC".
std::string date_now();

}  // namespace artemis

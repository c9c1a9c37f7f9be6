#include "artemis/report/page.h"

#include <fmt/chrono.h>

#include <ctime>

#include "artemis/core/error.h"
#include "artemis/report/markup.h"

namespace artemis {
namespace {

constexpr std::string_view page_style = R"(
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main,header,footer{max-width:1040px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
h1{margin:0;font-size:24px;line-height:1.25}
h2{margin:32px 0 12px;font-size:17px}
p{margin:8px 0;max-width:70ch}
header p,footer{color:var(--muted)}
footer{padding-top:24px;padding-bottom:32px;font-size:13px}
.row,.tiles,.pictures{display:grid;gap:12px;margin:12px 0}
.row{grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.tiles figure{margin:0;padding:12px}
.tiles{grid-template-columns:minmax(0,1fr)}
@media(min-width:620px){.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}}
.pictures{grid-template-columns:repeat(auto-fill,minmax(min(100%,230px),1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}
.card>.label,.card>.note{color:var(--muted);font-size:13px}
.card>.figure{font-size:24px;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.picture{padding:0;overflow:hidden}
.picture img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:var(--line)}
.picture dl{margin:0;padding:10px 14px 14px;font-size:14px;overflow-wrap:anywhere}
.picture h3{margin:10px 14px 0;font-size:14px}
dt{color:var(--muted);font-size:12px;margin-top:6px}
dd{margin:0}
mark{background:none;color:inherit;border-bottom:2px solid var(--good)}
mark.wrong{border-bottom-color:var(--miss);background:color-mix(in srgb,var(--miss) 18%,transparent)}
.scroll{overflow-x:auto;padding:4px 0}
.scroll,details{margin:12px 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:6px 16px;text-align:left;white-space:nowrap;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:500;font-size:13px}
.number{text-align:right}
summary{cursor:pointer;font-weight:600}
pre{margin:10px 0 0;overflow-x:auto;font:13px/1.45 ui-monospace,monospace}
)";

// Digits with a sign, a point, a power or a short unit behind them, or a dash for what is absent.
bool is_number(const std::string& cell) {
  if (cell == "-" || cell == "\u2013" || cell == "nan" || cell == "inf" || cell == "-inf") return true;
  const std::size_t digit = cell.find_first_of("0123456789");
  const std::size_t letters = cell.find_first_not_of("+-.,0123456789e ");
  return digit <= 1 && (letters == cell.npos || cell.size() - letters <= 4);
}

std::string caption_markup(const Caption& caption) {
  std::string out;
  for (const Words& words : caption) {
    const std::string text = escape_markup(words.text);
    if (words.mark == Words::Mark::none) {
      out += text;
    } else {
      const char* name = words.mark == Words::Mark::right ? "right" : "wrong";
      out += fmt::format("<mark class=\"{}\">{}</mark>", name, text);
    }
  }
  return out;
}

std::string picture_markup(const PictureCard& picture) {
  const std::string title = escape_markup(picture.title);
  std::string out = fmt::format("<article class=\"card picture\"><img src=\"{}\" alt=\"{}\">",
                                image_url(picture.image), title);
  if (!title.empty()) out += fmt::format("<h3>{}</h3>", title);
  out += "<dl>";
  for (const auto& [label, caption] : picture.captions) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_markup(label), caption_markup(caption));
  }
  return out + "</dl></article>";
}

}  // namespace

Page::Page(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void Page::add(const std::string& markup) {
  if (tiles_open_) body_ += "</div>\n";
  tiles_open_ = false;
  body_ += markup + "\n";
}

void Page::add_tile(const std::string& markup) {
  if (!tiles_open_) add("<div class=\"tiles\">");
  tiles_open_ = true;
  body_ += "<figure class=\"card\">" + markup + "</figure>\n";
}

void Page::cards(const std::vector<Card>& cards) {
  std::string out = "<div class=\"row\">";
  for (const Card& card : cards) {
    out += fmt::format(
        "<div class=\"card\"><div class=\"label\">{}</div><div class=\"figure\">{}</div>"
        "<div class=\"note\">{}</div></div>",
        escape_markup(card.label), escape_markup(card.value), escape_markup(card.note));
  }
  add(out + "</div>");
}

void Page::section(const std::string& title) { add(fmt::format("<h2>{}</h2>", escape_markup(title))); }

void Page::text(const std::string& paragraph) { add(fmt::format("<p>{}</p>", escape_markup(paragraph))); }

void Page::table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::vector<bool> numbers(header.size(), !rows.empty());
  for (const auto& row : rows) {
    ARTEMIS_ASSERT(row.size() == header.size());
    for (std::size_t i = 0; i < row.size(); ++i) numbers[i] = numbers[i] && is_number(row[i]);
  }
  const auto add_row = [&](std::string& out, const std::vector<std::string>& row, const char* tag) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      out +=
          fmt::format("<{0}{1}>{2}</{0}>", tag, numbers[i] ? " class=\"number\"" : "", escape_markup(row[i]));
    }
    out += "</tr>";
  };
  std::string out = "<div class=\"card scroll\"><table><thead>";
  add_row(out, header, "th");
  out += "</thead><tbody>";
  for (const auto& row : rows) add_row(out, row, "td");
  add(out + "</tbody></table></div>");
}

void Page::pictures(const std::vector<PictureCard>& pictures) {
  std::string out = "<div class=\"pictures\">";
  for (const PictureCard& picture : pictures) out += picture_markup(picture);
  add(out + "</div>");
}

void Page::code(const std::string& title, const std::string& text) {
  add(fmt::format("<details class=\"card\"><summary>{}</summary><pre>{}</pre></details>",
                  escape_markup(title), escape_markup(text)));
}

std::string date_now() { return fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr))); }

std::string Page::html() const {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none';img-src data:;style-src 'unsafe-inline'\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>{0}</title><style>{1}{2}</style></head>\n<body><header><h1>{0}</h1>{3}</header>\n"
      "<main>\n{4}{5}</main>\n<footer>{6}</footer></body></html>\n",
      escape_markup(title_), chart_style(), page_style,
      subtitle_.empty() ? "" : "<p>" + escape_markup(subtitle_) + "</p>", body_,
      tiles_open_ ? "</div>\n" : "", escape_markup(footer_));
}

}  // namespace artemis

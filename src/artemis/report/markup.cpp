#include "artemis/report/markup.h"

#include <cmath>

#include "artemis/core/error.h"
#include "artemis/io/base64.h"

namespace artemis {

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F) {
      out += "\uFFFD";
    } else {
      out += c;
    }
  }
  return out;
}

std::string image_url(std::string_view bytes) {
  const bool png = bytes.starts_with("\x89PNG\r\n\x1A\n");
  require(png || bytes.starts_with("\xFF\xD8\xFF"), "report", "a picture is neither JPEG nor PNG");
  return fmt::format("data:image/{};base64,{}", png ? "png" : "jpeg", encode_base64(bytes));
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value) || size < 1e4) return fmt::format("{:.4g}", value);
  if (size < 999'950) return fmt::format("{:.4g}k", value / 1e3);
  if (size < 999'950'000) return fmt::format("{:.4g}M", value / 1e6);
  return fmt::format("{:.4g}G", value / 1e9);
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

}  // namespace artemis

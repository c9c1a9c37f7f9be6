#include "artemis/report/markup.h"

#include <cmath>

#include "artemis/core/error.h"

namespace artemis {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

}  // namespace

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
  return fmt::format("data:image/{};base64,{}", png ? "png" : "jpeg", base64(bytes));
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

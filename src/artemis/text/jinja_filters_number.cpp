// Filters of numbers.
#include <array>
#include <charconv>
#include <cmath>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// A text with the decimal digits of all scripts as ASCII's; they stand in Unicode in runs from 0 to 9.
std::string ascii_digits(std::string_view text) {
  std::string out;
  for (const char32_t code : code_points(text)) {
    char32_t zero = code;
    while (code > 0x7F && is_decimal(code) && is_decimal(zero - 1)) --zero;
    append_code_point(out, code > 0x7F && is_decimal(code) ? U'0' + (code - zero) % 10 : code);
  }
  return out;
}

// Digits without the single '_' that Python allows between them; nothing when
// they stand elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() &&
                         std::isalnum(static_cast<unsigned char>(text[i - 1])) != 0 &&
                         std::isalnum(static_cast<unsigned char>(text[i + 1])) != 0;
    if (!between) return std::nullopt;
  }
  return digits;
}

// Python's int(text, base); nothing when it is no integer.
std::optional<std::int64_t> parse_integer(std::string_view text, int base) {
  const std::optional<std::string> clean = without_underscores(ascii_digits(strip(text, Side::both)));
  if (!clean || clean->empty()) return std::nullopt;
  std::string_view digits = *clean;
  const bool minus = digits[0] == '-';
  if (minus || digits[0] == '+') digits.remove_prefix(1);
  if (digits.size() > 2 && digits[0] == '0') {
    const char mark = static_cast<char>(digits[1] | 0x20);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == 0 || base == marked)) {
      base = marked;
      digits.remove_prefix(2);
    }
  }
  if (base == 0) base = 10;
  const std::string signed_digits = (minus ? "-" : "") + std::string(digits);
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  std::int64_t value = 0;
  const auto result =
      std::from_chars(signed_digits.data(), signed_digits.data() + signed_digits.size(), value, base);
  if (result.ec == std::errc::result_out_of_range) fault("an integer does not fit in 64 bits");
  if (result.ec != std::errc() || result.ptr != signed_digits.data() + signed_digits.size())
    return std::nullopt;
  return value;
}

// Python's float(text); nothing when it is no number.
std::optional<double> parse_real(std::string_view text) {
  const std::optional<std::string> clean = without_underscores(ascii_digits(strip(text, Side::both)));
  if (!clean || clean->empty()) return std::nullopt;
  std::string_view digits = *clean;
  const bool minus = digits[0] == '-';
  if (minus || digits[0] == '+') digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '-' || digits.find('(') != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (result.ec == std::errc::result_out_of_range)
    value = std::strtod(std::string(digits).c_str(), nullptr);
  else if (result.ec != std::errc())
    return std::nullopt;
  if (result.ptr != digits.data() + digits.size()) return std::nullopt;
  return minus ? -value : value;
}

// An integer of 64 bits from a whole real number.
std::int64_t whole(double value) {
  const double cut = std::trunc(value);
  if (!(cut >= -9223372036854775808.0 && cut < 9223372036854775808.0))
    fault("an integer does not fit in 64 bits");
  return static_cast<std::int64_t>(cut);
}

Value to_integer(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("int", arguments, {"default", "base"});
  require_defined(input);
  const Value fallback = p.has(0) ? p[0] : Value(std::int64_t{0});
  if (input.is_integer()) return input.integer();
  if (input.is_real()) {
    if (std::isinf(input.real()) || std::isnan(input.real())) return fallback;
    return whole(input.real());
  }
  if (!input.is_string()) return fallback;
  const std::int64_t base = p.integer(1, 10);
  if (base != 0 && (base < 2 || base > 36)) return fallback;
  if (const auto value = parse_integer(input.string(), static_cast<int>(base))) return *value;
  const std::optional<double> real = parse_real(input.string());
  if (!real || std::isinf(*real) || std::isnan(*real)) return fallback;
  return whole(*real);
}

Value to_real(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("float", arguments, {"default"});
  require_defined(input);
  if (input.is_number()) return input.number();
  if (input.is_string()) {
    if (const auto value = parse_real(input.string())) return *value;
  }
  return p.has(0) ? p[0] : Value(0.0);
}

Value absolute(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("abs", arguments, {});
  require_defined(input);
  if (input.is_real()) return std::fabs(input.real());
  if (!input.is_integer()) fault("bad operand type for abs(): '{}'", input.type_name());
  return input.integer() < 0 ? negative(input) : Value(input.integer());
}

// Python's round(value, digits): to the nearest, exact halves to even.
double round_real(double value, std::int64_t digits) {
  if (!std::isfinite(value) || digits > 323) return value;
  if (digits < -308) return std::copysign(0.0, value);
  std::array<char, 800> buffer{};
  if (digits >= 0) {
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                      std::chars_format::fixed, static_cast<int>(digits));
    double rounded = value;
    std::from_chars(buffer.data(), result.ptr, rounded);
    return rounded;
  }
  const double scale = std::pow(10.0, static_cast<double>(-digits));
  return std::nearbyint(value / scale) * scale;
}

std::int64_t round_integer(std::int64_t value, std::int64_t digits) {
  if (digits >= 0) return value;
  if (digits < -18) return 0;
  std::int64_t scale = 1;
  for (std::int64_t i = digits; i < 0; ++i) scale *= 10;
  std::int64_t quotient = value / scale;
  const std::int64_t rest = std::abs(value % scale);
  const bool up = rest > scale - rest || (rest == scale - rest && quotient % 2 != 0);
  if (up) quotient += value < 0 ? -1 : 1;
  return multiply_integers(quotient, scale);
}

Value round(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("round", arguments, {"precision", "method"});
  const std::string method = p.string(1, "common");
  const std::int64_t digits = p.integer(0, 0);
  require_defined(input);
  if (method != "common" && method != "ceil" && method != "floor")
    fault("method must be common, ceil or floor");
  if (!input.is_number()) fault("type {} doesn't define __round__ method", input.type_name());
  if (method == "common") {
    return input.is_integer() ? Value(round_integer(input.integer(), digits))
                              : Value(round_real(input.real(), digits));
  }
  const double scale = std::pow(10.0, static_cast<double>(digits));
  const double scaled = input.number() * scale;
  if (!std::isfinite(scaled) || scale == 0) fault("cannot convert a number that is not finite to an integer");
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

Value file_size(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("filesizeformat", arguments, {"binary"});
  const bool is_binary = p.truth(0, false);
  require_defined(input);
  std::optional<double> bytes;
  if (input.is_number()) bytes = input.number();
  if (input.is_string()) bytes = parse_real(input.string());
  if (!bytes || !std::isfinite(*bytes))
    fault("filesizeformat() expected a number, not {}", input.type_name());
  const double base = is_binary ? 1024 : 1000;
  if (*bytes == 1) return in.heap().text("1 Byte");
  if (*bytes < base) return in.heap().text(fmt::format("{} Bytes", whole(*bytes)));
  constexpr std::string_view prefixes = "kMGTPEZY";
  double unit = base;
  std::size_t i = 0;
  while (i + 1 < prefixes.size() && *bytes >= unit * base) {
    unit *= base;
    ++i;
  }
  const char prefix = is_binary && i == 0 ? 'K' : prefixes[i];
  return in.heap().text(fmt::format("{:.1f} {}{}", *bytes / unit, prefix, is_binary ? "iB" : "B"));
}

}  // namespace

const std::vector<NamedFilter>& number_filters() {
  static const std::vector<NamedFilter> filters{
      {"int", to_integer},           {"float", to_real}, {"abs", absolute}, {"round", round},
      {"filesizeformat", file_size},
  };
  return filters;
}

}  // namespace artemis::jinja

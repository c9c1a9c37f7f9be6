// Filters that make or take numbers.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr double beyond_integers = 9.2e18;

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = static_cast<char>(c | 0x20);
  return letter >= 'a' && letter <= 'z' ? letter - 'a' + 10 : 99;
}

// Drops the '_' between digits; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
      continue;
    }
    const bool between =
        i > 0 && i + 1 < text.size() && digit_value(text[i - 1]) < 36 && digit_value(text[i + 1]) < 36;
    if (!between) return std::nullopt;
  }
  return result;
}

// int(text, base), or nothing where Python raises ValueError.
std::optional<std::int64_t> parse_integer(std::string_view text, std::int64_t base) {
  if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
  std::string_view rest = strip(text, Side::both);
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.size() > 1 && rest[0] == '0') {
    const char mark = static_cast<char>(rest[1] | 0x20);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == 0 || base == marked)) {
      base = marked;
      rest.remove_prefix(rest.size() > 2 && rest[2] == '_' ? 3 : 2);
    } else if (base == 0 && rest.find_first_not_of("0_") != std::string_view::npos) {
      return std::nullopt;
    }
  }
  if (base == 0) base = 10;
  const std::optional<std::string> digits = without_underscores(rest);
  const auto is_digit_of = [base](char c) { return digit_value(c) < base; };
  if (!digits || digits->empty() || !std::all_of(digits->begin(), digits->end(), is_digit_of))
    return std::nullopt;
  const std::string signed_digits = (is_negative ? "-" : "") + *digits;
  std::int64_t value = 0;
  const auto result = std::from_chars(signed_digits.data(), signed_digits.data() + signed_digits.size(),
                                      value, static_cast<int>(base));
  if (result.ec != std::errc())
    raise("the integer {} is too large, expected 64 bits", signed_digits.substr(0, 40));
  return value;
}

// float(text), or nothing where Python raises ValueError.
std::optional<double> parse_real(std::string_view text) {
  const std::optional<std::string> digits = without_underscores(strip(text, Side::both));
  if (!digits) return std::nullopt;
  std::string_view rest = *digits;
  const bool is_negative = rest.starts_with('-');
  if (is_negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || rest[0] == '-' || rest[0] == '+') return std::nullopt;
  const std::string word = lower(rest);
  double value = 0;
  if (word == "inf" || word == "infinity") {
    value = HUGE_VAL;
  } else if (word == "nan") {
    value = std::nan("");
  } else {
    const auto result = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (result.ptr != rest.data() + rest.size() || word.find_first_of("in") != std::string::npos)
      return std::nullopt;
    if (result.ec == std::errc::result_out_of_range) value = std::strtod(std::string(rest).c_str(), nullptr);
  }
  return is_negative ? -value : value;
}

// int(value) of a finite float.
Value truncated(double value) {
  if (!(std::fabs(value) < beyond_integers))
    raise("the integer part of {} is too large, expected 64 bits", repr(value));
  return Value::integer(static_cast<std::int64_t>(value));
}

Value to_integer(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "int", arguments, {"default", "base"});
  const Value fallback = bound.value(0, Value::integer(0));
  require_defined(input);
  if (input.is_integral()) return Value::integer(input.as_integer());
  if (input.is(Kind::real)) {
    if (std::isnan(input.as_real())) return fallback;
    return truncated(input.as_real());
  }
  if (!input.is(Kind::string)) return fallback;
  heap.step_text(input.text().size());
  if (const auto value = parse_integer(input.text(), bound.integer(1, 10))) return Value::integer(*value);
  const std::optional<double> value = parse_real(input.text());
  return value && std::isfinite(*value) ? truncated(*value) : fallback;
}

Value to_real(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "float", arguments, {"default"});
  require_defined(input);
  if (input.is_number()) return Value::real(input.as_real());
  const std::optional<double> value = input.is(Kind::string) ? parse_real(input.text()) : std::nullopt;
  return value ? Value::real(*value) : bound.value(0, Value::real(0.0));
}

Value absolute(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "abs", arguments, {});
  require_defined(input);
  if (!input.is_number()) raise("abs needs a number, not '{}'", type_name(input));
  if (input.is(Kind::real)) return Value::real(std::fabs(input.as_real()));
  return input.as_integer() < 0 ? negative(input) : positive(input);
}

// An integer to a multiple of 10^places, halves to even.
Value round_integer(std::int64_t value, std::int64_t places) {
  if (places > 18) return Value::integer(0);
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i < places; ++i) unit *= 10;
  const std::int64_t remainder = ((value % unit) + unit) % unit;
  const std::int64_t down = value - remainder;
  const bool odd = (down / unit) % 2 != 0;
  const bool up = remainder > unit - remainder || (remainder == unit - remainder && odd);
  return Value::integer(up ? down + unit : down);
}

double round_real(double value, std::int64_t places) {
  if (!std::isfinite(value) || places > 330) return value;
  if (places < -308) return std::copysign(0.0, value);
  if (places < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-places));
    return std::nearbyint(value / unit) * unit;
  }
  char buffer[700];
  std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(places), value);
  return std::strtod(buffer, nullptr);
}

Value round_number(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "round", arguments, {"precision", "method"});
  const std::int64_t places = bound.integer(0, 0);
  const std::string method = bound.text(1, "common");
  if (method != "common" && method != "ceil" && method != "floor") {
    raise("round knows the methods common, ceil and floor, not '{}'", method);
  }
  require_defined(input);
  if (!input.is_number()) raise("round needs a number, not '{}'", type_name(input));
  if (method == "common") {
    if (input.is(Kind::real)) return Value::real(round_real(input.as_real(), places));
    return places >= 0 ? Value::integer(input.as_integer()) : round_integer(input.as_integer(), -places);
  }
  if (places > 300 || places < -300) raise("round takes a precision between -300 and 300");
  const double unit = std::pow(10.0, static_cast<double>(places));
  const double scaled = input.as_real() * unit;
  if (!std::isfinite(scaled)) raise("round cannot take this number");
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / unit);
}

Value sum(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "sum", arguments, {"attribute", "start"});
  const Value attribute = bound.value(0, Value::none());
  Value total = bound.value(1, Value::integer(0));
  if (total.is(Kind::string)) raise("sum cannot add strings, expected join");
  const Ref<IteratorObject> items = iterate(heap, input);
  while (std::optional<Value> item = items->next()) {
    total = add(heap, total, dotted_attribute(heap, std::move(*item), attribute, Value::none()));
  }
  return total;
}

}  // namespace

Filter find_number_filter(std::string_view name) {
  if (name == "abs") return absolute;
  if (name == "float") return to_real;
  if (name == "int") return to_integer;
  if (name == "round") return round_number;
  return name == "sum" ? sum : nullptr;
}

}  // namespace artemis::jinja

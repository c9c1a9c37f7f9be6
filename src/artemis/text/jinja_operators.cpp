#include "artemis/text/jinja_operators.h"

#include <cmath>

namespace artemis::jinja {
namespace {

[[noreturn]] void unsupported(std::string_view symbol, const Value& left, const Value& right) {
  fault("unsupported operand type(s) for {}: '{}' and '{}'", symbol, left.type_name(), right.type_name());
}

[[noreturn]] void overflow() { fault("an integer does not fit in 64 bits"); }

std::int64_t subtract_integers(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) overflow();
  return result;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  if (b == 0) fault("integer division or modulo by zero");
  if (a == INT64_MIN && b == -1) overflow();
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
  if (b == 0) fault("integer division or modulo by zero");
  if (b == -1) return 0;
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double modulo(double a, double b) {
  if (b == 0) fault("float modulo by zero");
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

// Python's float_floor_div.
double floor_divide(double a, double b) {
  if (b == 0) fault("float floor division by zero");
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1.0 : floored;
}

Value power(const Value& left, const Value& right) {
  if (left.is_integer() && right.is_integer() && right.integer() >= 0) {
    std::int64_t base = left.integer();
    std::int64_t result = 1;
    for (std::int64_t exponent = right.integer(); exponent > 0; exponent >>= 1) {
      if ((exponent & 1) != 0) result = multiply_integers(result, base);
      if (exponent > 1) base = multiply_integers(base, base);
    }
    return result;
  }
  const double base = left.number();
  const double exponent = right.number();
  if (base == 0 && exponent < 0) fault("0.0 cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    fault("complex numbers are not supported");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent))
    fault("Numerical result out of range");
  return result;
}

Value integers(std::string_view symbol, std::int64_t a, std::int64_t b) {
  if (symbol == "+") return add_integers(a, b);
  if (symbol == "-") return subtract_integers(a, b);
  if (symbol == "*") return multiply_integers(a, b);
  if (symbol == "//") return floor_divide(a, b);
  if (symbol == "%") return modulo(a, b);
  if (b == 0) fault("division by zero");
  return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
}

Value reals(std::string_view symbol, double a, double b) {
  if (symbol == "+") return a + b;
  if (symbol == "-") return a - b;
  if (symbol == "*") return a * b;
  if (symbol == "//") return floor_divide(a, b);
  if (symbol == "%") return modulo(a, b);
  if (b == 0) fault("float division by zero");
  return a / b;
}

Value add_strings(Heap& heap, const Value& left, const Value& right) {
  const bool markup = left.is_markup() || right.is_markup();
  heap.reserve(left.string().size() + right.string().size());
  return heap.text(text_within(heap, left, markup) + text_within(heap, right, markup), markup);
}

bool is_list_or_tuple(const Value& value) {
  return value.is_sequence(SequenceKind::list) || value.is_sequence(SequenceKind::tuple);
}

Value add_sequences(Heap& heap, const Value& left, const Value& right) {
  std::vector<Value> items = left.sequence()->items;
  items.insert(items.end(), right.sequence()->items.begin(), right.sequence()->items.end());
  return heap.sequence(left.sequence()->kind, std::move(items));
}

// A string, list or tuple so many times.
Value repeat(Heap& heap, const Value& value, std::int64_t count) {
  if (count < 0) count = 0;
  const std::size_t times = static_cast<std::size_t>(count);
  const std::size_t size =
      value.is_string() ? value.string().size() : value.sequence()->items.size() * sizeof(Value);
  if (size > 0 && times > (std::size_t{1} << 40) / size) fault("the template needs too much memory");
  heap.reserve(size * times);
  if (value.is_string()) {
    std::string text;
    text.reserve(size * times);
    for (std::size_t i = 0; i < times && size > 0; ++i) text += value.string();
    return heap.text(std::move(text), value.is_markup());
  }
  std::vector<Value> items;
  for (std::size_t i = 0; i < times && size > 0; ++i) {
    items.insert(items.end(), value.sequence()->items.begin(), value.sequence()->items.end());
  }
  return heap.sequence(value.sequence()->kind, std::move(items));
}

}  // namespace

std::int64_t add_integers(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) overflow();
  return result;
}

std::int64_t multiply_integers(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) overflow();
  return result;
}

Value binary(Heap& heap, std::string_view symbol, const Value& left, const Value& right) {
  if (symbol == "%" && left.is_string()) {
    return percent_format(heap, left, right);
  }
  require_defined(left);
  require_defined(right);
  if (left.is_number() && right.is_number()) {
    if (symbol == "**") return power(left, right);
    if (left.is_integer() && right.is_integer()) return integers(symbol, left.integer(), right.integer());
    return reals(symbol, left.number(), right.number());
  }
  if (symbol == "+") {
    if (left.is_string() && right.is_string()) return add_strings(heap, left, right);
    if (is_list_or_tuple(left) && right.is_sequence(left.sequence()->kind))
      return add_sequences(heap, left, right);
    if (left.is_string()) fault("can only concatenate str (not \"{}\") to str", right.type_name());
  }
  if (symbol == "*") {
    if ((left.is_string() || is_list_or_tuple(left)) && right.is_integer())
      return repeat(heap, left, right.integer());
    if ((right.is_string() || is_list_or_tuple(right)) && left.is_integer())
      return repeat(heap, right, left.integer());
  }
  unsupported(symbol, left, right);
}

Value negative(const Value& value) {
  require_defined(value);
  if (value.is_integer()) return subtract_integers(0, value.integer());
  if (value.is_real()) return -value.real();
  fault("bad operand type for unary -: '{}'", value.type_name());
}

Value positive(const Value& value) {
  require_defined(value);
  if (value.is_integer()) return value.integer();
  if (value.is_real()) return value.real();
  fault("bad operand type for unary +: '{}'", value.type_name());
}

std::string text_within(Heap& heap, const Value& value, bool markup) {
  return markup && !value.is_markup() ? escape_html(to_string(heap, value)) : to_string(heap, value);
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace artemis::jinja

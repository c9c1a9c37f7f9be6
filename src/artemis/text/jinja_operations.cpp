#include "artemis/text/jinja_operations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "artemis/text/jinja_format.h"

namespace artemis::jinja {
namespace {

[[noreturn]] void refuse(std::string_view operation, const Value& a, const Value& b) {
  require_defined(a);
  require_defined(b);
  raise("unsupported operands of {}: '{}' and '{}'", operation, type_name(a), type_name(b));
}

[[noreturn]] void overflow(std::string_view operation) {
  raise("integer overflow in {}, expected a result of 64 bits", operation);
}

bool equal_items(Heap& heap, const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&](const Value& x, const Value& y) { return equal(heap, x, y); });
}

bool equal_dicts(Heap& heap, const DictObject& a, const DictObject& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(entry.first);
    return other != nullptr && equal(heap, entry.second, *other);
  });
}

bool equal_ranges(const RangeObject& a, const RangeObject& b) {
  if (a.length != b.length) return false;
  return a.length == 0 || (a.start == b.start && (a.length == 1 || a.step == b.step));
}

// Exact, also between large integers and floats.
template <typename Relation>
bool relate_numbers(const Value& a, const Value& b, Relation relation) {
  if (a.is_integral() && b.is_integral()) return relation(a.as_integer(), b.as_integer());
  const auto wide = [](const Value& value) {
    return value.is(Kind::real) ? static_cast<long double>(value.as_real())
                                : static_cast<long double>(value.as_integer());
  };
  return relation(wide(a), wide(b));
}

bool less_or_equal(Heap& heap, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return relate_numbers(a, b, std::less_equal<>());
  return !less(heap, b, a);
}

Value repeat(Heap& heap, const Value& value, std::int64_t count) {
  const std::size_t unit = value.is(Kind::string) ? value.text().size() : value.items().size();
  if (count <= 0 || unit == 0) count = 0;
  const std::size_t bytes = value.is(Kind::string) ? 1 : sizeof(Value);
  if (static_cast<std::size_t>(count) > (std::size_t{1} << 40) / (unit * bytes + 1)) {
    raise("the template takes too much memory");
  }
  heap.reserve(unit * static_cast<std::size_t>(count) * bytes);
  if (value.is(Kind::string)) {
    std::string text;
    for (std::int64_t i = 0; i < count; ++i) text += value.text();
    return Value::string(heap, std::move(text), value.is_markup());
  }
  std::vector<Value> items;
  for (std::int64_t i = 0; i < count; ++i)
    items.insert(items.end(), value.items().begin(), value.items().end());
  return value.is(Kind::list) ? Value::list(heap, std::move(items)) : Value::tuple(heap, std::move(items));
}

Value subtract(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) refuse("-", a, b);
  if (!a.is_integral() || !b.is_integral()) return Value::real(a.as_real() - b.as_real());
  std::int64_t result = 0;
  if (__builtin_sub_overflow(a.as_integer(), b.as_integer(), &result)) overflow("-");
  return Value::integer(result);
}

Value multiply(Heap& heap, const Value& a, const Value& b) {
  const auto repeats = [](const Value& value) { return value.is(Kind::string) || value.is_sequence(); };
  if (repeats(a) && b.is_integral()) return repeat(heap, a, b.as_integer());
  if (repeats(b) && a.is_integral()) return repeat(heap, b, a.as_integer());
  if (!a.is_number() || !b.is_number()) refuse("*", a, b);
  if (!a.is_integral() || !b.is_integral()) return Value::real(a.as_real() * b.as_real());
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a.as_integer(), b.as_integer(), &result)) overflow("*");
  return Value::integer(result);
}

void require_divisor(const Value& value) {
  if (value.as_real() == 0) raise("division by zero");
}

Value divide(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) refuse("/", a, b);
  require_divisor(b);
  if (!a.is_integral() || !b.is_integral()) return Value::real(a.as_real() / b.as_real());
  return Value::real(static_cast<double>(static_cast<long double>(a.as_integer()) /
                                         static_cast<long double>(b.as_integer())));
}

// Quotient rounded down and its remainder, as Python computes them for floats.
std::pair<double, double> divide_floor(double a, double b) {
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0) {
    if ((b < 0) != (remainder < 0)) {
      remainder += b;
      quotient -= 1;
    }
  } else {
    remainder = std::copysign(0.0, b);
  }
  if (quotient == 0) return {std::copysign(0.0, a / b), remainder};
  const double down = std::floor(quotient);
  return {quotient - down > 0.5 ? down + 1 : down, remainder};
}

std::pair<std::int64_t, std::int64_t> divide_floor(std::int64_t a, std::int64_t b) {
  if (b == -1) {
    std::int64_t result = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, a, &result)) overflow("//");
    return {result, 0};
  }
  const std::int64_t quotient = a / b;
  const std::int64_t remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) return {quotient - 1, remainder + b};
  return {quotient, remainder};
}

Value floor_divide(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) refuse("//", a, b);
  require_divisor(b);
  if (a.is_integral() && b.is_integral()) {
    return Value::integer(divide_floor(a.as_integer(), b.as_integer()).first);
  }
  return Value::real(divide_floor(a.as_real(), b.as_real()).first);
}

Value modulo(Heap& heap, const Value& a, const Value& b) {
  if (a.is(Kind::string)) return format_percent(heap, a, b);
  if (!a.is_number() || !b.is_number()) refuse("%", a, b);
  require_divisor(b);
  if (a.is_integral() && b.is_integral()) {
    if (b.as_integer() == -1) return Value::integer(0);
    return Value::integer(divide_floor(a.as_integer(), b.as_integer()).second);
  }
  return Value::real(divide_floor(a.as_real(), b.as_real()).second);
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow("**");
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow("**");
  }
  return result;
}

Value power(const Value& a, const Value& b) {
  if (!a.is_number() || !b.is_number()) refuse("**", a, b);
  if (a.is_integral() && b.is_integral() && b.as_integer() >= 0) {
    return Value::integer(integer_power(a.as_integer(), b.as_integer()));
  }
  const double base = a.as_real();
  const double exponent = b.as_real();
  if (base == 0 && exponent < 0) raise("zero cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    raise("a negative number to a fractional power is complex, which is not supported");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent))
    raise("the result of ** is too large");
  return Value::real(result);
}

}  // namespace

void require_defined(const Value& value) {
  if (value.is(Kind::undefined)) raise("{}", value.reason());
}

bool truth(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return false;
    case Kind::boolean:
    case Kind::integer:
      return value.as_integer() != 0;
    case Kind::real:
      return value.as_real() != 0;
    default:
      return length_if_any(value).value_or(1) != 0;
  }
}

std::size_t hash_of(Heap& heap, const Value& value) {
  heap.step();
  switch (value.kind()) {
    case Kind::undefined:
    case Kind::none:
      return static_cast<std::size_t>(value.kind()) + 1;
    case Kind::boolean:
    case Kind::integer:
      return std::hash<std::int64_t>()(value.as_integer());
    case Kind::real: {
      const double real = value.as_real();
      const bool whole = real == std::floor(real) && std::fabs(real) < 9.2e18;
      return whole ? std::hash<std::int64_t>()(static_cast<std::int64_t>(real)) : std::hash<double>()(real);
    }
    case Kind::string:
      return std::hash<std::string_view>()(value.text());
    case Kind::tuple: {
      const Heap::Level level(heap);
      std::size_t hash = 17;
      for (const Value& item : value.items()) hash = hash * 1000003 + hash_of(heap, item);
      return hash;
    }
    case Kind::list:
    case Kind::dict:
    case Kind::view:
      raise("unhashable type: '{}'", type_name(value));
    default:
      return std::hash<const void*>()(value.object());
  }
}

bool same_object(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::none)) return true;
  if (a.is_integral()) return a.as_integer() == b.as_integer();
  return a.object() != nullptr && a.object() == b.object();
}

bool equal(Heap& heap, const Value& a, const Value& b) {
  heap.step();
  if (a.is_number() && b.is_number()) return relate_numbers(a, b, std::equal_to<>());
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::undefined) || a.is(Kind::none)) return true;
  if (a.object() == b.object()) return true;
  const Heap::Level level(heap);
  switch (a.kind()) {
    case Kind::string:
      return a.text() == b.text();
    case Kind::list:
    case Kind::tuple:
      return equal_items(heap, a.items(), b.items());
    case Kind::dict:
      return equal_dicts(heap, a.dict(), b.dict());
    case Kind::range:
      return equal_ranges(a.as<RangeObject>(), b.as<RangeObject>());
    default:
      return false;
  }
}

bool less(Heap& heap, const Value& a, const Value& b) {
  heap.step();
  if (a.is_number() && b.is_number()) return relate_numbers(a, b, std::less<>());
  if (a.kind() != b.kind()) refuse("<", a, b);
  if (a.is(Kind::string)) return a.text() < b.text();
  if (!a.is_sequence()) refuse("<", a, b);
  const Heap::Level level(heap);
  const std::size_t common = std::min(a.items().size(), b.items().size());
  for (std::size_t i = 0; i < common; ++i) {
    if (!equal(heap, a.items()[i], b.items()[i])) return less(heap, a.items()[i], b.items()[i]);
  }
  return a.items().size() < b.items().size();
}

bool compare(Heap& heap, std::string_view operation, const Value& a, const Value& b) {
  if (operation == "==") return equal(heap, a, b);
  if (operation == "!=") return !equal(heap, a, b);
  if (operation == "<") return less(heap, a, b);
  if (operation == ">") return less(heap, b, a);
  if (operation == "<=") return less_or_equal(heap, a, b);
  if (operation == ">=") return less_or_equal(heap, b, a);
  if (operation == "in") return contains(heap, b, a);
  ARTEMIS_ASSERT(operation == "not in");
  return !contains(heap, b, a);
}

bool contains(Heap& heap, const Value& container, const Value& item) {
  if (container.is(Kind::string)) {
    if (!item.is(Kind::string))
      raise("'in' with a string needs a string on the left, not '{}'", type_name(item));
    heap.step_text(container.text().size());
    return container.text().find(item.text()) != std::string::npos;
  }
  const auto is_item = [&](const Value& other) { return equal(heap, other, item); };
  if (container.is_sequence())
    return std::any_of(container.items().begin(), container.items().end(), is_item);
  if (container.is(Kind::dict)) return container.dict().find(item) != nullptr;
  const Ref<IteratorObject> items = iterate(heap, container);
  while (const std::optional<Value> other = items->next()) {
    if (is_item(*other)) return true;
  }
  return false;
}

Value add(Heap& heap, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (!a.is_integral() || !b.is_integral()) return Value::real(a.as_real() + b.as_real());
    std::int64_t result = 0;
    if (__builtin_add_overflow(a.as_integer(), b.as_integer(), &result)) overflow("+");
    return Value::integer(result);
  }
  if (a.kind() != b.kind()) refuse("+", a, b);
  if (a.is(Kind::string)) {
    const bool markup = a.is_markup() || b.is_markup();
    const Value left = markup ? escaped(heap, a) : a;
    const Value right = markup ? escaped(heap, b) : b;
    heap.reserve(left.text().size() + right.text().size());
    return Value::string(heap, left.text() + right.text(), markup);
  }
  if (!a.is_sequence()) refuse("+", a, b);
  heap.reserve((a.items().size() + b.items().size()) * sizeof(Value));
  std::vector<Value> items = a.items();
  items.insert(items.end(), b.items().begin(), b.items().end());
  return a.is(Kind::list) ? Value::list(heap, std::move(items)) : Value::tuple(heap, std::move(items));
}

Value binary(Heap& heap, std::string_view operation, const Value& a, const Value& b) {
  if (operation == "+") return add(heap, a, b);
  if (operation == "-") return subtract(a, b);
  if (operation == "*") return multiply(heap, a, b);
  if (operation == "/") return divide(a, b);
  if (operation == "//") return floor_divide(a, b);
  if (operation == "%") return modulo(heap, a, b);
  ARTEMIS_ASSERT(operation == "**");
  return power(a, b);
}

Value negative(const Value& value) {
  require_defined(value);
  if (!value.is_number()) raise("bad operand of -: '{}'", type_name(value));
  if (value.is(Kind::real)) return Value::real(-value.as_real());
  if (value.as_integer() == std::numeric_limits<std::int64_t>::min()) overflow("-");
  return Value::integer(-value.as_integer());
}

Value positive(const Value& value) {
  require_defined(value);
  if (!value.is_number()) raise("bad operand of +: '{}'", type_name(value));
  return value.is(Kind::real) ? value : Value::integer(value.as_integer());
}

}  // namespace artemis::jinja

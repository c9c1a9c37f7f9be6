// Items, attributes, slices, lengths and iteration of values.
#include <algorithm>
#include <array>

#include "artemis/text/jinja_loop.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value no_attribute(Heap& heap, const Value& value, std::string_view name) {
  const std::string owner = value.is(Kind::none) ? "None" : fmt::format("'{} object'", type_name(value));
  return Value::undefined(heap, fmt::format("{} has no attribute {}", owner, repr(name)));
}

Value unsafe_attribute(Heap& heap, const Value& value, std::string_view name) {
  return Value::undefined(
      heap, fmt::format("access to attribute {} of '{}' object is unsafe", repr(name), type_name(value)));
}

// The position of a Python index, or nothing when it lies outside.
std::optional<std::size_t> position_of(std::int64_t index, std::int64_t size) {
  if (index < 0) index += size;
  if (index < 0 || index >= size) return std::nullopt;
  return static_cast<std::size_t>(index);
}

Value character(Heap& heap, const Value& value, std::size_t begin) {
  std::size_t end = begin;
  next_code_point(value.text(), end);
  return Value::string(heap, value.text().substr(begin, end - begin), value.is_markup());
}

// value[key] as Python has it, or nothing where Python raises TypeError or LookupError.
std::optional<Value> find_item(Heap& heap, const Value& value, const Value& key) {
  if (value.is(Kind::dict)) {
    if (key.is(Kind::list) || key.is(Kind::dict)) return std::nullopt;
    const Value* found = value.dict().find(key);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  if (!key.is_integral()) return std::nullopt;
  if (value.is_sequence()) {
    const auto at = position_of(key.as_integer(), static_cast<std::int64_t>(value.items().size()));
    return at ? std::optional(value.items()[*at]) : std::nullopt;
  }
  if (value.is(Kind::string)) {
    heap.step_text(value.text().size());
    const auto at = position_of(key.as_integer(), count_code_points(value.text()));
    if (!at) return std::nullopt;
    return character(heap, value, byte_of(value.text(), static_cast<std::int64_t>(*at)));
  }
  if (value.is(Kind::range)) {
    const auto& range = value.as<RangeObject>();
    const auto at = position_of(key.as_integer(), range.length);
    return at ? std::optional(Value::integer(range.at(static_cast<std::int64_t>(*at)))) : std::nullopt;
  }
  return std::nullopt;
}

// The bounds of a slice, as Python adjusts them.
struct Bounds {
  std::int64_t begin, step, count;
};

std::int64_t bound(const Value& value, std::int64_t fallback, std::int64_t size, bool backwards) {
  if (value.is(Kind::none)) return fallback;
  if (!value.is_integral()) raise("a slice needs integers or none, not '{}'", type_name(value));
  std::int64_t index = value.as_integer();
  if (index < 0) index = std::max(index + size, std::int64_t{backwards ? -1 : 0});
  return std::min(index, backwards ? size - 1 : size);
}

Bounds slice_bounds(const Value& begin, const Value& end, const Value& step, std::int64_t size) {
  require_defined(begin);
  require_defined(end);
  require_defined(step);
  const std::int64_t by = step.is(Kind::none) ? 1 : step.is_integral() ? step.as_integer() : 0;
  if (by == 0) raise("the step of a slice cannot be zero, expected an integer");
  const bool backwards = by < 0;
  const std::int64_t from = bound(begin, backwards ? size - 1 : 0, size, backwards);
  const std::int64_t to = bound(end, backwards ? -1 : size, size, backwards);
  const std::int64_t span = backwards ? from - to : to - from;
  const std::int64_t stride = std::min(backwards ? -std::max(by, -size - 1) : by, size + 1);
  const std::int64_t count = span <= 0 ? 0 : (span + stride - 1) / stride;
  return {from, backwards ? -stride : stride, count};
}

Value slice_string(Heap& heap, const Value& value, const Bounds& bounds) {
  heap.reserve(4 * value.text().size());
  const std::u32string codes = code_points(value.text());
  std::u32string result;
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    result += codes[static_cast<std::size_t>(bounds.begin + i * bounds.step)];
  }
  return Value::string(heap, utf8(result), value.is_markup());
}

// Walks `count` values that `at` makes.
template <typename At>
Ref<IteratorObject> indexed(Heap& heap, std::int64_t count, At at) {
  return make<IteratorObject>(heap, [index = std::int64_t{0}, count, at]() mutable -> std::optional<Value> {
    if (index >= count) return std::nullopt;
    return at(index++);
  });
}

Ref<IteratorObject> characters(Heap& heap, const Value& value) {
  return make<IteratorObject>(heap,
                              [&heap, value, position = std::size_t{0}]() mutable -> std::optional<Value> {
                                if (position >= value.text().size()) return std::nullopt;
                                const std::size_t begin = position;
                                next_code_point(value.text(), position);
                                return Value::string(heap, value.text().substr(begin, position - begin));
                              });
}

std::optional<Value> group_attribute(const Value& value, std::string_view name) {
  if (!value.as<ListObject>().grouped) return std::nullopt;
  if (name == "grouper") return value.items()[0];
  if (name == "list") return value.items()[1];
  return std::nullopt;
}

}  // namespace

std::string_view type_name(const Value& value) {
  constexpr std::array<std::string_view, 17> names{
      "Undefined", "NoneType", "bool",        "int",        "float", "str",
      "list",      "tuple",    "dict",        "dict_items", "range", "generator",
      "Namespace", "function", "LoopContext", "Cycler",     "Joiner"};
  return names[static_cast<std::size_t>(value.kind())];
}

std::optional<std::int64_t> length_if_any(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return 0;
    case Kind::string:
      return count_code_points(value.text());
    case Kind::list:
    case Kind::tuple:
      return static_cast<std::int64_t>(value.items().size());
    case Kind::dict:
      return static_cast<std::int64_t>(value.dict().entries.size());
    case Kind::view:
      return static_cast<std::int64_t>(value.as<ViewObject>().dict->entries.size());
    case Kind::range:
      return value.as<RangeObject>().length;
    case Kind::loop:
      return value.as<LoopObject>().length();
    default:
      return std::nullopt;
  }
}

std::int64_t length(const Value& value) {
  const std::optional<std::int64_t> count = length_if_any(value);
  if (!count) raise("an object of type '{}' has no length", type_name(value));
  return *count;
}

bool is_iterable(const Value& value) {
  switch (value.kind()) {
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::callable:
    case Kind::cycler:
    case Kind::joiner:
      return false;
    default:
      return true;
  }
}

Ref<IteratorObject> iterate(Heap& heap, const Value& value) {
  switch (value.kind()) {
    case Kind::undefined:
      return make<IteratorObject>(heap, nullptr);
    case Kind::string:
      return characters(heap, value);
    case Kind::list:
    case Kind::tuple:
      return indexed(heap, static_cast<std::int64_t>(value.items().size()),
                     [value](std::int64_t i) { return value.items()[static_cast<std::size_t>(i)]; });
    case Kind::dict:
      return indexed(heap, static_cast<std::int64_t>(value.dict().entries.size()), [value](std::int64_t i) {
        return value.dict().entries[static_cast<std::size_t>(i)].first;
      });
    case Kind::view:
      return indexed(
          heap, static_cast<std::int64_t>(value.as<ViewObject>().dict->entries.size()),
          [value](std::int64_t i) { return value.as<ViewObject>().at(static_cast<std::size_t>(i)); });
    case Kind::range:
      return indexed(heap, value.as<RangeObject>().length,
                     [value](std::int64_t i) { return Value::integer(value.as<RangeObject>().at(i)); });
    case Kind::iterator:
      return Ref<IteratorObject>(&value.as<IteratorObject>());
    default:
      raise("'{}' is not iterable", type_name(value));
  }
}

std::vector<Value> to_items(Heap& heap, const Value& value) {
  if (value.is_sequence()) return value.items();
  std::vector<Value> items;
  const Ref<IteratorObject> source = iterate(heap, value);
  while (std::optional<Value> item = source->next()) {
    heap.reserve((items.size() + 1) * sizeof(Value));
    items.push_back(std::move(*item));
  }
  return items;
}

std::optional<Value> find_attribute(Heap& heap, const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::space: {
      const Value* found = value.dict().find(name);
      return found != nullptr ? std::optional(*found) : std::nullopt;
    }
    case Kind::loop:
      return value.as<LoopObject>().attribute(name);
    case Kind::tuple:
      if (std::optional<Value> found = group_attribute(value, name)) return found;
      break;
    default:
      break;
  }
  if (is_unsafe_attribute(value, name)) return unsafe_attribute(heap, value, name);
  return find_method(heap, value, name);
}

Value get_item(Heap& heap, const Value& value, const Value& key) {
  require_defined(value);
  if (std::optional<Value> item = find_item(heap, value, key)) return std::move(*item);
  if (key.is(Kind::string)) {
    if (std::optional<Value> found = find_attribute(heap, value, key.text())) return std::move(*found);
    return no_attribute(heap, value, key.text());
  }
  return Value::undefined(heap,
                          fmt::format("{} object has no element {}", type_name(value), to_repr(heap, key)));
}

Value get_attribute(Heap& heap, const Value& value, std::string_view name) {
  require_defined(value);
  if (std::optional<Value> found = find_attribute(heap, value, name)) return std::move(*found);
  if (value.is(Kind::dict)) {
    if (const Value* found = value.dict().find(name)) return *found;
  }
  return no_attribute(heap, value, name);
}

Value get_slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step) {
  require_defined(value);
  const bool sliceable = value.is(Kind::string) || value.is_sequence() || value.is(Kind::range);
  if (!sliceable) raise("'{}' cannot be sliced", type_name(value));
  const Bounds bounds = slice_bounds(begin, end, step, length(value));
  heap.step(bounds.count / 8);
  if (value.is(Kind::string)) return slice_string(heap, value, bounds);
  if (value.is(Kind::range)) {
    const auto& range = value.as<RangeObject>();
    if (bounds.count == 0)
      return Value::of(Kind::range, make<RangeObject>(heap, range.start, range.start, 1));
    const std::int64_t first = range.at(bounds.begin);
    const std::int64_t last = range.at(bounds.begin + (bounds.count - 1) * bounds.step);
    const std::int64_t by = bounds.count == 1 ? 1 : range.step * bounds.step;
    return Value::of(Kind::range, make<RangeObject>(heap, first, last + (by > 0 ? 1 : -1), by));
  }
  std::vector<Value> items;
  heap.reserve(static_cast<std::size_t>(bounds.count) * sizeof(Value));
  for (std::int64_t i = 0; i < bounds.count; ++i) {
    items.push_back(value.items()[static_cast<std::size_t>(bounds.begin + i * bounds.step)]);
  }
  return value.is(Kind::list) ? Value::list(heap, std::move(items)) : Value::tuple(heap, std::move(items));
}

}  // namespace artemis::jinja

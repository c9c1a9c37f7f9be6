#include "artemis/text/jinja_slice.h"

#include <algorithm>

#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// Indices first, first + step, ... of which there are `count`.
struct Range {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

std::int64_t bound(const Value& value, std::int64_t fallback, std::int64_t length, std::int64_t least,
                   std::int64_t most) {
  if (value.is_none()) return fallback;
  const std::int64_t index = value.integer();
  return std::clamp(index < 0 ? std::max(index, -length - 1) + length : index, least, most);
}

Range indices(std::int64_t length, const Value& begin, const Value& end, const Value& step) {
  Range range;
  range.step = step.is_none() ? 1 : std::max(step.integer(), -INT64_MAX);
  if (range.step == 0) fault("slice step cannot be zero");
  const bool forward = range.step > 0;
  const std::int64_t least = forward ? 0 : -1;
  const std::int64_t most = forward ? length : length - 1;
  range.first = bound(begin, forward ? 0 : length - 1, length, least, most);
  const std::int64_t last = bound(end, forward ? length : -1, length, least, most);
  const std::int64_t distance = forward ? last - range.first : range.first - last;
  if (distance > 0) range.count = (distance - 1) / (forward ? range.step : -range.step) + 1;
  return range;
}

std::string slice_text(const Text& text, const Range& range) {
  if (range.count == 0) return {};
  if (range.step == 1) {
    const std::size_t begin = byte_of(text.bytes, range.first);
    const std::string_view rest = std::string_view(text.bytes).substr(begin);
    return std::string(rest.substr(0, byte_of(rest, range.count)));
  }
  const std::u32string codes = code_points(text.bytes);
  std::string result;
  for (std::int64_t i = 0; i < range.count; ++i) {
    append_code_point(result, codes[static_cast<std::size_t>(range.first + i * range.step)]);
  }
  return result;
}

bool is_bound(const Value& value) { return value.is_none() || value.is_integer(); }

}  // namespace

Value slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step) {
  require_defined(value);
  if (!value.is_string() && !value.is_indexable()) fault("'{}' object cannot be sliced", value.type_name());
  if (!is_bound(begin) || !is_bound(end) || !is_bound(step)) fault("slice indices must be integers or None");
  const Range range = indices(length(value), begin, end, step);
  if (value.is_string()) {
    heap.step_bytes(value.string().size());
    return heap.text(slice_text(*value.text(), range), value.is_markup());
  }
  std::vector<Value> items;
  items.reserve(static_cast<std::size_t>(range.count));
  for (std::int64_t i = 0; i < range.count; ++i) {
    items.push_back(value.sequence()->items[static_cast<std::size_t>(range.first + i * range.step)]);
  }
  return heap.sequence(value.sequence()->kind, std::move(items));
}

}  // namespace artemis::jinja

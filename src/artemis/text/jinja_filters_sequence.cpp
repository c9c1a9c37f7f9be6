// Filters on sequences and mappings.
#include <algorithm>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_tests.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value size(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "length", arguments, {});
  if (input.is(Kind::string)) heap.step_text(input.text().size());
  return Value::integer(length(input));
}

Value list(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "list", arguments, {});
  return Value::list(heap, to_items(heap, input));
}

Value first(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "first", arguments, {});
  if (std::optional<Value> item = iterate(heap, input)->next()) return std::move(*item);
  return Value::undefined(heap, "no first item, the sequence is empty");
}

bool is_reversible(const Value& input) {
  return input.is_sequence() || input.is(Kind::dict) || input.is(Kind::view) || input.is(Kind::range) ||
         input.is(Kind::string) || input.is(Kind::undefined);
}

std::vector<Value> reversed_items(Heap& heap, const Value& input) {
  std::vector<Value> items = to_items(heap, input);
  std::reverse(items.begin(), items.end());
  return items;
}

Value last(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "last", arguments, {});
  if (!is_reversible(input)) raise("'{}' has no last item", type_name(input));
  if (input.is_sequence() && !input.items().empty()) return input.items().back();
  const std::vector<Value> items = to_items(heap, input);
  if (!items.empty()) return items.back();
  return Value::undefined(heap, "no last item, the sequence is empty");
}

Value reverse(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "reverse", arguments, {});
  if (input.is(Kind::string)) {
    return get_slice(heap, input, Value::none(), Value::none(), Value::integer(-1));
  }
  const Value items = Value::list(heap, reversed_items(heap, input));
  if (!is_reversible(input)) return items;
  return Value::of(Kind::iterator, iterate(heap, items));
}

Value dict_items(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "items", arguments, {});
  if (input.is(Kind::undefined)) return make_iterator(heap, nullptr);
  if (!input.is(Kind::dict)) {
    return make_iterator(heap, []() -> std::optional<Value> { raise("items needs a mapping"); });
  }
  const auto view = make<ViewObject>(heap, Ref<DictObject>(&input.dict()), ViewObject::Part::items);
  return Value::of(Kind::iterator, iterate(heap, Value::of(Kind::view, view)));
}

// A lazy sequence: `transform` gives a value for an item, or nothing to pass over it. As in jinja2 the
// arguments are looked at only when there is something to walk over.
using Transform = std::function<std::optional<Value>(const Value&)>;

Value transformed(Heap& heap, const Value& input, const std::function<Transform()>& prepare) {
  if (!truth(input)) return make_iterator(heap, nullptr);
  return make_iterator(heap,
                       [&heap, input, prepare, source = Ref<IteratorObject>(),
                        transform = Transform()]() mutable -> std::optional<Value> {
                         if (!source) {
                           transform = prepare();
                           source = iterate(heap, input);
                         }
                         while (const std::optional<Value> item = source->next()) {
                           if (std::optional<Value> value = transform(*item)) return value;
                         }
                         return std::nullopt;
                       });
}

std::string name_of(const Value& value, std::string_view what) {
  require_defined(value);
  if (!value.is(Kind::string)) raise("{} needs a name, not '{}'", what, type_name(value));
  return value.text();
}

Transform prepare_map(Heap& heap, Arguments arguments) {
  if (arguments.positional.empty()) {
    const Bound bound(heap, "map", arguments, {"attribute", "default"});
    if (!bound.has(0)) raise("map needs a filter or an attribute");
    return [&heap, attribute = bound[0], fallback = bound.value(1, Value::none())](const Value& item) {
      return std::optional(dotted_attribute(heap, item, attribute, fallback));
    };
  }
  const std::string name = name_of(arguments.positional[0], "map");
  arguments.positional.erase(arguments.positional.begin());
  return [&heap, name, arguments](const Value& item) {
    return std::optional(apply_filter(heap, name, item, arguments));
  };
}

Value map(Heap& heap, const Value& input, const Arguments& arguments) {
  return transformed(heap, input, [&heap, arguments] { return prepare_map(heap, arguments); });
}

Transform prepare_select(Heap& heap, Arguments arguments, bool keeps, bool by_attribute) {
  Value attribute = Value::none();
  if (by_attribute) {
    if (arguments.positional.empty()) raise("the filter needs the name of an attribute");
    attribute = arguments.positional[0];
    arguments.positional.erase(arguments.positional.begin());
  }
  std::optional<std::string> test;
  if (!arguments.positional.empty()) {
    test = name_of(arguments.positional[0], "the filter");
    arguments.positional.erase(arguments.positional.begin());
  }
  return [=, &heap](const Value& item) -> std::optional<Value> {
    const Value value = dotted_attribute(heap, item, attribute, Value::none());
    const bool passes = test ? apply_test(heap, *test, value, arguments) : truth(value);
    return passes == keeps ? std::optional(item) : std::nullopt;
  };
}

template <bool keeps, bool by_attribute>
Value select(Heap& heap, const Value& input, const Arguments& arguments) {
  return transformed(heap, input,
                     [&heap, arguments] { return prepare_select(heap, arguments, keeps, by_attribute); });
}

// Lists, one after another.
Value rows(Heap& heap, std::vector<std::vector<Value>> parts) {
  std::vector<Value> lists;
  for (std::vector<Value>& part : parts) lists.push_back(Value::list(heap, std::move(part)));
  return Value::of(Kind::iterator, iterate(heap, Value::list(heap, std::move(lists))));
}

Value batch(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t count = bound.integer(0, 0);
  const Value fill = bound.value(1, Value::none());
  std::vector<std::vector<Value>> parts;
  for (Value& item : to_items(heap, input)) {
    if (parts.empty() || static_cast<std::int64_t>(parts.back().size()) == count) parts.emplace_back();
    parts.back().push_back(std::move(item));
  }
  const std::int64_t missing = parts.empty() ? 0 : count - static_cast<std::int64_t>(parts.back().size());
  if (missing > 0 && !fill.is(Kind::none)) {
    heap.reserve(static_cast<std::size_t>(std::min<std::int64_t>(missing, 1 << 30)) * sizeof(Value));
    parts.back().resize(static_cast<std::size_t>(count), fill);
  }
  return rows(heap, std::move(parts));
}

Value slice(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t count = bound.integer(0, 0);
  const Value fill = bound.value(1, Value::none());
  const std::vector<Value> items = to_items(heap, input);
  if (count == 0) raise("slice cannot make 0 parts");
  heap.step(std::max<std::int64_t>(count, 0));
  heap.reserve(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)) * sizeof(ListObject));
  const auto total = static_cast<std::int64_t>(items.size());
  std::vector<std::vector<Value>> parts;
  auto next = items.begin();
  for (std::int64_t i = 0; i < count; ++i) {
    const bool has_more = i < total % count;
    const auto end = next + total / count + (has_more ? 1 : 0);
    parts.emplace_back(next, end);
    if (!has_more && !fill.is(Kind::none)) parts.back().push_back(fill);
    next = end;
  }
  return rows(heap, std::move(parts));
}

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  if (name == "batch") return batch;
  if (name == "first") return first;
  if (name == "items") return dict_items;
  if (name == "last") return last;
  if (name == "length" || name == "count") return size;
  if (name == "list") return list;
  if (name == "map") return map;
  if (name == "reject") return select<false, false>;
  if (name == "rejectattr") return select<false, true>;
  if (name == "reverse") return reverse;
  if (name == "select") return select<true, false>;
  if (name == "selectattr") return select<true, true>;
  return name == "slice" ? slice : nullptr;
}

}  // namespace artemis::jinja

// Filters that compare items with one another.
#include <algorithm>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

struct Keyed {
  Value key;
  Value item;
};

// Strings compare in lower case unless the filter is told otherwise.
Value fold(Heap& heap, const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is(Kind::string)) return value;
  return Value::string(heap, lower(value.text()));
}

// Stable; a reversed order keeps equal items as they were.
void sort_by_key(Heap& heap, std::vector<Keyed>& items, bool reverse) {
  if (reverse) std::reverse(items.begin(), items.end());
  std::stable_sort(items.begin(), items.end(),
                   [&heap](const Keyed& a, const Keyed& b) { return less(heap, a.key, b.key); });
  if (reverse) std::reverse(items.begin(), items.end());
}

Value items_of(Heap& heap, std::vector<Keyed> sorted) {
  std::vector<Value> items;
  for (Keyed& entry : sorted) items.push_back(std::move(entry.item));
  return Value::list(heap, std::move(items));
}

// One key for each of the comma-separated attributes.
Value sort_key(Heap& heap, const Value& item, const Value& attribute, bool case_sensitive) {
  if (!attribute.is(Kind::string)) {
    return fold(heap, dotted_attribute(heap, item, attribute, Value::none()), case_sensitive);
  }
  std::vector<Value> keys;
  const std::string comma = ",";
  for (const std::string_view part : split_text(attribute.text(), &comma, -1)) {
    const Value name = Value::string(heap, std::string(part));
    keys.push_back(fold(heap, dotted_attribute(heap, item, name, Value::none()), case_sensitive));
  }
  return Value::list(heap, std::move(keys));
}

Value sort(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const Value attribute = bound.value(2, Value::none());
  std::vector<Keyed> items;
  for (Value& item : to_items(heap, input)) {
    Value key = sort_key(heap, item, attribute, bound.truth(1, false));
    items.push_back({std::move(key), std::move(item)});
  }
  sort_by_key(heap, items, bound.truth(0, false));
  return items_of(heap, std::move(items));
}

Value dictsort(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = bound.text(1, "key");
  if (by != "key" && by != "value") raise("dictsort sorts by key or value, not '{}'", by);
  require_defined(input);
  if (!input.is(Kind::dict)) raise("dictsort needs a mapping, not '{}'", type_name(input));
  std::vector<Keyed> items;
  for (const auto& [key, value] : input.dict().entries) {
    items.push_back(
        {fold(heap, by == "key" ? key : value, bound.truth(0, false)), Value::tuple(heap, {key, value})});
  }
  sort_by_key(heap, items, bound.truth(2, false));
  return items_of(heap, std::move(items));
}

Value unique(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "unique", arguments, {"case_sensitive", "attribute"});
  const bool case_sensitive = bound.truth(0, false);
  const Value attribute = bound.value(1, Value::none());
  const Ref<IteratorObject> source = iterate(heap, input);
  const Ref<DictObject> seen = make<DictObject>(heap);
  return make_iterator(heap, [=, &heap]() -> std::optional<Value> {
    while (std::optional<Value> item = source->next()) {
      const Value key = fold(heap, dotted_attribute(heap, *item, attribute, Value::none()), case_sensitive);
      if (seen->find(key) != nullptr) continue;
      seen->set(key, Value::none());
      return item;
    }
    return std::nullopt;
  });
}

template <bool largest>
Value extreme(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "min or max", arguments, {"case_sensitive", "attribute"});
  const Value attribute = bound.value(1, Value::none());
  std::optional<Keyed> best;
  const Ref<IteratorObject> items = iterate(heap, input);
  while (const std::optional<Value> item = items->next()) {
    const Value key =
        fold(heap, dotted_attribute(heap, *item, attribute, Value::none()), bound.truth(0, false));
    const bool better = !best || (largest ? less(heap, best->key, key) : less(heap, key, best->key));
    if (better) best = Keyed{key, *item};
  }
  return best ? best->item : Value::undefined(heap, "no item, the sequence is empty");
}

Value make_group(Heap& heap, Value key, std::vector<Value> items) {
  Value group = Value::tuple(heap, {std::move(key), Value::list(heap, std::move(items))});
  group.as<ListObject>().grouped = true;
  return group;
}

Value groupby(Heap& heap, const Value& input, const Arguments& arguments) {
  const Bound bound(heap, "groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const Value fallback = bound.value(1, Value::none());
  const bool case_sensitive = bound.truth(2, false);
  std::vector<Keyed> items;
  for (Value& item : to_items(heap, input)) {
    Value key = fold(heap, dotted_attribute(heap, item, bound[0], fallback), case_sensitive);
    items.push_back({std::move(key), std::move(item)});
  }
  sort_by_key(heap, items, false);
  std::vector<Value> groups;
  for (std::size_t begin = 0; begin < items.size();) {
    std::vector<Value> members;
    std::size_t end = begin;
    for (; end < items.size() && equal(heap, items[begin].key, items[end].key); ++end) {
      members.push_back(items[end].item);
    }
    if (end == begin) members.push_back(items[end++].item);  // a key that does not equal itself
    Value key = dotted_attribute(heap, members[0], bound[0], fallback);
    groups.push_back(make_group(heap, std::move(key), std::move(members)));
    begin = end;
  }
  return Value::list(heap, std::move(groups));
}

}  // namespace

Filter find_sorting_filter(std::string_view name) {
  if (name == "dictsort") return dictsort;
  if (name == "groupby") return groupby;
  if (name == "max") return extreme<true>;
  if (name == "min") return extreme<false>;
  if (name == "sort") return sort;
  return name == "unique" ? unique : nullptr;
}

}  // namespace artemis::jinja

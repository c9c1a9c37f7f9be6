// Comparison of values, and their text.
#include <algorithm>
#include <cmath>

#include "artemis/text/jinja_unicode.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {
namespace {

template <typename T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : a == b ? 0 : 2;
}

int order_numbers(const Value& a, const Value& b) {
  if (a.is_integer() && b.is_integer()) return order(a.integer(), b.integer());
  const auto exact = [](const Value& value) {
    return value.is_integer() ? static_cast<long double>(value.integer())
                              : static_cast<long double>(value.real());
  };
  return order(exact(a), exact(b));
}

// UTF-8 keeps the order of code points.
int order_strings(const std::string& a, const std::string& b) {
  const int result = a.compare(b);
  return result < 0 ? -1 : result > 0 ? 1 : 0;
}

bool equal_items(Heap& heap, const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [&heap](const Value& x, const Value& y) { return x.same(y) || equal(heap, x, y); });
}

bool equal_dicts(Heap& heap, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
    const Value* other = b.find(item.first);
    return other != nullptr && equal(heap, item.second, *other);
  });
}

bool has_order(const Value& value) {
  return value.is_sequence(SequenceKind::list) || value.is_sequence(SequenceKind::tuple);
}

std::string repr_items(Heap& heap, const std::vector<Value>& items) {
  std::string text;
  for (const Value& item : items) {
    if (!text.empty()) text += ", ";
    text += to_repr(heap, item);
    heap.reserve(text.size());
  }
  return text;
}

std::string repr_sequence(Heap& heap, const Sequence& sequence) {
  switch (sequence.kind) {
    case SequenceKind::list:
      return "[" + repr_items(heap, sequence.items) + "]";
    case SequenceKind::tuple:
      return "(" + repr_items(heap, sequence.items) + (sequence.items.size() == 1 ? ",)" : ")");
    case SequenceKind::range:
      if (sequence.text.empty())
        fault("a part of a range cannot be printed, expected the filter 'list' after it");
      return sequence.text;
    case SequenceKind::keys:
      return "dict_keys([" + repr_items(heap, sequence.items) + "])";
    case SequenceKind::values:
      return "dict_values([" + repr_items(heap, sequence.items) + "])";
    case SequenceKind::items:
      return "dict_items([" + repr_items(heap, sequence.items) + "])";
    case SequenceKind::iterator:
      fault(
          "a generator cannot be printed, expected the filter 'list' or 'join' "
          "after it");
  }
  return {};
}

std::string repr_dict(Heap& heap, const Dict& dict) {
  std::string text = "{";
  for (const auto& [key, value] : dict.items) {
    if (text.size() > 1) text += ", ";
    text += to_repr(heap, key) + ": " + to_repr(heap, value);
    heap.reserve(text.size());
  }
  return text + "}";
}

}  // namespace

bool equal(Heap& heap, const Value& a, const Value& b) {
  heap.step();
  if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0;
  if (a.is_string() && b.is_string()) {
    heap.step_bytes(std::min(a.string().size(), b.string().size()));
    return a.string() == b.string();
  }
  if (a.is_sequence() && b.is_sequence()) {
    if (a.sequence() == b.sequence()) return true;
    const SequenceKind kind = a.sequence()->kind;
    const bool comparable = kind != SequenceKind::iterator && kind != SequenceKind::values;
    return comparable && kind == b.sequence()->kind &&
           equal_items(heap, a.sequence()->items, b.sequence()->items);
  }
  if (a.is_dict() && b.is_dict()) return a.dict() == b.dict() || equal_dicts(heap, *a.dict(), *b.dict());
  if (a.is_undefined() && b.is_undefined()) return true;
  return a.same(b);
}

int compare(Heap& heap, const Value& a, const Value& b, const char* symbol) {
  heap.step();
  require_defined(a);
  require_defined(b);
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    heap.step_bytes(std::min(a.string().size(), b.string().size()));
    return order_strings(a.string(), b.string());
  }
  if (has_order(a) && has_order(b) && a.sequence()->kind == b.sequence()->kind) {
    const std::vector<Value>& x = a.sequence()->items;
    const std::vector<Value>& y = b.sequence()->items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!x[i].same(y[i]) && !equal(heap, x[i], y[i])) return compare(heap, x[i], y[i], symbol);
    }
    return order(x.size(), y.size());
  }
  fault("'{}' not supported between instances of '{}' and '{}'", symbol, a.type_name(), b.type_name());
}

bool less(Heap& heap, const Value& a, const Value& b) { return compare(heap, a, b, "<") == -1; }

bool contains(Heap& heap, const Value& container, const Value& item) {
  if (container.is_string()) {
    require_defined(item);
    if (!item.is_string()) {
      fault("'in <string>' requires string as left operand, not {}", item.type_name());
    }
    heap.step_bytes(container.string().size());
    return container.string().find(item.string()) != std::string::npos;
  }
  if (container.is_dict()) {
    heap.step();
    return container.dict()->find(item) != nullptr;
  }
  if (!container.is_sequence() && !container.is_undefined()) {
    fault("argument of type '{}' is not iterable", container.type_name());
  }
  const SequencePtr items = iterate(heap, container);
  return std::any_of(items->items.begin(), items->items.end(),
                     [&](const Value& other) { return other.same(item) || equal(heap, other, item); });
}

std::string to_repr(Heap& heap, const Value& value) {
  heap.step();
  if (value.is_string()) {
    heap.step_bytes(value.string().size());
    return value.is_markup() ? "Markup(" + repr(value.string()) + ")" : repr(value.string());
  }
  if (value.is_undefined()) return "Undefined";
  if (value.is_sequence()) return repr_sequence(heap, *value.sequence());
  if (value.is_dict()) return repr_dict(heap, *value.dict());
  return to_string(heap, value);
}

std::string to_string(Heap& heap, const Value& value) {
  if (value.is_string()) return value.string();
  if (value.is_undefined()) return {};
  if (value.is_none()) return "None";
  if (value.is_boolean()) return value.boolean() ? "True" : "False";
  if (value.is_integer()) return std::to_string(value.integer());
  if (value.is_real()) return repr(value.real());
  if (value.is_object()) return value.object()->repr();
  return to_repr(heap, value);
}

}  // namespace artemis::jinja

// Python's operations on values. All throw Failure for what Python refuses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// The name of a value's type as Python calls it.
std::string_view type_name(const Value& value);

bool truth(const Value& value);
// len(); throws Failure for what has none.
std::int64_t length(const Value& value);
// len(), or nothing for what has none.
std::optional<std::int64_t> length_if_any(const Value& value);
std::size_t hash_of(Heap& heap, const Value& value);

bool equal(Heap& heap, const Value& a, const Value& b);
// a < b.
bool less(Heap& heap, const Value& a, const Value& b);
// One of == != < <= > >= in, not in.
bool compare(Heap& heap, std::string_view operation, const Value& a, const Value& b);
bool contains(Heap& heap, const Value& container, const Value& item);
// Whether both are one object, as Python's `is` tells.
bool same_object(const Value& a, const Value& b);

// One of + - * / // % **.
Value binary(Heap& heap, std::string_view operation, const Value& a, const Value& b);
Value add(Heap& heap, const Value& a, const Value& b);
Value negative(const Value& value);
Value positive(const Value& value);

// str() and repr().
std::string to_text(Heap& heap, const Value& value);
std::string to_repr(Heap& heap, const Value& value);
// As to_text, sharing the value when it is a string; a safe string stays one.
Value to_string(Heap& heap, const Value& value);
// Text with & < > " ' as entities.
std::string escape(std::string_view text);
Value escaped(Heap& heap, const Value& value);

// What a loop walks over; throws Failure for what cannot be walked.
Ref<IteratorObject> iterate(Heap& heap, const Value& value);
bool is_iterable(const Value& value);
std::vector<Value> to_items(Heap& heap, const Value& value);

// value[key] and value.name with jinja2's fall-backs; undefined when there is neither.
Value get_item(Heap& heap, const Value& value, const Value& key);
Value get_attribute(Heap& heap, const Value& value, std::string_view name);
// value[begin:end:step]; the bounds are integers or none.
Value get_slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step);

// The attribute alone, without the fall-back to the item.
std::optional<Value> find_attribute(Heap& heap, const Value& value, std::string_view name);

// Fails when the value is undefined.
void require_defined(const Value& value);

}  // namespace artemis::jinja

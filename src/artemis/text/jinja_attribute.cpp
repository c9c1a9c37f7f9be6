// Attributes and items of values.
#include <algorithm>
#include <array>

#include "artemis/core/error.h"
#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_objects.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value missing_attribute(Heap& heap, const Value& value, std::string_view name) {
  const std::string owner = value.is_none() ? "None" : fmt::format("'{} object'", value.type_name());
  return heap.undefined(fmt::format("{} has no attribute {}", owner, repr(name)));
}

// An attribute that Python's numbers have.
std::optional<Value> number_attribute(const Value& value, std::string_view name) {
  if (name == "real" || (name == "numerator" && value.is_integer())) {
    return value.is_integer() ? Value(value.integer()) : value;
  }
  if (name == "imag") return value.is_integer() ? Value(std::int64_t{0}) : Value(0.0);
  if (name == "denominator" && value.is_integer()) return Value(std::int64_t{1});
  return std::nullopt;
}

// What getattr finds on a value of Python; nothing when there is no such
// attribute.
std::optional<Value> own_attribute(Interpreter& interpreter, const Value& value, std::string_view name) {
  if (is_hidden(value, name)) {
    return interpreter.heap().undefined(
        fmt::format("access to attribute {} of '{}' object is unsafe.", repr(name), value.type_name()));
  }
  if (value.is_number()) return number_attribute(value, name);
  if (value.is_sequence() && value.sequence()->is_group) {
    if (name == "grouper") return value.sequence()->items[0];
    if (name == "list") return value.sequence()->items[1];
  }
  const MethodFunction method = find_method(value, name);
  if (method == nullptr) return std::nullopt;
  const auto bound = [method, value](Interpreter& in, Arguments& arguments) {
    return method(in, value, arguments);
  };
  return Value(ObjectPtr(std::make_shared<Function>(interpreter.heap(), bound)));
}

// value[key]; null when there is no such item.
std::optional<Value> own_item(const Value& value, const Value& key) {
  if (value.is_dict()) {
    if (key.is_dict() || (key.is_sequence() && !key.is_sequence(SequenceKind::tuple))) return std::nullopt;
    const Value* found = value.dict()->find(key);
    return found != nullptr ? std::optional<Value>(*found) : std::nullopt;
  }
  if (!key.is_integer() || !(value.is_string() || value.is_indexable())) return std::nullopt;
  const std::int64_t size = length(value);
  const std::int64_t index = key.integer() < 0 ? key.integer() + size : key.integer();
  if (index < 0 || index >= size) return std::nullopt;
  if (!value.is_string()) return value.sequence()->items[static_cast<std::size_t>(index)];
  return std::nullopt;
}

bool is_text_index(const Value& value, const Value& key) {
  if (!value.is_string() || !key.is_integer()) return false;
  const std::int64_t size = length(value);
  return key.integer() >= -size && key.integer() < size;
}

Value character(Heap& heap, const Value& text, std::int64_t index) {
  const std::string& bytes = text.string();
  heap.step_bytes(bytes.size());
  const std::size_t begin = byte_of(bytes, index < 0 ? index + length(text) : index);
  std::size_t end = begin;
  next_code_point(bytes, end);
  return heap.text(bytes.substr(begin, end - begin), text.is_markup());
}

}  // namespace

Value Interpreter::attribute(const Value& value, std::string_view name) {
  require_defined(value);
  if (value.is_object()) {
    if (name.starts_with("_")) return missing_attribute(heap_, value, name);
    return value.object()->attribute(*this, name);
  }
  if (std::optional<Value> own = own_attribute(*this, value, name)) return *own;
  if (value.is_dict()) {
    if (const Value* found = value.dict()->find(name)) return *found;
  }
  return missing_attribute(heap_, value, name);
}

Value Interpreter::item(const Value& value, const Value& key) {
  require_defined(value);
  if (value.is_object()) return value.object()->item(*this, key);
  if (is_text_index(value, key)) return character(heap_, value, key.integer());
  if (std::optional<Value> found = own_item(value, key)) return *found;
  if (key.is_string()) {
    if (std::optional<Value> own = own_attribute(*this, value, key.string())) return *own;
    return missing_attribute(heap_, value, key.string());
  }
  return heap_.undefined(fmt::format("{} object has no element {}", value.type_name(), to_repr(heap_, key)));
}

}  // namespace artemis::jinja

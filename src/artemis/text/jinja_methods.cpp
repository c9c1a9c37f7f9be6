#include "artemis/text/jinja_methods.h"

#include <algorithm>

#include "artemis/text/jinja_arguments.h"
#include "artemis/text/jinja_operations.h"

namespace artemis::jinja {
namespace {

template <typename Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Value dict_get(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "get()", arguments, {"key", "default"}, 1);
  if (!arguments.named.empty()) raise("get() takes no keyword arguments");
  const Value* found = self.dict().find(bound[0]);
  return found != nullptr ? *found : bound.value(1, Value::none());
}

template <ViewObject::Part part>
Value dict_view(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "a view of a dict", arguments, {});
  return Value::of(Kind::view, make<ViewObject>(heap, Ref<DictObject>(&self.dict()), part));
}

Value copy(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "copy()", arguments, {});
  if (self.is(Kind::list)) return Value::list(heap, self.items());
  const Ref<DictObject> result = make<DictObject>(heap);
  for (const auto& [key, value] : self.dict().entries) result->set(key, value);
  return Value::of(Kind::dict, result);
}

Value sequence_index(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "index()", arguments, {"value", "start", "stop"}, 1);
  const std::int64_t size = length(self);
  const auto clip = [size](std::int64_t at) {
    return std::clamp(at < 0 ? at + size : at, std::int64_t{0}, size);
  };
  const std::int64_t end = clip(bound.integer(2, size));
  for (std::int64_t i = clip(bound.integer(1, 0)); i < end; ++i) {
    const Value item = get_item(heap, self, Value::integer(i));
    if (equal(heap, item, bound[0])) return Value::integer(i);
  }
  raise("{} is not in the {}", to_repr(heap, bound[0]), type_name(self));
}

Value sequence_count(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "count()", arguments, {"value"}, 1);
  std::int64_t count = 0;
  const Ref<IteratorObject> items = iterate(heap, self);
  while (const std::optional<Value> item = items->next()) count += equal(heap, *item, bound[0]) ? 1 : 0;
  return Value::integer(count);
}

Value cycler_next(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "next()", arguments, {});
  auto& cycler = self.as<CyclerObject>();
  Value item = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return item;
}

Value cycler_reset(Heap& heap, const Value& self, const Arguments& arguments) {
  const Bound bound(heap, "reset()", arguments, {});
  self.as<CyclerObject>().position = 0;
  return Value::none();
}

Method find_dict_method(std::string_view name) {
  if (name == "get") return dict_get;
  if (name == "keys") return dict_view<ViewObject::Part::keys>;
  if (name == "values") return dict_view<ViewObject::Part::values>;
  if (name == "items") return dict_view<ViewObject::Part::items>;
  return name == "copy" ? copy : nullptr;
}

Method find_any_method(const Value& value, std::string_view name) {
  switch (value.kind()) {
    case Kind::string:
      return find_string_method(name);
    case Kind::dict:
      return find_dict_method(name);
    case Kind::list:
      if (name == "copy") return copy;
      [[fallthrough]];
    case Kind::tuple:
    case Kind::range:
      return name == "index" ? sequence_index : name == "count" ? sequence_count : nullptr;
    case Kind::cycler:
      return name == "next" ? cycler_next : name == "reset" ? cycler_reset : nullptr;
    default:
      return nullptr;
  }
}

std::optional<Value> find_data(Heap& heap, const Value& value, std::string_view name) {
  if (value.is(Kind::range)) {
    const auto& range = value.as<RangeObject>();
    if (name == "start") return Value::integer(range.start);
    if (name == "stop") return Value::integer(range.stop);
    if (name == "step") return Value::integer(range.step);
  } else if (value.is(Kind::cycler)) {
    const auto& cycler = value.as<CyclerObject>();
    if (name == "current") return cycler.items[cycler.position];
    if (name == "pos") return Value::integer(static_cast<std::int64_t>(cycler.position));
    if (name == "items") return Value::tuple(heap, cycler.items);
  } else if (value.is(Kind::joiner)) {
    const auto& joiner = value.as<JoinerObject>();
    if (name == "sep") return joiner.separator;
    if (name == "used") return Value::boolean(joiner.used);
  } else if (value.is(Kind::callable) && name == "name" && value.as<CallableObject>().is_macro) {
    return Value::string(heap, value.as<CallableObject>().name);
  } else if (value.is_integral() && (name == "real" || name == "numerator")) {
    return Value::integer(value.as_integer());
  }
  return std::nullopt;
}

// Methods that Python has and we do not.
bool is_unsupported(const Value& value, std::string_view name) {
  constexpr std::string_view of_string[] = {"casefold", "encode", "expandtabs", "maketrans", "translate"};
  constexpr std::string_view of_number[] = {
      "as_integer_ratio", "bit_count", "bit_length", "conjugate",  "denominator", "from_bytes",
      "fromhex",          "hex",       "imag",       "is_integer", "real",        "to_bytes"};
  constexpr std::string_view of_view[] = {"isdisjoint", "mapping"};
  if (value.is(Kind::string)) return is_one_of(name, of_string);
  if (value.is_number()) return is_one_of(name, of_number);
  if (value.is(Kind::view)) return is_one_of(name, of_view);
  return value.is(Kind::dict) && name == "fromkeys";
}

}  // namespace

std::optional<Value> find_method(Heap& heap, const Value& value, std::string_view name) {
  if (std::optional<Value> data = find_data(heap, value, name)) return data;
  if (is_unsupported(value, name)) raise("'{}' of '{}' is not supported", name, type_name(value));
  const Method method = find_any_method(value, name);
  if (method == nullptr) return std::nullopt;
  return make_callable(heap, std::string(name), [&heap, self = value, method](const Arguments& arguments) {
    return method(heap, self, arguments);
  });
}

bool is_unsafe_attribute(const Value& value, std::string_view name) {
  constexpr std::string_view of_dict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  constexpr std::string_view of_list[] = {"append", "clear", "pop",    "reverse",
                                          "insert", "sort",  "extend", "remove"};
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__")) return true;
  if (value.is(Kind::dict)) return is_one_of(name, of_dict);
  return value.is(Kind::list) && is_one_of(name, of_list);
}

}  // namespace artemis::jinja

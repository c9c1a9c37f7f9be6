// Which methods a value has, and those of lists and dicts.
#include "artemis/text/jinja_methods.h"

#include <algorithm>
#include <array>

#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value list_index(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("index", arguments, {"value", "start", "stop"}, 1);
  const auto& items = self.sequence()->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const auto place = [size](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t stop = place(p.integer(2, size));
  for (std::int64_t i = place(p.integer(1, 0)); i < stop; ++i) {
    const Value& item = items[static_cast<std::size_t>(i)];
    if (item.same(p[0]) || equal(in.heap(), item, p[0])) return i;
  }
  fault("{} is not in list", to_repr(in.heap(), p[0]));
}

Value list_count(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("count", arguments, {"value"}, 1);
  std::int64_t count = 0;
  for (const Value& item : self.sequence()->items) {
    if (item.same(p[0]) || equal(in.heap(), item, p[0])) ++count;
  }
  return count;
}

Value list_copy(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("copy", arguments, {});
  return in.heap().list(self.sequence()->items);
}

Value dict_get(Interpreter&, const Value& self, Arguments& arguments) {
  const Parameters p("get", arguments, {"key", "default"}, 1);
  const Value* found = self.dict()->find(p[0]);
  return found != nullptr ? *found : p[1];
}

template <typename Pick>
Value dict_view(Heap& heap, const Value& self, SequenceKind kind, Pick pick) {
  std::vector<Value> items;
  items.reserve(self.dict()->items.size());
  for (const auto& entry : self.dict()->items) items.push_back(pick(entry));
  return heap.sequence(kind, std::move(items));
}

Value dict_keys(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("keys", arguments, {});
  return dict_view(in.heap(), self, SequenceKind::keys, [](const auto& entry) { return entry.first; });
}

Value dict_values(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("values", arguments, {});
  return dict_view(in.heap(), self, SequenceKind::values, [](const auto& entry) { return entry.second; });
}

Value dict_items(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("items", arguments, {});
  return dict_view(in.heap(), self, SequenceKind::items, [&in](const auto& entry) {
    return in.heap().tuple({entry.first, entry.second});
  });
}

Value dict_copy(Interpreter& in, const Value& self, Arguments& arguments) {
  const Parameters p("copy", arguments, {});
  return in.heap().dict(self.dict()->items);
}

const std::vector<NamedMethod>& list_methods() {
  static const std::vector<NamedMethod> methods{
      {"index", list_index}, {"count", list_count}, {"copy", list_copy}};
  return methods;
}

const std::vector<NamedMethod>& tuple_methods() {
  static const std::vector<NamedMethod> methods{{"index", list_index}, {"count", list_count}};
  return methods;
}

const std::vector<NamedMethod>& dict_methods() {
  static const std::vector<NamedMethod> methods{{"get", dict_get},
                                                {"keys", dict_keys},
                                                {"values", dict_values},
                                                {"items", dict_items},
                                                {"copy", dict_copy}};
  return methods;
}

MethodFunction find_in(const std::vector<NamedMethod>& methods, std::string_view name) {
  const auto found = std::find_if(methods.begin(), methods.end(),
                                  [name](const NamedMethod& method) { return method.name == name; });
  return found == methods.end() ? nullptr : found->function;
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

MethodFunction find_string_method(std::string_view name) {
  constexpr std::array<std::string_view, 3> unsupported{"encode", "maketrans", "translate"};
  if (is_one_of(name, unsupported)) fault("the string method '{}' is not supported", name);
  const MethodFunction method = find_in(string_methods(), name);
  return method != nullptr ? method : find_in(string_search_methods(), name);
}

}  // namespace

bool is_hidden(const Value& value, std::string_view name) {
  constexpr std::array<std::string_view, 8> of_list{"append", "clear", "pop",    "reverse",
                                                    "insert", "sort",  "extend", "remove"};
  constexpr std::array<std::string_view, 5> of_dict{"clear", "pop", "popitem", "setdefault", "update"};
  if (value.is_sequence(SequenceKind::list)) return is_one_of(name, of_list);
  return value.is_dict() && is_one_of(name, of_dict);
}

MethodFunction find_method(const Value& value, std::string_view name) {
  if (value.is_string()) return find_string_method(name);
  if (value.is_dict()) return find_in(dict_methods(), name);
  if (value.is_sequence(SequenceKind::list)) return find_in(list_methods(), name);
  if (value.is_sequence(SequenceKind::tuple) || value.is_sequence(SequenceKind::range)) {
    return find_in(tuple_methods(), name);
  }
  return nullptr;
}

}  // namespace artemis::jinja

// Filters that choose, map or group items, and defaults.
#include <algorithm>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_tests.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value default_value(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("default", arguments, {"default_value", "boolean"});
  const bool replaced = input.is_undefined() || (p.truth(1, false) && !input.truth());
  if (!replaced) return input;
  return p.has(0) ? p[0] : in.heap().text("");
}

Value attribute_of(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("attr", arguments, {"name"}, 1);
  const std::string name = p.string(0);
  // Items do not count here, attributes only.
  if (input.is_dict() && find_method(input, name) == nullptr)
    return in.heap().undefined(fmt::format("'dict' object has no attribute {}", repr(name)));
  return in.attribute(input, name);
}

Value items_of(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("items", arguments, {});
  std::vector<Value> items;
  if (!input.is_undefined() && !input.is_dict()) fault("Can only get item pairs from a mapping.");
  if (input.is_dict()) {
    for (const auto& [key, value] : input.dict()->items) items.push_back(in.heap().tuple({key, value}));
  }
  return in.heap().iterator(std::move(items));
}

// The name that map, select and reject take as an argument; it is removed.
std::string take_name(Arguments& arguments, const char* what) {
  if (arguments.positional.empty()) fault("expected the name of {}", what);
  const Value name = arguments.positional.front();
  if (!name.is_string()) fault("the name of {} is a {}, expected a string", what, name.type_name());
  arguments.positional.erase(arguments.positional.begin());
  return name.string();
}

Value map(Interpreter& in, const Value& input, Arguments& arguments) {
  std::vector<Value> items;
  if (!input.truth()) return in.heap().iterator({});
  if (arguments.positional.empty()) {
    const Parameters p("map", arguments, {"attribute", "default"}, 1);
    for (const Value& item : each_of(in.heap(), input)) {
      Value value = get_path(in, item, p[0], p[1]);
      items.push_back(std::move(value));
    }
    return in.heap().iterator(std::move(items));
  }
  const std::string name = take_name(arguments, "a filter");
  for (const Value& item : each_of(in.heap(), input)) {
    Arguments copy = arguments;
    items.push_back(in.apply_filter(name, item, copy));
    in.heap().reserve(items.size() * sizeof(Value));
  }
  return in.heap().iterator(std::move(items));
}

// Items, or those whose attribute, passes a test (truth when no test is named).
template <bool Wanted, bool OfAttribute>
Value choose(Interpreter& in, const Value& input, Arguments& arguments) {
  if (!input.truth()) return in.heap().iterator({});
  Value path;
  if (OfAttribute) {
    if (arguments.positional.empty()) fault("Missing parameter for attribute name");
    path = arguments.positional.front();
    arguments.positional.erase(arguments.positional.begin());
  }
  const bool has_test = !arguments.positional.empty();
  const std::string name = has_test ? take_name(arguments, "a test") : "";
  std::vector<Value> items;
  for (const Value& item : each_of(in.heap(), input)) {
    const Value value = get_path(in, item, path);
    in.heap().step();
    Arguments copy = arguments;
    const bool passes = has_test ? in.apply_test(name, value, copy) : value.truth();
    if (passes == Wanted) items.push_back(item);
  }
  return in.heap().iterator(std::move(items));
}

Value group_by(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  const bool exact = p.truth(2, false);
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : each_of(in.heap(), input)) {
    const Value key = get_path(in, item, p[0], p[1]);
    keyed.emplace_back(exact ? key : fold_case(in, key), item);
    in.heap().reserve(keyed.size() * 100);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [&in](const auto& a, const auto& b) { return less(in.heap(), a.first, b.first); });
  std::vector<Value> groups;
  for (std::size_t i = 0; i < keyed.size();) {
    std::vector<Value> members;
    const std::size_t begin = i;
    for (; i < keyed.size() && equal(in.heap(), keyed[i].first, keyed[begin].first); ++i) {
      members.push_back(keyed[i].second);
    }
    if (members.empty()) fault("groupby() met a key that does not equal itself");
    const Value key = exact ? keyed[begin].first : get_path(in, members[0], p[0], p[1]);
    groups.push_back(in.heap().tuple({key, in.heap().list(std::move(members))}));
    groups.back().sequence()->is_group = true;
  }
  return in.heap().list(std::move(groups));
}

}  // namespace

const std::vector<NamedFilter>& item_filters() {
  static const std::vector<NamedFilter> filters{
      {"d", default_value},
      {"default", default_value},
      {"attr", attribute_of},
      {"items", items_of},
      {"map", map},
      {"select", choose<true, false>},
      {"reject", choose<false, false>},
      {"selectattr", choose<true, true>},
      {"rejectattr", choose<false, true>},
      {"groupby", group_by},
  };
  return filters;
}

}  // namespace artemis::jinja

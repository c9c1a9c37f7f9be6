#include "artemis/text/jinja_tests.h"

#include <algorithm>
#include <array>
#include <utility>

#include "artemis/core/error.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operations.h"

namespace artemis::jinja {
namespace {

using Check = bool (*)(Heap& heap, const Value& value);
using Relation = bool (*)(Heap& heap, const Value& value, const Value& other);

bool is_even(Heap& heap, const Value& value) {
  return equal(heap, binary(heap, "%", value, Value::integer(2)), Value::integer(0));
}

bool is_odd(Heap& heap, const Value& value) {
  return equal(heap, binary(heap, "%", value, Value::integer(2)), Value::integer(1));
}

bool has_case(Heap& heap, const Value& value, std::string_view method) {
  const Value text = Value::string(heap, to_text(heap, value));
  return find_string_method(method)(heap, text, {}).as_boolean();
}

bool is_lower_text(Heap& heap, const Value& value) { return has_case(heap, value, "islower"); }
bool is_upper_text(Heap& heap, const Value& value) { return has_case(heap, value, "isupper"); }

bool is_sequence(Heap&, const Value& value) {
  return value.is_sequence() || value.is(Kind::string) || value.is(Kind::dict) || value.is(Kind::range) ||
         value.is(Kind::undefined);
}

bool is_callable(Heap&, const Value& value) {
  return value.is(Kind::callable) || value.is(Kind::joiner) || value.is(Kind::undefined) ||
         value.is(Kind::loop);
}

bool names_filter(Heap&, const Value& value) { return value.is(Kind::string) && is_filter(value.text()); }
bool names_test(Heap&, const Value& value) { return value.is(Kind::string) && is_test(value.text()); }

template <Kind kind>
bool is_kind(Heap&, const Value& value) {
  return value.is(kind);
}

constexpr std::array<std::pair<std::string_view, Check>, 21> checks{{
    {"boolean", is_kind<Kind::boolean>},
    {"callable", is_callable},
    {"defined", [](Heap&, const Value& value) { return !value.is(Kind::undefined); }},
    {"escaped", [](Heap&, const Value& value) { return value.is_markup(); }},
    {"even", is_even},
    {"false", [](Heap&, const Value& value) { return value.is(Kind::boolean) && !value.as_boolean(); }},
    {"filter", names_filter},
    {"float", is_kind<Kind::real>},
    {"integer", is_kind<Kind::integer>},
    {"iterable", [](Heap&, const Value& value) { return is_iterable(value); }},
    {"lower", is_lower_text},
    {"mapping", is_kind<Kind::dict>},
    {"none", is_kind<Kind::none>},
    {"number", [](Heap&, const Value& value) { return value.is_number(); }},
    {"odd", is_odd},
    {"sequence", is_sequence},
    {"string", is_kind<Kind::string>},
    {"test", names_test},
    {"true", [](Heap&, const Value& value) { return value.is(Kind::boolean) && value.as_boolean(); }},
    {"undefined", is_kind<Kind::undefined>},
    {"upper", is_upper_text},
}};

bool is_divisible(Heap& heap, const Value& value, const Value& other) {
  return equal(heap, binary(heap, "%", value, other), Value::integer(0));
}

bool is_in(Heap& heap, const Value& value, const Value& other) { return contains(heap, other, value); }
bool is_same(Heap&, const Value& value, const Value& other) { return same_object(value, other); }

bool is_equal(Heap& heap, const Value& a, const Value& b) { return compare(heap, "==", a, b); }
bool is_unequal(Heap& heap, const Value& a, const Value& b) { return compare(heap, "!=", a, b); }
bool is_greater(Heap& heap, const Value& a, const Value& b) { return compare(heap, ">", a, b); }
bool is_greater_equal(Heap& heap, const Value& a, const Value& b) { return compare(heap, ">=", a, b); }
bool is_less(Heap& heap, const Value& a, const Value& b) { return compare(heap, "<", a, b); }
bool is_less_equal(Heap& heap, const Value& a, const Value& b) { return compare(heap, "<=", a, b); }

constexpr std::array<std::pair<std::string_view, Relation>, 18> relations{{
    {"!=", is_unequal},
    {"<", is_less},
    {"<=", is_less_equal},
    {"==", is_equal},
    {">", is_greater},
    {">=", is_greater_equal},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"ge", is_greater_equal},
    {"greaterthan", is_greater},
    {"gt", is_greater},
    {"in", is_in},
    {"le", is_less_equal},
    {"lessthan", is_less},
    {"lt", is_less},
    {"ne", is_unequal},
    {"sameas", is_same},
}};

template <typename Table>
auto find_in(const Table& table, std::string_view name) -> decltype(table[0].second) {
  for (const auto& [key, function] : table) {
    if (key == name) return function;
  }
  return nullptr;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_in(checks, name) != nullptr || find_in(relations, name) != nullptr;
}

void require_test(std::string_view where, std::string_view name) {
  require(is_test(name), where, "no test named '{}'", name.substr(0, 40));
}

bool apply_test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments) {
  heap.step();
  if (!is_test(name)) raise("no test named '{}'", name.substr(0, 40));
  const Check check = find_in(checks, name);
  const std::size_t wanted = check != nullptr ? 0 : 1;
  const std::size_t given = arguments.positional.size() + arguments.named.size();
  if (given != wanted) raise("the test '{}' takes {} arguments, {} given", name, wanted, given);
  if (check != nullptr) return check(heap, value);
  const Value& other = arguments.positional.empty() ? arguments.named[0].second : arguments.positional[0];
  return find_in(relations, name)(heap, value, other);
}

}  // namespace artemis::jinja

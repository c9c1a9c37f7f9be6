#include "artemis/text/jinja_tests.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "artemis/core/error.h"
#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// A test without arguments.
template <bool (*Test)(const Value&)>
bool plain(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("test", arguments, {});
  return Test(input);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is_boolean(); }
bool is_true(const Value& value) { return value.is_boolean() && value.boolean(); }
bool is_false(const Value& value) { return value.is_boolean() && !value.boolean(); }
bool is_integer(const Value& value) { return value.is_integer() && !value.is_boolean(); }
bool is_float(const Value& value) { return value.is_real(); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is_dict(); }
bool is_callable(const Value& value) {
  return value.is_undefined() || (value.is_object() && value.object()->callable());
}
bool is_iterable(const Value& value) {
  return value.is_undefined() || value.is_string() || value.is_dict() || value.is_sequence();
}
// What has a length and can be indexed; undefined values answer both.
bool is_sequence(const Value& value) {
  return value.is_undefined() || value.is_string() || value.is_dict() || value.is_indexable();
}
bool is_escaped(const Value& value) { return value.is_markup(); }

std::int64_t remainder(const Value& value, std::int64_t divisor) {
  require_defined(value);
  if (!value.is_integer()) fault("a test of divisibility expects an integer, not {}", value.type_name());
  if (divisor == 0) fault("integer modulo by zero");
  return divisor == -1 ? 0 : value.integer() % divisor;
}

bool parity(const Value& value, bool odd) {
  require_defined(value);
  if (value.is_real()) return std::fabs(std::fmod(value.real(), 2.0)) == (odd ? 1.0 : 0.0);
  return (remainder(value, 2) != 0) == odd;
}
bool is_odd(const Value& value) { return parity(value, true); }
bool is_even(const Value& value) { return parity(value, false); }

bool is_divisible(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("divisibleby", arguments, {"num"}, 1);
  if (input.is_real() || p[0].is_real()) {
    if (!input.is_number() || !p[0].is_number() || p[0].number() == 0)
      fault("a test of divisibility expects numbers");
    return std::fmod(input.number(), p[0].number()) == 0;
  }
  return remainder(input, p.integer(0)) == 0;
}

bool has_case(const Value& value, bool wants_upper) {
  Heap heap;
  const std::string text = to_string(heap, value);
  bool found = false;
  for (const char32_t code : code_points(text)) {
    if (is_title(code) || (wants_upper ? is_lower(code) : is_upper(code))) return false;
    found = found || (wants_upper ? is_upper(code) : is_lower(code));
  }
  return found;
}
bool is_lower_text(const Value& value) { return has_case(value, false); }
bool is_upper_text(const Value& value) { return has_case(value, true); }

enum class Comparison { equal, unequal, less, less_equal, greater, greater_equal };

template <Comparison Kind>
bool compares(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("comparison", arguments, {"other"}, 1);
  if constexpr (Kind == Comparison::equal) return equal(in.heap(), input, p[0]);
  if constexpr (Kind == Comparison::unequal) return !equal(in.heap(), input, p[0]);
  const bool less = Kind == Comparison::less || Kind == Comparison::less_equal;
  const int order = compare(in.heap(), input, p[0], less ? "<" : ">");
  if constexpr (Kind == Comparison::less) return order == -1;
  if constexpr (Kind == Comparison::less_equal) return order == -1 || order == 0;
  if constexpr (Kind == Comparison::greater) return order == 1;
  return order == 0 || order == 1;
}

bool is_same(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("sameas", arguments, {"other"}, 1);
  return input.same(p[0]);
}

bool is_in(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("in", arguments, {"seq"}, 1);
  return contains(in.heap(), p[0], input);
}

bool names_filter(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("filter", arguments, {});
  return input.is_string() && is_filter(input.string());
}

bool names_test(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("test", arguments, {});
  return input.is_string() && is_test(input.string());
}

struct NamedTest {
  std::string_view name;
  TestFunction function;
};

constexpr std::array tests{
    NamedTest{"boolean", plain<is_boolean>},
    NamedTest{"callable", plain<is_callable>},
    NamedTest{"defined", plain<is_defined>},
    NamedTest{"divisibleby", is_divisible},
    NamedTest{"escaped", plain<is_escaped>},
    NamedTest{"even", plain<is_even>},
    NamedTest{"false", plain<is_false>},
    NamedTest{"filter", names_filter},
    NamedTest{"float", plain<is_float>},
    NamedTest{"in", is_in},
    NamedTest{"integer", plain<is_integer>},
    NamedTest{"iterable", plain<is_iterable>},
    NamedTest{"lower", plain<is_lower_text>},
    NamedTest{"mapping", plain<is_mapping>},
    NamedTest{"none", plain<is_none>},
    NamedTest{"number", plain<is_number>},
    NamedTest{"odd", plain<is_odd>},
    NamedTest{"sameas", is_same},
    NamedTest{"sequence", plain<is_sequence>},
    NamedTest{"string", plain<is_string>},
    NamedTest{"test", names_test},
    NamedTest{"true", plain<is_true>},
    NamedTest{"undefined", plain<is_undefined>},
    NamedTest{"upper", plain<is_upper_text>},
    NamedTest{"==", compares<Comparison::equal>},
    NamedTest{"eq", compares<Comparison::equal>},
    NamedTest{"equalto", compares<Comparison::equal>},
    NamedTest{"!=", compares<Comparison::unequal>},
    NamedTest{"ne", compares<Comparison::unequal>},
    NamedTest{"<", compares<Comparison::less>},
    NamedTest{"lt", compares<Comparison::less>},
    NamedTest{"lessthan", compares<Comparison::less>},
    NamedTest{"<=", compares<Comparison::less_equal>},
    NamedTest{"le", compares<Comparison::less_equal>},
    NamedTest{">", compares<Comparison::greater>},
    NamedTest{"gt", compares<Comparison::greater>},
    NamedTest{"greaterthan", compares<Comparison::greater>},
    NamedTest{">=", compares<Comparison::greater_equal>},
    NamedTest{"ge", compares<Comparison::greater_equal>},
};

}  // namespace

TestFunction find_test(std::string_view name) {
  const auto* found =
      std::find_if(tests.begin(), tests.end(), [name](const NamedTest& test) { return test.name == name; });
  return found == tests.end() ? nullptr : found->function;
}

bool is_test(std::string_view name) { return find_test(name) != nullptr; }

void fail_unknown_test(std::string_view where, std::string_view name) {
  fail(where, "no test named {}", repr(name));
}

}  // namespace artemis::jinja

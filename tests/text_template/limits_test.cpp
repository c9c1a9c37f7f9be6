// Hostile templates end with an Error, soon and in little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ctime>
#include <string>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/text/jinja_template.h"

namespace artemis {
namespace {

#if defined(__has_feature)
#define ARTEMIS_HAS_FEATURE(name) __has_feature(name)
#else
#define ARTEMIS_HAS_FEATURE(name) 0
#endif

// A sanitizer makes all slower and larger; only the errors are checked then.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    ARTEMIS_HAS_FEATURE(address_sanitizer) || ARTEMIS_HAS_FEATURE(thread_sanitizer)
constexpr bool instrumented = true;
#else
constexpr bool instrumented = false;
#endif

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

struct Hostile {
  std::string name;
  std::string source;
};

std::vector<Hostile> hostile_templates() {
  const std::string deep = repeated("(", 100'000);
  return {
      {"EndlessRange", "{% for i in range(10**9) %}x{% endfor %}"},
      {"RangesInRanges",
       "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% "
       "endfor %}"
       "{% endfor %}"},
      {"EndlessOutput",
       "{% for a in range(99999) %}{% for b in range(99999) %}aaaaaaaaaa{% endfor %}{% endfor %}"},
      {"LargeOutput", "{% set x = 'a' * 100000 %}{% for a in range(99999) %}{{ x }}{% endfor %}"},
      {"MacroCallsItself", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"MacroCallsItselfTwice", "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}"},
      {"MacrosInTurn",
       "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}"},
      {"CallerCallsItself",
       "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}"},
      {"RecursiveLoop", "{% set l = [1] %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}"},
      {"DivisionByZero", "{{ 1 / 0 }}"},
      {"RemainderByZero", "{{ 1 % 0 }}"},
      {"LeastInteger", "{{ (-9223372036854775807 - 1) // -1 }}"},
      {"LongString", "{{ 'a' * 10**9 }}"},
      {"LongerString", "{{ 'abc' * 9223372036854775807 }}"},
      {"LongList", "{{ [1, 2, 3] * 10**9 }}"},
      {"DoubledString",
       "{% set ns = namespace(s='aaaa') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"},
      {"DoubledList",
       "{% set ns = namespace(s=[1]) %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"},
      {"DoubledReplace",
       "{% set ns = namespace(s='aa') %}{% for i in range(64) %}{% set ns.s = ns.s|replace('a', 'aa') %}{% "
       "endfor %}"},
      {"DoubledPrint",
       "{% set ns = namespace(s=['aaaa']) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}{% endfor "
       "%}{{ ns.s }}"},
      {"DoubledJson",
       "{% set ns = namespace(s=[1]) %}{% for i in range(64) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}"
       "{{ ns.s|tojson }}"},
      {"DoubledEquality",
       "{% set n = namespace(a=[1], b=[1]) %}{% for i in range(64) %}{% set n.a = [n.a, n.a] %}"
       "{% set n.b = [n.b, n.b] %}{% endfor %}{{ n.a == n.b }}"},
      {"NestedList",
       "{% set ns = namespace(s=[]) %}{% for i in range(50000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s "
       "}}"},
      {"NestedIterators",
       "{% set ns = namespace(s=[1]) %}{% for i in range(50000) %}{% set ns.s = ns.s|map('string') %}{% "
       "endfor %}"
       "{{ ns.s|list }}"},
      {"WidePadding", "{{ 'a'.center(10**12) }}"},
      {"WideFilter", "{{ 'a'|center(10**12) }}"},
      {"WideIndent", "{{ 'a\nb'|indent(10**10) }}"},
      {"WideFormat", "{{ '%999999999d' % 1 }}"},
      {"WideBraces", "{{ '{:999999999}'.format(1) }}"},
      {"WidePrecision", "{{ '%.999999999f' % 1.5 }}"},
      {"ManySlices", "{{ [1]|slice(10**12)|list }}"},
      {"WideBatch", "{{ [1]|batch(10**12, 'x')|list }}"},
      {"Power", "{{ 10 ** 100000 }}"},
      {"Sum", "{{ 9223372036854775807 + 1 }}"},
      {"LargeLiteral", "{{ 99999999999999999999 }}"},
      {"Json", "{{ [1]|tojson(indent=10**9) }}"},
      {"DeepParentheses", "{{ " + deep + "1" + repeated(")", 100'000) + " }}"},
      {"DeepLists", "{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}"},
      {"DeepDicts", "{{ " + repeated("{1:", 100'000) + "1" + repeated("}", 100'000) + " }}"},
      {"DeepNot", "{{ " + repeated("not ", 100'000) + "1 }}"},
      {"DeepMinus", "{{ " + repeated("-", 100'000) + "1 }}"},
      {"DeepSum", "{{ 1" + repeated(" + 1", 100'000) + " }}"},
      {"DeepConditions", "{{ " + repeated("1 if 1 else ", 100'000) + "1 }}"},
      {"DeepCalls", "{{ f" + repeated("()", 100'000) + " }}"},
      {"DeepAttributes", "{{ f" + repeated(".a", 100'000) + " }}"},
      {"DeepItems", "{{ f" + repeated("[f", 100'000) + repeated("]", 100'000) + " }}"},
      {"DeepFilters", "{{ 1" + repeated("|string", 100'000) + " }}"},
      {"DeepIf", repeated("{% if 1 %}", 100'000)},
      {"DeepFor", repeated("{% for x in y %}", 100'000)},
      {"DeepMacros", repeated("{% macro f() %}", 100'000)},
      {"DeepTargets", "{% for " + repeated("(", 100'000) + "x in y %}{% endfor %}"},
      {"DeepPower", "{{ 1" + repeated(" ** 1", 100'000) + " }}"},
      {"OpenBrackets", "{{ " + deep},
  };
}

class HostileTemplate : public testing::TestWithParam<Hostile> {};

TEST_P(HostileTemplate, EndsWithAnError) {
  const Json variables = {{"items", {1, 2, 3}}};
  const long before = peak_kib();
  const std::clock_t start = std::clock();  // of this process, whatever else the machine does
  EXPECT_THROW(JinjaTemplate::parse(GetParam().source, "hostile").render(variables), Error);
  const auto milliseconds = 1000 * (std::clock() - start) / CLOCKS_PER_SEC;
  if (instrumented) return;
  EXPECT_LT(milliseconds, 100);
  EXPECT_LT(peak_kib() - before, 16 * 1024);
}

INSTANTIATE_TEST_SUITE_P(All, HostileTemplate, testing::ValuesIn(hostile_templates()),
                         [](const auto& each) { return each.param.name; });

TEST(TemplateLimits, GiveAnErrorOfOneLineThatNamesTheLine) {
  try {
    JinjaTemplate::parse("a\nb\n{% for i in range(99999999999) %}{% endfor %}", "bad.jinja")
        .render(Json::object());
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("[bad.jinja:3] ")) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

TEST(TemplateLimits, LeaveRoomForLongConversations) {
  Json messages = Json::array();
  for (int i = 0; i < 2000; ++i) messages.push_back({{"role", "user"}, {"content", repeated("word ", 1000)}});
  const auto parsed =
      JinjaTemplate::parse("{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}\n{% endfor %}", "long");
  EXPECT_GT(parsed.render({{"messages", messages}}).size(), 2000u * 4999u);
}

}  // namespace
}  // namespace artemis

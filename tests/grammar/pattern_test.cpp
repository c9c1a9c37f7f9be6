// What patterns are refused, with the place; what they match is tested with the schemas.
#include "artemis/grammar/pattern.h"

#include <gtest/gtest.h>

#include "artemis/core/error.h"
#include "vocabularies.h"

namespace artemis {
namespace {

std::string fault_of(const std::string& pattern) {
  try {
    const Pattern parsed(pattern, "test");
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

bool matches(const std::string& pattern, std::string_view text) {
  GrammarBuilder builder;
  const Pattern parsed(pattern, "test");
  const auto rule =
      builder.rule([&](GrammarBuilder::Node end) { return parsed.text(builder, TextStyle::json, end); });
  return fits(builder.finish(rule), text);
}

TEST(Pattern, RefusesWhatIsNotRegular) {
  const std::vector<std::pair<std::string, std::string>> faults{
      {"(?=a)", "'(?' is supported as"},
      {"(?<!a)b", "a look behind is not supported at byte 0"},
      {"(a)\\1", "an escape that is not supported at byte 3"},
      {"\\bword", "an escape that is not supported at byte 0"},
      {"\\p{L}", "an escape that is not supported"},
      {"a^b", "'^' behind the beginning is not supported at byte 1"},
      {"a$b", "'$' before the end is not supported at byte 2"},
      {"(a$)", "'$' inside a group is not supported"},
      {"(a", "'(' without its ')' at byte 0"},
      {"a)", "')' without a group at byte 1"},
      {"[a", "'[' without its ']' at byte 0"},
      {"[b-a]", "a range that is none at byte 1"},
      {"[a-z&&x]", "sets of sets are not supported"},
      {"[[a]]", "sets of sets are not supported"},
      {"*a", "'*' has nothing to stand for at byte 0"},
      {"a**", "a repetition of a repetition at byte 2"},
      {"a{2,1}", "a repetition whose most is under its least"},
      {"a{x}", "expected a count at byte 2"},
      {"a{2", "'{' without its '}' at byte 1"},
      {"a{9999999}", "a count over 1048576"},
      {"(a|b*){2,3}", "a counted repetition of what may be empty is not supported"},
      {"((a{1,99}b){1,99}c){1,99}", "its repetitions multiply to"},
      {"\\", "'\\' at the end"},
      {"\\u12", "expected a hexadecimal digit at byte 4"},
      {"\\uD800", "half of a surrogate pair"},
      {"\xFF", "pattern is no UTF-8"},
      {std::string(100'000, '('), "pattern of 100000 bytes, at most 4096"},
      {std::string(1'000, '('), "too many groups in each other at byte 64"},
  };
  for (const auto& [pattern, fault] : faults) {
    EXPECT_NE(fault_of(pattern).find(fault), std::string::npos) << pattern << ": " << fault_of(pattern);
  }
}

TEST(Pattern, MatchesWhereItsAnchorsSay) {
  EXPECT_TRUE(matches("b", "abc"));
  EXPECT_FALSE(matches("^b", "abc"));
  EXPECT_FALSE(matches("b$", "abc"));
  EXPECT_TRUE(matches("^a|z$", "ab"));
  EXPECT_TRUE(matches("^a|z$", "yz"));
  EXPECT_FALSE(matches("^a|z$", "ya"));
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("^$", ""));
  EXPECT_FALSE(matches("^$", "a"));
}

TEST(Pattern, ReadsTheSyntax) {
  const std::vector<std::pair<std::string, std::string>> fitting{
      {"^\\x41\\u00e9\\uD83D\\uDE00$", "A\xC3\xA9\xF0\x9F\x98\x80"},
      {"^a{2}b{1,}c{0,2}$", "aabbbcc"},
      {"^(?<name>a|b)+?$", "abba"},
      {"^[^a-c\\d\t-]+$", "xyz"},
      {"^[\\w.-]+$", "a.b-c_1"},
      {"^\\/\\-\\.$", "/-."},
      {"^(a?){3}$", "aa"},
      {"^(a*)*$", "aaaa"},
      {"^.$", "\xE2\x82\xAC"},
      {"^\\n\"$", "\\n\\\""},
  };
  for (const auto& [pattern, text] : fitting) {
    EXPECT_TRUE(matches(pattern, text)) << pattern << " " << text;
    EXPECT_FALSE(matches(pattern, text + "!\\t")) << pattern << " " << text;
  }
}

TEST(Pattern, LengthsAreKnown) {
  const Pattern bounded("^a{2,3}(b|cd)?$", "test");
  EXPECT_EQ(bounded.min_length(), 2u);
  EXPECT_EQ(bounded.max_length(), 5u);
  const Pattern open("^a", "test");
  EXPECT_EQ(open.min_length(), 1u);
  EXPECT_EQ(open.max_length(), Grammar::unlimited);
}

}  // namespace
}  // namespace artemis

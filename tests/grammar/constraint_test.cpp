// Texts and tokens against the grammar of any JSON object.
#include "artemis/grammar/constraint.h"

#include <gtest/gtest.h>

#include "vocabularies.h"
#include "walks.h"

namespace artemis {
namespace {

TEST(JsonObject, TakesWhatIsJson) {
  for (const char* text :
       {"{}", "{\"a\":1}", "{\"a\": 1, \"b\":[1,2.5e-3,-0],\"c\":{\"d\":null}}",
        "{\n  \"a\": [\n    true\n  ]\n}", "{\"\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\"}",
        "{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\"}", "{ }", "{\"a\":[]}", "{\"a\":[[],{}]}", "{\"a\":0.0}",
        "{\"a\":1E+10}", "{\"\x7F\":\"/\"}"}) {
    EXPECT_TRUE(fits(json_object_grammar(), text)) << text;
  }
}

TEST(JsonObject, TakesNothingElse) {
  for (const char* text : {"",
                           "1",
                           "[]",
                           " {}",
                           "{} ",
                           "{",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":1e}",
                           "{\"a\":tru}",
                           "{\"a\":NaN}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\uD83D\"}",
                           "{\"a\":\"\\uDE00\"}",
                           "{\"a\":\"\\uD83Dx\"}",
                           "{\"a\":\"\xFF\"}",
                           "{\"a\":\"\xC0\x80\"}",
                           "{\"a\":\"\xED\xA0\x80\"}",
                           "{\"a\":\"\xF4\x90\x80\x80\"}",
                           "{\"a\":\"\xC3\"}",
                           "{\"a\":[1}}",
                           "{\"a\":  1}",
                           "{\"a\" :1}",
                           "{\t}",
                           "{\"a\":1}{",
                           "{\"a\":1 2}"}) {
    EXPECT_FALSE(fits(json_object_grammar(), text)) << text;
  }
}

TEST(JsonObject, WhiteSpaceEnds) {
  EXPECT_TRUE(fits(json_object_grammar(), "{\n" + std::string(40, ' ') + "}"));
  EXPECT_FALSE(fits(json_object_grammar(), "{\n" + std::string(41, ' ') + "}"));
  EXPECT_FALSE(fits(json_object_grammar(), "{\n\n}"));
}

TEST(JsonObject, DeepTextIsFollowed) {
  Constraint constraint(json_object_grammar(), json_vocabulary());
  const int depth = 100'000;
  ASSERT_EQ(taken(constraint, "{\"a\":"), 5u);
  for (int i = 0; i < depth; ++i) ASSERT_TRUE(constraint.accept('['));
  EXPECT_FALSE(constraint.may_end());
  for (int i = 0; i < depth; ++i) ASSERT_TRUE(constraint.accept(']'));
  ASSERT_TRUE(constraint.accept('}'));
  EXPECT_TRUE(constraint.may_end());
  EXPECT_TRUE(ids_of(mask_of(constraint)).empty());
}

TEST(JsonObject, MaskIsWhatIsAccepted) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    ASSERT_EQ(mask_fault(json_object_grammar(), json_vocabulary(), seed, 60), "") << seed;
  }
}

TEST(Constraint, TakesNoTokenThatIsNone) {
  Constraint constraint(json_object_grammar(), json_vocabulary());
  const auto size = static_cast<std::int32_t>(constraint.tokens().vocab());
  for (const std::int32_t id : {-1, size, size - 1, size - 2}) EXPECT_FALSE(constraint.accept(id)) << id;
  EXPECT_TRUE(constraint.accept('{'));
}

}  // namespace
}  // namespace artemis

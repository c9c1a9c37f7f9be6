// Texts and tokens against the grammar of any JSON object.
#include "artemis/grammar/constraint.h"

#include <gtest/gtest.h>

#include "vocabularies.h"

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

// The mask of every place is what accept() takes, token by token.
void expect_mask_is_accept(Constraint& constraint) {
  const std::vector<std::uint32_t> mask = mask_of(constraint);
  const Heads here = constraint.mark();
  for (std::int32_t id = 0; id < constraint.tokens().vocab(); ++id) {
    const bool allowed = ((mask[static_cast<std::size_t>(id) / 32] >> (id % 32)) & 1) != 0;
    ASSERT_EQ(constraint.accept(id), allowed)
        << "token " << id << " '" << constraint.tokens().bytes(id) << "'";
    constraint.rewind(here);
  }
}

TEST(JsonObject, MaskIsWhatIsAccepted) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Constraint constraint(json_object_grammar(), json_vocabulary());
    std::string text;
    for (int step = 0; step < 60; ++step) {
      expect_mask_is_accept(constraint);
      if (HasFatalFailure()) FAIL() << "seed " << seed << " behind " << text;
      const std::vector<std::int32_t> ids = ids_of(mask_of(constraint));
      ASSERT_EQ(ids.empty(), constraint.may_end()) << text;
      if (ids.empty()) break;
      const std::int32_t id = ids[random.below(ids.size())];
      ASSERT_TRUE(constraint.accept(id));
      text += constraint.tokens().bytes(id);
    }
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

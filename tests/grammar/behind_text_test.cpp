// A form behind a text that a tag ends.
#include <gtest/gtest.h>

#include "vocabularies.h"
#include "walks.h"

namespace artemis {
namespace {

constexpr const char* tag = "</think>";

TEST(BehindText, TheFormBeginsAtTheTag) {
  const auto grammar = behind_text(*json_object_grammar(), tag, false);
  for (const char* text : {"</think>{}", "so { <think> </</thin </think>{\"a\": 1}", "\xFF</think>\n\n{}",
                           "a</think>\n{\"b\":\"</think>\"}"}) {
    EXPECT_TRUE(fits(grammar, text)) << text;
  }
  for (const char* text : {"", "{}", "so", "so</think>", "so</think> {}", "so</think>\n\n\n{}", "so</think>x",
                           "</think></think>{}"}) {
    EXPECT_FALSE(fits(grammar, text)) << text;
  }
  const auto loose = behind_text(*json_object_grammar(), tag, true);
  for (const char* text : {"", "so </think", "so</think>{}"}) EXPECT_TRUE(fits(loose, text)) << text;
  for (const char* text : {"so</think>", "so</think>so"}) EXPECT_FALSE(fits(loose, text)) << text;
}

TEST(BehindText, TheTagIsATokenOrSpelled) {
  const auto tokens = vocabulary({"</", "</th", "ink>", "k>{", "a</think>{", "</think>x"}, {tag, "</s>"});
  const auto grammar = behind_text(*json_object_grammar(), tag, false);
  const std::int32_t end = *tokens->added("</s>");
  for (const bool spelled : {false, true}) {
    Constraint constraint(grammar, tokens);
    ASSERT_TRUE(constraint.accept(end)) << "an added token of the text";
    ASSERT_EQ(taken(constraint, "hm</th"), 6u);
    EXPECT_FALSE(constraint.accept(end)) << "not shown, it would hide that the tag is whole";
    ASSERT_TRUE(spelled ? taken(constraint, "ink>") == 4 : constraint.accept(*tokens->added(tag)));
    EXPECT_FALSE(constraint.may_end());
    EXPECT_FALSE(constraint.accept(end));
    EXPECT_FALSE(constraint.accept('x'));
    ASSERT_EQ(taken(constraint, "{}"), 2u);
    EXPECT_TRUE(constraint.may_end());
    EXPECT_TRUE(ids_of(mask_of(constraint)).empty());
  }
  for (const bool may_end : {false, true}) {
    const auto form = behind_text(*json_object_grammar(), tag, may_end);
    for (std::uint64_t seed = 0; seed < 20; ++seed) ASSERT_EQ(mask_fault(form, tokens, seed, 60), "") << seed;
  }
}

}  // namespace
}  // namespace artemis

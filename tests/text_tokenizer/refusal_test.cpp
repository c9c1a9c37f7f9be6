// A tokenizer.json or id that is no good is refused with one line that says what and where.
#include <gtest/gtest.h>

#include "artemis/core/error.h"
#include "artemis/text/tokenizer.h"

namespace artemis {
namespace {

constexpr const char* tiny = R"({
  "added_tokens": [{"id": 4, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
  "normalizer": null,
  "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "\\s+"}, "behavior": "Isolated", "invert": false},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}},
  "decoder": {"type": "Fuse"},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, " ": 3}, "merges": [["a", "b"]]}})";

Tokenizer load(const SortedJson& json) { return Tokenizer::from_json(json, SortedJson(), "tokenizer.json"); }

// The tiny tokenizer with one place (a JSON pointer) replaced; it must be refused with these words.
struct Refusal {
  const char* name;
  const char* place;
  const char* value;
  const char* words;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheReason) {
  SortedJson json = SortedJson::parse(tiny);
  json[SortedJson::json_pointer(GetParam().place)] = SortedJson::parse(GetParam().value);
  try {
    load(json);
    FAIL() << "taken";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("tokenizer.json"), std::string::npos) << message;
    EXPECT_NE(message.find(GetParam().words), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

constexpr Refusal refusals[] = {
    {"NoObject", "", "[1, 2]", "expected an object"},
    {"NoModel", "/model", "null", "'model'"},
    {"ModelOfAnotherType", "/model/type", "\"Unigram\"", "'Unigram' is not supported"},
    {"ModelTypeNoText", "/model/type", "7", "'type'"},
    {"VocabMissing", "/model/vocab", "null", "'vocab'"},
    {"VocabNoObject", "/model/vocab", "[\"a\", \"b\"]", "'vocab'"},
    {"IdNegative", "/model/vocab/a", "-1", "'a' is -1"},
    {"IdHuge", "/model/vocab/a", "4294967296", "'a' is 4294967296"},
    {"IdBeyondTables", "/model/vocab/a", "2000000000", "'a' has id 2000000000"},
    {"IdOfTheLargestUnsigned", "/model/vocab/a", "18446744073709551615", "'a' is 18446744073709551615"},
    {"IdFraction", "/model/vocab/a", "0.5", "'a' is 0.5"},
    {"IdText", "/model/vocab/a", "\"0\"", "'a' is \"0\""},
    {"IdTwice", "/model/vocab/a", "1", "both have id 1"},
    {"MergesMissing", "/model/merges", "null", "'merges'"},
    {"MergesNoList", "/model/merges", "{}", "'merges'"},
    {"MergeOfUnknownPart", "/model/merges/0", "[\"a\", \"x\"]", "merge 0 ('a' and 'x')"},
    {"MergeIntoUnknownToken", "/model/merges/0", "[\"b\", \"a\"]", "merge 0 ('b' and 'a')"},
    {"MergeOfOnePart", "/model/merges/0", "\"ab\"", "merge 0 is 'ab'"},
    {"MergeOfThreeParts", "/model/merges/0", "\"a b a\"", "merge 0 is 'a b a'"},
    {"MergeOfNumbers", "/model/merges/0", "[0, 1]", "merge 0 is array"},
    {"MergeNumber", "/model/merges/0", "3", "merge 0 is number"},
    {"ContinuingPrefix", "/model/continuing_subword_prefix", "\"##\"", "'continuing_subword_prefix' is '##'"},
    {"WordSuffix", "/model/end_of_word_suffix", "\"</w>\"", "'end_of_word_suffix' is '</w>'"},
    {"FlagNoBoolean", "/model/byte_fallback", "\"yes\"", "'byte_fallback'"},
    {"Dropout", "/model/dropout", "0.1", "'dropout' is 0.1"},
    {"Normalizer", "/normalizer", R"({"type": "Precompiled"})", "'Precompiled' is not supported"},
    {"NormalizerWithoutType", "/normalizer", "{}", "'type'"},
    {"NormalizerNoObject", "/normalizer", "\"NFC\"", "found string"},
    {"NormalizerSequenceNoList", "/normalizer", R"({"type": "Sequence", "normalizers": 3})", "normalizers"},
    {"NormalizerReplaceRegex", "/normalizer",
     R"({"type": "Replace", "pattern": {"Regex": "a("}, "content": ""})", "'a(' is malformed"},
    {"PreTokenizer", "/pre_tokenizer/type", "\"BertPreTokenizer\"", "'BertPreTokenizer' is not supported"},
    {"PatternUnclosed", "/pre_tokenizer/pattern/Regex", "\"(a\"", "'(a' is malformed"},
    {"PatternUnclosedSet", "/pre_tokenizer/pattern/Regex", "\"[a\"", "'[a' is malformed"},
    {"PatternOfUnknownProperty", "/pre_tokenizer/pattern/Regex", "\"\\\\p{Nothing}\"", "malformed"},
    {"PatternMissing", "/pre_tokenizer/pattern", "{}", "'String'"},
    {"Behavior", "/pre_tokenizer/behavior", "\"Dropped\"", "'Dropped' is not supported"},
    {"PostProcessor", "/post_processor/type", "\"BertProcessing\"", "'BertProcessing' is not supported"},
    {"TemplateOfUnknownToken", "/post_processor/special_tokens", "{}", "'<s>'"},
    {"TemplateOfNegativeId", "/post_processor/special_tokens/<s>/ids/0", "-4", "id -4"},
    {"TemplateOfUnknownId", "/post_processor/special_tokens/<s>/ids/0", "77", "77"},
    {"TemplateWithoutSequence", "/post_processor/single", "[]", "no sequence"},
    {"TemplateNoList", "/post_processor/single", "\"$A\"", "single"},
    {"Decoder", "/decoder/type", "\"WordPiece\"", "'WordPiece' is not supported"},
    {"DecoderWithoutType", "/decoder", "{}", "'type'"},
    {"AddedTokensNoList", "/added_tokens", "{}", "'added_tokens'"},
    {"AddedTokenNoObject", "/added_tokens/0", "\"<s>\"", "added_tokens[0]"},
    {"AddedTokenWithoutContent", "/added_tokens/0/content", "null", "'content'"},
    {"AddedTokenFlag", "/added_tokens/0/lstrip", "1", "'lstrip'"},
    {"AddedTokenNegative", "/added_tokens/0/id", "-2", "'<s>' has id -2"},
    {"AddedTokenHuge", "/added_tokens/0/id", "99999999999", "'<s>' has id 99999999999"},
};

INSTANTIATE_TEST_SUITE_P(Files, Refused, testing::ValuesIn(refusals),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Refusals, TheUnchangedFileIsTaken) {
  EXPECT_EQ(load(SortedJson::parse(tiny)).encode("ab<s> ba", true),
            (std::vector<std::int32_t>{4, 2, 4, 3, 1, 0}));
}

TEST(Refusals, AFileThatIsMissingIsNamed) {
  try {
    Tokenizer::load("no/such/folder");
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/folder/tokenizer.json"), std::string::npos)
        << error.what();
  }
}

TEST(Refusals, AnIdWithoutATokenIsNamedWithItsPosition) {
  const Tokenizer tokenizer = load(SortedJson::parse(tiny));
  for (const std::int32_t id : {-1, 5, std::numeric_limits<std::int32_t>::max()}) {
    for (const bool skip : {false, true}) {
      try {
        tokenizer.decode(std::vector<std::int32_t>{0, 1, id}, skip);
        FAIL() << id << " is taken";
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(fmt::format("id {} at position 2", id)), std::string::npos)
            << error.what();
      }
    }
    EXPECT_THROW(tokenizer.id_to_token(id), Error);
    EXPECT_FALSE(tokenizer.is_special(id));
  }
}

TEST(Refusals, AnIdInAHoleOfTheVocabularyIsNamedWithItsPosition) {
  SortedJson json = SortedJson::parse(tiny);
  json["model"]["vocab"]["c"] = 9;
  json["post_processor"] = nullptr;  // added tokens follow the vocabulary's size: '<s>' is 5 now
  const Tokenizer tokenizer = load(json);
  EXPECT_EQ(tokenizer.vocab_size(), 10);
  EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{9}, false), "c");
  EXPECT_THROW(tokenizer.decode(std::vector<std::int32_t>{7}, false), Error);
}

}  // namespace
}  // namespace artemis

// Schemas as grammars, against what jsonschema says (tests/golden/grammar) and a validator of our own.
#include <gtest/gtest.h>

#include <chrono>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "validator.h"
#include "vocabularies.h"
#include "walks.h"

namespace artemis {
namespace {

const Json& cases() {
  static const Json all = read_json(std::string(ARTEMIS_GOLDEN_DIR) + "/grammar/cases.json");
  return all;
}

Json parsed(const std::string& text) { return parse_json(text, "test"); }

std::string fault_of(const std::string& schema) {
  try {
    json_schema_grammar(parsed(schema));
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(Schema, FirstItemsAreNotJoinedWithAllItems) {
  const std::string fault = "'prefixItems' and another schema's 'items' cannot be joined";
  EXPECT_NE(fault_of(R"({"allOf": [{"prefixItems": [{"type": "string"}]}, {"items": {"type": "integer"}}]})")
                .find(fault),
            std::string::npos);
  EXPECT_NE(fault_of(R"({"items": {"minimum": 1}, "anyOf": [{"prefixItems": [{}]}]})").find(fault),
            std::string::npos);
  EXPECT_EQ(
      fault_of(R"({"allOf": [{"prefixItems": [{"type": "string"}], "items": false}, {"minItems": 1}]})"),
      "none");
}

TEST(Schema, ChoicesAreBounded) {
  Json schema = {{"anyOf", Json::array()}};
  for (int i = 0; i < 256; ++i) schema["anyOf"].push_back({{"type", "string"}, {"maxLength", i}});
  EXPECT_EQ(fault_of(schema.dump()), "none");
  schema["anyOf"].push_back({{"type", "null"}});
  EXPECT_NE(fault_of(schema.dump()).find("[schema #/anyOf] has 257 schemas"), std::string::npos);
}

TEST(Validator, SaysWhatJsonschemaSays) {
  for (const Json& entry : cases()) {
    const Json& schema = entry["schema"];
    for (const char* kind : {"ordered", "valid", "invalid"}) {
      for (const Json& text : entry[kind]) {
        EXPECT_EQ(fits_schema(parsed(text), schema, schema), std::string(kind) != "invalid")
            << schema << " " << text;
      }
    }
  }
}

TEST(Schema, TakesWhatFitsInItsOrder) {
  ASSERT_GE(cases().size(), 90u);
  for (const Json& entry : cases()) {
    const auto grammar = json_schema_grammar(entry["schema"]);
    for (const Json& text : entry["ordered"]) {
      EXPECT_TRUE(fits(grammar, text.get<std::string>())) << entry["schema"] << " " << text;
    }
    for (const Json& text : entry["invalid"]) {
      EXPECT_FALSE(fits(grammar, text.get<std::string>())) << entry["schema"] << " " << text;
    }
  }
}

TEST(Schema, AllThatItAllowsFits) {
  int unended =
      0;  // schemas whose texts are hardly found by chance: 300 characters, or "cat" among any others
  for (const Json& entry : cases()) {
    const Json& schema = entry["schema"];
    const auto grammar = json_schema_grammar(schema);
    int ended = 0;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const Walk walk = random_walk(grammar, json_vocabulary(), seed, 400);
      if (!walk.complete) continue;
      ++ended;
      EXPECT_TRUE(fits_schema(parsed(walk.text), schema, schema)) << schema << " " << walk.text;
    }
    if (ended < 10) ++unended;
  }
  EXPECT_LE(unended, 2);
}

TEST(Schema, MaskIsWhatIsAccepted) {
  for (const Json& entry : cases()) {
    const auto grammar = json_schema_grammar(entry["schema"]);
    for (std::uint64_t seed = 0; seed < 2; ++seed) {
      ASSERT_EQ(mask_fault(grammar, json_vocabulary(), seed, 40), "") << entry["schema"];
    }
  }
}

TEST(Schema, LayoutIsFree) {
  const auto grammar = json_schema_grammar(
      parsed(R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}},
                 "b":{"const":{"c":[1,2]}}},"additionalProperties":false})"));
  EXPECT_TRUE(fits(grammar, "{\"a\": [1, 2], \"b\": {\"c\": [1, 2]}}"));
  EXPECT_TRUE(
      fits(grammar,
           "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {\n    \"c\": [\n      1,\n      2\n    ]\n  }\n}"));
  EXPECT_TRUE(fits(grammar, "{ }"));
  EXPECT_FALSE(fits(grammar, "{\"b\":{\"c\":[1,2]},\"a\":[]}")) << "the order of the schema";
  EXPECT_FALSE(fits(grammar, "{\"a\":[],\"a\":[]}"));
}

TEST(Schema, NullableAddsNull) {
  for (const char* schema :
       {R"({"type":"string","nullable":true,"maxLength":1})", R"({"enum":["a"],"nullable":true})",
        R"({"anyOf":[{"const":"a"}],"nullable":true})"}) {
    const auto grammar = json_schema_grammar(parsed(schema));
    EXPECT_TRUE(fits(grammar, "null")) << schema;
    EXPECT_TRUE(fits(grammar, "\"a\"")) << schema;
    EXPECT_FALSE(fits(grammar, "1")) << schema;
  }
}

// Of schemas that hold together each must allow null; `nullable` alone is meant for what stands beside it.
TEST(Schema, NullableOfOnePartDoesNotLoosenAnother) {
  for (const char* schema : {R"({"allOf":[{"type":"string"},{"enum":["a",null],"nullable":true}]})",
                             R"({"allOf":[{"enum":["a"],"nullable":true},{"type":"string"}]})",
                             R"({"allOf":[{"type":"string","nullable":true},{"const":"a"}]})"}) {
    const auto grammar = json_schema_grammar(parsed(schema));
    EXPECT_FALSE(fits(grammar, "null")) << schema;
    EXPECT_TRUE(fits(grammar, "\"a\"")) << schema;
  }
  for (const char* schema :
       {R"({"allOf":[{"type":"string"}],"nullable":true})",
        R"({"allOf":[{"type":"string","nullable":true},{"minLength":1}]})",
        R"({"allOf":[{"type":"string","nullable":true},{"enum":["a"],"nullable":true}]})"}) {
    EXPECT_TRUE(fits(json_schema_grammar(parsed(schema)), "null")) << schema;
  }
}

TEST(Schema, WholeNumbersMayBeSpelledWithAPoint) {
  EXPECT_TRUE(fits(json_schema_grammar(parsed(R"({"type":"integer","enum":[1.0,2.5]})")), "1.0"));
  EXPECT_FALSE(fits(json_schema_grammar(parsed(R"({"type":"integer","enum":[1.0,2.5]})")), "2.5"));
}

TEST(Schema, AddressesAndDurations) {
  const auto check = [](const char* format, const std::vector<std::string>& right,
                        const std::vector<std::string>& wrong) {
    const auto grammar = json_schema_grammar(Json{{"type", "string"}, {"format", format}});
    for (const std::string& text : right) EXPECT_TRUE(fits(grammar, Json(text).dump())) << text;
    for (const std::string& text : wrong) EXPECT_FALSE(fits(grammar, Json(text).dump())) << text;
  };
  check("ipv6",
        {"::", "::1", "1::", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8",
         "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"},
        {"", ":", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", ":1",
         "1:2:3:4::5:6:7:8:9"});
  check("duration", {"P1D", "P3Y6M4DT12H30M5S", "PT36H", "P2W", "PT5S", "P1YT1M"},
        {"", "P", "PT", "P1", "P1S", "PT1D", "P1W2D", "P1Y1D", "1D"});
}

TEST(Schema, RefusesWhatItCannotEnforce) {
  const std::vector<std::pair<std::string, std::string>> faults{
      {R"(3)", "[schema #] is number, expected a schema"},
      {R"({"type":"text"})", "[schema #] 'type' is not one of"},
      {R"({"not":{}})", "[schema #] keyword 'not' cannot be enforced"},
      {R"({"properties":{"a/b":{"if":{}}}})", "[schema #/properties/a~1b] keyword 'if' cannot be enforced"},
      {R"({"type":"array","items":{"uniqueItems":true}})",
       "[schema #/items] 'uniqueItems' cannot be enforced"},
      {R"({"type":"object","patternProperties":{}})",
       "[schema #] keyword 'patternProperties' cannot be enforced"},
      {R"({"type":"object","minProperties":2})", "[schema #] 'minProperties' over 1 cannot be enforced"},
      {R"({"type":"object","properties":{"a":{}},"minProperties":1})",
       "'minProperties' over the number of required"},
      {R"({"type":"object","properties":{"a":{},"b":{}},"maxProperties":1})",
       "'maxProperties' beside 'properties'"},
      {R"({"type":"number","multipleOf":0.5})", "[schema #] 'multipleOf' cannot be enforced"},
      {R"({"type":"integer","minimum":"1"})", "[schema #] 'minimum' is \"1\", expected a number"},
      {R"({"type":"number","minimum":1e-90})",
       "[schema #] 'minimum' is 1e-90, expected a number of at most 40 digits"},
      {R"({"type":"string","minLength":-1})", "[schema #] 'minLength' is -1, expected an integer"},
      {R"({"type":"string","maxLength":1.5})", "[schema #] 'maxLength' is 1.5, expected an integer"},
      {R"({"type":"string","format":"regex"})", "[schema #] format 'regex' cannot be enforced"},
      {R"({"type":"string","pattern":"a","format":"date"})", "'pattern' and 'format' together"},
      {R"({"type":"string","pattern":"^a*$","maxLength":3})",
       "cannot be joined with 'minLength' and 'maxLength'"},
      {R"({"$ref":"other.json"})", "[schema #] '$ref' to 'other.json', expected one within the schema"},
      {R"({"$ref":"#/$defs/a"})", "[schema #] '$ref' to '#/$defs/a', which is not there"},
      {R"({"$ref":"#anchor"})", "[schema #] '$ref' to the anchor"},
      {R"({"$ref":"#"})", "[schema #] more than 64 '$ref' and 'allOf' in each other"},
      {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", "'pattern' stands in two schemas"},
      {R"({"anyOf":[]})", "[schema #/anyOf] is no list of schemas"},
      {R"({"anyOf":[{}],"oneOf":[{}]})", "'anyOf' and 'oneOf' together"},
      {R"({"enum":["a"],"maxLength":2})", "'maxLength' beside 'enum' or 'const'"},
      {R"({"enum":5})", "'enum' is number, expected a list"},
      {R"({"required":["a",1]})", "'required' holds number"},
      {R"({"properties":[]})", "'properties' is array, expected an object"},
      {R"(false)", "[schema #] no value fits it"},
      {R"({"enum":[]})", "no value fits it"},
      {R"({"type":"integer","minimum":3,"maximum":2})", "no value fits it"},
      {R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})", "no value fits it"},
      {R"({"type":"array","items":{"$ref":"#"},"minItems":1})", "no value fits it"},
      {R"({"allOf":[{"type":"string"},{"type":"integer"}]})", "no value fits it"},
      {R"({"nullable":1})", "'nullable' is number"},
  };
  for (const auto& [schema, fault] : faults) {
    EXPECT_NE(fault_of(schema).find(fault), std::string::npos) << schema << ": " << fault_of(schema);
  }
}

TEST(Schema, SizeAndDepthEndWithAnError) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"items\":";
  deep += "{}" + std::string(100'000, '}');
  try {
    json_schema_grammar(parse_json(deep, "test", 200'000));
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[schema #] nested deeper than 256");
  }
  std::string wide = "{\"enum\":[0";
  for (int i = 0; i < 60'000; ++i) wide += ",1";
  EXPECT_EQ(fault_of(wide + "]}"), "[schema #] more than 50000 values");
  std::string texts = "{\"enum\":[\"\"";
  for (int i = 0; i < 1'000; ++i) texts += ",\"" + std::to_string(i) + std::string(1'000, 'x') + "\"";
  EXPECT_NE(fault_of(texts + "]}").find("more than 524288 states"), std::string::npos);
  // Joined again and again: a chain that doubles.
  std::string chain = "{\"$defs\":{\"d0\":{\"properties\":{\"p\":{\"type\":\"integer\"}}}";
  for (int i = 1; i < 60; ++i) {
    const std::string before = "{\"$ref\":\"#/$defs/d" + std::to_string(i - 1) + "\"}";
    chain += ",\"d" + std::to_string(i) + "\":{\"allOf\":[" + before + "," + before + "]}";
  }
  EXPECT_NE(fault_of(chain + "},\"$ref\":\"#/$defs/d59\"}"), "none");
}

// What is joined again and again is gone through each time.
TEST(Schema, ManyPartsEndSoon) {
  std::string parts;
  for (int i = 0; i < 8'000; ++i)
    parts += (i > 0 ? ",{\"properties\":{\"a" : "{\"properties\":{\"a") + std::to_string(i) + "\":true}}";
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE(fault_of("{\"allOf\":[" + parts + "]}").find("joined schemas with more than 500000 values"),
            std::string::npos);
  std::string keys = "\"a0\":1";
  for (int i = 1; i < 40'000; ++i) keys += ",\"a" + std::to_string(i) + "\":1";
  EXPECT_NE(fault_of("{\"allOf\":[{" + keys + "}]}").find("[schema #/allOf/0] more than 64 keywords"),
            std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// Choices that begin alike are read together, so the ways do not multiply with the depth.
TEST(Schema, ChoicesThatAreAlikeStayFew) {
  const auto grammar = json_schema_grammar(parsed(
      R"({"anyOf":[{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"integer"}},"required":["a"]},
                   {"type":"object","properties":{"a":{"$ref":"#"},"c":{"type":"integer"}},"required":["a"]},
                   {"type":"object","properties":{"a":{"anyOf":[{"$ref":"#"},{"type":"string"}]}},"required":["a"]},
                   {"type":"null"}]})"));
  Constraint constraint(grammar, json_vocabulary());
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_EQ(taken(constraint, "{\"a\":"), 5u);
    ASSERT_LE(constraint.mark().size(), 40u);
  }
  ASSERT_EQ(taken(constraint, "null"), 4u);
  for (int i = 0; i < 2'000; ++i) {
    ASSERT_EQ(taken(constraint, i % 2 == 0 ? ",\"c\":1}" : ",\"b\":1}"), 7u);
  }
  EXPECT_TRUE(constraint.may_end());
}

TEST(Schema, LongStringsHaveFewMasks) {
  const auto grammar =
      json_schema_grammar(parsed(R"({"type":"string","minLength":100000,"maxLength":1000000000})"));
  Constraint constraint(grammar, json_vocabulary());
  ASSERT_TRUE(constraint.accept('"'));
  for (int i = 0; i < 99'999; ++i) ASSERT_TRUE(constraint.accept('a'));
  EXPECT_FALSE(constraint.accept('"'));
  ASSERT_TRUE(constraint.accept('a'));
  EXPECT_TRUE(constraint.accept('"'));
}

// Rules of a character or two end within most tokens: then one walk over all of them makes the mask.
TEST(Schema, MaskWhereRulesEndEverywhere) {
  std::vector<std::string> words{""};
  for (std::size_t i = 0; words.size() < 65'535; ++i) {  // up to 15 letters
    words.push_back(words[i] + "a");
    words.push_back(words[i] + "b");
  }
  const auto tokens = vocabulary(words);
  Constraint constraint(json_schema_grammar(parsed(R"({"type":"string","pattern":"^([ab]{1,14}b?){1,3}$"})")),
                        tokens);
  ASSERT_EQ(taken(constraint, "\"aaaaaaaaaaaaaaaaaaaaaaaaaa"), 27u);
  const std::vector<std::uint32_t> mask = mask_of(constraint);
  const Heads here = constraint.mark();
  int taken_words = 0;
  for (std::int32_t id = 256; id < tokens->vocab(); id += 29) {
    const bool allowed = ((mask[static_cast<std::size_t>(id) / 32] >> (id % 32)) & 1u) != 0;
    ASSERT_EQ(constraint.accept(id), allowed) << tokens->bytes(id);
    taken_words += allowed ? 1 : 0;
    constraint.rewind(here);
  }
  EXPECT_GT(taken_words, 1'000);
}

}  // namespace
}  // namespace artemis

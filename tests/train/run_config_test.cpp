// The table of keys: files, words of the command line, refusals and what is saved.
#include "artemis/train/run_config.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::error_of;
using test::expect_error;

RunConfig from_text(const std::string& text) {
  RunConfig config;
  apply_run_config(config, parse_yaml(text, "run.yaml"), "run.yaml");
  return config;
}

std::string refusal(const std::string& text) {
  return error_of([&] { from_text(text); });
}

TEST(RunConfig, ReadsEveryKindOfKey) {
  const RunConfig config = from_text(
      "model: a\n"
      "learning_rate: 2e-4\n"
      "token_weighted: true\n"
      "train: {tower: true, tower_blocks: 2}\n"
      "lora:\n  target_modules: [q_proj, v_proj]\n"
      "data:\n  - {path: a.tar, weight: 3}\n  - paths: [b.tar, c]\n"
      "eval: {data: held.jsonl}\n");
  EXPECT_EQ(config.model, "a");
  EXPECT_EQ(config.learning_rate, 2e-4);
  EXPECT_TRUE(config.token_weighted);
  EXPECT_EQ(config.lora_target_modules, (std::vector<std::string>{"q_proj", "v_proj"}));
  ASSERT_EQ(config.data.size(), 2u);
  EXPECT_EQ(config.data[0].weight, 3.0);
  EXPECT_EQ(config.data[1].paths, (std::vector<std::string>{"b.tar", "c"}));
  EXPECT_EQ(config.eval_data.at(0).paths, std::vector<std::string>{"held.jsonl"});
  EXPECT_TRUE(config.trainable().tower);
  EXPECT_EQ(config.trainable().tower_blocks, 2);
  EXPECT_TRUE(config.trainable().projector);
  EXPECT_FALSE(config.trainable().decoder);
}

TEST(RunConfig, PathsAloneAreOneSource) {
  for (const char* text : {"data: [a, b]", "data: {paths: [a, b]}", "data:\n- paths: [a, b]"}) {
    const RunConfig config = from_text(text);
    ASSERT_EQ(config.data.size(), 1u) << text;
    EXPECT_EQ(config.data[0].paths, (std::vector<std::string>{"a", "b"})) << text;
  }
}

TEST(RunConfig, NamesTheNearestKeyAndTheLine) {
  expect_error(refusal("model: a\nlerning_rate: 1\n"),
               "[run.yaml:2] there is no key 'lerning_rate', did you mean 'learning_rate'?");
  expect_error(refusal("save:\n  evry: 1\n"),
               "[run.yaml:2] there is no key 'save.evry', did you mean 'save.every'?");
  expect_error(refusal("data:\n- {pth: a}\n"), "[run.yaml:2] data has no key 'pth', did you mean 'path'?");
}

TEST(RunConfig, RefusesOtherTypesAndRanges) {
  expect_error(refusal("steps: many"), "[run.yaml:1] steps is 'many', expected an integer of at least 0");
  expect_error(refusal("\nsteps: 1.5"), "[run.yaml:2] steps is '1.5'");
  expect_error(refusal("steps: 99999999999999999999"), "expected an integer");
  expect_error(refusal("learning_rate: 0"), "learning_rate is '0', expected a number above 0");
  expect_error(refusal("learning_rate: nan"), "learning_rate is 'nan'");
  expect_error(refusal("learning_rate: 1e999"), "learning_rate is '1e999'");
  expect_error(refusal("warmup_ratio: 1.5"), "expected a number from 0 to 1");
  expect_error(refusal("schedule: linear"), "schedule is 'linear', expected cosine or constant");
  expect_error(refusal("token_weighted: 1"), "expected true or false");
  expect_error(refusal("model: [a]"), "model is a list, expected a word");
  expect_error(refusal("model:"), "model is nothing, expected a word");
  expect_error(refusal("save: 3"), "save is '3', expected a map of its keys");
  expect_error(refusal("data: []"), "data is a list, expected paths");
  expect_error(refusal("data: [{weight: 1}]"), "expected a map with 'path' or 'paths'");
  expect_error(refusal("data: [{path: a, weight: -1}]"), "data.weight is '-1', expected a number above 0");
  expect_error(refusal("data: [{path: a, paths: b}]"), "expected paths, given once");
  expect_error(refusal("- a"), "the run is a list, expected a map of keys");
}

TEST(RunConfig, RefusesTextThatIsNoYaml) {
  expect_error(refusal("model: a\nmodel: b\n"), "[run.yaml:2] key 'model' stands twice");
  expect_error(refusal("model: [a\n"), "is no YAML");
  expect_error(refusal("? [a]\n: b\n"), "a key is no word");
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char name = 'b'; name < 'h'; ++name) {
    bomb += fmt::format("{}: &{} [", name, name);
    for (int i = 0; i < 10; ++i) bomb += fmt::format("{}*{}", i > 0 ? ", " : "", static_cast<char>(name - 1));
    bomb += "]\n";
  }
  expect_error(refusal(bomb), "holds more than 100000 nodes");
  expect_error(refusal("model: " + std::string(100'000, '[')), "is no YAML");
}

// Every key set to something else than its default comes back from the saved text.
TEST(RunConfig, ComesBackFromItsText) {
  RunConfig config;
  for (const ConfigKey& key : run_config_keys()) {
    YamlNode value = key_value(config, key);
    if (!key.choices.empty()) {
      value.scalar = key.choices.back();
    } else if (std::holds_alternative<std::int64_t RunConfig::*>(key.field)) {
      value.scalar = value.scalar == "1" ? "2" : "1";
    } else if (std::holds_alternative<double RunConfig::*>(key.field)) {
      value.scalar = "0.7123456789012345";
    } else if (key.is_list()) {
      value = parse_yaml("['x y: z', '#']", "text");
    } else if (std::holds_alternative<std::string RunConfig::*>(key.field)) {
      value = YamlNode::of_scalar("no: 'word' #1");
    } else {
      value = YamlNode::of_scalar(value.scalar == "true" ? "false" : "true");
    }
    set_key(config, key, value, "test");
  }
  const std::string text = yaml_text(run_config_yaml(config));
  const RunConfig again = from_text(text);
  EXPECT_EQ(yaml_text(run_config_yaml(again)), text);
  for (const ConfigKey& key : run_config_keys()) {
    EXPECT_EQ(yaml_text(key_value(again, key)), yaml_text(key_value(config, key))) << key.name;
    EXPECT_NE(yaml_text(key_value(again, key)), yaml_text(key_value(RunConfig{}, key))) << key.name;
  }
}

TEST(RunConfig, EveryKeyHasAHelpLineAndOneName) {
  std::vector<std::string> names;
  for (const ConfigKey& key : run_config_keys()) {
    EXPECT_FALSE(key.help.empty()) << key.name;
    EXPECT_FALSE(key.expected().empty()) << key.name;
    names.push_back(key.option());
  }
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

TEST(RunConfig, PublishedRecipesAreRead) {
  int read = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(ARTEMIS_SOURCE_DIR) / "recipes")) {
    RunConfig config;
    apply_run_config(config, read_yaml(entry.path()), entry.path().string());
    EXPECT_GT(config.save_every, 0) << entry.path();
    ++read;
  }
  EXPECT_EQ(read, 4);
}

}  // namespace
}  // namespace artemis

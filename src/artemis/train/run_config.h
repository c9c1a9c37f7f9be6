// The description of a training run: one table of keys drives the YAML file, the command line and its help,
// the checks and what is saved with the run.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "artemis/io/yaml.h"
#include "artemis/model/graft.h"
#include "artemis/train/pipeline.h"

namespace artemis {

// Named as in the table, where each field has its meaning and range; "lora.rank" is lora_rank.
struct RunConfig {
  std::string model;
  std::string out;
  std::int64_t stage = 1;
  std::optional<bool> train_projector;
  std::optional<bool> train_decoder;
  std::optional<bool> train_tower;
  std::int64_t train_tower_blocks = 0;
  std::string method = "full";
  std::int64_t lora_rank = 16;
  double lora_alpha = 32;
  std::vector<std::string> lora_target_modules = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                  "gate_proj", "up_proj", "down_proj"};

  std::vector<DataSource> data;
  std::vector<DataSource> eval_data;
  std::int64_t eval_every = 0;
  std::int64_t eval_batches = 32;
  std::vector<std::string> eval_grounding;
  std::vector<std::string> eval_scenes;
  bool eval_ask = false;
  std::string eval_questions;
  std::string eval_metric;
  std::vector<std::string> eval_text;
  std::string eval_bare;
  std::int64_t eval_limit = 128;

  std::int64_t batch_size = 2;
  std::int64_t accumulation = 4;
  std::int64_t token_budget = 0;
  std::int64_t max_length = 0;
  std::string long_rows = "drop";
  std::int64_t shuffle_window = 1024;
  std::int64_t workers = 0;
  std::int64_t prefetch = 4;
  std::int64_t max_skipped = 100;

  double learning_rate = 1e-3;
  double warmup_ratio = 0;
  std::string schedule = "cosine";
  double epochs = 1;
  std::int64_t steps = 0;
  bool token_weighted = false;

  std::string optimizer = "adamw";
  std::string rounding = "master";
  double weight_decay = 0.01;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double max_grad_norm = 0.3;
  double layer_decay = 1;

  std::int64_t seed = 42;
  std::string recompute = "auto";
  std::string dtype = "f32";
  std::string device = "cpu";
  std::int64_t threads = 0;

  std::int64_t save_every = 0;
  std::int64_t save_keep_last = 2;
  bool save_keep_best = true;
  std::int64_t log_every = 1;
  std::string resume = "auto";

  // What is trained: the stage's choice, but for what train.* says otherwise.
  Trainable trainable() const;
  // The same with every choice made: train.* as trainable() has it.
  RunConfig resolved() const;
};

struct KeyRange {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool above_least = false;  // least itself is out of range
};

// One key: its name in the file ("save.every" for `every` in the map `save`) and its help.
struct ConfigKey {
  using Field = std::variant<std::string RunConfig::*, std::int64_t RunConfig::*, double RunConfig::*,
                             bool RunConfig::*, std::optional<bool> RunConfig::*,
                             std::vector<std::string> RunConfig::*, std::vector<DataSource> RunConfig::*>;
  std::string name;
  Field field;
  std::string help;
  KeyRange range{};
  std::vector<std::string> choices{};  // of a word; empty: any
  bool alters = true;                  // whether a run goes on differently when it changes

  bool is_flag() const;  // true or false
  bool is_list() const;
  // "--save.keep-last".
  std::string option() const;
  // "an integer from 1 to 8", "cosine or constant", ...
  std::string expected() const;
};

const std::vector<ConfigKey>& run_config_keys();

// Sets one key. This and what follows throw UsageError with `where` for a value of another type or out of
// range.
void set_key(RunConfig& config, const ConfigKey& key, const YamlNode& value, const std::string& where);

// The value of a key as YAML; null where nothing was chosen.
YamlNode key_value(const RunConfig& config, const ConfigKey& key);

// Takes over what a document (of the file `where`) says, key by key. Throws UsageError "[where:line] ..." for
// a key that there is not, with the nearest that there is.
void apply_run_config(RunConfig& config, const YamlNode& document, const std::string& where);

// All keys; reading it gives the same config.
YamlNode run_config_yaml(const RunConfig& config);

// The name nearest to a word, by the number of letters to change.
std::string nearest_name(const std::string& word, const std::vector<std::string>& names);

}  // namespace artemis

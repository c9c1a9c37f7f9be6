// The command line of a training run, made from the table of its keys.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "artemis/train/run_config.h"

namespace artemis {

// --config FILE, and an option for every key.
class RunConfigOptions {
 public:
  // `defaults` are those of the command.
  RunConfigOptions(CLI::App& command, RunConfig defaults);

  // The defaults, under what the file says, under what the command line says. Throws UsageError for an option
  // that there is not, with the nearest that there is.
  RunConfig read() const;

 private:
  CLI::App& command_;
  RunConfig defaults_;
  std::string file_;
  std::map<std::string, std::vector<std::string>> values_;  // by the key's name
};

// A training command: its options, its help, and the run itself.
struct TrainCommand {
  std::string name;
  std::string description;
  std::string example;
  RunConfig defaults;
};
void add_train_command(CLI::App& app, const TrainCommand& description);

}  // namespace artemis

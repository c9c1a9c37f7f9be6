// The options of a command from a file.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>

namespace artemis {

// Gives each option that the command line left out the value of its key in a YAML file: "max-waiting: 64" for
// --max-waiting 64, a list for an option that may be given several times, true for a flag. Throws UsageError
// "[file:line] ..." for a key that is no option, and CLI11's errors for a value that the option does not
// take.
void apply_option_file(CLI::App& command, const std::filesystem::path& file);

}  // namespace artemis

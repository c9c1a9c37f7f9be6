// The program run inside a test, as from a command line.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "artemis/cli/commands.h"
#include "support/files.h"

namespace artemis {

// What it came to.
struct Ran {
  int code;
  std::string out;
  std::string err;
};

inline Ran artemis_run(std::vector<std::string> words) {
  words.insert(words.begin(), "artemis");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = run_cli(static_cast<int>(arguments.size()), arguments.data());
  std::fflush(stdout);
  std::fflush(stderr);
  const std::string out = testing::internal::GetCapturedStdout();
  return {code, out, testing::internal::GetCapturedStderr()};
}

}  // namespace artemis

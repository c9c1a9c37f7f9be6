#include "artemis/io/yaml.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace artemis {
namespace {

TEST(Yaml, WhatHoldsItselfIsRefused) {
  for (const char* text : {"a: &x [*x]\n", "a: &x {b: *x}\n"}) {
    test::expect_error(test::error_of([&] { parse_yaml(text, "loop.yaml"); }),
                       "[loop.yaml:1] is nested more than 64 levels deep");
  }
  const std::string deep = std::string(60, '[') + std::string(60, ']');
  EXPECT_NO_THROW(parse_yaml(deep, "deep.yaml"));
}

}  // namespace
}  // namespace artemis

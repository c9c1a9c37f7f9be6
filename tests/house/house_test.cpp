// The tree keeps the rules of the house, and the checker sees each way to break one.
#include <gtest/gtest.h>

#include "rules.h"

namespace artemis::house {
namespace {

TEST(House, TreeKeepsTheRules) {
  const auto files = read_sources(ARTEMIS_SOURCE_DIR, {"src", "tests", "bench"});
  ASSERT_GT(files.size(), 50u);
  for (const SourceFile& file : files) {
    for (const std::string& violation : violations(file)) ADD_FAILURE() << violation;
  }
  for (const std::string& violation : defined_twice(files)) ADD_FAILURE() << violation;
}

TEST(House, AClassIsDefinedOnce) {
  const auto in = [](const char* path, const std::string& space, const std::string& text) {
    return SourceFile{path, "namespace " + space + "{\n" + text + "\n}  // namespace " + space + "\n"};
  };
  const std::string text = "class A final {\n};";
  EXPECT_EQ(defined_twice({in("src/a.h", "artemis ", text), in("tests/a.h", "artemis ", "struct A {};")}),
            std::vector<std::string>{"tests/a.h:2: src/a.h has a class A too"});
  for (const SourceFile& other :
       {in("tests/a.h", "artemis::test ", text), in("tests/a.cpp", "", text),
        in("src/a.cpp", "artemis ", "class A;"), in("src/a.cpp", "artemis ", "struct A::B {\n};"),
        in("src/a.h", "artemis ", text + "\n" + text)}) {
    EXPECT_EQ(defined_twice({in("src/a.h", "artemis ", text), other}), std::vector<std::string>{})
        << other.text;
  }
}

TEST(House, EveryRuleCanFail) {
  const std::string header = "#pragma once\n";
  struct Case {
    SourceFile file;
    std::string violation;
  };
  const std::vector<Case> cases{
      {{"src/artemis/core/a.h", header + "#include \"artemis/io/json.h\"\n"},
       "src/artemis/core/a.h:2: core must not use io"},
      {{"src/artemis/model/a.cpp", "  #  include \"artemis/text/tokenizer.h\"\n"},
       "src/artemis/model/a.cpp:1: model must not use text"},
      {{"src/artemis/train/a.cpp", "#include <artemis/generate/engine.h>\n"},
       "src/artemis/train/a.cpp:1: train must not use generate"},
      {{"src/artemis/generate/a.cpp", "\n#include \"artemis/train/trainer.h\"\n"},
       "src/artemis/generate/a.cpp:2: generate must not use train"},
      {{"src/artemis/io/a.cpp", "#include \"artemis/cli/main.h\"\n"},
       "src/artemis/io/a.cpp:1: io must not use cli"},
      {{"src/artemis/io/a.cpp", "#include \"artemis/all.h\"\n"},
       "src/artemis/io/a.cpp:1: io must not use a file outside the rooms"},
      {{"src/artemis/io/a.cpp", "#include \"../text/a.h\"\n"},
       "src/artemis/io/a.cpp:1: our own header is included as artemis/ROOM/FILE, a library's in <>"},
      {{"src/artemis/nn/CMakeLists.txt", "artemis_room(nn PUBLIC artemis_kernels artemis_io)\n"},
       "src/artemis/nn/CMakeLists.txt:1: nn must not use io"},
      {{"src/artemis/attic/a.cpp", ""},
       "src/artemis/attic/a.cpp:1: stands in no room that tests/house knows"},
      {{"src/artemis/a.cpp", ""}, "src/artemis/a.cpp:1: stands in no room that tests/house knows"},
      {{"src/artemis/nn/a.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n"},
       "src/artemis/nn/a.cpp:1: oneapi/dnnl/dnnl.hpp belongs in kernels/cpu alone"},
      {{"src/artemis/kernels/a.cpp", "#include <omp.h>\n"},
       "src/artemis/kernels/a.cpp:1: omp.h belongs in kernels/cpu alone"},
      {{"src/artemis/core/a.h", header + "#include <cuda_runtime.h>\n"},
       "src/artemis/core/a.h:2: cuda_runtime.h belongs in core/*.cpp, kernels/cuda and train/distributed "
       "alone"},
      {{"src/artemis/kernels/cpu/a.cpp", "#include <cutlass/cutlass.h>\n"},
       "src/artemis/kernels/cpu/a.cpp:1: cutlass/cutlass.h belongs in core/*.cpp, kernels/cuda and "
       "train/distributed alone"},
      {{"src/artemis/serve/a.h", header + "#include <boost/asio.hpp>\n"},
       "src/artemis/serve/a.h:2: boost/asio.hpp belongs in serve/*.cpp and serve/http alone"},
      {{"src/artemis/io/a.cpp", "#include <openssl/evp.h>\n"},
       "src/artemis/io/a.cpp:1: openssl/evp.h belongs in serve/*.cpp and serve/http alone"},
      {{"src/artemis/serve/a.cpp", "#include \"artemis/train/trainer.h\"\n"},
       "src/artemis/serve/a.cpp:1: serve must not use train"},
      {{"bench/a.cpp", std::string(601, '\n')}, "bench/a.cpp:601: more than 600 lines"},
      {{"tests/a.h", "// #pragma once\n"}, "tests/a.h:1: no #pragma once"},
      {{"tests/a.cpp", "#include <regex>\n"}, "tests/a.cpp:1: no std::regex: its stack grows with the input"},
      {{"src/artemis/text/a.cpp", "std::regex r;\n"},
       "src/artemis/text/a.cpp:1: no std::regex: its stack grows with the input"},
      {{"src/artemis/text/a.cpp", "std::cout << 1;\n"},
       "src/artemis/text/a.cpp:1: cout: only cli prints or exits"},
      {{"src/artemis/text/a.cpp", "std::printf(x);\n"},
       "src/artemis/text/a.cpp:1: printf: only cli prints or exits"},
      {{"src/artemis/text/a.cpp", "fprintf(stderr, x);\n"},
       "src/artemis/text/a.cpp:1: stderr: only cli prints or exits"},
      {{"src/artemis/text/a.cpp", "fmt::print(x);\n"},
       "src/artemis/text/a.cpp:1: print: only cli prints or exits"},
      {{"src/artemis/core/a.cpp", "exit(1);\n"}, "src/artemis/core/a.cpp:1: exit: only cli prints or exits"},
  };
  for (const Case& broken : cases) {
    EXPECT_EQ(violations(broken.file), std::vector{broken.violation}) << broken.file.text;
  }
}

TEST(House, WhatIsAllowedPasses) {
  const std::string header = "#pragma once\n";
  const std::vector<SourceFile> files{
      {"src/artemis/core/a.cpp", "#include <cuda_runtime.h>\n#include \"artemis/core/shape.h\"\n"},
      {"src/artemis/core/error.cpp", "std::fprintf(stderr, x);\nstd::abort();\n"},
      {"src/artemis/kernels/cpu/a.cpp", "#include <omp.h>\n#include <dnnl.hpp>\n"},
      {"src/artemis/kernels/cuda/a.cu", "#include <cublasLt.h>\n"},
      {"src/artemis/train/distributed/a.cpp", "#include <nccl.h>\n#include <mpi.h>\n"},
      {"src/artemis/serve/a.cpp", "#include <openssl/ssl.h>\n#include \"artemis/generate/a.h\"\n"},
      {"src/artemis/serve/http/a.h", header + "#include <boost/asio.hpp>\n"},
      {"src/artemis/processor/a.cpp", "#include \"artemis/text/a.h\"\n#include \"artemis/model/a.h\"\n"},
      {"src/artemis/cli/a.cpp", "#include \"artemis/train/a.h\"\nstd::cout << 1;\nexit(1);\n"},
      {"src/artemis/text/a.cpp",
       "snprintf(x);\nscope.exit();\nlock->abort();\nprint(x);\nint exit_code(1);\n"},
      {"src/artemis/text/a.cpp",
       "// std::cout\n/* exit(1)\nexit(1) */ f(\"exit(1)\", R\"x(exit(1))\")x\");\n"},
      {"src/artemis/text/CMakeLists.txt", "artemis_room(text PUBLIC artemis_io)  # not artemis_model\n"},
      {"tests/text/a.cpp", "#include \"artemis/cli/a.h\"\n#include \"helper.h\"\nstd::cout << 1;\n"},
      {"bench/a.cpp", std::string(600, '\n')},
  };
  for (const SourceFile& file : files) EXPECT_EQ(violations(file), std::vector<std::string>{}) << file.text;
}

TEST(House, BlankingLeavesCodeAlone) {
  EXPECT_EQ(blank_comments_and_literals("a // b\nc"), "a     \nc");
  EXPECT_EQ(blank_comments_and_literals("a /* b\n*/ c"), "a     \n   c");
  EXPECT_EQ(blank_comments_and_literals(R"(f("a\"b", '\'', u8'x'))"), R"(f("    ", '  ', u8' '))");
  EXPECT_EQ(blank_comments_and_literals("1'000 + 0x1'f; g('x')"), "1'000 + 0x1'f; g(' ')");
  EXPECT_EQ(blank_comments_and_literals("R\"y(a\n)\" )y\" + b"), "R\"   \n     \" + b");
  EXPECT_EQ(blank_comments_and_literals("\"open\nb /*"), "\"    \nb   ");
  EXPECT_EQ(blank_comments_and_literals("R\"(open"), "R\"     ");
}

}  // namespace
}  // namespace artemis::house

#include "artemis/kernels/plan_file.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <iterator>

#include "support/files.h"

namespace artemis {
namespace {

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// What a file as it stands holds of a plan; "" for none.
std::string plan_in(const std::filesystem::path& file, const std::string& name) {
  const PlanFile plans(file);
  const std::string* plan = plans.find(name);
  return plan == nullptr ? "" : *plan;
}

TEST(PlanFile, LaterRunsFindWhatIsPut) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "not" / "there" / "yet";
  PlanFile plans(file);
  EXPECT_EQ(plans.find("m1.n2"), nullptr);
  plans.put("m1.n2", "00ff");
  plans.put("m3.n4", "12");
  plans.put("m1.n2", "01ff");
  ASSERT_NE(plans.find("m1.n2"), nullptr);
  EXPECT_EQ(*plans.find("m1.n2"), "01ff");
  EXPECT_EQ(plan_in(file, "m1.n2"), "01ff");
  EXPECT_EQ(plan_in(file, "m3.n4"), "12");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(file.parent_path()), {}), 1);
}

TEST(PlanFile, TwoProgramsLoseNothingOfEachOther) {
  const test::TemporaryFolder folder;
  PlanFile first(folder.path() / "plans");
  PlanFile second(folder.path() / "plans");
  first.put("a", "1");
  second.put("b", "2");
  first.put("c", "3");
  for (const char* name : {"a", "b", "c"}) EXPECT_NE(plan_in(folder.path() / "plans", name), "") << name;
}

// Every cut and every changed byte is noticed, and the file is whole again after the next plan.
TEST(PlanFile, ADamagedFileCountsAsEmpty) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "plans";
  PlanFile(file).put("name", "0123");
  const std::string whole = bytes_of(file);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(plan_in(folder.write("plans", changed), "name"), "") << i;
    EXPECT_EQ(plan_in(folder.write("plans", whole.substr(0, i)), "name"), "") << i;
  }
  folder.write("plans", "{\"of\": \"another kind\"}");
  PlanFile(file).put("name", "0123");
  EXPECT_EQ(bytes_of(file), whole);
}

TEST(PlanFile, WithoutAPlaceToWriteAPlanLastsForTheProcess) {
  const test::TemporaryFolder folder;
  const auto file = folder.write("file", "text");
  for (const auto& path : {std::filesystem::path(), file / "below"}) {
    PlanFile plans(path);
    plans.put("name", "0123");
    ASSERT_NE(plans.find("name"), nullptr);
    EXPECT_EQ(*plans.find("name"), "0123");
  }
  EXPECT_EQ(bytes_of(file), "text");
}

TEST(PlanFile, TheFolderFollowsTheEnvironment) {
  const std::array names{"ARTEMIS_CACHE_DIR", "XDG_CACHE_HOME", "HOME"};
  std::map<std::string, std::string> before;
  for (const char* name : names) {
    if (const char* value = std::getenv(name)) before[name] = value;
    setenv(name, (std::string("/of/") + name).c_str(), 1);
  }
  EXPECT_EQ(cache_folder(), "/of/ARTEMIS_CACHE_DIR");
  unsetenv("ARTEMIS_CACHE_DIR");
  EXPECT_EQ(cache_folder(), "/of/XDG_CACHE_HOME/artemis");
  setenv("XDG_CACHE_HOME", "", 1);
  EXPECT_EQ(cache_folder(), "/of/HOME/.cache/artemis");
  unsetenv("HOME");
  EXPECT_TRUE(cache_folder().empty());
  for (const char* name : names) unsetenv(name);
  for (const auto& [name, value] : before) setenv(name.c_str(), value.c_str(), 1);
}

TEST(PlanFile, HexadecimalDigitsReadBack) {
  const std::array<unsigned char, 4> bytes{0, 255, 16, 10};
  EXPECT_EQ(to_hex(bytes.data(), bytes.size()), "00ff100a");
  std::array<unsigned char, 4> back{};
  EXPECT_TRUE(from_hex("00ff100a", back.data(), back.size()));
  EXPECT_EQ(back, bytes);
  for (const char* bad : {"", "00ff100", "00ff100a0", "00ff100g", "00ff10 a"})
    EXPECT_FALSE(from_hex(bad, back.data(), back.size())) << bad;
  EXPECT_EQ(back, bytes);
}

}  // namespace
}  // namespace artemis

// The format against the reference library's verdicts, and the reasons we give.
#include "artemis/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "artemis/io/atomic_file.h"
#include "artemis/io/json.h"
#include "io/safetensors_refusals.h"
#include "support/files.h"

namespace artemis {
namespace {

using test::decode_base64;
using test::error_of;
using test::expect_error;
using test::TemporaryFolder;

const std::filesystem::path golden = std::filesystem::path(ARTEMIS_GOLDEN_DIR) / "io";

TEST(Safetensors, TheReferencesVerdicts) {
  int refused = 0;
  for (const Json& row : read_json(golden / "verdicts.json")) {
    const auto name = row["name"].get<std::string>();
    SCOPED_TRACE(name);
    const std::string bytes = decode_base64(row["file"].get<std::string>());
    const auto parse = [&] {
      return SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "bad.safetensors");
    };
    if (!row["accepted"].get<bool>()) {
      const std::string message = error_of([&] { parse(); });
      EXPECT_TRUE(message.starts_with("[bad.safetensors] ")) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      ASSERT_TRUE(refusals().contains(name)) << message;
      expect_error(message, refusals().at(name));
      ++refused;
      continue;
    }
    const SafetensorsFile file = parse();
    const Json& tensors = row["tensors"];
    ASSERT_EQ(file.names().size(), tensors.size());
    for (const auto& [key, expected] : tensors.items()) {
      const SafetensorsEntry& entry = file.entry(key);
      EXPECT_EQ(entry.dtype_name(), expected["dtype"].get<std::string>());
      const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
      ASSERT_EQ(entry.shape().size(), expected["shape"].size());
      for (std::size_t i = 0; i < entry.shape().size(); ++i) {
        const auto extent = std::min(expected["shape"][i].get<std::uint64_t>(), std::uint64_t{1} << 63);
        EXPECT_EQ(entry.shape()[i], extent >> 63 != 0 ? largest : static_cast<std::int64_t>(extent));
      }
      const std::string data = decode_base64(expected["bytes"].get<std::string>());
      EXPECT_EQ(std::string(reinterpret_cast<const char*>(entry.bytes().data()), entry.bytes().size()), data);
    }
  }
  EXPECT_GE(refused, 40);
}

TEST(Safetensors, ReadsWhatTheReferenceWrote) {
  const SafetensorsFile file = SafetensorsFile::open(golden / "reference.safetensors");
  EXPECT_EQ(file.names().size(), 6u);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  const Tensor wide = file.tensor("wide");
  EXPECT_EQ(wide.shape(), (Shape{2, 3}));
  EXPECT_TRUE(wide.read_only());
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(wide.data<std::int64_t>()[i], i);
  EXPECT_EQ(file.tensor("b.real").data<float>()[6], 1.0f);
  EXPECT_EQ(file.tensor("scalar").shape().rank(), 0);
  EXPECT_EQ(file.tensor("scalar").data<float>()[0], 3.5f);
  EXPECT_EQ(file.tensor("none").count(), 0);
  expect_error(error_of([&] { file.tensor("missing"); }), "has no tensor 'missing'");
}

TEST(Safetensors, WritesTheBytesThatTheReferenceWrote) {
  const TemporaryFolder folder;
  const SafetensorsFile file = SafetensorsFile::open(golden / "reference.safetensors");
  std::vector<NamedTensor> tensors;
  for (const std::string& name : file.names()) {
    const SafetensorsEntry& entry = file.entry(name);
    tensors.insert(tensors.begin(), {name, std::string(entry.dtype_name()), entry.shape(), entry.bytes()});
  }
  write_safetensors(folder.path() / "copy.safetensors", tensors, file.metadata());
  EXPECT_EQ(read_file(folder.path() / "copy.safetensors"), read_file(golden / "reference.safetensors"));
}

TEST(Safetensors, MisalignedTensorsAreCopied) {
  // The header's length is chosen so that the f32 tensor begins at an odd byte.
  const std::string header = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  for (std::size_t spaces = 0; spaces < 4; ++spaces) {
    const TemporaryFolder folder;
    const std::string padded = header + std::string(spaces, ' ');
    std::string bytes(8, '\0');
    const std::uint64_t length = padded.size();
    std::memcpy(bytes.data(), &length, 8);
    const float values[] = {1.5f, -2.0f};
    bytes += padded + std::string(reinterpret_cast<const char*>(values), 8);
    const Tensor tensor = SafetensorsFile::open(folder.write("x.safetensors", bytes)).tensor("a");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.raw()) % 4, 0u);
    EXPECT_EQ(tensor.data<float>()[0], 1.5f);
    EXPECT_EQ(tensor.data<float>()[1], -2.0f);
  }
}

TEST(Safetensors, AHundredThousandTensors) {
  const TemporaryFolder folder;
  std::vector<NamedTensor> tensors;
  std::vector<float> values(100000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i);
    tensors.push_back({"t" + std::to_string(i), "F32", {1}, std::as_bytes(std::span(&values[i], 1))});
  }
  write_safetensors(folder.path() / "many.safetensors", tensors, {});
  const SafetensorsFile file = SafetensorsFile::open(folder.path() / "many.safetensors");
  EXPECT_EQ(file.names().size(), values.size());
  EXPECT_EQ(file.tensor("t77777").data<float>()[0], 77777.0f);
}

TEST(Safetensors, RefusesToWriteANameTwice) {
  const TemporaryFolder folder;
  const float value = 0;
  const NamedTensor tensor{"a", "F32", {1}, std::as_bytes(std::span(&value, 1))};
  const std::vector<NamedTensor> twice = {tensor, tensor};
  expect_error(error_of([&] { write_safetensors(folder.path() / "x.safetensors", twice, {}); }),
               "written twice");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, RefusesToWriteNamesThatNobodyCouldRead) {
  const TemporaryFolder folder;
  const std::byte value{};
  for (const auto& [name, expected] : {std::pair{"__metadata__", "'__metadata__' is written twice"},
                                       std::pair{"\xff", "a name or metadata cannot be written"}}) {
    const std::vector<NamedTensor> tensors = {{name, "U8", {1}, std::span(&value, 1)}};
    expect_error(error_of([&] { write_safetensors(folder.path() / "x", tensors, {}); }), expected);
  }
  expect_error(error_of([&] {
                 write_safetensors(folder.path() / "x", {}, {{"key", "\xc0\x80"}});
               }),
               "a name or metadata cannot be written");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, SoundEntriesThatAreNoTensorsOfOurs) {
  std::string bytes = R"({"wide":{"dtype":"F64","shape":[0],"data_offsets":[0,0]},)"
                      R"("deep":{"dtype":"U8","shape":[0,1,1,1,1,1,1,1,1],"data_offsets":[0,0]},)"
                      R"("vast":{"dtype":"U8","shape":[4611686018427387904,3,0],"data_offsets":[0,0]}})";
  bytes.insert(0, std::string{static_cast<char>(bytes.size()), 0, 0, 0, 0, 0, 0, 0});
  const SafetensorsFile file = SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "x");
  EXPECT_EQ(file.entry("vast").count(), 0);
  expect_error(error_of([&] { file.tensor("wide"); }), "'wide' is F64, which artemis does not compute with");
  expect_error(error_of([&] { file.tensor("deep"); }), "'deep' has 9 axes, at most 8 are supported");
  expect_error(error_of([&] { file.tensor("vast"); }),
               "'vast' of shape (4611686018427387904, 3, 0) is too large");
}

TEST(Safetensors, DeepHeadersAreRefused) {
  const std::string header = "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  bytes += header;
  expect_error(error_of([&] { SafetensorsFile::parse(std::as_bytes(std::span(bytes)), "x"); }),
               "nested deeper");
}

}  // namespace
}  // namespace artemis

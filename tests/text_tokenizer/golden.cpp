#include "golden.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include "artemis/core/error.h"

namespace artemis::golden {
namespace {

// As in generate.py.
constexpr std::size_t small_step = 7;
constexpr std::size_t last_cases = 2700;

std::string folder() { return std::string(ARTEMIS_GOLDEN_DIR) + "/tokenizer/"; }

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  require(file.good(), path, "cannot be opened");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Json> read_lines(const std::string& path) {
  std::vector<Json> values;
  const std::string text = read_file(path);
  for (std::size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    values.push_back(parse_json(std::string_view(text).substr(begin, end - begin), path));
  }
  return values;
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(static_cast<unsigned char>(bits >> held));
  }
  return bytes;
}

std::string bytes_of(const Json& line) {
  if (line.is_string()) return line.get<std::string>();
  if (line.contains("base64")) return from_base64(line["base64"].get<std::string>());
  std::string text;
  for (auto times = line["repeat"][1].get<std::size_t>(); times > 0; --times) {
    text += line["repeat"][0].get<std::string>();
  }
  return text;
}

}  // namespace

const std::vector<Reference>& references() {
  static const std::vector<Reference> all = {
      {"tekken", true}, {"qwen", true},      {"llama3", true},    {"gpt2"},
      {"llama2"},       {"metaspace_first"}, {"metaspace_never"}, {"flags"}};
  return all;
}

const Tokenizer& tokenizer(const std::string& name) {
  static std::map<std::string, Tokenizer> loaded;
  const auto found = loaded.find(name);
  if (found != loaded.end()) return found->second;
  return loaded.emplace(name, Tokenizer::load(folder() + name)).first->second;
}

const std::vector<std::string>& cases() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> texts;
    for (const Json& line : read_lines(folder() + "cases.jsonl")) texts.push_back(bytes_of(line));
    return texts;
  }();
  return all;
}

std::vector<std::size_t> case_numbers(const Reference& reference) {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < cases().size(); ++i) {
    if (reference.every_case || i % small_step == 0 || i >= cases().size() - last_cases) numbers.push_back(i);
  }
  return numbers;
}

std::vector<Json> lines(const std::string& name, const std::string& file) {
  return read_lines(folder() + name + "/" + file);
}

std::vector<Hashes> hashes(const std::string& name) {
  static_assert(std::endian::native == std::endian::little && sizeof(Hashes) == 16);
  const std::string bytes = read_file(folder() + name + "/hashes.bin");
  std::vector<Hashes> values(bytes.size() / sizeof(Hashes));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Hashes));
  return values;
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t value = 0xCBF29CE484222325ull;
  for (const char c : bytes) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return value;
}

std::uint64_t hash_of(std::span<const std::int32_t> ids) {
  return hash_of(std::string_view(reinterpret_cast<const char*>(ids.data()), ids.size_bytes()));
}

}  // namespace artemis::golden

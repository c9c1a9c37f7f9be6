// The files of tests/golden/tokenizer (see its generate.py).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/io/json.h"
#include "artemis/text/tokenizer.h"

namespace artemis::golden {

// One of the tokenizers, with the numbers of the cases it was run on.
struct Reference {
  std::string name;
  bool every_case = false;
};

const std::vector<Reference>& references();
const Tokenizer& tokenizer(const std::string& name);

// The texts of cases.jsonl, as bytes.
const std::vector<std::string>& cases();
std::vector<std::size_t> case_numbers(const Reference& reference);

// The lines of a JSONL file of a tokenizer's folder.
std::vector<Json> lines(const std::string& name, const std::string& file);

struct Hashes {
  std::uint64_t ids;
  std::uint64_t texts;
};
std::vector<Hashes> hashes(const std::string& name);

// FNV-1a, 64 bits.
std::uint64_t hash_of(std::string_view bytes);
std::uint64_t hash_of(std::span<const std::int32_t> ids);

}  // namespace artemis::golden

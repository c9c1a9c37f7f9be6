// Any text as a JSON schema, and as the parameters of a tool; then a few tokens of a small vocabulary, for
// each of which the mask must say what accept() does.
#include <cstdint>
#include <string_view>

#include "artemis/core/error.h"
#include "artemis/core/random.h"
#include "artemis/grammar/constraint.h"

namespace {

using namespace artemis;

std::shared_ptr<const TokenBytes> vocabulary() {
  std::vector<std::string> tokens;
  for (int c = 0; c < 256; ++c) tokens.emplace_back(1, static_cast<char>(c));
  for (const char* text : {"\"", "{\"", "\"}", "\":", "\",\"", "},{", "[]", "]]", "12", "-1", "\n  ", "  ",
                           "true", "null", "abc", "\\u00", "\xC3\xA9", "\n</", "parameter"}) {
    tokens.emplace_back(text);
  }
  tokens.emplace_back();
  const auto last = static_cast<std::int32_t>(tokens.size() - 1);
  return std::make_shared<const TokenBytes>(
      std::move(tokens), std::unordered_map<std::string, std::int32_t>{{"<tool_call>", last}});
}

void walk(const std::shared_ptr<const Grammar>& grammar, std::uint64_t seed) {
  static const std::shared_ptr<const TokenBytes> tokens = vocabulary();
  Constraint constraint(grammar, tokens);
  Random random(seed);
  std::vector<std::uint32_t> mask(static_cast<std::size_t>((tokens->vocab() + 31) / 32));
  for (int step = 0; step < 12; ++step) {
    constraint.allowed(mask);
    const Heads here = constraint.mark();
    std::vector<std::int32_t> ids;
    // Where a text can be read in many ways a step takes long, so not every token is tried.
    const auto stride = static_cast<std::int32_t>(1 + here.size() / 32);
    for (std::int32_t id = 0; id < tokens->vocab(); ++id) {
      const bool allowed = ((mask[static_cast<std::size_t>(id) / 32] >> (id % 32)) & 1u) != 0;
      if (id % stride == 0) {
        ARTEMIS_ASSERT(constraint.accept(id) == allowed);
        constraint.rewind(here);
      }
      if (allowed) ids.push_back(id);
    }
    ARTEMIS_ASSERT(!ids.empty() || constraint.may_end());
    if (ids.empty()) return;
    ARTEMIS_ASSERT(constraint.accept(ids[random.below(ids.size())]));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Json schema = parse_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::uint64_t seed = size == 0 ? 0 : data[size / 2] + 256u * data[size - 1];
    try {
      walk(json_schema_grammar(schema), seed);
    } catch (const Error&) {
    }
    const Json tools = Json::array({{{"function", {{"name", "f"}, {"parameters", schema}}}}});
    walk(tool_call_grammar(tools, "", true), seed);
    walk(json_or_calls_grammar(&schema, tools, true), seed);
  } catch (const Error&) {
  }
  return 0;
}

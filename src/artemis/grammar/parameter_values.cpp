#include "artemis/grammar/parameter_values.h"

#include <vector>

#include "artemis/core/error.h"
#include "artemis/grammar/json_schema.h"
#include "artemis/grammar/machine.h"

namespace artemis {
namespace {

// Looked at for a value, and for each of its bytes on average.
constexpr std::size_t max_heads = std::size_t{1} << 17;
constexpr std::size_t max_heads_a_byte = 64;

std::string quoted(const std::string& text) { return json_quoted(text, TextStyle::json_call, {}); }

}  // namespace

ParameterValues::ParameterValues(const Json& parameters) {
  GrammarBuilder b;
  // As in a call, where '<' is escaped. No token mask is made of this grammar.
  JsonText json(b, true);
  SchemaCompiler compiler(b, json, parameters, "parameters");
  const std::vector<SchemaCompiler::Member> members = compiler.parameters();
  const GrammarBuilder::Rule root = b.rule([&](GrammarBuilder::Node end) {
    std::vector<GrammarBuilder::Node> branches;
    for (const SchemaCompiler::Member& member : members) {
      const auto value = member.schema ? compiler.value(*member.schema, end) : json.value(end);
      branches.push_back(b.literal(quoted(member.key) + ":", value));
    }
    return b.split(branches);
  });
  compiler.finish();
  grammar_ = b.finish(root);
}

bool ParameterValues::allow_json(const std::string& key, std::string_view json) const {
  if (grammar_ == nullptr) return false;
  const std::string text = (quoted(key) + ":").append(json);
  static const TokenBytes no_tokens({}, {});
  Machine machine(grammar_, no_tokens);
  Heads heads = machine.start();
  const std::size_t most = max_heads + max_heads_a_byte * text.size();
  std::size_t count = 0;
  for (const char c : text) {
    if (heads.empty()) return false;
    count += heads.size();
    require(count <= most, "parameter " + key, "can be read in too many ways");
    heads = machine.step(heads, static_cast<unsigned char>(c));
  }
  return !heads.empty() && heads.back().node == Grammar::none;
}

}  // namespace artemis

// Tool calls as a grammar.
#include <string>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "artemis/grammar/json_schema.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

constexpr std::uint32_t max_calls = 128;  // in one answer
constexpr std::size_t max_name = 256;     // bytes

// What stands between '=' and '>' of a tag.
void check_name(const std::string& name, const SchemaPlace& place, const char* what) {
  const bool fits = !name.empty() && name.size() <= max_name && is_utf8(name) &&
                    name.find_first_of("<>\r\n") == std::string::npos;
  if (!fits)
    place.refuse("{} '{}' cannot be called, expected 1 to {} bytes without '<', '>' and line ends", what,
                 name, max_name);
}

// <function=NAME> to </function>, where the arguments come in the order of the schema.
Node function_call(GrammarBuilder& b, SchemaCompiler& compiler, const std::string& name, Node next) {
  const SchemaPlace root = compiler.document().root();
  check_name(name, root, "tool");
  Node rest = b.literal("</function>\n", next);
  const SchemaPlace schema = compiler.document().all_of({root}, root.pointer);
  if (schema.json->is_object()) {
    for (const char* key : {"anyOf", "oneOf", "enum", "const"}) {
      if (schema.find(key) != nullptr) root.refuse("'{}' of all parameters cannot be enforced", key);
    }
    const std::vector<SchemaCompiler::Member> members = compiler.members(schema);
    for (std::size_t i = members.size(); i > 0; --i) {
      const SchemaCompiler::Member& member = members[i - 1];
      check_name(member.key, root, "parameter");
      static const Json any = true;
      const SchemaPlace place = member.schema.value_or(SchemaPlace{&any, root.pointer});
      const Node one =
          b.literal("<parameter=" + member.key + ">\n", compiler.argument(place, b.byte('\n', rest)));
      rest = member.required ? one : b.split({one, rest});
    }
  }
  return b.literal("<function=" + name + ">\n", rest);
}

}  // namespace

std::shared_ptr<const Grammar> tool_call_grammar(const Json& tools, std::string_view name, bool parallel) {
  GrammarBuilder b;
  JsonText json(b, true);
  static const Json nothing = true;
  require(tools.is_array(), "tools", "is {}, expected a list", tools.type_name());
  std::vector<GrammarBuilder::Rule> rules;
  for (std::size_t i = 0; i < tools.size(); ++i) {
    const std::string where = fmt::format("tools/{}/function", i);
    require(tools[i].is_object() && tools[i].contains("function"), where, "is missing");
    const Json& function = tools[i]["function"];
    const auto its_name = json_get<std::string>(function, "name", where);
    if (!name.empty() && its_name != name) continue;
    const auto parameters = function.find("parameters");
    SchemaCompiler compiler(b, json, parameters == function.end() ? nothing : *parameters,
                            where + "/parameters");
    const GrammarBuilder::Rule rule =
        b.rule([&](Node end) { return function_call(b, compiler, its_name, end); });
    compiler.finish();
    rules.push_back(rule);
  }
  require(!rules.empty(), "tools", "{}",
          name.empty() ? "is empty" : fmt::format("has no function '{}'", name));
  const GrammarBuilder::Rule call = b.rule([&](Node end) {
    const Node close = b.atom("</tool_call>", end);
    std::vector<Node> functions;
    for (const GrammarBuilder::Rule rule : rules) functions.push_back(b.call(rule, close));
    return b.atom("<tool_call>", b.byte('\n', b.split(functions)));
  });
  const GrammarBuilder::Rule root = b.rule([&](Node end) {
    const auto further = [&](Node next) { return b.byte('\n', b.call(call, next)); };
    return b.call(call, b.repeat(0, parallel ? max_calls - 1 : 0, further, end));
  });
  std::shared_ptr<const Grammar> grammar = b.finish(root);
  require(grammar != nullptr, "tools", "no arguments fit the parameters");
  return grammar;
}

}  // namespace artemis

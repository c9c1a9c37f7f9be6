// Tool calls as a grammar.
#include <string>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/grammar/constraint.h"
#include "artemis/grammar/json_schema.h"
#include "artemis/grammar/text_before.h"
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
  const std::vector<SchemaCompiler::Member> members = compiler.parameters();
  for (std::size_t i = members.size(); i > 0; --i) {
    const SchemaCompiler::Member& member = members[i - 1];
    check_name(member.key, root, "parameter");
    static const Json any = true;
    const SchemaPlace place = member.schema.value_or(SchemaPlace{&any, root.pointer});
    const Node one =
        b.literal("<parameter=" + member.key + ">\n", compiler.argument(place, b.byte('\n', rest)));
    rest = member.required ? one : b.split({one, rest});
  }
  return b.literal("<function=" + name + ">\n", rest);
}

bool is_strict(const Json& function) {
  const auto strict = function.find("strict");
  return strict != function.end() && *strict == Json(true);
}

// All grammars of calls begin with the same nodes, whose masks they share.
class Calls {
 public:
  enum class Held : std::uint8_t { all, strict };  // to their schemas

  // `name`: of the one tool that may be called; "": any.
  Calls(const Json& tools, std::string_view name, Held held) {
    require(tools.is_array(), "tools", "is {}, expected a list", tools.type_name());
    std::vector<GrammarBuilder::Rule> functions;
    for (std::size_t i = 0; i < tools.size(); ++i) {
      const std::string where = fmt::format("tools/{}/function", i);
      require(tools[i].is_object() && tools[i].contains("function"), where, "is missing");
      const Json& function = tools[i]["function"];
      const auto its_name = json_get<std::string>(function, "name", where);
      if (!name.empty() && its_name != name) continue;
      functions.push_back(held == Held::all || is_strict(function)
                              ? strict_function(function, its_name, where)
                              : free_function(its_name, where));
    }
    require(!functions.empty(), "tools", "{}",
            name.empty() ? "is empty" : fmt::format("has no function '{}'", name));
    behind_tag_ = b_.rule([&](Node end) {
      std::vector<Node> branches;
      for (const GrammarBuilder::Rule function : functions) branches.push_back(b_.call(function, end));
      return b_.byte('\n', b_.split(branches));
    });
    call_ = b_.rule([&](Node end) { return b_.atom("<tool_call>", b_.call(behind_tag_, end)); });
  }

  GrammarBuilder& builder() { return b_; }
  JsonText& json() { return json_; }
  const TextBefore& text() const { return text_; }
  // What comes behind <tool_call>, its end included.
  Node behind_tag(Node next) { return b_.call(behind_tag_, next); }
  // One call; or several, with a line end between two.
  Node calls(bool parallel, Node next) {
    const auto further = [&](Node behind) { return b_.byte('\n', b_.call(call_, behind)); };
    return b_.call(call_, b_.repeat(0, parallel ? max_calls - 1 : 0, further, next));
  }
  std::shared_ptr<const Grammar> finish(GrammarBuilder::Rule root) {
    std::shared_ptr<const Grammar> grammar = b_.finish(root);
    require(grammar != nullptr, "tools", "no arguments fit the parameters");
    return grammar;
  }

 private:
  GrammarBuilder::Rule strict_function(const Json& function, const std::string& name,
                                       const std::string& where) {
    static const Json nothing = true;
    const auto parameters = function.find("parameters");
    const bool named = parameters != function.end() && !parameters->is_null();
    SchemaCompiler compiler(b_, json_, named ? *parameters : nothing, where + "/parameters");
    const GrammarBuilder::Rule rule =
        b_.rule([&](Node end) { return function_call(b_, compiler, name, b_.atom("</tool_call>", end)); });
    compiler.finish();
    return rule;
  }
  GrammarBuilder::Rule free_function(const std::string& name, const std::string& where) {
    static const Json nothing = true;
    check_name(name, SchemaDocument(nothing, where).root(), "tool");
    return b_.rule([&](Node end) { return b_.literal("<function=" + name + ">", rest_.with_tag(end)); });
  }

  GrammarBuilder b_;
  TextBefore text_{b_, "<tool_call>"};
  TextBefore rest_{b_, "</tool_call>"};
  JsonText json_{b_, true};
  GrammarBuilder::Rule behind_tag_ = 0;
  GrammarBuilder::Rule call_ = 0;
};

}  // namespace

std::shared_ptr<const Grammar> tool_call_grammar(const Json& tools, std::string_view name, bool parallel) {
  Calls calls(tools, name, Calls::Held::all);
  return calls.finish(calls.builder().rule([&](Node end) { return calls.calls(parallel, end); }));
}

std::shared_ptr<const Grammar> text_or_calls_grammar(const Json& tools, bool parallel) {
  Calls calls(tools, "", Calls::Held::strict);
  GrammarBuilder& b = calls.builder();
  const GrammarBuilder::Rule root = b.declare();
  b.define(root, [&](Node end) {
    const Node further = parallel ? b.call(root, end) : end;
    return b.split({calls.text().without_tag(end), calls.text().with_tag(calls.behind_tag(further))});
  });
  return calls.finish(root);
}

std::shared_ptr<const Grammar> json_or_calls_grammar(const Json* schema, const Json& tools, bool parallel) {
  Calls calls(tools, "", Calls::Held::strict);
  GrammarBuilder& b = calls.builder();
  static const Json nothing = true;
  SchemaCompiler compiler(b, calls.json(), schema == nullptr ? nothing : *schema, "#");
  const GrammarBuilder::Rule json =
      schema == nullptr ? calls.json().object_rule() : compiler.rule(compiler.document().root());
  compiler.finish();
  return calls.finish(b.rule([&](Node end) {
    return b.split({b.call(json, end), calls.calls(parallel, end)});
  }));
}

}  // namespace artemis

// JSON schemas as rules of a grammar.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "artemis/grammar/json_text.h"
#include "artemis/grammar/number_range.h"
#include "artemis/grammar/schema_document.h"

namespace artemis {

// Makes the rules of one document. What schemas may say is told at json_schema_grammar in constraint.h.
class SchemaCompiler {
 public:
  using Node = GrammarBuilder::Node;
  using Rule = GrammarBuilder::Rule;

  // `pointer` names the document in messages.
  SchemaCompiler(GrammarBuilder& builder, JsonText& json, const Json& schema, std::string pointer)
      : builder_(builder), json_(json), document_(schema, std::move(pointer)) {}

  SchemaDocument& document() { return document_; }
  // A value that fits the schema; its rule is made by finish().
  Rule rule(const SchemaPlace& schema) { return rule(schema, json_form); }
  Node value(const SchemaPlace& schema, Node next) { return builder_.call(rule(schema, json_form), next); }
  // A value of a parameter in a tool call and the tag that ends it: texts as they are, all else as JSON.
  Node argument(const SchemaPlace& schema, Node next) { return builder_.call(rule(schema, call_form), next); }
  // Makes the rules that were asked for, and those that they ask for.
  void finish();

  // The members of an object, in order.
  struct Member {
    std::string key;
    std::optional<SchemaPlace> schema{};  // none: any value
    bool required = false;
  };
  // Those of the whole document, which is the schema of a tool's parameters.
  std::vector<Member> parameters();

 private:
  // How a value is written.
  enum Form { json_form, call_form };

  std::vector<Member> members(const SchemaPlace& schema);
  // The types that a schema's values may have; those of its keywords where it names none.
  std::vector<std::string> types(const SchemaPlace& schema) const;
  // Throws Error for a keyword that cannot be enforced.
  static void refuse_unknown(const SchemaPlace& schema);
  Rule rule(const SchemaPlace& schema, Form form);
  Node any_of(const SchemaPlace& schema, Form form, Node next);
  Node define(const SchemaPlace& schema, Form form, Node next);
  Node of_type(const std::string& type, const SchemaPlace& schema, Node next);
  Node one_of_values(const SchemaPlace& schema, Form form, Node next);
  Node exactly(const Json& value, const SchemaPlace& place, Node next);
  Node string(const SchemaPlace& schema, Form form, Node next);
  Node text(const SchemaPlace& schema, TextStyle style, Node next);
  Node free_text(Node next);
  Node number(const SchemaPlace& schema, bool integer, Node next);
  Node array(const SchemaPlace& schema, Node next);
  Node object(const SchemaPlace& schema, Node next);
  Node map(const SchemaPlace& schema, const std::optional<SchemaPlace>& value, Node next);
  Node any(const std::optional<SchemaPlace>& schema, Node next);

  GrammarBuilder& builder_;
  JsonText& json_;
  SchemaDocument document_;
  struct Open {
    Rule rule;
    SchemaPlace schema;
    Form form;
  };
  std::array<std::unordered_map<const Json*, Rule>, 2> rules_;  // by form
  std::vector<Open> open_;
  std::optional<Rule> free_text_;
};

// The tag that ends a parameter of a tool call, on a line of its own.
inline constexpr std::string_view parameter_end = "\n</parameter>";

// The text of a JSON string as it is written. Throws Error naming the place for one that is no UTF-8.
std::string json_quoted(const std::string& text, TextStyle style, const SchemaPlace& place);

// The part of a string that follows its opening quote, where the string has no escapes and is none of
// `taken`.
GrammarBuilder::Node other_key(GrammarBuilder& builder, const std::vector<std::string>& taken,
                               GrammarBuilder::Node next);

}  // namespace artemis

// Expressions.
#include <algorithm>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_globals.h"
#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_slice.h"
#include "artemis/text/jinja_tests.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {

Value Interpreter::evaluate(const Node& node) {
  const Level level(*this);
  heap_.step();
  line_ = node.line;
  switch (node.kind) {
    case NodeKind::none:
      return {};
    case NodeKind::boolean:
      return node.flag;
    case NodeKind::integer:
      return node.integer;
    case NodeKind::real:
      return node.real;
    case NodeKind::string:
      return heap_.text(node.text);
    case NodeKind::name:
      return evaluate_name(node);
    case NodeKind::list:
      return evaluate_items(node, SequenceKind::list);
    case NodeKind::tuple:
      return evaluate_items(node, SequenceKind::tuple);
    case NodeKind::dict:
      return evaluate_dict(node);
    case NodeKind::attribute:
      return attribute(evaluate(*node.children[0]), node.text);
    case NodeKind::item:
      return evaluate_item(node);
    case NodeKind::call:
      return evaluate_call(node);
    case NodeKind::filter:
      return evaluate_filter(node, nullptr);
    case NodeKind::test:
      return evaluate_test(node);
    case NodeKind::negative:
      return negative(evaluate(*node.children[0]));
    case NodeKind::positive:
      return positive(evaluate(*node.children[0]));
    case NodeKind::logical_not:
      return !evaluate(*node.children[0]).truth();
    case NodeKind::logical_and: {
      Value left = evaluate(*node.children[0]);
      return left.truth() ? evaluate(*node.children[1]) : left;
    }
    case NodeKind::logical_or: {
      Value left = evaluate(*node.children[0]);
      return left.truth() ? left : evaluate(*node.children[1]);
    }
    case NodeKind::condition:
      return evaluate_condition(node);
    case NodeKind::concat:
      return evaluate_concat(node);
    case NodeKind::binary: {
      const Value left = evaluate(*node.children[0]);
      return binary(heap_, node.text, left, evaluate(*node.children[1]));
    }
    case NodeKind::compare:
      return evaluate_compare(node);
    default:
      fault("a slice stands outside an index");
  }
}

Value Interpreter::evaluate_name(const Node& node) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->variables.find(node.text);
    if (found != scope->variables.end()) return found->second;
  }
  if (std::optional<Value> global = find_global(*this, node.text)) return *global;
  return heap_.undefined(fmt::format("{} is undefined", repr(node.text)));
}

Value Interpreter::evaluate_items(const Node& node, SequenceKind kind) {
  std::vector<Value> items;
  items.reserve(node.children.size());
  for (const NodePtr& child : node.children) items.push_back(evaluate(*child));
  return heap_.sequence(kind, std::move(items));
}

Value Interpreter::evaluate_dict(const Node& node) {
  std::vector<std::pair<Value, Value>> items;
  for (std::size_t i = 0; i < node.children.size(); i += 2) {
    Value key = evaluate(*node.children[i]);
    items.emplace_back(std::move(key), evaluate(*node.children[i + 1]));
  }
  return heap_.dict(items);
}

Value Interpreter::evaluate_item(const Node& node) {
  const Value value = evaluate(*node.children[0]);
  const Node& key = *node.children[1];
  return key.kind == NodeKind::slice ? evaluate_slice(key, value) : item(value, evaluate(key));
}

Value Interpreter::evaluate_slice(const Node& node, const Value& value) {
  const auto part = [&](std::size_t i) { return node.children[i] ? evaluate(*node.children[i]) : Value(); };
  const Value begin = part(0);
  const Value end = part(1);
  return slice(heap_, value, begin, end, part(2));
}

Arguments Interpreter::evaluate_arguments(const CallArguments& nodes) {
  Arguments arguments;
  for (const NodePtr& node : nodes.positional) arguments.positional.push_back(evaluate(*node));
  for (const auto& [name, node] : nodes.named) arguments.named.emplace_back(name, evaluate(*node));
  if (nodes.star) {
    const SequencePtr more = iterate(heap_, evaluate(*nodes.star));
    heap_.step(static_cast<std::int64_t>(more->items.size()));
    arguments.positional.insert(arguments.positional.end(), more->items.begin(), more->items.end());
  }
  if (!nodes.star_star) return arguments;
  const Value more = evaluate(*nodes.star_star);
  require_defined(more);
  if (!more.is_dict()) fault("argument after ** must be a mapping, not {}", more.type_name());
  for (const auto& [key, value] : more.dict()->items) {
    if (!key.is_string()) fault("keywords must be strings");
    const bool twice = std::any_of(arguments.named.begin(), arguments.named.end(),
                                   [&name = key](const auto& other) { return other.first == name.string(); });
    if (twice) fault("got multiple values for keyword argument {}", repr(key.string()));
    heap_.step();
    arguments.named.emplace_back(key.string(), value);
  }
  return arguments;
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  require_defined(callee);
  if (!callee.is_object() || !callee.object()->callable())
    fault("'{}' object is not callable", callee.type_name());
  const ObjectPtr object = callee.object();
  return object->call(*this, arguments);
}

Value Interpreter::evaluate_call(const Node& node) {
  const Value callee = evaluate(*node.children[0]);
  Arguments arguments = evaluate_arguments(*node.arguments);
  line_ = node.line;
  return call(callee, arguments);
}

// `input` is the text of the block that the innermost filter of a chain works
// on.
Value Interpreter::evaluate_filter(const Node& node, const Value* input) {
  Value value;
  if (!node.children[0])
    value = *input;
  else if (input != nullptr)
    value = evaluate_filter(*node.children[0], input);
  else
    value = evaluate(*node.children[0]);
  Arguments arguments = evaluate_arguments(*node.arguments);
  line_ = node.line;
  return apply_filter(node.text, value, arguments);
}

Value Interpreter::evaluate_test(const Node& node) {
  const Value value = evaluate(*node.children[0]);
  Arguments arguments = evaluate_arguments(*node.arguments);
  line_ = node.line;
  return apply_test(node.text, value, arguments);
}

Value Interpreter::apply_filter(const std::string& name, const Value& input, Arguments& arguments) {
  const FilterFunction filter = find_filter(name);
  if (filter == nullptr) fault("no filter named {}", repr(name));
  return filter(*this, input, arguments);
}

bool Interpreter::apply_test(const std::string& name, const Value& input, Arguments& arguments) {
  const TestFunction test = find_test(name);
  if (test == nullptr) fault("no test named {}", repr(name));
  return test(*this, input, arguments);
}

Value Interpreter::evaluate_condition(const Node& node) {
  if (evaluate(*node.children[0]).truth()) return evaluate(*node.children[1]);
  if (node.children[2]) return evaluate(*node.children[2]);
  return heap_.undefined(
      "the inline if-expression evaluated to false and no "
      "else section was defined");
}

Value Interpreter::evaluate_concat(const Node& node) {
  std::string text;
  for (const NodePtr& child : node.children) {
    text += to_string(heap_, evaluate(*child));
    heap_.reserve(text.size());
  }
  return heap_.text(std::move(text));
}

bool Interpreter::evaluate_compare(const Node& node) {
  Value left = evaluate(*node.children[0]);
  for (std::size_t i = 0; i < node.names.size(); ++i) {
    Value right = evaluate(*node.children[i + 1]);
    const std::string& symbol = node.names[i];
    bool holds = false;
    if (symbol == "==")
      holds = equal(heap_, left, right);
    else if (symbol == "!=")
      holds = !equal(heap_, left, right);
    else if (symbol == "in")
      holds = contains(heap_, right, left);
    else if (symbol == "not in")
      holds = !contains(heap_, right, left);
    else {
      const int order = compare(heap_, left, right, symbol.c_str());
      holds = symbol == "<"    ? order == -1
              : symbol == ">"  ? order == 1
              : symbol == "<=" ? order <= 0
                               : order == 0 || order == 1;
    }
    if (!holds) return false;
    left = std::move(right);
  }
  return true;
}

}  // namespace artemis::jinja

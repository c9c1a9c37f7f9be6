#include <algorithm>

#include "artemis/text/jinja_parser.h"

namespace artemis::jinja {

NodePtr Parser::parse_expression(bool with_condition) {
  return with_condition ? parse_condition() : parse_or();
}

bool Parser::at_tuple_end(bool before_recursive) const {
  return current().kind == TokenKind::variable_end || current().kind == TokenKind::block_end ||
         is_symbol(")") || (before_recursive && is_name("recursive"));
}

// One expression, or a tuple when there are commas.
NodePtr Parser::parse_tuple(bool with_condition, bool parenthesized, bool before_recursive) {
  const int line = current().line;
  std::vector<NodePtr> items;
  bool is_tuple = false;
  while (!at_tuple_end(before_recursive)) {
    items.push_back(parse_expression(with_condition));
    if (!take_symbol(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !parenthesized) error("unexpected {}, expected an expression", describe());
  NodePtr node = make(NodeKind::tuple, line);
  node->children = std::move(items);
  return finish(std::move(node));
}

NodePtr Parser::parse_condition() {
  const Nesting nesting(*this);
  const int line = current().line;
  NodePtr node = parse_or();
  while (take_name("if")) {
    NodePtr test = parse_or();
    NodePtr otherwise = take_name("else") ? parse_condition() : nullptr;
    node = make(NodeKind::condition, line, std::move(test), std::move(node), std::move(otherwise));
  }
  return node;
}

NodePtr Parser::parse_or() {
  const int line = current().line;
  NodePtr node = parse_and();
  while (take_name("or")) node = make(NodeKind::logical_or, line, std::move(node), parse_and());
  return node;
}

NodePtr Parser::parse_and() {
  const int line = current().line;
  NodePtr node = parse_not();
  while (take_name("and")) node = make(NodeKind::logical_and, line, std::move(node), parse_not());
  return node;
}

NodePtr Parser::parse_not() {
  const Nesting nesting(*this);
  const int line = current().line;
  if (take_name("not")) return make(NodeKind::logical_not, line, parse_not());
  return parse_compare();
}

bool Parser::take_comparison(std::string& name) {
  for (const char* symbol : {"==", "!=", "<", "<=", ">", ">="}) {
    if (!take_symbol(symbol)) continue;
    name = symbol;
    return true;
  }
  if (take_name("in")) {
    name = "in";
    return true;
  }
  if (!is_name("not") || ahead().kind != TokenKind::name || ahead().text != "in") return false;
  position_ += 2;
  name = "not in";
  return true;
}

NodePtr Parser::parse_compare() {
  const int line = current().line;
  NodePtr first = parse_sum();
  std::string name;
  if (!take_comparison(name)) return first;
  NodePtr node = make(NodeKind::compare, line);
  node->children.push_back(std::move(first));
  do {
    node->names.push_back(name);
    node->children.push_back(parse_sum());
  } while (take_comparison(name));
  return finish(std::move(node));
}

NodePtr Parser::parse_sum() {
  NodePtr node = parse_concat();
  while (is_symbol("+") || is_symbol("-")) {
    const Token symbol = take();
    node = make(NodeKind::binary, symbol.line, std::move(node), parse_concat());
    node->text = symbol.text;
  }
  return node;
}

NodePtr Parser::parse_concat() {
  NodePtr first = parse_product();
  if (!is_symbol("~")) return first;
  NodePtr node = make(NodeKind::concat, current().line);
  node->children.push_back(std::move(first));
  while (take_symbol("~")) node->children.push_back(parse_product());
  return finish(std::move(node));
}

NodePtr Parser::parse_product() {
  NodePtr node = parse_power();
  while (is_symbol("*") || is_symbol("/") || is_symbol("//") || is_symbol("%")) {
    const Token symbol = take();
    node = make(NodeKind::binary, symbol.line, std::move(node), parse_power());
    node->text = symbol.text;
  }
  return node;
}

// Left to right, unlike Python.
NodePtr Parser::parse_power() {
  NodePtr node = parse_unary();
  while (is_symbol("**")) {
    const Token symbol = take();
    node = make(NodeKind::binary, symbol.line, std::move(node), parse_unary());
    node->text = symbol.text;
  }
  return node;
}

NodePtr Parser::parse_unary(bool with_filters) {
  const Nesting nesting(*this);
  const int line = current().line;
  NodePtr node;
  if (take_symbol("-"))
    node = make(NodeKind::negative, line, parse_unary(false));
  else if (take_symbol("+"))
    node = make(NodeKind::positive, line, parse_unary(false));
  else
    node = parse_primary();
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filters(std::move(node)) : std::move(node);
}

NodePtr Parser::parse_primary() {
  const Token& token = current();
  if (token.kind == TokenKind::name) return parse_named();
  if (token.kind == TokenKind::string) return parse_string();
  if (token.kind == TokenKind::integer || token.kind == TokenKind::real) {
    NodePtr node = make(token.kind == TokenKind::real ? NodeKind::real : NodeKind::integer, token.line);
    node->integer = token.integer;
    node->real = token.real;
    ++position_;
    return node;
  }
  if (take_symbol("(")) {
    NodePtr node = parse_tuple(true, true);
    expect_symbol(")");
    return node;
  }
  if (is_symbol("[")) return parse_list();
  if (is_symbol("{")) return parse_dict();
  error("unexpected {}, expected an expression", describe());
}

// A variable, or one of Jinja's constants in either spelling.
NodePtr Parser::parse_named() {
  const Token token = take();
  NodePtr node = make(NodeKind::name, token.line);
  if (token.text == "none" || token.text == "None") {
    node->kind = NodeKind::none;
  } else if (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False") {
    node->kind = NodeKind::boolean;
    node->flag = token.text == "true" || token.text == "True";
  } else {
    note_name(token.text);
    node->text = token.text;
  }
  return node;
}

void Parser::note_name(const std::string& name) {
  for (Node* macro : around_.macros) {
    if (name == "varargs") macro->uses_varargs = true;
    if (name == "kwargs") macro->uses_kwargs = true;
    if (name == "caller") macro->uses_caller = true;
  }
}

NodePtr Parser::parse_string() {
  NodePtr node = make(NodeKind::string, current().line);
  while (current().kind == TokenKind::string) node->text += take().text;
  return node;
}

NodePtr Parser::parse_list() {
  NodePtr node = make(NodeKind::list, current().line);
  expect_symbol("[");
  while (!is_symbol("]")) {
    node->children.push_back(parse_expression());
    if (!is_symbol("]")) expect_symbol(",");
  }
  expect_symbol("]");
  return finish(std::move(node));
}

NodePtr Parser::parse_dict() {
  NodePtr node = make(NodeKind::dict, current().line);
  expect_symbol("{");
  while (!is_symbol("}")) {
    node->children.push_back(parse_expression());
    expect_symbol(":");
    node->children.push_back(parse_expression());
    if (!is_symbol("}")) expect_symbol(",");
  }
  expect_symbol("}");
  return finish(std::move(node));
}

NodePtr Parser::parse_postfix(NodePtr node) {
  for (;;) {
    if (is_symbol(".") || is_symbol("["))
      node = parse_subscript(std::move(node));
    else if (is_symbol("("))
      node = parse_call(std::move(node));
    else
      return node;
  }
}

NodePtr Parser::parse_filters(NodePtr node) {
  for (;;) {
    if (take_symbol("|"))
      node = parse_filter(std::move(node));
    else if (is_name("is"))
      node = parse_test(std::move(node));
    else if (is_symbol("("))
      node = parse_call(std::move(node));
    else
      return node;
  }
}

std::string Parser::parse_dotted_name() {
  std::string name = expect_identifier();
  while (take_symbol(".")) name += "." + expect_identifier();
  return name;
}

NodePtr Parser::parse_filter(NodePtr input) {
  NodePtr node = make(NodeKind::filter, current().line);
  node->text = parse_dotted_name();
  node->children.push_back(std::move(input));
  node->arguments = is_symbol("(") ? parse_arguments() : std::make_unique<CallArguments>();
  return finish(std::move(node));
}

NodePtr Parser::parse_test(NodePtr input) {
  const int line = take().line;
  const bool negated = take_name("not");
  NodePtr node = make(NodeKind::test, line);
  node->text = parse_dotted_name();
  node->children.push_back(std::move(input));
  node->arguments = std::make_unique<CallArguments>();
  const TokenKind kind = current().kind;
  const bool literal = kind == TokenKind::name || kind == TokenKind::string || kind == TokenKind::integer ||
                       kind == TokenKind::real || is_symbol("[") || is_symbol("{");
  if (is_symbol("(")) {
    node->arguments = parse_arguments();
  } else if (literal && !is_name("else") && !is_name("or") && !is_name("and")) {
    if (is_name("is")) error("tests cannot be chained with 'is'");
    node->arguments->positional.push_back(parse_postfix(parse_primary()));
  }
  node = finish(std::move(node));
  return negated ? make(NodeKind::logical_not, line, std::move(node)) : std::move(node);
}

NodePtr Parser::parse_subscript(NodePtr node) {
  const Token symbol = take();
  if (symbol.text == ".") {
    if (current().kind == TokenKind::name) {
      NodePtr attribute = make(NodeKind::attribute, symbol.line, std::move(node));
      attribute->text = take().text;
      return attribute;
    }
    if (current().kind != TokenKind::integer) error("unexpected {}, expected a name or number", describe());
    return make(NodeKind::item, symbol.line, std::move(node), parse_primary());
  }
  std::vector<NodePtr> indices;
  while (!is_symbol("]")) {
    if (!indices.empty()) expect_symbol(",");
    indices.push_back(parse_index());
  }
  expect_symbol("]");
  if (indices.size() == 1) return make(NodeKind::item, symbol.line, std::move(node), std::move(indices[0]));
  NodePtr tuple = make(NodeKind::tuple, symbol.line);
  tuple->children = std::move(indices);
  return make(NodeKind::item, symbol.line, std::move(node), finish(std::move(tuple)));
}

NodePtr Parser::parse_index() {
  const int line = current().line;
  NodePtr begin = is_symbol(":") ? nullptr : parse_expression();
  if (!take_symbol(":")) return begin;
  const auto part = [this]() -> NodePtr {
    return is_symbol(":") || is_symbol("]") || is_symbol(",") ? nullptr : parse_expression();
  };
  NodePtr end = part();
  NodePtr step = take_symbol(":") ? part() : nullptr;
  return make(NodeKind::slice, line, std::move(begin), std::move(end), std::move(step));
}

NodePtr Parser::parse_call(NodePtr callee) {
  NodePtr node = make(NodeKind::call, current().line);
  node->children.push_back(std::move(callee));
  node->arguments = parse_arguments();
  return finish(std::move(node));
}

std::unique_ptr<CallArguments> Parser::parse_arguments() {
  auto arguments = std::make_unique<CallArguments>();
  expect_symbol("(");
  while (!is_symbol(")")) {
    parse_argument(*arguments);
    if (!is_symbol(")")) expect_symbol(",");
  }
  expect_symbol(")");
  return arguments;
}

void Parser::parse_argument(CallArguments& arguments) {
  const auto ensure = [this](bool valid) {
    if (!valid) error("the arguments of a call are in a wrong order");
  };
  if (take_symbol("*")) {
    ensure(!arguments.star && !arguments.star_star);
    arguments.star = parse_expression();
  } else if (take_symbol("**")) {
    ensure(!arguments.star_star);
    arguments.star_star = parse_expression();
  } else if (current().kind == TokenKind::name && ahead().kind == TokenKind::symbol && ahead().text == "=") {
    ensure(!arguments.star_star);
    std::string name = take().text;
    ++position_;
    for (const auto& [other, value] : arguments.named) {
      if (other == name) error("the argument '{}' is given twice", name);
    }
    arguments.named.emplace_back(std::move(name), parse_expression());
  } else {
    ensure(!arguments.star && !arguments.star_star && arguments.named.empty());
    arguments.positional.push_back(parse_expression());
  }
}

}  // namespace artemis::jinja

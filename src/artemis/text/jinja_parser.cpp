#include "artemis/text/jinja_parser.h"

#include <algorithm>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_tests.h"

namespace artemis::jinja {
namespace {

constexpr int max_nesting = 400;
constexpr int max_depth = 200;

bool begins_scope(NodeKind kind) {
  return kind == NodeKind::for_ || kind == NodeKind::macro || kind == NodeKind::with ||
         kind == NodeKind::call_block || kind == NodeKind::filter_block || kind == NodeKind::set_block ||
         kind == NodeKind::generation;
}

bool names_loop(const Node& target) {
  if (target.kind == NodeKind::name) return target.text == "loop";
  return std::any_of(target.children.begin(), target.children.end(),
                     [](const NodePtr& part) { return names_loop(*part); });
}

// Refuses filters and tests that do not exist. Under a condition they fail only
// when they are reached, as in jinja2.
void check_names(const Node& node, std::string_view where, bool conditional) {
  if (node.kind == NodeKind::if_ || node.kind == NodeKind::condition) conditional = true;
  if (begins_scope(node.kind)) conditional = false;
  if (!conditional && node.kind == NodeKind::filter && !is_filter(node.text))
    fail_unknown_filter(line_of(where, node.line), node.text);
  if (!conditional && node.kind == NodeKind::test && !is_test(node.text))
    fail_unknown_test(line_of(where, node.line), node.text);
  for (const NodePtr& child : node.children) {
    if (child) check_names(*child, where, conditional);
  }
  if (!node.arguments) return;
  for (const NodePtr& argument : node.arguments->positional) check_names(*argument, where, conditional);
  for (const auto& [name, argument] : node.arguments->named) check_names(*argument, where, conditional);
  if (node.arguments->star) check_names(*node.arguments->star, where, conditional);
  if (node.arguments->star_star) check_names(*node.arguments->star_star, where, conditional);
}

}  // namespace

Template parse_template(std::string_view source, std::string_view where) {
  Parser parser(tokenize(source, where), where);
  Template parsed{.body = parser.parse_body({}), .where = std::string(where)};
  check_names(*parsed.body, where, false);
  return parsed;
}

Parser::Nesting::Nesting(Parser& parser) : parser_(parser) {
  if (parser_.nesting_ >= max_nesting) parser_.error("the template is nested too deep");
  ++parser_.nesting_;
}

Token Parser::take() {
  Token token = current();
  if (token.kind != TokenKind::end) ++position_;
  return token;
}

bool Parser::is_symbol(std::string_view symbol) const {
  return current().kind == TokenKind::symbol && current().text == symbol;
}

bool Parser::is_name(std::string_view name) const {
  return current().kind == TokenKind::name && current().text == name;
}

bool Parser::take_symbol(std::string_view symbol) {
  const bool found = is_symbol(symbol);
  if (found) ++position_;
  return found;
}

bool Parser::take_name(std::string_view name) {
  const bool found = is_name(name);
  if (found) ++position_;
  return found;
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!take_symbol(symbol)) error("unexpected {}, expected '{}'", describe(), symbol);
}

void Parser::expect_name(std::string_view name) {
  if (!take_name(name)) error("unexpected {}, expected '{}'", describe(), name);
}

void Parser::expect_kind(TokenKind kind, std::string_view what) {
  if (current().kind != kind) error("unexpected {}, expected {}", describe(), what);
  ++position_;
}

std::string Parser::expect_identifier() {
  if (current().kind != TokenKind::name) error("unexpected {}, expected a name", describe());
  return take().text;
}

std::string Parser::describe() const {
  switch (current().kind) {
    case TokenKind::end:
      return "end of the template";
    case TokenKind::data:
      return "text";
    case TokenKind::variable_begin:
      return "'{{'";
    case TokenKind::variable_end:
      return "'}}'";
    case TokenKind::block_begin:
      return "'{%'";
    case TokenKind::block_end:
      return "'%}'";
    case TokenKind::integer:
    case TokenKind::real:
      return "number";
    case TokenKind::string:
      return "string";
    case TokenKind::name:
    case TokenKind::symbol:
      return fmt::format("'{}'", current().text.substr(0, 40));
  }
  return {};
}

NodePtr Parser::make(NodeKind kind, int line) const {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->line = line;
  return node;
}

NodePtr Parser::finish(NodePtr node) const {
  int depth = 0;
  const auto include = [&depth](const NodePtr& child) {
    if (child) depth = std::max(depth, child->depth);
  };
  std::for_each(node->children.begin(), node->children.end(), include);
  if (node->arguments) {
    std::for_each(node->arguments->positional.begin(), node->arguments->positional.end(), include);
    for (const auto& [name, argument] : node->arguments->named) include(argument);
    include(node->arguments->star);
    include(node->arguments->star_star);
  }
  node->depth = depth + 1;
  if (node->depth > max_depth)
    error("the template is nested too deep, expected at most {} levels", max_depth);
  return node;
}

NodePtr Parser::parse_body(std::initializer_list<std::string_view> ends) {
  const Nesting nesting(*this);
  NodePtr body = make(NodeKind::block, current().line);
  while (current().kind != TokenKind::end) {
    Token token = take();
    if (token.kind == TokenKind::data) {
      NodePtr data = make(NodeKind::data, token.line);
      data->text = std::move(token.text);
      body->children.push_back(std::move(data));
    } else if (token.kind == TokenKind::variable_begin) {
      body->children.push_back(make(NodeKind::output, token.line, parse_tuple()));
      expect_kind(TokenKind::variable_end, "'}}'");
    } else {
      const auto is_end = [this](std::string_view name) { return is_name(name); };
      if (std::any_of(ends.begin(), ends.end(), is_end)) return finish(std::move(body));
      body->children.push_back(parse_statement());
      expect_kind(TokenKind::block_end, "'%}'");
    }
  }
  if (ends.size() > 0) error("unexpected end of the template, expected '{}'", *(ends.end() - 1));
  return finish(std::move(body));
}

NodePtr Parser::parse_block(std::initializer_list<std::string_view> ends) {
  take_symbol(":");
  expect_kind(TokenKind::block_end, "'%}'");
  return parse_body(ends);
}

NodePtr Parser::parse_statement() {
  const int line = current().line;
  if (current().kind != TokenKind::name) error("unexpected {}, expected the name of a tag", describe());
  const std::string tag = take().text;
  if (tag == "if") return parse_if(line);
  if (tag == "for") return parse_for(line);
  if (tag == "set") return parse_set(line);
  if (tag == "with") return parse_with(line);
  if (tag == "macro") return parse_macro(line);
  if (tag == "call") return parse_call_block(line);
  if (tag == "filter") return parse_filter_block(line);
  if (tag == "generation") return parse_generation(line);
  if (tag == "print") return parse_print(line);
  if (tag == "break") return parse_jump(NodeKind::break_, line);
  if (tag == "continue") return parse_jump(NodeKind::continue_, line);
  constexpr std::string_view known[] = {"block", "extends", "include", "import", "from", "autoescape"};
  if (std::find(std::begin(known), std::end(known), tag) != std::end(known)) {
    fail(line_of(where_, line), "the tag '{}' is not supported in chat templates", tag);
  }
  fail(line_of(where_, line), "unknown tag '{}'", tag.substr(0, 40));
}

NodePtr Parser::parse_if(int line) {
  NodePtr node = make(NodeKind::if_, line);
  for (bool has_test = true; has_test;) {
    node->children.push_back(parse_tuple(false));
    node->children.push_back(parse_block({"elif", "else", "endif"}));
    const std::string tag = take().text;
    has_test = tag == "elif";
    if (tag == "else") {
      node->children.push_back(nullptr);
      node->children.push_back(parse_block({"endif"}));
      expect_name("endif");
    }
  }
  return finish(std::move(node));
}

NodePtr Parser::parse_for(int line) {
  NodePtr node = make(NodeKind::for_, line);
  node->children.push_back(parse_target(false));
  if (names_loop(*node->children[0])) error("the variable of a loop cannot be named 'loop'");
  expect_name("in");
  node->children.push_back(parse_tuple(false, false, true));
  node->children.push_back(take_name("if") ? parse_expression() : nullptr);
  node->flag = take_name("recursive");
  const bool outer = std::exchange(around_.in_loop, true);
  node->children.push_back(parse_block({"endfor", "else"}));
  around_.in_loop = outer;
  node->children.push_back(nullptr);
  if (take().text == "else") {
    node->children.back() = parse_block({"endfor"});
    expect_name("endfor");
  }
  return finish(std::move(node));
}

NodePtr Parser::parse_set(int line) {
  NodePtr target = parse_target(true);
  if (take_symbol("=")) return make(NodeKind::set, line, std::move(target), parse_tuple());
  NodePtr filter;
  while (take_symbol("|")) filter = parse_filter(std::move(filter));
  NodePtr body = parse_block({"endset"});
  expect_name("endset");
  return make(NodeKind::set_block, line, std::move(target), std::move(filter), std::move(body));
}

NodePtr Parser::parse_with(int line) {
  NodePtr node = make(NodeKind::with, line);
  while (current().kind != TokenKind::block_end) {
    if (!node->children.empty()) expect_symbol(",");
    node->children.push_back(parse_target(false));
    expect_symbol("=");
    node->children.push_back(parse_expression());
  }
  node->children.push_back(parse_block({"endwith"}));
  expect_name("endwith");
  return finish(std::move(node));
}

void Parser::parse_signature(Node& node) {
  expect_symbol("(");
  bool has_default = false;
  while (!is_symbol(")")) {
    if (!node.names.empty()) expect_symbol(",");
    const std::string name = expect_identifier();
    if (std::find(node.names.begin(), node.names.end(), name) != node.names.end()) {
      error("the parameter '{}' occurs twice", name);
    }
    node.names.push_back(name);
    node.children.push_back(take_symbol("=") ? parse_expression() : nullptr);
    if (has_default && !node.children.back()) error("a parameter without default follows one with a default");
    has_default = node.children.back() != nullptr;
  }
  expect_symbol(")");
}

NodePtr Parser::parse_function_body(Node& node, std::string_view end) {
  const bool outer = std::exchange(around_.in_loop, false);
  around_.macros.push_back(&node);
  NodePtr body = parse_block({end});
  around_.macros.pop_back();
  around_.in_loop = outer;
  expect_name(end);
  settle_special_names(node);
  return body;
}

// A parameter named like one of the special variables takes its place; a `caller` must have a default then.
void Parser::settle_special_names(Node& node) const {
  for (std::size_t i = 0; i < node.names.size(); ++i) {
    if (node.names[i] == "varargs") node.uses_varargs = false;
    if (node.names[i] == "kwargs") node.uses_kwargs = false;
    if (node.names[i] == "caller" && node.uses_caller && !node.children[i]) {
      error("the parameter 'caller' has no default, expected one or another name");
    }
  }
}

NodePtr Parser::parse_macro(int line) {
  NodePtr node = make(NodeKind::macro, line);
  node->text = expect_identifier();
  parse_signature(*node);
  node->children.push_back(parse_function_body(*node, "endmacro"));
  return finish(std::move(node));
}

NodePtr Parser::parse_call_block(int line) {
  NodePtr node = make(NodeKind::call_block, line);
  if (is_symbol("(")) parse_signature(*node);
  NodePtr call = parse_expression();
  if (call->kind != NodeKind::call) error("a call block names no call, expected '{{% call NAME() %}}'");
  node->children.push_back(std::move(call));
  node->children.push_back(parse_function_body(*node, "endcall"));
  return finish(std::move(node));
}

NodePtr Parser::parse_filter_block(int line) {
  NodePtr filter = parse_filter(nullptr);
  while (take_symbol("|")) filter = parse_filter(std::move(filter));
  NodePtr body = parse_block({"endfilter"});
  expect_name("endfilter");
  return make(NodeKind::filter_block, line, std::move(filter), std::move(body));
}

NodePtr Parser::parse_generation(int line) {
  NodePtr node = make(NodeKind::generation, line);
  node->children.push_back(parse_function_body(*node, "endgeneration"));
  return finish(std::move(node));
}

NodePtr Parser::parse_print(int line) {
  NodePtr node = make(NodeKind::output, line);
  while (current().kind != TokenKind::block_end) {
    if (!node->children.empty()) expect_symbol(",");
    node->children.push_back(parse_expression());
  }
  return finish(std::move(node));
}

NodePtr Parser::parse_jump(NodeKind kind, int line) {
  if (!around_.in_loop) error("'break' or 'continue' stands outside a loop");
  return make(kind, line);
}

NodePtr Parser::parse_target(bool with_namespace) {
  const int line = current().line;
  std::vector<NodePtr> targets;
  bool is_tuple = false;
  while (current().kind != TokenKind::block_end && !is_name("in") && !is_symbol(")")) {
    targets.push_back(parse_target_name(with_namespace));
    if (!take_symbol(",")) break;
    is_tuple = true;
  }
  if (targets.empty()) error("unexpected {}, expected a name to assign to", describe());
  if (!is_tuple) return std::move(targets[0]);
  NodePtr node = make(NodeKind::tuple, line);
  node->children = std::move(targets);
  return finish(std::move(node));
}

NodePtr Parser::parse_target_name(bool with_namespace) {
  const Nesting nesting(*this);
  const int line = current().line;
  if (take_symbol("(")) {
    NodePtr inner = parse_target(false);
    expect_symbol(")");
    return inner;
  }
  NodePtr node = make(NodeKind::none, line);
  node->text = expect_identifier();
  for (const char* constant : {"true", "false", "none", "True", "False", "None"}) {
    if (node->text == constant) error("'{}' cannot be assigned to", constant);
  }
  node->kind = NodeKind::name;
  if (!with_namespace || !take_symbol(".")) return node;
  NodePtr attribute = make(NodeKind::attribute, line, std::move(node));
  attribute->text = expect_identifier();
  return attribute;
}

}  // namespace artemis::jinja

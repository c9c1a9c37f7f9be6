// Tokens to syntax tree, by recursive descent.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/core/error.h"
#include "artemis/text/jinja_ast.h"
#include "artemis/text/jinja_lexer.h"

namespace artemis::jinja {

// Parses a whole template. Throws Error with `where` and the line.
Template parse_template(std::string_view source, std::string_view where);

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::string_view where) : tokens_(std::move(tokens)), where_(where) {}

  // Statements up to a block tag named by one of `ends` (the tag's name is then
  // the current token), or to the end of the template when there are none.
  NodePtr parse_body(std::initializer_list<std::string_view> ends);

 private:
  // Bounds the recursion of the parser.
  class Nesting {
   public:
    explicit Nesting(Parser& parser);
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  // What surrounds a statement.
  struct Surroundings {
    bool in_loop = false;
    std::vector<Node*> macros;
  };

  const Token& current() const { return tokens_[position_]; }
  const Token& ahead() const { return tokens_[std::min(position_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool is_symbol(std::string_view symbol) const;
  bool is_name(std::string_view name) const;
  bool take_symbol(std::string_view symbol);
  bool take_name(std::string_view name);
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);
  void expect_kind(TokenKind kind, std::string_view what);
  std::string expect_identifier();
  std::string describe() const;

  template <typename... Args>
  [[noreturn]] void error(fmt::format_string<Args...> format, Args&&... args) const {
    fail(line_of(where_, current().line), format, std::forward<Args>(args)...);
  }

  NodePtr make(NodeKind kind, int line) const;
  // Sets the depth of a node from its parts; fails when it is too deep.
  NodePtr finish(NodePtr node) const;
  template <typename... Children>
  NodePtr make(NodeKind kind, int line, NodePtr first, Children... rest) const {
    NodePtr node = make(kind, line);
    node->children.push_back(std::move(first));
    (node->children.push_back(std::move(rest)), ...);
    return finish(std::move(node));
  }

  // Statements (jinja_parser.cpp). Each begins after the tag's name and ends
  // before the closing of the tag.
  NodePtr parse_statement();
  NodePtr parse_if(int line);
  NodePtr parse_for(int line);
  NodePtr parse_set(int line);
  NodePtr parse_with(int line);
  NodePtr parse_macro(int line);
  NodePtr parse_call_block(int line);
  NodePtr parse_filter_block(int line);
  NodePtr parse_generation(int line);
  NodePtr parse_print(int line);
  NodePtr parse_jump(NodeKind kind, int line);
  void parse_signature(Node& node);
  // A block after a tag, its end tag taken.
  NodePtr parse_block(std::initializer_list<std::string_view> ends);
  // The body of a macro-like node, which sees its own loops only.
  NodePtr parse_function_body(Node& node, std::string_view end);
  void settle_special_names(Node& node) const;
  NodePtr parse_target(bool with_namespace);
  NodePtr parse_target_name(bool with_namespace);

  // Expressions (jinja_parser_expression.cpp).
  NodePtr parse_expression(bool with_condition = true);
  NodePtr parse_tuple(bool with_condition = true, bool parenthesized = false, bool before_recursive = false);
  bool at_tuple_end(bool before_recursive) const;
  NodePtr parse_condition();
  NodePtr parse_or();
  NodePtr parse_and();
  NodePtr parse_not();
  NodePtr parse_compare();
  bool take_comparison(std::string& name);
  NodePtr parse_sum();
  NodePtr parse_concat();
  NodePtr parse_product();
  NodePtr parse_power();
  NodePtr parse_unary(bool with_filters = true);
  NodePtr parse_primary();
  NodePtr parse_named();
  NodePtr parse_string();
  NodePtr parse_list();
  NodePtr parse_dict();
  NodePtr parse_postfix(NodePtr node);
  NodePtr parse_filters(NodePtr node);
  NodePtr parse_filter(NodePtr node);
  NodePtr parse_test(NodePtr node);
  NodePtr parse_subscript(NodePtr node);
  NodePtr parse_index();
  NodePtr parse_call(NodePtr node);
  std::unique_ptr<CallArguments> parse_arguments();
  void parse_argument(CallArguments& arguments);
  std::string parse_dotted_name();
  void note_name(const std::string& name);

  std::vector<Token> tokens_;
  std::string_view where_;
  std::size_t position_ = 0;
  int nesting_ = 0;
  Surroundings around_;
};

}  // namespace artemis::jinja

// Runs a parsed template.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "artemis/text/jinja_ast.h"
#include "artemis/text/jinja_template.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// Variables of a block; names not found here are those of the parent.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> outer) : parent(std::move(outer)) {}

  std::shared_ptr<Scope> parent;
  std::unordered_map<std::string, Value> variables;
  std::optional<Charge> charge;  // once a macro holds the scope
};
using ScopePtr = std::shared_ptr<Scope>;

class Interpreter {
 public:
  Interpreter(const Template& parsed, const JinjaLimits& limits);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Throws Error with the line of a fault.
  JinjaRendering render(const Json& variables);

  Heap& heap() { return heap_; }
  std::int64_t now() const;  // seconds since 1970

  // Calls a value, a filter or a test by name.
  Value call(const Value& callee, Arguments& arguments);
  Value apply_filter(const std::string& name, const Value& input, Arguments& arguments);
  bool apply_test(const std::string& name, const Value& input, Arguments& arguments);

  // value.name and value[key], as jinja2's sandbox looks them up; undefined
  // when there is none.
  Value attribute(const Value& value, std::string_view name);
  Value item(const Value& value, const Value& key);

  // The text of a macro's or caller's body, with the arguments bound.
  Value call_macro(const Node& macro, const ScopePtr& scope, Arguments& arguments);
  // The text of a recursive loop over other items.
  Value call_loop(const Node& loop, const ScopePtr& scope, const Value& items, int depth);

  // Objects that can hold themselves are emptied at the end.
  void keep(const ScopePtr& scope);
  void keep(std::shared_ptr<class Namespace> space);

 private:
  enum class Flow : std::uint8_t { next, break_loop, continue_loop };

  // One level of nodes within one another.
  class Level {
   public:
    explicit Level(Interpreter& interpreter);
    ~Level() { --interpreter_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Interpreter& interpreter_;
  };

  // A scope in force while this lives.
  class InScope {
   public:
    InScope(Interpreter& interpreter, ScopePtr scope)
        : interpreter_(interpreter), outer_(interpreter.scope_) {
      interpreter_.scope_ = std::move(scope);
    }
    ~InScope() { interpreter_.scope_ = std::move(outer_); }
    InScope(const InScope&) = delete;
    InScope& operator=(const InScope&) = delete;

   private:
    Interpreter& interpreter_;
    ScopePtr outer_;
  };

  ScopePtr inner_scope() const { return std::make_shared<Scope>(scope_); }
  void write(std::string_view text);
  // Runs a body and gives what it wrote.
  Value capture(const Node& body, Flow& flow);

  // Statements.
  Flow run(const Node& node);
  Flow run_block(const Node& node);
  Flow run_if(const Node& node);
  Flow run_for(const Node& node, const Value& items, int depth);
  Flow run_with(const Node& node);
  Flow run_set_block(const Node& node);
  Flow run_filter_block(const Node& node);
  void run_output(const Node& node);
  void run_call_block(const Node& node);
  void run_generation(const Node& node);
  SequencePtr loop_items(const Node& node, const Value& items);
  void assign(const Node& target, const Value& value);
  void assign_attribute(const Node& target, const Value& value);
  void bind(const Node& macro, Arguments& arguments);

  // Expressions.
  Value evaluate(const Node& node);
  Value evaluate_name(const Node& node);
  Value evaluate_items(const Node& node, SequenceKind kind);
  Value evaluate_dict(const Node& node);
  Value evaluate_item(const Node& node);
  Value evaluate_slice(const Node& node, const Value& value);
  Value evaluate_call(const Node& node);
  Value evaluate_filter(const Node& node, const Value* input);
  Value evaluate_test(const Node& node);
  Value evaluate_condition(const Node& node);
  Value evaluate_concat(const Node& node);
  bool evaluate_compare(const Node& node);
  Arguments evaluate_arguments(const CallArguments& nodes);

  const Template& template_;
  JinjaLimits limits_;
  Heap heap_;
  ScopePtr scope_;
  JinjaRendering rendering_;
  std::string* out_;  // where text is written: the rendering's, or that of a capture
  std::int64_t output_left_;
  const Value* block_text_ = nullptr;  // the text that a filter block filters
  int line_ = 1;                       // of the node evaluated last
  int depth_ = 0;
  int calls_ = 0;
  std::vector<ScopePtr> scopes_;
  std::vector<std::shared_ptr<Namespace>> namespaces_;
};

}  // namespace artemis::jinja

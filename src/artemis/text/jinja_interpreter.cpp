#include "artemis/text/jinja_interpreter.h"

#include <algorithm>
#include <ctime>

#include "artemis/core/error.h"
#include "artemis/text/jinja_globals.h"
#include "artemis/text/jinja_lexer.h"
#include "artemis/text/jinja_objects.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {

Interpreter::Interpreter(const Template& parsed, const JinjaLimits& limits)
    : template_(parsed),
      limits_(limits),
      scope_(std::make_shared<Scope>(nullptr)),
      out_(&rendering_.text),
      output_left_(limits.output_bytes) {}

// Scopes hold macros and namespaces hold values that may hold them again.
Interpreter::~Interpreter() {
  for (const ScopePtr& scope : scopes_) scope->variables.clear();
  for (const std::shared_ptr<Namespace>& space : namespaces_) space->clear();
}

void Interpreter::keep(const ScopePtr& scope) {
  if (scope->charge) return;
  scope->charge.emplace(heap_, 300);
  scopes_.push_back(scope);
}

void Interpreter::keep(std::shared_ptr<Namespace> space) { namespaces_.push_back(std::move(space)); }

std::int64_t Interpreter::now() const {
  return limits_.now ? *limits_.now : static_cast<std::int64_t>(std::time(nullptr));
}

Interpreter::Level::Level(Interpreter& interpreter) : interpreter_(interpreter) {
  if (interpreter_.depth_ >= interpreter_.limits_.depth) fault("the template recurses too deep");
  ++interpreter_.depth_;
}

// The limits grow with what the variables took.
JinjaRendering Interpreter::render(const Json& variables) {
  try {
    for (const auto& [name, value] : variables.items()) scope_->variables[name] = heap_.from_json(value);
    const std::int64_t taken = heap_.taken();
    heap_.limit(limits_.memory_bytes + 4 * taken, limits_.steps + taken);
    output_left_ += 4 * taken;
    run(*template_.body);
  } catch (const Fault& error) {
    throw Error(line_of(template_.where, line_), error.what());
  }
  return std::move(rendering_);
}

void Interpreter::write(std::string_view text) {
  heap_.step_bytes(text.size());
  output_left_ -= static_cast<std::int64_t>(text.size());
  if (output_left_ < 0) fault("the template writes too much text");
  *out_ += text;
}

// Faults end the rendering, so nothing is set back when one passes here.
Value Interpreter::capture(const Node& body, Flow& flow) {
  std::string text;
  std::string* outer = std::exchange(out_, &text);
  flow = run(body);
  out_ = outer;
  output_left_ += static_cast<std::int64_t>(text.size());
  return heap_.text(std::move(text));
}

Interpreter::Flow Interpreter::run(const Node& node) {
  const Level level(*this);
  heap_.step();
  line_ = node.line;
  switch (node.kind) {
    case NodeKind::data:
      write(node.text);
      return Flow::next;
    case NodeKind::output:
      run_output(node);
      return Flow::next;
    case NodeKind::block:
      return run_block(node);
    case NodeKind::if_:
      return run_if(node);
    case NodeKind::for_:
      return run_for(node, evaluate(*node.children[1]), 0);
    case NodeKind::set:
      assign(*node.children[0], evaluate(*node.children[1]));
      return Flow::next;
    case NodeKind::set_block:
      return run_set_block(node);
    case NodeKind::with:
      return run_with(node);
    case NodeKind::macro:
      keep(scope_);
      scope_->variables[node.text] = Value(ObjectPtr(std::make_shared<Macro>(heap_, node, scope_)));
      return Flow::next;
    case NodeKind::call_block:
      run_call_block(node);
      return Flow::next;
    case NodeKind::filter_block:
      return run_filter_block(node);
    case NodeKind::generation:
      run_generation(node);
      return Flow::next;
    case NodeKind::break_:
      return Flow::break_loop;
    case NodeKind::continue_:
      return Flow::continue_loop;
    default:
      fault("an expression stands where a statement is expected");
  }
}

Interpreter::Flow Interpreter::run_block(const Node& node) {
  for (const NodePtr& statement : node.children) {
    const Flow flow = run(*statement);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

void Interpreter::run_output(const Node& node) {
  for (const NodePtr& expression : node.children) {
    const Value value = evaluate(*expression);
    if (value.is_string())
      write(value.string());
    else
      write(to_string(heap_, value));
  }
}

Interpreter::Flow Interpreter::run_if(const Node& node) {
  for (std::size_t i = 0; i < node.children.size(); i += 2) {
    if (!node.children[i] || evaluate(*node.children[i]).truth()) return run(*node.children[i + 1]);
  }
  return Flow::next;
}

// The items of a loop that pass its filter.
SequencePtr Interpreter::loop_items(const Node& node, const Value& items) {
  SequencePtr all = iterate(heap_, items);
  if (!node.children[2]) return all;
  std::vector<Value> kept;
  for (const Value& item : all->items) {
    const InScope in_scope(*this, inner_scope());
    assign(*node.children[0], item);
    if (evaluate(*node.children[2]).truth()) kept.push_back(item);
  }
  return heap_.list(std::move(kept)).sequence();
}

Interpreter::Flow Interpreter::run_for(const Node& node, const Value& items, int depth) {
  const SequencePtr visited = loop_items(node, items);
  const auto loop = std::make_shared<Loop>(heap_, node, scope_, visited, depth);
  if (node.flag) keep(scope_);
  bool completed = false;  // one run of the body; as in jinja2, `else` runs when there was none
  for (const Value& item : visited->items) {
    heap_.step();
    const InScope in_scope(*this, inner_scope());
    loop->advance();
    scope_->variables["loop"] = Value(ObjectPtr(loop));
    assign(*node.children[0], item);
    const Flow flow = run(*node.children[3]);
    if (flow == Flow::break_loop) break;
    completed = completed || flow == Flow::next;
  }
  if (completed || !node.children[4]) return Flow::next;
  const InScope in_scope(*this, inner_scope());
  return run(*node.children[4]);
}

Interpreter::Flow Interpreter::run_with(const Node& node) {
  ScopePtr inner = inner_scope();
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Value value = evaluate(*node.children[i + 1]);
    const InScope in_scope(*this, inner);
    assign(*node.children[i], value);
  }
  const InScope in_scope(*this, std::move(inner));
  return run(*node.children.back());
}

Interpreter::Flow Interpreter::run_set_block(const Node& node) {
  Flow flow = Flow::next;
  Value text;
  {
    const InScope in_scope(*this, inner_scope());
    text = capture(*node.children[2], flow);
    if (flow == Flow::next && node.children[1]) text = evaluate_filter(*node.children[1], &text);
  }
  if (flow == Flow::next) assign(*node.children[0], text);
  return flow;
}

Interpreter::Flow Interpreter::run_filter_block(const Node& node) {
  const InScope in_scope(*this, inner_scope());
  Flow flow = Flow::next;
  const Value text = capture(*node.children[1], flow);
  if (flow == Flow::next) write(to_string(heap_, evaluate_filter(*node.children[0], &text)));
  return flow;
}

void Interpreter::run_call_block(const Node& node) {
  const Node& call_node = *node.children[node.names.size()];
  keep(scope_);
  const Value callee = evaluate(*call_node.children[0]);
  Arguments arguments = evaluate_arguments(*call_node.arguments);
  arguments.named.emplace_back("caller", Value(ObjectPtr(std::make_shared<Macro>(heap_, node, scope_))));
  write(to_string(heap_, call(callee, arguments)));
}

void Interpreter::run_generation(const Node& node) {
  const std::size_t begin = rendering_.text.size();
  Flow flow = Flow::next;
  const InScope in_scope(*this, inner_scope());
  const Value text = capture(*node.children[0], flow);
  rendering_.generated.emplace_back(begin, begin + text.string().size());
  write(text.string());
}

void Interpreter::assign(const Node& target, const Value& value) {
  if (target.kind == NodeKind::name) {
    scope_->variables[target.text] = value;
    return;
  }
  if (target.kind == NodeKind::attribute) return assign_attribute(target, value);
  const SequencePtr parts = iterate(heap_, value);
  if (parts->items.size() != target.children.size()) {
    fault("cannot unpack {} values, expected {}", parts->items.size(), target.children.size());
  }
  for (std::size_t i = 0; i < parts->items.size(); ++i) assign(*target.children[i], parts->items[i]);
}

void Interpreter::assign_attribute(const Node& target, const Value& value) {
  const Value object = evaluate(*target.children[0]);
  auto* space = object.is_object() ? dynamic_cast<Namespace*>(object.object().get()) : nullptr;
  if (space == nullptr) fault("cannot assign attribute on non-namespace object");
  space->set(target.text, value);
}

Value Interpreter::call_macro(const Node& macro, const ScopePtr& scope, Arguments& arguments) {
  if (calls_ >= limits_.calls)
    fault("macros call one another too deep, expected at most {} levels", limits_.calls);
  const int line = line_;
  ++calls_;
  const InScope in_scope(*this, std::make_shared<Scope>(scope));
  bind(macro, arguments);
  Flow flow = Flow::next;
  Value text = capture(*macro.children.back(), flow);
  --calls_;
  line_ = line;
  return text;
}

Value Interpreter::call_loop(const Node& loop, const ScopePtr& scope, const Value& items, int depth) {
  if (calls_ >= limits_.calls) fault("a loop recurses too deep, expected at most {} levels", limits_.calls);
  ++calls_;
  const InScope in_scope(*this, scope);
  std::string text;
  std::string* outer = std::exchange(out_, &text);
  run_for(loop, items, depth);
  out_ = outer;
  output_left_ += static_cast<std::int64_t>(text.size());
  --calls_;
  return heap_.text(std::move(text));
}

// Gives a macro's parameters their values, as jinja2 does; the scope in force
// is the macro's.
void Interpreter::bind(const Node& macro, Arguments& arguments) {
  const std::string name = macro.text.empty() ? "caller" : macro.text;
  const auto take_named = [&arguments](const std::string& wanted) -> std::optional<Value> {
    const auto found = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& argument) { return argument.first == wanted; });
    if (found == arguments.named.end()) return std::nullopt;
    Value value = found->second;
    arguments.named.erase(found);
    return value;
  };
  auto& variables = scope_->variables;
  for (std::size_t i = 0; i < macro.names.size(); ++i) {
    const std::string& parameter = macro.names[i];
    std::optional<Value> value;
    if (i < arguments.positional.size())
      value = arguments.positional[i];
    else
      value = take_named(parameter);
    if (!value && macro.children[i]) value = evaluate(*macro.children[i]);
    variables[parameter] =
        value ? *value : heap_.undefined(fmt::format("parameter {} was not provided", repr(parameter)));
  }
  const bool has_caller = std::find(macro.names.begin(), macro.names.end(), "caller") != macro.names.end();
  if (macro.uses_caller && !has_caller) {
    const std::optional<Value> caller = take_named("caller");
    variables["caller"] = caller ? *caller : heap_.undefined("No caller defined");
  }
  if (macro.uses_kwargs) {
    std::vector<std::pair<Value, Value>> rest;
    for (const auto& [key, value] : arguments.named) rest.emplace_back(heap_.text(key), value);
    variables["kwargs"] = heap_.dict(rest);
  } else if (!arguments.named.empty()) {
    fault("macro {} takes no keyword argument {}", repr(name), repr(arguments.named.front().first));
  }
  const std::size_t taken = std::min(arguments.positional.size(), macro.names.size());
  if (macro.uses_varargs) {
    variables["varargs"] = heap_.tuple(
        {arguments.positional.begin() + static_cast<std::ptrdiff_t>(taken), arguments.positional.end()});
  } else if (arguments.positional.size() > taken) {
    fault("macro {} takes not more than {} argument(s)", repr(name), macro.names.size());
  }
}

}  // namespace artemis::jinja

// The objects of the interpreter: functions, macros, namespaces, loops.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// A built-in function, or a method bound to its value.
class Function : public Object {
 public:
  using Body = std::function<Value(Interpreter&, Arguments&)>;

  Function(Heap& heap, Body body) : Object(heap), body_(std::move(body)) {}
  const char* type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override {
    return body_(interpreter, arguments);
  }

 private:
  Body body_;
};

// A macro, or the caller of a call block (which has no name). The node outlives
// it.
class Macro : public Object {
 public:
  Macro(Heap& heap, const Node& node, ScopePtr scope) : Object(heap), node_(node), scope_(std::move(scope)) {}
  const char* type_name() const override { return "Macro"; }
  bool callable() const override { return true; }
  std::string repr() const override;
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  Value attribute(Interpreter& interpreter, std::string_view name) override;

 private:
  const Node& node_;
  ScopePtr scope_;
};

// The one object that templates can change.
class Namespace : public Object {
 public:
  explicit Namespace(Heap& heap) : Object(heap), heap_(heap) {}
  const char* type_name() const override { return "Namespace"; }
  std::string repr() const override;
  Value attribute(Interpreter& interpreter, std::string_view name) override;
  // Throws Fault for names that begin with '_'.
  void set(const std::string& name, const Value& value);
  void clear() { values_.clear(); }

 private:
  Heap& heap_;
  std::vector<std::pair<std::string, Value>> values_;
  mutable bool printing_ = false;  // it may hold itself
};

// The variable `loop`.
class Loop : public Object {
 public:
  Loop(Heap& heap, const Node& node, ScopePtr scope, SequencePtr items, int depth)
      : Object(heap), node_(node), scope_(std::move(scope)), items_(std::move(items)), depth_(depth) {}
  const char* type_name() const override { return "LoopContext"; }
  bool callable() const override { return true; }
  std::string repr() const override;
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  Value attribute(Interpreter& interpreter, std::string_view name) override;
  void advance() { ++index_; }

 private:
  std::int64_t size() const { return static_cast<std::int64_t>(items_->items.size()); }
  Value neighbour(Interpreter& interpreter, std::int64_t at, const char* name) const;
  Value cycle(const std::vector<Value>& values) const;
  bool changed(Heap& heap, const std::vector<Value>& values);

  const Node& node_;
  ScopePtr scope_;
  SequencePtr items_;
  int depth_;
  std::int64_t index_ = -1;
  std::optional<std::vector<Value>> last_;
};

// cycler(...): goes through its values again and again.
class Cycler : public Object {
 public:
  Cycler(Heap& heap, SequencePtr items) : Object(heap), items_(std::move(items)) {}
  const char* type_name() const override { return "Cycler"; }
  Value attribute(Interpreter& interpreter, std::string_view name) override;

 private:
  const Value& current() const { return items_->items[position_]; }

  SequencePtr items_;
  std::size_t position_ = 0;
};

// joiner(separator): nothing at the first call, then the separator.
class Joiner : public Object {
 public:
  Joiner(Heap& heap, Value separator) : Object(heap), separator_(std::move(separator)) {}
  const char* type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Interpreter& interpreter, Arguments& arguments) override;
  Value attribute(Interpreter& interpreter, std::string_view name) override;

 private:
  Value separator_;
  bool used_ = false;
};

}  // namespace artemis::jinja

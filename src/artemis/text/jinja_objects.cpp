#include "artemis/text/jinja_objects.h"

#include <algorithm>

#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value method(Heap& heap, Function::Body body) {
  return Value(ObjectPtr(std::make_shared<Function>(heap, std::move(body))));
}

}  // namespace

std::string Macro::repr() const {
  return node_.text.empty() ? "<Macro anonymous>" : "<Macro " + jinja::repr(node_.text) + ">";
}

Value Macro::call(Interpreter& interpreter, Arguments& arguments) {
  return interpreter.call_macro(node_, scope_, arguments);
}

Value Macro::attribute(Interpreter& interpreter, std::string_view name) {
  Heap& heap = interpreter.heap();
  if (name == "name") return node_.text.empty() ? Value() : heap.text(node_.text);
  if (name == "catch_kwargs") return node_.uses_kwargs;
  if (name == "catch_varargs") return node_.uses_varargs;
  if (name == "caller") return node_.uses_caller;
  if (name != "arguments") return Object::attribute(interpreter, name);
  std::vector<Value> names;
  for (const std::string& parameter : node_.names) names.push_back(heap.text(parameter));
  return heap.tuple(std::move(names));
}

std::string Namespace::repr() const {
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [name, value] : values_) items.emplace_back(heap_.text(name), value);
  if (printing_) return "<Namespace {...}>";
  printing_ = true;
  std::string text = "<Namespace " + to_repr(heap_, heap_.dict(items)) + ">";
  printing_ = false;
  return text;
}

Value Namespace::attribute(Interpreter& interpreter, std::string_view name) {
  const auto found =
      std::find_if(values_.begin(), values_.end(), [name](const auto& entry) { return entry.first == name; });
  return found != values_.end() ? found->second : Object::attribute(interpreter, name);
}

void Namespace::set(const std::string& name, const Value& value) {
  if (name.starts_with("_"))
    fault("a namespace cannot hold the attribute {}, which begins with '_'", jinja::repr(name));
  const auto found = std::find_if(values_.begin(), values_.end(),
                                  [&name](const auto& entry) { return entry.first == name; });
  heap_.step(static_cast<std::int64_t>(values_.size() / 8));
  if (found != values_.end())
    found->second = value;
  else
    values_.emplace_back(name, value);
}

std::string Loop::repr() const { return fmt::format("<LoopContext {}/{}>", index_ + 1, size()); }

Value Loop::call(Interpreter& interpreter, Arguments& arguments) {
  if (!node_.flag) fault("The loop must have the 'recursive' marker to be called recursively.");
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    fault("loop() takes one argument, the items");
  return interpreter.call_loop(node_, scope_, arguments.positional[0], depth_ + 1);
}

Value Loop::neighbour(Interpreter& interpreter, std::int64_t at, const char* name) const {
  if (at >= 0 && at < size()) return items_->items[static_cast<std::size_t>(at)];
  return interpreter.heap().undefined(fmt::format("there is no {} item", name));
}

Value Loop::cycle(const std::vector<Value>& values) const {
  if (values.empty()) fault("no items for cycling given");
  return values[static_cast<std::size_t>(index_) % values.size()];
}

bool Loop::changed(Heap& heap, const std::vector<Value>& values) {
  const auto same = [&heap](const Value& a, const Value& b) { return a.same(b) || equal(heap, a, b); };
  if (last_ && last_->size() == values.size() &&
      std::equal(values.begin(), values.end(), last_->begin(), same))
    return false;
  last_ = values;
  return true;
}

Value Loop::attribute(Interpreter& interpreter, std::string_view name) {
  if (name == "index") return index_ + 1;
  if (name == "index0") return index_;
  if (name == "revindex") return size() - index_;
  if (name == "revindex0") return size() - index_ - 1;
  if (name == "first") return index_ == 0;
  if (name == "last") return index_ + 1 == size();
  if (name == "length") return size();
  if (name == "depth") return static_cast<std::int64_t>(depth_) + 1;
  if (name == "depth0") return static_cast<std::int64_t>(depth_);
  if (name == "previtem") return neighbour(interpreter, index_ - 1, "previous");
  if (name == "nextitem") return neighbour(interpreter, index_ + 1, "next");
  const auto self = std::static_pointer_cast<Loop>(shared_from_this());
  if (name == "cycle") {
    return method(interpreter.heap(),
                  [self](Interpreter&, Arguments& arguments) { return self->cycle(arguments.positional); });
  }
  if (name == "changed") {
    return method(interpreter.heap(), [self](Interpreter& in, Arguments& arguments) -> Value {
      return self->changed(in.heap(), arguments.positional);
    });
  }
  return Object::attribute(interpreter, name);
}

Value Cycler::attribute(Interpreter& interpreter, std::string_view name) {
  if (name == "current") return current();
  if (name == "pos") return static_cast<std::int64_t>(position_);
  if (name == "items") return Value(items_);
  const auto self = std::static_pointer_cast<Cycler>(shared_from_this());
  if (name == "next") {
    return method(interpreter.heap(), [self](Interpreter&, Arguments&) {
      Value value = self->current();
      self->position_ = (self->position_ + 1) % self->items_->items.size();
      return value;
    });
  }
  if (name == "reset") {
    return method(interpreter.heap(), [self](Interpreter&, Arguments&) {
      self->position_ = 0;
      return Value();
    });
  }
  return Object::attribute(interpreter, name);
}

Value Joiner::call(Interpreter& interpreter, Arguments& arguments) {
  if (!arguments.positional.empty() || !arguments.named.empty()) fault("a joiner takes no arguments");
  return std::exchange(used_, true) ? separator_ : interpreter.heap().text("");
}

Value Joiner::attribute(Interpreter& interpreter, std::string_view name) {
  return name == "sep" ? separator_ : Object::attribute(interpreter, name);
}

}  // namespace artemis::jinja

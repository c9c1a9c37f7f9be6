#include "artemis/text/jinja_loop.h"

#include "artemis/text/jinja_operations.h"

namespace artemis::jinja {

LoopObject::LoopObject(Heap& heap, Value over, std::int64_t depth, Value again)
    : Object(heap, sizeof(LoopObject)),
      recurse(std::move(again)),
      iterable_(std::move(over)),
      source_(iterate(heap, iterable_)),
      depth0_(depth) {}

void LoopObject::clear() {
  recurse = iterable_ = current_ = before_ = Value();
  source_.reset();
  after_.reset();
  last_changed_.reset();
}

std::optional<Value> LoopObject::next() {
  std::optional<Value> item = after_ ? std::exchange(after_, std::nullopt) : source_->next();
  if (!item) return std::nullopt;
  ++index0_;
  before_ = std::exchange(current_, *item);
  return item;
}

std::int64_t LoopObject::length() {
  if (!length_) length_ = length_if_any(iterable_);
  if (!length_) {
    std::vector<Value> rest;
    while (std::optional<Value> item = source_->next()) rest.push_back(std::move(*item));
    length_ = static_cast<std::int64_t>(rest.size()) + index0_ + 1 + (after_ ? 1 : 0);
    source_ = iterate(heap(), Value::list(heap(), std::move(rest)));
  }
  return *length_;
}

const std::optional<Value>& LoopObject::peek() {
  if (!after_) after_ = source_->next();
  return after_;
}

Value LoopObject::changed(Arguments arguments) {
  Value now = Value::tuple(heap(), std::move(arguments.positional));
  if (last_changed_ && equal(heap(), *last_changed_, now)) return Value::boolean(false);
  last_changed_ = std::move(now);
  return Value::boolean(true);
}

Value LoopObject::cycle(const Arguments& arguments) const {
  if (arguments.positional.empty()) raise("loop.cycle() needs values to cycle through");
  return arguments.positional[static_cast<std::size_t>(index0_) % arguments.positional.size()];
}

std::optional<Value> LoopObject::attribute(std::string_view name) {
  if (name == "index0") return Value::integer(index0_);
  if (name == "index") return Value::integer(index0_ + 1);
  if (name == "first") return Value::boolean(index0_ == 0);
  if (name == "last") return Value::boolean(!peek());
  if (name == "length") return Value::integer(length());
  if (name == "revindex0") return Value::integer(length() - index0_ - 1);
  if (name == "revindex") return Value::integer(length() - index0_);
  if (name == "depth0") return Value::integer(depth0_);
  if (name == "depth") return Value::integer(depth0_ + 1);
  if (name == "previtem") {
    return index0_ == 0 ? Value::undefined(heap(), "there is no previous item") : before_;
  }
  if (name == "nextitem") return peek() ? *peek() : Value::undefined(heap(), "there is no next item");
  const Ref<LoopObject> self(this);
  if (name == "cycle") {
    return make_callable(heap(), "cycle",
                         [self](const Arguments& arguments) { return self->cycle(arguments); });
  }
  if (name == "changed") {
    return make_callable(heap(), "changed",
                         [self](Arguments arguments) { return self->changed(std::move(arguments)); });
  }
  return std::nullopt;
}

}  // namespace artemis::jinja

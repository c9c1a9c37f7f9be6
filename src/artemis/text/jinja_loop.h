// The `loop` variable of a for statement.
#pragma once

#include <optional>
#include <string_view>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

struct LoopObject : Object {
  // `depth`: loops of a recursive one around this. `again`: what a call of `loop` does, undefined when the
  // loop is not recursive.
  LoopObject(Heap& heap, Value over, std::int64_t depth, Value again);
  void clear() override;

  // The next item, which becomes the current one.
  std::optional<Value> next();
  // Items in all; walks an iterator to its end to know.
  std::int64_t length();
  // loop.NAME, or nothing.
  std::optional<Value> attribute(std::string_view name);

  Value recurse;

 private:
  const std::optional<Value>& peek();
  Value changed(Arguments arguments);
  Value cycle(const Arguments& arguments) const;

  Value iterable_;
  Ref<IteratorObject> source_;
  std::int64_t depth0_;
  std::int64_t index0_ = -1;
  std::optional<std::int64_t> length_;
  std::optional<Value> after_;  // the item looked at ahead of its turn
  Value current_;
  Value before_;
  std::optional<Value> last_changed_;
};

}  // namespace artemis::jinja

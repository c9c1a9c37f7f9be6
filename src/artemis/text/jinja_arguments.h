// Binding of call arguments to named parameters, as Python does it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

// The arguments of one call by parameter; throws Failure for a missing, unknown or doubled one.
class Bound {
 public:
  // The first `required` of the parameters must be given. `what` names the function in messages.
  Bound(Heap& heap, std::string_view what, const Arguments& arguments,
        std::initializer_list<std::string_view> parameters, std::size_t required = 0);

  bool has(std::size_t index) const { return values_[index].has_value(); }
  const Value& operator[](std::size_t index) const { return *values_[index]; }

  // Conversions; each fails for a value of another type. An absent argument gives the fall-back.
  Value value(std::size_t index, Value fallback) const { return has(index) ? *values_[index] : fallback; }
  bool truth(std::size_t index, bool fallback) const;
  std::int64_t integer(std::size_t index, std::int64_t fallback) const;
  std::string text(std::size_t index, std::string_view fallback) const;
  // As integer, but none counts as absent.
  std::optional<std::int64_t> integer_or_none(std::size_t index) const;

 private:
  std::string_view what_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace artemis::jinja

// The arguments of a built-in function by name.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "artemis/text/jinja_value.h"

namespace artemis::jinja {

class Parameters {
 public:
  // Matches arguments to names, the first `required` of which must be given.
  // Throws Fault.
  Parameters(const char* function, const Arguments& arguments, std::initializer_list<const char*> names,
             std::size_t required = 0);

  bool has(std::size_t i) const { return values_[i] != nullptr; }
  // The argument, or None when it is not given.
  const Value& operator[](std::size_t i) const;
  // Converted; the fallback when not given (or None, for the texts). Throws
  // Fault for another type.
  std::int64_t integer(std::size_t i, std::int64_t fallback = 0) const;
  std::string string(std::size_t i, const std::string& fallback = {}) const;
  bool truth(std::size_t i, bool fallback) const { return has(i) ? values_[i]->truth() : fallback; }

 private:
  const char* function_;
  std::vector<const Value*> values_;  // null where not given
};

}  // namespace artemis::jinja

#include "artemis/text/jinja_arguments.h"

#include <algorithm>

#include "artemis/text/jinja_operations.h"

namespace artemis::jinja {

Bound::Bound(Heap& heap, std::string_view what, const Arguments& arguments,
             std::initializer_list<std::string_view> parameters, std::size_t required)
    : what_(what), values_(parameters.size()) {
  heap.step();
  if (arguments.positional.size() > parameters.size()) {
    raise("{} takes at most {} arguments, {} given", what, parameters.size(), arguments.positional.size());
  }
  std::copy(arguments.positional.begin(), arguments.positional.end(), values_.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) raise("{} has no argument named '{}'", what, name);
    std::optional<Value>& slot = values_[static_cast<std::size_t>(found - parameters.begin())];
    if (slot) raise("{} has two values for the argument '{}'", what, name);
    slot = value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!values_[i]) raise("{} needs the argument '{}'", what, *(parameters.begin() + i));
  }
}

bool Bound::truth(std::size_t index, bool fallback) const {
  return has(index) ? jinja::truth(*values_[index]) : fallback;
}

std::int64_t Bound::integer(std::size_t index, std::int64_t fallback) const {
  if (!has(index)) return fallback;
  require_defined(*values_[index]);
  if (!values_[index]->is_integral())
    raise("{} needs an integer, not '{}'", what_, type_name(*values_[index]));
  return values_[index]->as_integer();
}

std::optional<std::int64_t> Bound::integer_or_none(std::size_t index) const {
  if (!has(index) || values_[index]->is(Kind::none)) return std::nullopt;
  return integer(index, 0);
}

std::string Bound::text(std::size_t index, std::string_view fallback) const {
  if (!has(index)) return std::string(fallback);
  require_defined(*values_[index]);
  if (!values_[index]->is(Kind::string))
    raise("{} needs a string, not '{}'", what_, type_name(*values_[index]));
  return values_[index]->text();
}

}  // namespace artemis::jinja

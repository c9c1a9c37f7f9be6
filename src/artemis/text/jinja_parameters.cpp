#include "artemis/text/jinja_parameters.h"

#include <algorithm>

#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {

Parameters::Parameters(const char* function, const Arguments& arguments,
                       std::initializer_list<const char*> names, std::size_t required)
    : function_(function), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names.size()) {
    fault("{}() takes at most {} arguments ({} given)", function, names.size(), arguments.positional.size());
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) fault("{}() got an unexpected keyword argument {}", function, repr(name));
    const auto i = static_cast<std::size_t>(found - names.begin());
    if (values_[i] != nullptr) fault("{}() got multiple values for argument {}", function, repr(name));
    values_[i] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) fault("{}() missing the argument '{}'", function, *(names.begin() + i));
  }
}

const Value& Parameters::operator[](std::size_t i) const {
  static const Value none;
  return has(i) ? *values_[i] : none;
}

std::int64_t Parameters::integer(std::size_t i, std::int64_t fallback) const {
  if (!has(i)) return fallback;
  require_defined(*values_[i]);
  if (!values_[i]->is_integer())
    fault("{}() expected an integer, not {}", function_, values_[i]->type_name());
  return values_[i]->integer();
}

std::string Parameters::string(std::size_t i, const std::string& fallback) const {
  if (!has(i) || values_[i]->is_none()) return fallback;
  require_defined(*values_[i]);
  if (!values_[i]->is_string()) fault("{}() expected a string, not {}", function_, values_[i]->type_name());
  return values_[i]->string();
}

}  // namespace artemis::jinja

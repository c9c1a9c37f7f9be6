// str.format and str.format_map, as the sandbox calls them.
#include <optional>

#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr int max_nesting = 3;  // a specification may hold fields, those no further ones

class Formatter {
 public:
  Formatter(Interpreter& interpreter, const Arguments& arguments, bool markup)
      : in_(interpreter), arguments_(arguments), markup_(markup) {}

  std::string run(std::string_view text, int nesting) {
    if (nesting > max_nesting) fault("Max string recursion exceeded");
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool doubled = i + 1 < text.size() && text[i + 1] == c;
      if ((c == '{' || c == '}') && doubled) {
        out += c;
        ++i;
      } else if (c == '}') {
        fault("Single '}}' encountered in format string");
      } else if (c == '{') {
        const std::size_t end = field_end(text, i);
        out += field(text.substr(i + 1, end - i - 1), nesting);
        in_.heap().step();
        in_.heap().reserve(out.size());
        i = end;
      } else {
        out += c;
      }
    }
    return out;
  }

 private:
  static std::size_t field_end(std::string_view text, std::size_t begin) {
    int open = 0;
    for (std::size_t i = begin; i < text.size(); ++i) {
      if (text[i] == '{') ++open;
      if (text[i] == '}' && --open == 0) return i;
    }
    fault("expected '}}' before end of string");
  }

  // name!conversion:specification
  std::string field(std::string_view text, int nesting) {
    std::size_t name_end = 0;
    for (bool in_index = false; name_end < text.size(); ++name_end) {
      if (text[name_end] == '[') in_index = true;
      if (text[name_end] == ']') in_index = false;
      if (!in_index && (text[name_end] == '!' || text[name_end] == ':')) break;
    }
    Value value = lookup(text.substr(0, name_end));
    std::string_view rest = text.substr(name_end);
    if (rest.starts_with('!')) {
      if (rest.size() < 2 || (rest.size() > 2 && rest[2] != ':'))
        fault("expected ':' after conversion specifier");
      value = convert(value, rest[1]);
      rest.remove_prefix(2);
    }
    if (rest.starts_with(':')) rest.remove_prefix(1);
    const std::string formatted = format_value(in_.heap(), value, run(rest, nesting + 1));
    return markup_ && !value.is_markup() ? escape_html(formatted) : formatted;
  }

  Value convert(const Value& value, char conversion) {
    if (conversion == 's') return in_.heap().text(to_string(in_.heap(), value));
    if (conversion == 'r') return in_.heap().text(to_repr(in_.heap(), value));
    fault("the conversion '!{}' is not supported, expected !s or !r", conversion);
  }

  Value lookup(std::string_view path) {
    const std::size_t first = std::min(path.find_first_of(".["), path.size());
    Value value = path.empty() ? next() : base(path.substr(0, first));
    path.remove_prefix(first);
    while (!path.empty()) {
      if (path[0] == '.') {
        const std::size_t end = std::min(path.find_first_of(".[", 1), path.size());
        value = in_.attribute(value, path.substr(1, end - 1));
        path.remove_prefix(end);
        continue;
      }
      const std::size_t end = path.find(']');
      if (path[0] != '[' || end == std::string_view::npos) fault("Missing ']' in format string");
      const std::string_view key = path.substr(1, end - 1);
      const std::optional<std::int64_t> index = number(key);
      value = in_.item(value, index ? Value(*index) : in_.heap().text(std::string(key)));
      path.remove_prefix(end + 1);
    }
    return value;
  }

  Value next() {
    if (numbered_) fault("cannot switch from manual field specification to automatic field numbering");
    return positional(next_++);
  }

  Value positional(std::int64_t index) const {
    if (index >= static_cast<std::int64_t>(arguments_.positional.size())) {
      fault("Replacement index {} out of range for positional args tuple", index);
    }
    return arguments_.positional[static_cast<std::size_t>(index)];
  }

  Value base(std::string_view name) {
    if (const std::optional<std::int64_t> index = number(name)) {
      if (next_ > 0) fault("cannot switch from automatic field numbering to manual field specification");
      numbered_ = true;
      return positional(*index);
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    fault("the format key {} is missing", repr(name));
  }

  static std::optional<std::int64_t> number(std::string_view text) {
    if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string_view::npos)
      return {};
    return std::stoll(std::string(text));
  }

  Interpreter& in_;
  const Arguments& arguments_;
  bool markup_;
  std::int64_t next_ = 0;  // for fields without a name
  bool numbered_ = false;  // a field has had a number
};

}  // namespace

Value format_method(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  interpreter.heap().step_bytes(self.string().size());
  return interpreter.heap().text(Formatter(interpreter, arguments, self.is_markup()).run(self.string(), 1),
                                 self.is_markup());
}

Value format_map_method(Interpreter& interpreter, const Value& self, Arguments& arguments) {
  if (!arguments.named.empty()) fault("format_map() takes no keyword arguments");
  if (arguments.positional.size() != 1 || !arguments.positional[0].is_dict())
    fault("format_map() expected a mapping");
  Arguments named;
  for (const auto& [key, value] : arguments.positional[0].dict()->items) {
    if (key.is_string()) named.named.emplace_back(key.string(), value);
  }
  return format_method(interpreter, self, named);
}

}  // namespace artemis::jinja

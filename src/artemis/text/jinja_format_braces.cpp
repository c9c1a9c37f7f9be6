// str.format.
#include <algorithm>

#include "artemis/text/jinja_format.h"
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

class BraceFormatter {
 public:
  BraceFormatter(Heap& heap, const Arguments& arguments, bool markup)
      : heap_(heap), arguments_(arguments), markup_(markup) {}

  std::string run(std::string_view text, int levels = 2) {
    if (levels < 0) raise("a format nests its fields too deep");
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{' && text[i] != '}') {
        result += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == text[i]) {
        result += text[i++];
      } else if (text[i] == '}') {
        raise("single '}}' in a format");
      } else {
        const std::size_t end = field_end(text, i + 1);
        result += field(text.substr(i + 1, end - i - 1), levels);
        i = end;
        heap_.reserve(result.size());
      }
    }
    return result;
  }

 private:
  static std::size_t field_end(std::string_view text, std::size_t begin) {
    int depth = 1;
    for (std::size_t i = begin; i < text.size(); ++i) {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && --depth == 0) return i;
    }
    raise("a field of a format has no end, expected '}}'");
  }

  // NAME!CONVERSION:SPECIFICATION
  std::string field(std::string_view text, int levels) {
    const std::size_t name_end = std::min(find_outside_brackets(text), text.size());
    std::string_view rest = text.substr(name_end);
    Value value = lookup(text.substr(0, name_end));
    if (rest.starts_with('!')) {
      const char conversion = rest.size() > 1 ? rest[1] : '\0';
      if (conversion == 'r')
        value = Value::string(heap_, to_repr(heap_, value));
      else if (conversion == 's')
        value = to_string(heap_, value);
      else
        raise("unknown conversion in a format, expected !r or !s");
      rest.remove_prefix(2);
    }
    if (!rest.empty() && rest[0] != ':') raise("expected ':' after a conversion in a format");
    const std::string specification = rest.empty() ? std::string() : run(rest.substr(1), levels - 1);
    const std::string shown = format_value(heap_, value, specification);
    return markup_ && !value.is_markup() ? escape(shown) : shown;
  }

  static std::size_t find_outside_brackets(std::string_view text) {
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '[') inside = true;
      if (text[i] == ']') inside = false;
      if (!inside && (text[i] == '!' || text[i] == ':')) return i;
    }
    return text.size();
  }

  Value lookup(std::string_view name) {
    const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = first(name.substr(0, first_end));
    for (std::size_t i = first_end; i < name.size();) {
      const bool attribute = name[i] == '.';
      const std::size_t end =
          attribute ? std::min(name.find_first_of(".[", i + 1), name.size()) : name.find(']', i);
      if (end == std::string_view::npos) raise("missing ']' in a format");
      const std::string_view part = name.substr(i + 1, end - i - 1);
      if (part.empty()) raise("empty attribute in a format");
      value = attribute ? get_attribute(heap_, value, part) : get_item(heap_, value, key(part));
      i = attribute ? end : end + 1;
    }
    return value;
  }

  static bool is_index(std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  Value key(std::string_view text) {
    if (is_index(text)) return Value::integer(std::stoll(std::string(text)));
    return Value::string(heap_, std::string(text));
  }

  Value first(std::string_view name) {
    if (name.empty() || is_index(name)) {
      const Numbering used = name.empty() ? Numbering::automatic : Numbering::manual;
      if (numbering_ != Numbering::none && numbering_ != used) raise("a format mixes '{{}}' and '{{0}}'");
      numbering_ = used;
      const std::size_t index = name.empty() ? next_++ : std::stoul(std::string(name));
      if (index >= arguments_.positional.size()) raise("a format needs argument {}", index);
      return arguments_.positional[index];
    }
    for (const auto& [other, value] : arguments_.named) {
      if (other == name) return value;
    }
    raise("a format needs the argument {}", repr(name));
  }

  enum class Numbering { none, automatic, manual };

  Heap& heap_;
  const Arguments& arguments_;
  bool markup_;
  std::size_t next_ = 0;
  Numbering numbering_ = Numbering::none;
};

}  // namespace

Value format_braces(Heap& heap, const Value& text, const Arguments& arguments) {
  BraceFormatter formatter(heap, arguments, text.is_markup());
  return Value::string(heap, formatter.run(text.text()), text.is_markup());
}

}  // namespace artemis::jinja

#include "artemis/text/jinja_json.h"

#include <algorithm>
#include <cmath>

#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

class Writer {
 public:
  Writer(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  void write(const Value& value) {
    heap_.step();
    heap_.reserve(out_.size());
    if (value.is_string())
      write_string(value.string());
    else if (value.is_none())
      out_ += "null";
    else if (value.is_boolean())
      out_ += value.boolean() ? "true" : "false";
    else if (value.is_integer())
      out_ += std::to_string(value.integer());
    else if (value.is_real())
      out_ += number(value.real());
    else if (value.is_dict())
      write_dict(*value.dict());
    else if (value.is_sequence(SequenceKind::list) || value.is_sequence(SequenceKind::tuple))
      write_list(value.sequence()->items);
    else
      fault("Object of type {} is not JSON serializable", value.type_name());
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return repr(value);
  }

  void write_string(const std::string& text) {
    heap_.step_bytes(text.size());
    out_ += '"';
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t begin = i;
      const char32_t code = next_code_point(text, i);
      if (code == '"' || code == '\\')
        out_ += {'\\', static_cast<char>(code)};
      else if (code < 0x20)
        write_control(code);
      else if (code < 0x7F || (code == 0x7F && !style_.ascii))
        out_ += static_cast<char>(code);
      else if (!style_.ascii)
        out_ += std::string_view(text).substr(begin, i - begin);
      else
        write_escape(code);
    }
    out_ += '"';
    heap_.reserve(out_.size());
  }

  void write_control(char32_t code) {
    constexpr std::string_view codes = "\n\r\t\b\f";
    constexpr std::string_view names = "nrtbf";
    const std::size_t found = codes.find(static_cast<char>(code));
    if (found != std::string_view::npos)
      out_ += {'\\', names[found]};
    else
      write_escape(code);
  }

  void write_escape(char32_t code) {
    const auto unit = static_cast<std::uint32_t>(code);
    if (unit < 0x10000)
      out_ += fmt::format("\\u{:04x}", unit);
    else
      out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((unit - 0x10000) >> 10),
                          0xDC00 + ((unit - 0x10000) & 0x3FF));
  }

  void new_line() {
    if (!style_.indent) return;
    out_ += '\n';
    for (int i = 0; i < level_; ++i) out_ += *style_.indent;
    heap_.reserve(out_.size());
  }

  template <typename Items, typename WriteItem>
  void write_container(char open, char close, const Items& items, WriteItem write_item) {
    out_ += open;
    ++level_;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += style_.item_separator;
      first = false;
      new_line();
      write_item(item);
    }
    --level_;
    if (!first) new_line();
    out_ += close;
  }

  void write_list(const std::vector<Value>& items) {
    write_container('[', ']', items, [this](const Value& item) { write(item); });
  }

  void write_dict(const Dict& dict) {
    std::vector<std::pair<Value, Value>> items = dict.items;
    if (style_.sort_keys) {
      std::stable_sort(items.begin(), items.end(),
                       [this](const auto& a, const auto& b) { return less(heap_, a.first, b.first); });
    }
    write_container('{', '}', items, [this](const auto& item) {
      write_string(key(item.first));
      out_ += style_.key_separator;
      write(item.second);
    });
  }

  std::string key(const Value& value) {
    if (value.is_string()) return value.string();
    if (value.is_none()) return "null";
    if (value.is_boolean()) return value.boolean() ? "true" : "false";
    if (value.is_integer()) return std::to_string(value.integer());
    if (value.is_real()) return number(value.real());
    fault("keys must be str, int, float, bool or None, not {}", value.type_name());
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string out_;
  int level_ = 0;
};

}  // namespace

std::string to_json(Heap& heap, const Value& value, const JsonStyle& style) {
  Writer writer(heap, style);
  writer.write(value);
  return writer.take();
}

}  // namespace artemis::jinja

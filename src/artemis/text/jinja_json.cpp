#include "artemis/text/jinja_json.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Heap& heap, const JsonStyle& style) : heap_(heap), style_(style) {}

  void write(const Value& value) {
    const Heap::Level level(heap_);
    heap_.step();
    switch (value.kind()) {
      case Kind::none:
        text_ += "null";
        break;
      case Kind::boolean:
        text_ += value.as_boolean() ? "true" : "false";
        break;
      case Kind::integer:
        text_ += std::to_string(value.as_integer());
        break;
      case Kind::real:
        text_ += real(value.as_real());
        break;
      case Kind::string:
        write_string(value.text());
        break;
      case Kind::list:
      case Kind::tuple:
        write_list(value.items());
        break;
      case Kind::dict:
        write_dict(value.dict());
        break;
      default:
        require_defined(value);
        raise("'{}' cannot be written as JSON", type_name(value));
    }
    heap_.reserve(text_.size());
  }

  std::string take() { return std::move(text_); }

 private:
  static std::string real(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    return repr(value);
  }

  void write_string(std::string_view text) {
    heap_.step_text(text.size());
    heap_.reserve(text_.size() + text.size());
    text_ += '"';
    for (std::size_t position = 0; position < text.size();) {
      const std::size_t begin = position;
      write_character(next_code_point(text, position), text.substr(begin, position - begin));
    }
    text_ += '"';
  }

  void write_character(char32_t code, std::string_view bytes) {
    switch (code) {
      case '"':
        text_ += "\\\"";
        return;
      case '\\':
        text_ += "\\\\";
        return;
      case '\n':
        text_ += "\\n";
        return;
      case '\r':
        text_ += "\\r";
        return;
      case '\t':
        text_ += "\\t";
        return;
      case '\b':
        text_ += "\\b";
        return;
      case '\f':
        text_ += "\\f";
        return;
      default:
        break;
    }
    const auto unit = static_cast<std::uint32_t>(code);
    if (code >= 0x20 && (code < 0x7F || !style_.ensure_ascii))
      text_ += bytes;
    else if (code < 0x10000)
      text_ += fmt::format("\\u{:04x}", unit);
    else
      text_ += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((unit - 0x10000) >> 10),
                           0xDC00 + ((unit - 0x10000) & 0x3FF));
  }

  void new_line() {
    if (!style_.indent) return;
    text_ += '\n';
    for (int i = 0; i < depth_; ++i) text_ += *style_.indent;
    heap_.reserve(text_.size());
  }

  void write_list(const std::vector<Value>& items) {
    text_ += '[';
    ++depth_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) text_ += style_.item_separator;
      new_line();
      write(items[i]);
    }
    --depth_;
    if (!items.empty()) new_line();
    text_ += ']';
  }

  void write_dict(const DictObject& dict) {
    std::vector<std::pair<Value, Value>> entries = dict.entries;
    if (style_.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [this](const auto& a, const auto& b) { return less(heap_, a.first, b.first); });
    }
    text_ += '{';
    ++depth_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) text_ += style_.item_separator;
      new_line();
      write_key(entries[i].first);
      text_ += style_.key_separator;
      write(entries[i].second);
    }
    --depth_;
    if (!entries.empty()) new_line();
    text_ += '}';
  }

  void write_key(const Value& key) {
    if (key.is(Kind::string)) return write_string(key.text());
    if (!key.is_number() && !key.is(Kind::none)) raise("'{}' cannot be a key in JSON", type_name(key));
    text_ += '"';
    write(key);
    text_ += '"';
  }

  Heap& heap_;
  const JsonStyle& style_;
  std::string text_;
  int depth_ = 0;
};

}  // namespace

Value from_json(Heap& heap, const Json& json) {
  const Heap::Level level(heap);
  switch (json.type()) {
    case Json::value_t::null:
      return Value::none();
    case Json::value_t::boolean:
      return Value::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        raise("the integer {} is too large, expected 64 bits", json.get<std::uint64_t>());
      }
      return Value::integer(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value::real(json.get<double>());
    case Json::value_t::string:
      return Value::string(heap, json.get_ref<const std::string&>());
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(heap, item));
      return Value::list(heap, std::move(items));
    }
    case Json::value_t::object: {
      const Ref<DictObject> dict = make<DictObject>(heap);
      for (const auto& [key, item] : json.items()) dict->set(Value::string(heap, key), from_json(heap, item));
      return Value::of(Kind::dict, dict);
    }
    default:
      raise("a variable is neither JSON text, number, list nor object");
  }
}

std::string write_json(Heap& heap, const Value& value, const JsonStyle& style) {
  JsonWriter writer(heap, style);
  writer.write(value);
  return writer.take();
}

}  // namespace artemis::jinja

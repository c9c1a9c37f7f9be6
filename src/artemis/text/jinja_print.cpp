// str() and repr() of values.
#include "artemis/text/jinja_operations.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

// Writes repr() of nested values into one text, counting it against the limits as it grows.
class Printer {
 public:
  explicit Printer(Heap& heap) : heap_(heap) {}
  ~Printer() { heap_.give(counted_); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void print(const Value& value) {
    const Heap::Level level(heap_);
    heap_.step();
    switch (value.kind()) {
      case Kind::undefined:
        return write("Undefined");
      case Kind::none:
        return write("None");
      case Kind::boolean:
        return write(value.as_boolean() ? "True" : "False");
      case Kind::integer:
        return write(std::to_string(value.as_integer()));
      case Kind::real:
        return write(repr(value.as_real()));
      case Kind::string:
        return print_string(value);
      case Kind::list:
        return print_items('[', value.items(), ']');
      case Kind::tuple:
        return print_tuple(value.items());
      case Kind::dict:
        return print_dict(value.dict());
      case Kind::view:
        return print_view(value.as<ViewObject>());
      case Kind::range:
        return print_range(value.as<RangeObject>());
      case Kind::space:
        return print_space(value.dict());
      default:
        raise("'{}' has no text of its own that could be printed", type_name(value));
    }
  }

  std::string take() { return std::move(text_); }

 private:
  void write(std::string_view text) {
    heap_.take(text.size());
    counted_ += text.size();
    heap_.step_text(text.size());
    text_ += text;
  }

  void print_string(const Value& value) {
    heap_.reserve(value.text().size());
    const std::string quoted = repr(value.text());
    write(value.is_markup() ? "Markup(" + quoted + ")" : quoted);
  }

  void print_items(char open, const std::vector<Value>& items, char close) {
    write({&open, 1});
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) write(", ");
      print(items[i]);
    }
    write({&close, 1});
  }

  void print_tuple(const std::vector<Value>& items) {
    if (items.size() != 1) return print_items('(', items, ')');
    write("(");
    print(items[0]);
    write(",)");
  }

  void print_dict(const DictObject& dict) {
    write("{");
    for (std::size_t i = 0; i < dict.entries.size(); ++i) {
      if (i > 0) write(", ");
      print(dict.entries[i].first);
      write(": ");
      print(dict.entries[i].second);
    }
    write("}");
  }

  void print_view(const ViewObject& view) {
    constexpr std::string_view names[] = {"dict_keys(", "dict_values(", "dict_items("};
    write(names[static_cast<std::size_t>(view.part)]);
    std::vector<Value> items;
    for (std::size_t i = 0; i < view.dict->entries.size(); ++i) items.push_back(view.at(i));
    print_items('[', items, ']');
    write(")");
  }

  void print_range(const RangeObject& range) {
    write(range.step == 1 ? fmt::format("range({}, {})", range.start, range.stop)
                          : fmt::format("range({}, {}, {})", range.start, range.stop, range.step));
  }

  void print_space(const DictObject& names) {
    write("<TemplateNamespace ");
    print_dict(names);
    write(">");
  }

  Heap& heap_;
  std::string text_;
  std::size_t counted_ = 0;
};

}  // namespace

std::string to_repr(Heap& heap, const Value& value) {
  Printer printer(heap);
  printer.print(value);
  return printer.take();
}

std::string to_text(Heap& heap, const Value& value) {
  if (value.is(Kind::string)) {
    heap.step_text(value.text().size());
    return value.text();
  }
  if (value.is(Kind::undefined)) return {};
  return to_repr(heap, value);
}

Value to_string(Heap& heap, const Value& value) {
  return value.is(Kind::string) ? value : Value::string(heap, to_text(heap, value));
}

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&#34;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

Value escaped(Heap& heap, const Value& value) {
  if (value.is_markup()) return value;
  const std::string text = to_text(heap, value);
  heap.reserve(5 * text.size());
  return Value::string(heap, escape(text), true);
}

}  // namespace artemis::jinja

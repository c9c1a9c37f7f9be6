// Python's two ways to format: text % values, and text.format(values).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr std::int64_t max_width = 1 << 20;

// A conversion: [fill][align][sign][#][0][width][,][.precision][type]
struct Specification {
  std::string fill = " ";
  char align = '\0';  // < > ^ =, or by the kind of value
  char sign = '-';
  bool alternate = false;
  char grouping = '\0';
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = '\0';
};

std::int64_t read_number(std::string_view& text) {
  std::int64_t value = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    value = value * 10 + (text[0] - '0');
    if (value > max_width) fault("a width or precision is too large, expected at most {}", max_width);
    text.remove_prefix(1);
  }
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

Specification parse_specification(std::string_view text) {
  constexpr std::string_view aligns = "<>^=";
  Specification spec;
  const std::size_t first = byte_of(text, 1);
  if (first < text.size() && aligns.find(text[first]) != std::string_view::npos) {
    spec.fill = text.substr(0, first);
    spec.align = text[first];
    text.remove_prefix(first + 1);
  } else if (!text.empty() && aligns.find(text[0]) != std::string_view::npos) {
    spec.align = text[0];
    text.remove_prefix(1);
  }
  for (const char sign : {'+', '-', ' '}) {
    if (take(text, sign)) {
      spec.sign = sign;
      break;
    }
  }
  spec.alternate = take(text, '#');
  if (take(text, '0') && spec.align == '\0') {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = read_number(text);
  for (const char grouping : {',', '_'}) {
    if (take(text, grouping)) {
      spec.grouping = grouping;
      break;
    }
  }
  if (take(text, '.')) {
    if (text.empty() || text[0] < '0' || text[0] > '9') fault("Format specifier missing precision");
    spec.precision = read_number(text);
  }
  if (text.size() > 1) fault("Invalid format specifier");
  if (!text.empty()) spec.type = text[0];
  return spec;
}

std::string fill_of(const std::string& fill, std::int64_t count) {
  std::string text;
  for (std::int64_t i = 0; i < count; ++i) text += fill;
  return text;
}

// A text in its width; `head` is a sign or prefix that '=' keeps at the left.
std::string pad(Heap& heap, const Specification& spec, const std::string& head, const std::string& body,
                char align) {
  const std::int64_t missing = spec.width - count_code_points(head) - count_code_points(body);
  if (missing <= 0) return head + body;
  heap.step(missing / 8);
  heap.reserve(static_cast<std::size_t>(missing) * spec.fill.size());
  if (align == '=') return head + fill_of(spec.fill, missing) + body;
  const std::int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
  return fill_of(spec.fill, left) + head + body + fill_of(spec.fill, missing - left);
}

std::string group_digits(const std::string& digits, char grouping, std::size_t group) {
  const std::size_t whole = std::min(digits.find_first_of(".eE"), digits.size());
  std::string text;
  for (std::size_t i = 0; i < whole; ++i) {
    if (i > 0 && (whole - i) % group == 0) text += grouping;
    text += digits[i];
  }
  return text + digits.substr(whole);
}

std::string sign_of(bool minus, char sign) {
  return minus ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
}

std::string format_integer(Heap& heap, std::int64_t value, const Specification& spec) {
  const auto size = value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits;
  std::string prefix;
  switch (spec.type) {
    case 'b':
      digits = fmt::format("{:b}", size);
      prefix = "0b";
      break;
    case 'o':
      digits = fmt::format("{:o}", size);
      prefix = "0o";
      break;
    case 'x':
      digits = fmt::format("{:x}", size);
      prefix = "0x";
      break;
    case 'X':
      digits = fmt::format("{:X}", size);
      prefix = "0X";
      break;
    default:
      digits = std::to_string(size);
  }
  if (spec.grouping != '\0') digits = group_digits(digits, spec.grouping, prefix.empty() ? 3 : 4);
  const std::string head = sign_of(value < 0, spec.sign) + (spec.alternate ? prefix : "");
  return pad(heap, spec, head, digits, spec.align != '\0' ? spec.align : '>');
}

// Digits of a finite or infinite number without its sign.
std::string real_digits(Heap& heap, double value, char type, std::int64_t precision, bool alternate) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return "inf";
  if (type == '\0' && precision < 0) return repr(value);
  heap.reserve(static_cast<std::size_t>(std::max<std::int64_t>(precision, 0)) + 400);
  const int digits = static_cast<int>(precision < 0 ? 6 : precision);
  std::string text;
  switch (type) {
    case 'e':
      text = fmt::format("{:.{}e}", value, digits);
      break;
    case 'f':
      text = fmt::format("{:.{}f}", value, digits);
      break;
    case '%':
      return fmt::format("{:.{}f}%", value * 100, digits);
    default:
      text = alternate ? fmt::format("{:#.{}g}", value, digits)
                       : fmt::format("{:.{}g}", value, std::max(digits, 1));
  }
  if (type == '\0' && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string format_real(Heap& heap, double value, const Specification& spec) {
  const bool is_upper = spec.type == 'E' || spec.type == 'F' || spec.type == 'G';
  const char type = spec.type == 'n' ? 'g' : is_upper ? static_cast<char>(spec.type | 0x20) : spec.type;
  std::string digits = real_digits(heap, std::fabs(value), type, spec.precision, spec.alternate);
  if (is_upper) digits = upper(digits);
  if (spec.grouping != '\0') digits = group_digits(digits, spec.grouping, 3);
  const bool minus = std::signbit(value) && !std::isnan(value);
  return pad(heap, spec, sign_of(minus, spec.sign), digits, spec.align != '\0' ? spec.align : '>');
}

std::string format_string(Heap& heap, std::string text, const Specification& spec) {
  if (spec.align == '=' && spec.fill != "0") fault("'=' alignment not allowed in string format specifier");
  if (spec.precision >= 0) text = text.substr(0, byte_of(text, spec.precision));
  const char align = spec.align == '\0' || spec.align == '=' ? '<' : spec.align;
  return pad(heap, spec, "", text, align);
}

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// text % values, one conversion after another.
class PercentFormatter {
 public:
  PercentFormatter(Heap& heap, const Value& text, const Value& values)
      : heap_(heap), markup_(text.is_markup()), rest_(text.string()), values_(values) {}

  std::string run() {
    for (std::size_t at = rest_.find('%'); at != std::string_view::npos; at = rest_.find('%')) {
      out_ += rest_.substr(0, at);
      rest_.remove_prefix(at + 1);
      convert();
      heap_.step();
      heap_.reserve(out_.size());
    }
    out_ += rest_;
    if (!values_.is_dict() && !named_ && used_ < count())
      fault("not all arguments converted during string formatting");
    return out_;
  }

 private:
  bool is_tuple() const { return values_.is_sequence(SequenceKind::tuple); }
  std::size_t count() const { return is_tuple() ? values_.sequence()->items.size() : 1; }

  const Value& next() {
    if (used_ >= count()) fault("not enough arguments for format string");
    ++used_;
    return is_tuple() ? values_.sequence()->items[used_ - 1] : values_;
  }

  void convert() {
    const Value* named = read_key();
    Specification spec;
    bool left = false;
    for (;;) {
      if (take(rest_, '-'))
        left = true;
      else if (take(rest_, '0'))
        spec.fill = "0";
      else if (take(rest_, '+'))
        spec.sign = '+';
      else if (take(rest_, '#'))
        spec.alternate = true;
      else if (!rest_.empty() && rest_[0] == ' ') {
        if (spec.sign != '+') spec.sign = ' ';
        rest_.remove_prefix(1);
      } else
        break;
    }
    spec.width = read_size(left);
    if (take(rest_, '.')) {
      bool ignored = false;
      spec.precision = std::max<std::int64_t>(read_size(ignored), 0);
    }
    if (rest_.empty()) fault("incomplete format");
    const char type = rest_[0];
    rest_.remove_prefix(1);
    if (type == '%') {
      out_ += '%';
      return;
    }
    const Value& value = named != nullptr ? *named : next();
    put(value, spec, type, left);
  }

  const Value* read_key() {
    if (!take(rest_, '(')) return nullptr;
    const std::size_t end = rest_.find(')');
    if (end == std::string_view::npos) fault("incomplete format key");
    if (!values_.is_dict()) fault("format requires a mapping");
    const std::string key(rest_.substr(0, end));
    const Value* found = values_.dict()->find(key);
    if (found == nullptr) fault("the format key {} is missing", repr(key));
    rest_.remove_prefix(end + 1);
    named_ = true;
    return found;
  }

  std::int64_t read_size(bool& left) {
    if (!take(rest_, '*')) return read_number(rest_);
    const Value& size = next();
    if (!size.is_integer() || std::abs(size.integer()) > max_width)
      fault("* wants an integer of at most {}", max_width);
    if (size.integer() < 0) left = true;
    return std::abs(size.integer());
  }

  void put(const Value& value, Specification& spec, char type, bool left) {
    const bool zeros = spec.fill == "0" && !left;
    if (!zeros) spec.fill = " ";
    spec.align = left ? '<' : zeros ? '=' : '>';
    if (is_one_of(type, "sra")) {
      if (type == 'a') fault("the conversion '%a' is not supported");
      spec.fill = " ";
      spec.align = left ? '<' : '>';
      out_ += format_string(heap_, type == 's' ? text_within(heap_, value, markup_) : printed(value), spec);
    } else if (is_one_of(type, "diu")) {
      put_integer(value, spec);
    } else if (is_one_of(type, "xXo")) {
      if (!value.is_integer()) fault("%{} format: an integer is required, not {}", type, value.type_name());
      spec.type = type;
      put_integer(value, spec);
    } else if (is_one_of(type, "eEfFgG")) {
      require_defined(value);
      if (!value.is_number()) fault("must be real number, not {}", value.type_name());
      spec.type = type;
      out_ += format_real(heap_, value.number(), spec);
    } else if (type == 'c') {
      put_character(value, spec);
    } else {
      fault("unsupported format character '{}'", type);
    }
  }

  std::string printed(const Value& value) {
    const std::string text = to_repr(heap_, value);
    return markup_ ? escape_html(text) : text;
  }

  void put_integer(const Value& value, Specification& spec) {
    require_defined(value);
    if (!value.is_number()) fault("%d format: a real number is required, not {}", value.type_name());
    if (value.is_real() && !(std::fabs(value.real()) < 9e18)) fault("an integer does not fit in 64 bits");
    if (spec.precision > 0) fault("a precision of an integer is not supported");
    out_ += format_integer(heap_, value.is_real() ? static_cast<std::int64_t>(value.real()) : value.integer(),
                           spec);
  }

  void put_character(const Value& value, Specification& spec) {
    std::string text;
    if (value.is_integer() && value.integer() >= 0 && value.integer() < 0x110000)
      append_code_point(text, static_cast<char32_t>(value.integer()));
    else if (value.is_string())
      text = value.string();
    if (count_code_points(text) != 1) fault("%c requires int or char");
    spec.fill = " ";
    spec.align = spec.align == '<' ? '<' : '>';
    out_ += format_string(heap_, text, spec);
  }

  Heap& heap_;
  bool markup_;
  std::string_view rest_;
  const Value& values_;
  std::string out_;
  std::size_t used_ = 0;
  bool named_ = false;
};

}  // namespace

Value percent_format(Heap& heap, const Value& text, const Value& arguments) {
  heap.step_bytes(text.string().size());
  return heap.text(PercentFormatter(heap, text, arguments).run(), text.is_markup());
}

std::string format_value(Heap& heap, const Value& value, std::string_view specification) {
  if (specification.empty()) return to_string(heap, value);
  const Specification spec = parse_specification(specification);
  if (value.is_string()) {
    if (spec.type != '\0' && spec.type != 's')
      fault("Unknown format code '{}' for object of type 'str'", spec.type);
    if (spec.grouping != '\0') fault("Cannot specify '{}' with 's'.", spec.grouping);
    if (spec.sign != '-') fault("Sign not allowed in string format specifier");
    return format_string(heap, value.string(), spec);
  }
  const bool wants_real = is_one_of(spec.type, "eEfFgG%") && spec.type != '\0';
  if (value.is_integer() && !wants_real) {
    if (spec.type != '\0' && !is_one_of(spec.type, "bdoxXn")) {
      fault("Unknown format code '{}' for object of type 'int'", spec.type);
    }
    if (spec.precision >= 0) fault("Precision not allowed in integer format specifier");
    return format_integer(heap, value.integer(), spec);
  }
  if (!value.is_number()) fault("unsupported format string passed to {}.__format__", value.type_name());
  if (spec.type != '\0' && !is_one_of(spec.type, "eEfFgGn%")) {
    fault("Unknown format code '{}' for object of type 'float'", spec.type);
  }
  return format_real(heap, value.number(), spec);
}

}  // namespace artemis::jinja

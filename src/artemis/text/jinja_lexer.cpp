#include "artemis/text/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "artemis/core/error.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr std::array symbols{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                             "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

constexpr std::size_t max_source = 128 << 10;  // published ones have less than a quarter of it

// Line ends become \n, and one at the end of the text is dropped.
std::string normalize(std::string_view source) {
  std::string text;
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
      continue;
    }
    text += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    next_code_point(text, i);
    if (i == begin + 1 && (text[begin] & 0x80) != 0) return false;
  }
  return true;
}

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view where) : source_(normalize(source)), where_(where) {}

  std::vector<Token> run() {
    while (position_ < source_.size()) read_data();
    add(TokenKind::end);
    return std::move(tokens_);
  }

 private:
  template <typename... Args>
  [[noreturn]] void error(fmt::format_string<Args...> format, Args&&... args) {
    fail(line_of(where_, line()), format, std::forward<Args>(args)...);
  }

  int line() {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(position_), '\n'));
    counted_ = position_;
    return line_;
  }

  Token& add(TokenKind kind, std::string text = {}) {
    tokens_.push_back(Token{.kind = kind, .line = line(), .text = std::move(text)});
    return tokens_.back();
  }

  bool at(std::string_view text) const { return at(position_, text); }
  bool at(std::size_t position, std::string_view text) const {
    return std::string_view(source_).substr(position).starts_with(text);
  }

  std::size_t skip_space(std::size_t position) const {
    while (position < source_.size()) {
      std::size_t next = position;
      if (!is_space(next_code_point(source_, next))) break;
      position = next;
    }
    return position;
  }

  // Text up to the next tag, then the tag.
  void read_data() {
    const std::size_t begin = position_;
    std::size_t tag = source_.find('{', begin);
    while (tag != std::string::npos && !at(tag, "{{") && !at(tag, "{%") && !at(tag, "{#")) {
      tag = source_.find('{', tag + 1);
    }
    if (tag == std::string::npos) {
      add(TokenKind::data, source_.substr(begin));
      position_ = source_.size();
      return;
    }
    const std::size_t sign = tag + 2;
    add_data(begin, tag, source_[tag + 1] != '{', sign < source_.size() ? source_[sign] : '\0');
    position_ = tag;
    open_tag(sign + (at(sign, "-") || at(sign, "+") ? 1 : 0));
  }

  // Text before a tag: a tag with '-' strips it, and one that is no variable
  // takes the blanks before it on its line (lstrip_blocks) unless it has '+'.
  void add_data(std::size_t begin, std::size_t end, bool takes_blanks, char sign) {
    std::string_view text = std::string_view(source_).substr(begin, end - begin);
    if (sign == '-') {
      text = strip(text, Side::right);
    } else if (sign != '+' && takes_blanks) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line_start = newline == std::string_view::npos ? 0 : newline + 1;
      const bool starts_line = line_start > 0 || begin == 0 || source_[begin - 1] == '\n';
      if (starts_line && strip(text.substr(line_start), Side::left).empty())
        text = text.substr(0, line_start);
    }
    if (!text.empty()) add(TokenKind::data, std::string(text));
  }

  void open_tag(std::size_t inside) {
    const char kind = source_[position_ + 1];
    if (kind == '#') return read_comment(inside);
    if (kind == '%' && read_raw(inside)) return;
    add(kind == '{' ? TokenKind::variable_begin : TokenKind::block_begin);
    position_ = inside;
    read_expression(kind == '{');
  }

  void read_comment(std::size_t inside) {
    const std::size_t end = source_.find("#}", inside);
    if (end == std::string::npos) error("the comment has no end, expected '#}}'");
    position_ = end;
    close_tag(end > inside ? source_[end - 1] : '\0', true);
  }

  // Moves past a closing tag at the position, whose sign stands before it.
  void close_tag(char sign, bool trims_newline) {
    position_ += 2;
    if (sign == '-')
      position_ = skip_space(position_);
    else if (sign != '+' && trims_newline && at("\n"))
      ++position_;
  }

  // The position after a word with blanks around it, or npos.
  std::size_t after_word(std::size_t position, std::string_view word) const {
    position = skip_space(position);
    return at(position, word) ? skip_space(position + word.size()) : std::string::npos;
  }

  // A whole raw block, when the tag opens one.
  bool read_raw(std::size_t inside) {
    std::size_t end = after_word(inside, "raw");
    if (end == std::string::npos || !(at(end, "%}") || at(end, "-%}"))) return false;
    const bool strips = source_[end] == '-';
    end += strips ? 3 : 2;
    const std::size_t begin = strips ? skip_space(end) : end;
    for (std::size_t tag = source_.find("{%", begin); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const std::size_t close = after_word(tag + (sign == '-' || sign == '+' ? 3 : 2), "endraw");
      if (close == std::string::npos || !(at(close, "%}") || at(close, "-%}") || at(close, "+%}"))) continue;
      add_data(begin, tag, true, sign);
      const bool has_sign = source_[close] != '%';
      position_ = close + (has_sign ? 1 : 0);
      close_tag(has_sign ? source_[close] : '\0', true);
      return true;
    }
    error("the raw block has no end, expected '{{% endraw %}}'");
  }

  void read_expression(bool variable) {
    brackets_.clear();
    const std::string_view close = variable ? "}}" : "%}";
    for (;;) {
      position_ = skip_space(position_);
      if (position_ >= source_.size()) error("the template ends inside a tag, expected '{}'", close);
      if (brackets_.empty() && read_end(variable, close)) return;
      read_token();
    }
  }

  bool read_end(bool variable, std::string_view close) {
    const char sign = source_[position_];
    const bool has_sign = (sign == '-' || (sign == '+' && !variable)) && at(position_ + 1, close);
    if (!has_sign && !at(close)) return false;
    add(variable ? TokenKind::variable_end : TokenKind::block_end);
    if (has_sign) ++position_;
    close_tag(has_sign ? sign : '\0', !variable);
    return true;
  }

  void read_token() {
    const char c = source_[position_];
    std::size_t next = position_;
    if (is_ascii_digit(c)) return read_number();
    if (c == '\'' || c == '"') return read_string(c);
    if (is_identifier_part(next_code_point(source_, next))) return read_name();
    for (const std::string_view symbol : symbols) {
      if (!at(symbol)) continue;
      balance(symbol[0]);
      add(TokenKind::symbol, std::string(symbol));
      position_ += symbol.size();
      return;
    }
    error("unexpected character {}", repr(std::string_view(source_).substr(position_, next - position_)));
  }

  void balance(char c) {
    constexpr std::string_view opening = "([{";
    constexpr std::string_view closing = ")]}";
    if (const std::size_t open = opening.find(c); open != std::string_view::npos) {
      brackets_ += closing[open];
    } else if (closing.find(c) != std::string_view::npos) {
      if (brackets_.empty()) error("unexpected '{}', no bracket is open", c);
      if (brackets_.back() != c) error("unexpected '{}', expected '{}'", c, brackets_.back());
      brackets_.pop_back();
    }
  }

  void read_name() {
    std::size_t end = position_;
    std::size_t next = position_;
    if (!is_identifier_start(next_code_point(source_, next))) error("a name starts with a bad character");
    while (next <= source_.size()) {
      end = next;
      if (end == source_.size() || !is_identifier_part(next_code_point(source_, next))) break;
    }
    add(TokenKind::name, source_.substr(position_, end - position_));
    position_ = end;
  }

  // Digits with single '_' between them.
  template <typename IsDigit>
  std::size_t digits_end(std::size_t position, IsDigit is_digit_of, bool leading = false) const {
    if (!leading && (position >= source_.size() || !is_digit_of(source_[position]))) return position;
    while (position < source_.size()) {
      const std::size_t digit = source_[position] == '_' ? position + 1 : position;
      if (digit >= source_.size() || !is_digit_of(source_[digit])) break;
      position = digit + 1;
    }
    return position;
  }

  std::string digits(std::size_t begin, std::size_t end) const {
    std::string text = source_.substr(begin, end - begin);
    std::erase(text, '_');
    return text;
  }

  void read_number() {
    const std::size_t whole = digits_end(position_, is_ascii_digit);
    std::size_t end = whole;
    const bool after_dot = position_ > 0 && source_[position_ - 1] == '.';
    if (!after_dot && at(end, ".")) {
      const std::size_t fraction = digits_end(end + 1, is_ascii_digit);
      if (fraction > end + 1) end = fraction;
    }
    if (!after_dot && (at(end, "e") || at(end, "E"))) {
      const std::size_t exponent = end + 1 + (at(end + 1, "+") || at(end + 1, "-") ? 1 : 0);
      const std::size_t exponent_end = digits_end(exponent, is_ascii_digit);
      if (exponent_end > exponent) end = exponent_end;
    }
    if (end > whole)
      read_real(end);
    else
      read_integer(whole);
  }

  void read_real(std::size_t end) {
    Token& token = add(TokenKind::real);
    const std::string text = digits(position_, end);
    const auto result = std::from_chars(text.data(), text.data() + text.size(), token.real);
    if (result.ec == std::errc::result_out_of_range) token.real = std::strtod(text.c_str(), nullptr);
    position_ = end;
  }

  void read_integer(std::size_t decimal_end) {
    int base = 10;
    std::size_t begin = position_;
    std::size_t end = decimal_end;
    if (source_[position_] == '0' && position_ + 1 < source_.size()) {
      const char mark = static_cast<char>(source_[position_ + 1] | 0x20);
      base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
    }
    if (base != 10) {
      const auto of_base = [base](char c) {
        const int value = is_ascii_digit(c) ? c - '0' : (c | 0x20) >= 'a' ? (c | 0x20) - 'a' + 10 : 99;
        return value < base;
      };
      end = digits_end(position_ + 2, of_base, true);
      begin = end == position_ + 2 ? position_ : position_ + 2;
    }
    if (begin == position_ && source_[position_] == '0') {  // only zeros may follow a zero
      base = 10;
      end = digits_end(position_, [](char c) { return c == '0'; });
    }
    Token& token = add(TokenKind::integer);
    const std::string text = digits(begin, end);
    if (std::from_chars(text.data(), text.data() + text.size(), token.integer, base).ec != std::errc()) {
      error("the integer {} is too large, expected 64 bits",
            source_.substr(position_, std::min<std::size_t>(end - position_, 40)));
    }
    position_ = end;
  }

  void read_string(char quote) {
    std::string value;
    std::size_t i = position_ + 1;
    while (i < source_.size() && source_[i] != quote) {
      if (source_[i] == '\\')
        i = read_escape(i + 1, value);
      else
        value += source_[i++];
    }
    if (i >= source_.size()) error("the string has no end, expected {}", quote);
    add(TokenKind::string, std::move(value));
    position_ = i + 1;
  }

  // One escape after its backslash, as Python's unicode-escape reads it; the
  // position after it.
  std::size_t read_escape(std::size_t i, std::string& value) {
    if (i >= source_.size()) error("the string ends after a backslash");
    constexpr std::string_view names = "abfnrtv\\'\"";
    constexpr std::string_view values = "\a\b\f\n\r\t\v\\'\"";
    const char c = source_[i];
    if (const std::size_t found = names.find(c); found != std::string_view::npos) {
      value += values[found];
      return i + 1;
    }
    if (c == '\n') return i + 1;
    if (c == 'x') return read_code(i + 1, 2, 2, 16, value);
    if (c == 'u') return read_code(i + 1, 4, 4, 16, value);
    if (c == 'U') return read_code(i + 1, 8, 8, 16, value);
    if (c >= '0' && c <= '7') return read_code(i, 1, 3, 8, value);
    if (c == 'N') error("a string has '\\N', which is not supported");
    value += '\\';
    return i;
  }

  std::size_t read_code(std::size_t i, std::size_t least, std::size_t most, int base, std::string& value) {
    std::uint32_t code = 0;
    const char* begin = source_.data() + i;
    const char* end = begin + std::min(most, source_.size() - i);
    const auto result = std::from_chars(begin, end, code, base);
    const auto length = static_cast<std::size_t>(result.ptr - begin);
    if (result.ec != std::errc() || length < least) error("a string has an escape with too few digits");
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) error("a string has an escape of no character");
    append_code_point(value, code);
    return i + length;
  }

  std::string source_;
  std::string_view where_;
  std::size_t position_ = 0;
  std::size_t counted_ = 0;  // bytes whose line ends are in line_
  int line_ = 1;
  std::string brackets_;  // the closing brackets expected
  std::vector<Token> tokens_;
};

}  // namespace

std::string line_of(std::string_view where, int line) { return fmt::format("{}:{}", where, line); }

std::vector<Token> tokenize(std::string_view source, std::string_view where) {
  require(source.size() <= max_source, where, "the template has {} bytes, expected at most {}", source.size(),
          max_source);
  require(is_utf8(source), where, "the template is not valid UTF-8");
  return Lexer(source, where).run();
}

}  // namespace artemis::jinja

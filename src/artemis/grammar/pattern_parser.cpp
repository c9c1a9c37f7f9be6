#include <algorithm>
#include <cctype>

#include "artemis/core/error.h"
#include "artemis/grammar/pattern_term.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr std::size_t max_pattern = 4096;  // bytes
constexpr int max_groups = 64;             // in each other
constexpr std::uint32_t max_count = 1 << 20;

const CodePoints& digits() {
  static const CodePoints set{{'0', '9'}};
  return set;
}

const CodePoints& word_characters() {
  static const CodePoints set{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}

// ECMAScript's WhiteSpace and LineTerminator.
const CodePoints& spaces() {
  static const CodePoints set{{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                              {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                              {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return set;
}

CodePoints all_but_line_ends() { return CodePoints{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}.others(); }

}  // namespace

Pattern::Parser::Parser(std::string_view text, std::string_view where) : text_(text), where_(where) {
  require(text.size() <= max_pattern, where, "pattern of {} bytes, at most {}", text.size(), max_pattern);
  require(is_utf8(text), where, "pattern is no UTF-8");
}

void Pattern::Parser::refuse(std::size_t at, std::string_view what) const {
  fail(where_, "pattern '{}': {} at byte {}", text_, what, at);
}

bool Pattern::Parser::take(std::string_view token) {
  if (!text_.substr(std::min(at_, text_.size())).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

// Each outermost choice has its own anchors.
Pattern::Term Pattern::Parser::parse() {
  const Term any = Term::of_repeat(Term::of_set(CodePoints().others()), 0, Grammar::unlimited);
  std::vector<Term> choices;
  do {
    std::vector<Term> parts;
    if (!take("^")) parts.push_back(any);
    parts.push_back(sequence(0));
    if (!take("$")) parts.push_back(any);
    choices.push_back(Term::of_parts(Term::Kind::sequence, std::move(parts)));
  } while (take("|"));
  if (peek() == ')') refuse(at_, "')' without a group");
  if (!at_end()) refuse(at_, "'$' before the end is not supported");
  return Term::of_parts(Term::Kind::choice, std::move(choices));
}

Pattern::Term Pattern::Parser::choice(int depth) {
  std::vector<Term> choices;
  do choices.push_back(sequence(depth));
  while (take("|"));
  return Term::of_parts(Term::Kind::choice, std::move(choices));
}

Pattern::Term Pattern::Parser::sequence(int depth) {
  std::vector<Term> parts;
  while (!at_end() && peek() != '|' && peek() != ')' && peek() != '$') parts.push_back(repeated(atom(depth)));
  if (peek() == '$' && depth > 0) refuse(at_, "'$' inside a group is not supported");
  return Term::of_parts(Term::Kind::sequence, std::move(parts));
}

Pattern::Term Pattern::Parser::atom(int depth) {
  const std::size_t begin = at_;
  if (take("(")) {
    if (depth == max_groups) refuse(begin, "too many groups in each other");
    if (take("?<") && peek() != '=' && peek() != '!') {  // a name, of which nothing depends
      while (!at_end() && peek() != '>') ++at_;
      ++at_;
    } else if (at_ != begin + 1) {
      refuse(begin, "a look behind is not supported");
    } else if (!take("?:") && peek() == '?') {
      refuse(begin, "'(?' is supported as '(?:' and '(?<NAME>' alone");
    }
    Term inner = choice(depth + 1);
    if (!take(")")) refuse(begin, "'(' without its ')'");
    return inner;
  }
  if (peek() == '[') return Term::of_set(set());
  if (take(".")) return Term::of_set(all_but_line_ends());
  if (take("\\")) {
    CodePoints escaped;
    if (class_escape(peek(), escaped)) {
      ++at_;
      return Term::of_set(escaped);
    }
    const char32_t c = escaped_character();
    return Term::of_set({{c, c}});
  }
  if (peek() == '^') refuse(begin, "'^' behind the beginning is not supported");
  if (std::string_view("*+?{}]").find(peek()) != std::string_view::npos) {
    refuse(begin, fmt::format("'{}' has nothing to stand for", peek()));
  }
  const char32_t c = next_code_point(text_, at_);
  return Term::of_set({{c, c}});
}

Pattern::Term Pattern::Parser::repeated(Term term) {
  const std::size_t begin = at_;
  std::uint32_t min = 0;
  std::uint32_t max = Grammar::unlimited;
  if (take("*")) {
  } else if (take("+")) {
    min = 1;
  } else if (take("?")) {
    max = 1;
  } else if (take("{")) {
    min = max = count();
    if (take(",")) max = peek() == '}' ? Grammar::unlimited : count();
    if (!take("}")) refuse(begin, "'{' without its '}'");
    if (max < min) refuse(begin, "a repetition whose most is under its least");
  } else {
    return term;
  }
  take("?");  // lazy: the same texts match
  if (peek() == '+' || peek() == '*' || peek() == '?' || peek() == '{')
    refuse(at_, "a repetition of a repetition");
  if (term.min_length == 0 && max > 1) {
    // Turns that read nothing may be left out.
    if (max == Grammar::unlimited) {
      min = 0;
    } else if (term.kind == Term::Kind::repeat && term.parts[0].min_length > 0) {
      const std::uint64_t product = std::uint64_t{max} * term.max;
      max = term.max == Grammar::unlimited
                ? Grammar::unlimited
                : static_cast<std::uint32_t>(std::min<std::uint64_t>(product, max_count));
      if (max != Grammar::unlimited && product > max_count) refuse(begin, "a repetition that is too long");
      return Term::of_repeat(std::move(term.parts[0]), 0, max);
    } else {
      refuse(begin, "a counted repetition of what may be empty is not supported");
    }
  }
  return Term::of_repeat(std::move(term), min, max);
}

std::uint32_t Pattern::Parser::count() {
  const std::size_t begin = at_;
  std::uint32_t value = 0;
  for (; peek() >= '0' && peek() <= '9'; ++at_) {
    value = 10 * value + static_cast<std::uint32_t>(peek() - '0');
    if (value > max_count) refuse(begin, fmt::format("a count over {}", max_count));
  }
  if (at_ == begin) refuse(begin, "expected a count");
  return value;
}

CodePoints Pattern::Parser::set() {
  const std::size_t begin = at_++;
  const bool others = take("^");
  CodePoints result;
  while (!take("]")) {
    if (at_end()) refuse(begin, "'[' without its ']'");
    bool is_class = false;
    const std::size_t item = at_;
    const char32_t first = set_item(result, is_class);
    char32_t last = first;
    if (peek() == '-' && text_.substr(at_ + 1, 1) != "]" && at_ + 1 < text_.size()) {
      ++at_;
      bool ends_in_class = false;
      last = set_item(result, ends_in_class);
      if (is_class || ends_in_class || last < first) refuse(item, "a range that is none");
    }
    if (!is_class) result.add(first, last);
  }
  return others ? result.others() : result;
}

char32_t Pattern::Parser::set_item(CodePoints& set, bool& is_class) {
  if (peek() == '[' || text_.substr(at_).starts_with("&&") || text_.substr(at_).starts_with("--")) {
    refuse(at_, "sets of sets are not supported ('[', '&&', '--' in a set: escape them)");
  }
  if (!take("\\")) return next_code_point(text_, at_);
  is_class = class_escape(peek(), set);
  if (is_class) {
    ++at_;
    return 0;
  }
  if (take("b")) return '\b';
  if (take("-")) return '-';
  return escaped_character();
}

bool Pattern::Parser::class_escape(char c, CodePoints& set) const {
  switch (c) {
    case 'd':
      set.add(digits());
      return true;
    case 'D':
      set.add(digits().others());
      return true;
    case 'w':
      set.add(word_characters());
      return true;
    case 'W':
      set.add(word_characters().others());
      return true;
    case 's':
      set.add(spaces());
      return true;
    case 'S':
      set.add(spaces().others());
      return true;
    default:
      return false;
  }
}

char32_t Pattern::Parser::escaped_character() {
  const std::size_t begin = at_ - 1;
  if (at_end()) refuse(begin, "'\\' at the end");
  const char c = text_[at_];
  if (std::string_view("^$\\.*+?()[]{}|/-").find(c) != std::string_view::npos) {
    ++at_;
    return static_cast<unsigned char>(c);
  }
  ++at_;
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'v':
      return '\v';
    case 'f':
      return '\f';
    case 'r':
      return '\r';
    case 'x':
      return hex(2);
    case 'u': {
      char32_t value = hex(4);
      if (value >= 0xD800 && value <= 0xDBFF && take("\\u")) {
        const char32_t low = hex(4);
        if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
      }
      if (value >= 0xD800 && value <= 0xDFFF) refuse(begin, "half of a surrogate pair");
      return value;
    }
    default:
      // A mark that means nothing stands for itself; letters and digits might mean something.
      if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c))) {
        return static_cast<unsigned char>(c);
      }
      refuse(begin, "an escape that is not supported");
  }
}

char32_t Pattern::Parser::hex(std::size_t digits) {
  char32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at_) {
    const char c = peek();
    if (!std::isxdigit(static_cast<unsigned char>(c))) refuse(at_, "expected a hexadecimal digit");
    value = 16 * value + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

}  // namespace artemis

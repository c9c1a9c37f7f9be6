#include "artemis/text/regex_syntax.h"

#include "artemis/core/error.h"

namespace artemis {
namespace {

// Oniguruma's \w: letters, marks, numbers of the first two kinds, connectors, other alphabetic symbols;
// outside a set also the digits and fractions of Latin-1.
constexpr const char* set_word_members =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
constexpr const char* latin_word_members = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr const char* hexadecimal_members = "0-9A-Fa-f";

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  std::string run() {
    while (at_ < pattern_.size()) step();
    return std::move(out_);
  }

 private:
  bool follows(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }

  void copy(std::size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }

  void replace(std::size_t count, std::string_view text) {
    out_ += text;
    at_ += count;
  }

  [[noreturn]] void refuse(const char* what) const {
    fail(where_, "the regular expression '{}' has {} at byte {}, which is not supported", pattern_, what,
         at_);
  }

  void step() {
    if (pattern_[at_] == '\\') return escape();
    if (in_set_) return set_member();
    if (follows("(*")) refuse("a callout");
    if (follows("(?")) return group();
    if (follows("{,")) return replace(2, "{0,");
    if (pattern_[at_] == '[')
      open_set();
    else
      copy(1);
  }

  void open_set() {
    in_set_ = true;
    copy(1);
    if (follows("^")) copy(1);
    if (follows("]")) replace(1, "\\]");
  }

  void set_member() {
    if (follows("&&")) refuse("an intersection of sets");
    if (follows("[:")) refuse("a POSIX bracket");
    if (follows("[")) refuse("a set inside a set");
    in_set_ = !follows("]");
    copy(1);
  }

  // The options of a group: m there is s here.
  void group() {
    copy(2);
    const std::size_t end = pattern_.find_first_not_of("imx-", at_);
    if (end == std::string_view::npos || (pattern_[end] != ':' && pattern_[end] != ')')) return;
    while (at_ < end) {
      if (follows("m"))
        replace(1, "s");
      else
        copy(1);
    }
  }

  void escape() {
    if (follows("\\p{Han}")) return replace(7, "\\p{sc:Han}");
    if (follows("\\P{Han}")) return replace(7, "\\P{sc:Han}");
    switch (at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0') {
      case 'w':
        return members(word_members(), false);
      case 'W':
        return members(word_members(), true);
      case 'h':
        return members(hexadecimal_members, false);
      case 'H':
        return members(hexadecimal_members, true);
      case 'u':
        return code_point();
      case 'b':
        return in_set_ ? copy(2) : word_boundary(true);
      case 'B':
        return in_set_ ? copy(2) : word_boundary(false);
      default:
        return copy(2);
    }
  }

  std::string word_members() const {
    return in_set_ ? set_word_members : fmt::format("{}{}", set_word_members, latin_word_members);
  }

  void members(std::string_view list, bool negated) {
    if (in_set_ && negated) refuse("a negated class inside a set");
    replace(2, in_set_ ? std::string(list) : fmt::format("[{}{}]", negated ? "^" : "", list));
  }

  // Four hexadecimal digits.
  void code_point() {
    const std::string_view digits = pattern_.substr(at_ + 2).substr(0, 4);
    const bool good =
        digits.size() == 4 && digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (!good) refuse("a \\u without four hexadecimal digits");
    replace(6, fmt::format("\\x{{{}}}", digits));
  }

  // Between a word character and something else, or (not `edge`) between two of a kind.
  void word_boundary(bool edge) {
    const char* after_word = edge ? "?!" : "?=";
    const char* after_other = edge ? "?=" : "?!";
    replace(2, fmt::format("(?:(?<=[{0}])({1}[{0}])|(?<![{0}])({2}[{0}]))", word_members(), after_word,
                           after_other));
  }

  std::string_view pattern_;
  std::string_view where_;
  std::string out_;
  std::size_t at_ = 0;
  bool in_set_ = false;
};

}  // namespace

std::string to_pcre2(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).run();
}

}  // namespace artemis

// The inside of a Pattern.
#pragma once

#include <vector>

#include "artemis/grammar/pattern.h"

namespace artemis {

struct Pattern::Term {
  enum class Kind { set, sequence, choice, repeat };

  Kind kind = Kind::sequence;  // of nothing: the empty text
  CodePoints set{};
  std::vector<Term> parts{};  // one, of a repeat
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  // In characters, of this whole term.
  std::uint32_t min_length = 0;
  std::uint32_t max_length = 0;
  // How many places of counted repetitions a text may be in at once, at worst, with more weight where they
  // lie in each other around a wide set; and how many such repetitions there are.
  std::uint64_t places = 1;
  std::uint32_t counted = 0;
  bool wide = false;  // has a set that most tokens fit

  GrammarBuilder::Node add_to(GrammarBuilder& builder, TextStyle style, GrammarBuilder::Node next) const;

  static Term of_set(CodePoints set);
  static Term of_parts(Kind kind, std::vector<Term> parts);
  static Term of_repeat(Term part, std::uint32_t min, std::uint32_t max);
};

// Reads a pattern from left to right.
class Pattern::Parser {
 public:
  Parser(std::string_view text, std::string_view where);
  Term parse();

 private:
  Term choice(int depth);
  Term sequence(int depth);
  Term atom(int depth);
  Term repeated(Term term);
  CodePoints set();
  // A character of a set, or a class (\d), in which case the character does not count.
  char32_t set_item(CodePoints& set, bool& is_class);
  bool class_escape(char c, CodePoints& set) const;
  char32_t escaped_character();
  char32_t hex(std::size_t digits);
  std::uint32_t count();

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  bool take(std::string_view token);
  [[noreturn]] void refuse(std::size_t at, std::string_view what) const;

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
};

}  // namespace artemis

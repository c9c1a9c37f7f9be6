// The tokens of a Jinja template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace artemis::jinja {

enum class TokenKind : std::uint8_t {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  integer,
  real,
  symbol,  // an operator or bracket; its text says which
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  int line = 1;
  std::string text;  // data, names, symbols, the value of a string (UTF-8)
  std::int64_t integer = 0;
  double real = 0;
};

// The tokens of a template, ending with TokenKind::end; comments are dropped
// and whitespace control is applied. Throws Error with `where` and the line.
std::vector<Token> tokenize(std::string_view source, std::string_view where);

// The place of a line in errors: "where:line".
std::string line_of(std::string_view where, int line);

}  // namespace artemis::jinja

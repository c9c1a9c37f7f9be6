// Numbers between bounds, digit by digit.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "artemis/grammar/grammar.h"

namespace artemis {

// A number as decimal digits: -whole.fraction.
struct Decimal {
  bool negative = false;    // not of zero
  std::string whole = "0";  // no zeros before it
  std::string fraction{};   // no zeros behind it

  // Of a number's JSON text, exponents worked in; none for more than 40 digits before or behind the point.
  static std::optional<Decimal> parse(std::string_view text);
  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

// -1, 0 or 1 as a is below, equal to or above b.
int compare(const Decimal& a, const Decimal& b);

struct NumberRange {
  struct Bound {
    Decimal value;
    bool exclusive = false;
  };
  std::optional<Bound> min;
  std::optional<Bound> max;
};

// The numbers of the range without exponents: integers, or with at most 20 digits more behind the point than
// the bounds have. No -0.
GrammarBuilder::Node number_in_range(GrammarBuilder& builder, const NumberRange& range, bool integer,
                                     GrammarBuilder::Node next);

}  // namespace artemis

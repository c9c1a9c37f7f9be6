#include "artemis/grammar/number_range.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <tuple>

#include "artemis/grammar/json_text.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;
using Bound = NumberRange::Bound;

constexpr std::size_t max_bound_digits = 40;
constexpr std::uint32_t more_fraction_digits = 20;

// Numbers from 0 up: those between two bounds, neither of them negative.
class Positive {
 public:
  Positive(GrammarBuilder& builder, const Bound& low, const std::optional<Bound>& high, bool integer,
           Node next)
      : builder_(builder), low_(low), high_(high), integer_(integer), next_(next) {
    longest_ = low_.value.fraction.size();
    if (high_) longest_ = std::max(longest_, high_->value.fraction.size());
  }

  Node numbers() {
    std::vector<Node> branches;
    const std::size_t shortest = low_.value.whole.size();
    const std::size_t longest = high_ ? high_->value.whole.size() : shortest;
    for (std::size_t length = shortest; length <= longest; ++length) {
      const Edge edge{length == shortest, high_ && length == longest};
      branches.push_back(whole(length, 0, edge));
    }
    if (!high_ && shortest < JsonText::max_digits) {
      const Node rest = builder_.repeat(
          static_cast<std::uint32_t>(shortest), JsonText::max_digits - 1,
          [&](Node behind) { return digit('0', '9', behind); }, fraction(0, {}));
      branches.push_back(digit('1', '9', rest));
    }
    return builder_.split(branches);
  }

 private:
  // Whether the digits so far are those of the bound, so that the next one must not pass its.
  struct Edge {
    bool low = false;
    bool high = false;
  };

  Node digit(char first, char last, Node next) {
    return builder_.bytes(byte_range(static_cast<unsigned char>(first), static_cast<unsigned char>(last)),
                          next);
  }

  // The digits that may stand where the bounds' are `low` and `high`; `then` makes what follows.
  template <typename Then>
  Node digits(char least, Edge edge, char low, char high, const Then& then) {
    const char first = edge.low ? std::max(low, least) : least;
    const char last = edge.high ? high : '9';
    std::vector<Node> branches;
    for (char c = first; c <= last; ++c) {
      const Edge after{edge.low && c == low, edge.high && c == high};
      char end = c;
      if (!after.low && !after.high) {  // so are all up to the high bound's
        end = edge.high ? static_cast<char>(high - 1) : '9';
      }
      branches.push_back(digit(c, end, then(after)));
      c = end;
    }
    return builder_.split(branches);
  }

  // From digit `at` of a whole part of `length` digits on.
  Node whole(std::size_t length, std::size_t at, Edge edge) {
    if (at == length) return fraction(0, edge);
    const auto [found, added] = wholes_.try_emplace({length, at, edge.low, edge.high}, 0);
    if (!added) return found->second;
    const char least = at == 0 && length > 1 ? '1' : '0';
    const Node node =
        digits(least, edge, edge.low ? low_.value.whole[at] : '0', edge.high ? high_->value.whole[at] : '9',
               [&](Edge after) { return whole(length, at + 1, after); });
    return wholes_[{length, at, edge.low, edge.high}] = node;
  }

  static char fraction_digit(const Bound& bound, std::size_t at) {
    return at < bound.value.fraction.size() ? bound.value.fraction[at] : '0';
  }

  // Whether a number may end behind `at` digits of its fraction.
  bool may_end(std::size_t at, Edge edge) const {
    if (edge.low && (at < low_.value.fraction.size() || low_.exclusive)) return false;
    return !(edge.high && high_->exclusive && at >= high_->value.fraction.size());
  }

  // From digit `at` of the fraction on; the point stands before the first.
  Node fraction(std::size_t at, Edge edge) {
    if (integer_) return may_end(0, edge) ? next_ : builder_.split({});
    const std::size_t most = longest_ + more_fraction_digits;
    const auto [found, added] = fractions_.try_emplace({at, edge.low, edge.high}, 0);
    if (!added) return found->second;
    std::vector<Node> branches;
    if (may_end(at, edge)) branches.push_back(next_);
    if (at < most) {
      Node more = 0;
      if (!edge.low && !edge.high) {
        const auto rest = static_cast<std::uint32_t>(most - at);
        more = builder_.repeat(
            1, rest, [&](Node behind) { return digit('0', '9', behind); }, next_);
      } else {
        more = digits('0', edge, fraction_digit(low_, at), high_ ? fraction_digit(*high_, at) : '9',
                      [&](Edge after) { return fraction(at + 1, after); });
      }
      branches.push_back(at == 0 ? builder_.byte('.', more) : more);
    }
    return fractions_[{at, edge.low, edge.high}] = builder_.split(branches);
  }

  GrammarBuilder& builder_;
  const Bound& low_;
  const std::optional<Bound>& high_;
  bool integer_;
  Node next_;
  std::size_t longest_ = 0;  // digits of a bound's fraction
  std::map<std::tuple<std::size_t, std::size_t, bool, bool>, Node> wholes_;
  std::map<std::tuple<std::size_t, bool, bool>, Node> fractions_;
};

int compare_sizes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  // Without zeros at their ends, fractions are in the order of their texts.
  const int order = whole != 0 ? whole : a.fraction.compare(b.fraction);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

Bound turned(Bound bound) {
  bound.value.negative = !bound.value.negative && !bound.value.is_zero();
  return bound;
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Decimal result;
  result.negative = text.starts_with('-');
  if (result.negative) text.remove_prefix(1);
  int exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != text.npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec != std::errc())
      return std::nullopt;
    text = text.substr(0, e);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  // Where the point stands in `digits`.
  long long place = static_cast<long long>(point) + exponent;
  if (std::abs(place) > 100 || digits.size() > 100) return std::nullopt;
  for (; place < 0; ++place) digits.insert(0, 1, '0');
  while (place > static_cast<long long>(digits.size())) digits += '0';
  result.whole = digits.substr(0, static_cast<std::size_t>(place));
  result.fraction = digits.substr(static_cast<std::size_t>(place));
  result.whole.erase(0, std::min(result.whole.find_first_not_of('0'), result.whole.size()));
  if (result.whole.empty()) result.whole = "0";
  result.fraction.erase(result.fraction.find_last_not_of('0') + 1);
  if (result.is_zero()) result.negative = false;
  if (result.whole.size() > max_bound_digits || result.fraction.size() > max_bound_digits)
    return std::nullopt;
  return result;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

Node number_in_range(GrammarBuilder& builder, const NumberRange& range, bool integer, Node next) {
  std::vector<Node> branches;
  if (range.min && range.max) {
    const int order = compare(range.min->value, range.max->value);
    if (order > 0 || (order == 0 && (range.min->exclusive || range.max->exclusive))) return builder.split({});
  }
  const Bound zero{};
  if (!range.max || !range.max->value.negative) {
    const bool above = range.min && !range.min->value.negative;
    branches.push_back(Positive(builder, above ? *range.min : zero, range.max, integer, next).numbers());
  }
  // The negative ones are the same turned around, without 0.
  const bool below = range.max && (range.max->value.negative || range.max->value.is_zero());
  Bound least = below ? turned(*range.max) : zero;
  if (least.value.is_zero()) least.exclusive = true;
  std::optional<Bound> most;
  if (range.min) most = turned(*range.min);
  const bool any = !range.min || (range.min->value.negative && compare(least.value, most->value) <= 0);
  if (any) branches.push_back(builder.byte('-', Positive(builder, least, most, integer, next).numbers()));
  return builder.split(branches);
}

}  // namespace artemis

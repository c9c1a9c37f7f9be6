#include "artemis/grammar/code_points.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "artemis/text/utf8.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

constexpr char32_t first_surrogate = 0xD800;
constexpr char32_t last_surrogate = 0xDFFF;

// Ranges of code points as sequences of ranges of bytes; what ends alike is one node.
class Utf8Ranges {
 public:
  Utf8Ranges(GrammarBuilder& builder, Node next) : builder_(builder), next_(next) {}

  // `first` and `last` are encoded in equally many bytes.
  void add(char32_t first, char32_t last) {
    // Cut so that all but one byte of the encodings run through all of their values, or are fixed.
    for (const char32_t bits : {0x3Fu, 0xFFFu, 0x3FFFFu}) {
      if ((first & ~bits) == (last & ~bits)) continue;
      if ((first & bits) != 0) {
        add(first, first | bits);
        add((first | bits) + 1, last);
        return;
      }
      if ((last & bits) != bits) {
        add(first, (last & ~bits) - 1);
        add(last & ~bits, last);
        return;
      }
    }
    std::string low;
    std::string high;
    append_code_point(low, first);
    append_code_point(high, last);
    Node node = next_;
    for (std::size_t i = low.size(); i > 0; --i) {
      node = bytes(static_cast<unsigned char>(low[i - 1]), static_cast<unsigned char>(high[i - 1]), node);
    }
    branches.push_back(node);
  }

  std::vector<Node> branches;

 private:
  Node bytes(unsigned char first, unsigned char last, Node next) {
    const auto [found, added] = made_.try_emplace({first, last, next}, 0);
    if (added) found->second = builder_.bytes(byte_range(first, last), next);
    return found->second;
  }

  GrammarBuilder& builder_;
  Node next_;
  std::map<std::tuple<unsigned char, unsigned char, Node>, Node> made_;
};

// What follows the backslash of an escaped character.
std::string escape_of(unsigned char c) {
  switch (c) {
    case '"':
    case '\\':
      return std::string(1, static_cast<char>(c));
    case '\b':
      return "b";
    case '\f':
      return "f";
    case '\n':
      return "n";
    case '\r':
      return "r";
    case '\t':
      return "t";
    default:
      return fmt::format("u{:04x}", c);
  }
}

}  // namespace

CodePoints::CodePoints(std::initializer_list<Range> ranges) {
  for (const Range& range : ranges) add(range.first, range.last);
}

void CodePoints::add(char32_t first, char32_t last) {
  if (first <= last_surrogate && last >= first_surrogate) {
    if (first < first_surrogate) add(first, first_surrogate - 1);
    if (last > last_surrogate) add(last_surrogate + 1, last);
    return;
  }
  // All that overlap or touch become one.
  const auto begin = std::lower_bound(ranges_.begin(), ranges_.end(), first,
                                      [](const Range& range, char32_t at) { return range.last + 1 < at; });
  auto end = begin;
  for (; end != ranges_.end() && end->first <= last + 1; ++end) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
  }
  ranges_.insert(ranges_.erase(begin, end), {first, last});
}

void CodePoints::add(const CodePoints& more) {
  for (const Range& range : more.ranges_) add(range.first, range.last);
}

CodePoints CodePoints::others() const {
  CodePoints result;
  char32_t next = 0;
  for (const Range& range : ranges_) {
    if (range.first > next) result.add(next, range.first - 1);
    next = range.last + 1;
  }
  if (next <= largest) result.add(next, largest);
  return result;
}

CodePoints CodePoints::without(const CodePoints& less) const {
  CodePoints rest = others();
  rest.add(less);
  return rest.others();
}

Node character(GrammarBuilder& builder, const CodePoints& set, TextStyle style, Node next) {
  ByteSet plain;
  std::vector<std::string> escapes;
  Utf8Ranges longer(builder, next);
  static constexpr std::array<CodePoints::Range, 3> by_length{
      {{0x80, 0x7FF}, {0x800, 0xFFFF}, {0x10000, CodePoints::largest}}};
  for (const CodePoints::Range& range : set.ranges()) {
    for (char32_t c = range.first; c <= std::min<char32_t>(range.last, 0x7F); ++c) {
      const auto byte = static_cast<unsigned char>(c);
      const bool escaped = style != TextStyle::plain && (c < 0x20 || c == '"' || c == '\\');
      if (escaped || (style == TextStyle::json_call && c == '<')) {
        escapes.push_back(escape_of(byte));
      } else {
        plain.set(byte);
      }
    }
    for (const CodePoints::Range& length : by_length) {
      const char32_t first = std::max(range.first, length.first);
      const char32_t last = std::min(range.last, length.last);
      if (first <= last) longer.add(first, last);
    }
  }
  std::vector<Node> branches = std::move(longer.branches);
  if (plain.any()) branches.push_back(builder.bytes(plain, next));
  if (!escapes.empty()) branches.push_back(builder.byte('\\', builder.one_of(escapes, next)));
  return branches.size() == 1 ? branches.front() : builder.split(branches);
}

}  // namespace artemis

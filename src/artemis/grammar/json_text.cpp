#include "artemis/grammar/json_text.h"

#include <array>
#include <memory>

#include "artemis/grammar/mask_cache.h"

namespace artemis {
namespace {

constexpr std::uint32_t max_indent = 40;
constexpr std::uint32_t max_exponent_digits = 2;  // more would be no number in most readers

const ByteSet& digits() {
  static const ByteSet set = byte_range('0', '9');
  return set;
}

const ByteSet& hex_digits() {
  static const ByteSet set = bytes_of("0123456789abcdefABCDEF");
  return set;
}

}  // namespace

JsonText::JsonText(GrammarBuilder& b, bool in_call) : builder_(b), in_call_(in_call) {
  indent_ = b.rule([&](Node end) {
    return b.repeat(
        0, max_indent, [&](Node next) { return b.byte(' ', next); }, end);
  });
  string_ = b.rule([&](Node end) { return b.byte('"', characters(b.byte('"', end))); });
  const auto some_digits = [&](std::uint32_t min, std::uint32_t max, Node next) {
    return b.repeat(
        min, max, [&](Node behind) { return b.bytes(digits(), behind); }, next);
  };
  const auto whole = [&](Node next) {
    const Node positive =
        b.split({b.byte('0', next), b.bytes(byte_range('1', '9'), some_digits(0, max_digits - 1, next))});
    return b.split({b.byte('-', positive), positive});
  };
  integer_ = b.rule(whole);
  number_ = b.rule([&](Node end) {
    const Node exponent = b.optional(
        [&](Node next) {
          const Node power = some_digits(1, max_exponent_digits, next);
          return b.bytes(bytes_of("eE"), b.split({b.bytes(bytes_of("+-"), power), power}));
        },
        end);
    return whole(
        b.optional([&](Node next) { return b.byte('.', some_digits(1, max_digits, next)); }, exponent));
  });
  value_ = b.declare();
  array_ = b.rule([&](Node end) {
    return list(
        '[', ']', 0, Grammar::unlimited, [&](Node next) { return value(next); }, end);
  });
  object_ = b.rule([&](Node end) {
    const auto member = [&](Node next) { return string(b.byte(':', space(value(next)))); };
    return list('{', '}', 0, Grammar::unlimited, member, end);
  });
  b.define(value_, [&](Node end) {
    return b.split(
        {string(end), number(end), b.one_of({"true", "false", "null"}, end), object(end), array(end)});
  });
  static const std::array shared{std::make_shared<MaskCache>(), std::make_shared<MaskCache>()};
  b.share(shared[in_call ? 1 : 0]);
}

JsonText::Node JsonText::gap(Node next) {
  return builder_.split({next, builder_.byte(' ', next), builder_.byte('\n', builder_.call(indent_, next))});
}

JsonText::Node JsonText::space(Node next) { return builder_.split({next, builder_.byte(' ', next)}); }

// All characters of a string, each for itself and not by calls of a rule: a token of many characters is then
// judged without a look at the stack.
JsonText::Node JsonText::characters(Node next) {
  GrammarBuilder& b = builder_;
  if (!in_call_)
    return b.repeat(
        0, Grammar::unlimited, [&](Node behind) { return character("", behind); }, next);
  // Behind '<' comes no '/' but an escaped one.
  const auto marks = [&](Node behind) {
    return b.repeat(
        1, Grammar::unlimited, [&](Node last) { return b.byte('<', last); }, behind);
  };
  const auto unit = [&](Node behind) {
    return b.split({character("<", behind), marks(character("</", behind))});
  };
  return b.repeat(0, Grammar::unlimited, unit, b.split({next, marks(next)}));
}

JsonText::Node JsonText::character(std::string_view without, Node next) {
  GrammarBuilder& b = builder_;
  const auto set = [](unsigned char first, unsigned char last) { return byte_range(first, last); };
  const ByteSet plain = set(0x20, 0x7F) & ~bytes_of("\"\\") & ~bytes_of(without);
  // UTF-8 as the Unicode standard's table 3-7 has it.
  const Node tail1 = b.bytes(set(0x80, 0xBF), next);
  const Node tail2 = b.bytes(set(0x80, 0xBF), tail1);
  const Node tail3 = b.bytes(set(0x80, 0xBF), tail2);
  const std::vector<Node> multibyte{
      b.bytes(set(0xC2, 0xDF), tail1),
      b.byte('\xE0', b.bytes(set(0xA0, 0xBF), tail1)),
      b.bytes(set(0xE1, 0xEC) | set(0xEE, 0xEF), tail2),
      b.byte('\xED', b.bytes(set(0x80, 0x9F), tail1)),
      b.byte('\xF0', b.bytes(set(0x90, 0xBF), tail2)),
      b.bytes(set(0xF1, 0xF3), tail3),
      b.byte('\xF4', b.bytes(set(0x80, 0x8F), tail2)),
  };
  // \uXXXX: no surrogate, or a high one and a low one.
  const Node hex2 = b.bytes(hex_digits(), b.bytes(hex_digits(), next));
  const Node hex3 = b.bytes(hex_digits(), hex2);
  const Node low = b.literal("\\u", b.bytes(bytes_of("dD"), b.bytes(bytes_of("cdefCDEF"), hex2)));
  const Node high = b.bytes(bytes_of("89abAB"), b.bytes(hex_digits(), b.bytes(hex_digits(), low)));
  const Node code = b.split({
      b.bytes(bytes_of("0123456789abcefABCEF"), hex3),
      b.bytes(bytes_of("dD"), b.split({b.bytes(byte_range('0', '7'), hex2), high})),
  });
  const Node escape = b.split({b.bytes(bytes_of("\"\\/bfnrt"), next), b.byte('u', code)});
  std::vector<Node> all{b.bytes(plain, next), b.byte('\\', escape)};
  all.insert(all.end(), multibyte.begin(), multibyte.end());
  return b.split(all);
}

JsonText::Node JsonText::characters(std::uint32_t min, std::uint32_t max, Node next) {
  return builder_.repeat(
      min, max, [&](Node behind) { return character(in_call_ ? "<" : "", behind); }, next);
}

JsonText::Node JsonText::list(char open, char close, std::uint32_t min, std::uint32_t max,
                              const GrammarBuilder::Part& item, Node next) {
  GrammarBuilder& b = builder_;
  const Node end = gap(b.byte(close, next));
  if (max == 0) return b.byte(open, end);
  const auto further = [&](Node behind) { return b.byte(',', gap(item(behind))); };
  const std::uint32_t more = max == Grammar::unlimited ? max : max - 1;
  const Node items = item(b.repeat(min == 0 ? 0 : min - 1, more, further, end));
  const Node begin = gap(min == 0 ? b.split({items, b.byte(close, next)}) : items);
  return b.byte(open, begin);
}

JsonText::Node JsonText::key(std::string_view quoted, Node next) {
  return builder_.literal(quoted, builder_.byte(':', space(next)));
}

}  // namespace artemis

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "artemis/grammar/code_points.h"
#include "artemis/grammar/json_schema.h"

namespace artemis {
namespace {

using Node = GrammarBuilder::Node;

// The bytes of a character that are still to come, and which the next of them may be.
struct Rest {
  int bytes = 0;  // none: the character is whole
  unsigned char first = 0x80;
  unsigned char last = 0xBF;
};

// Behind the first byte of a character (Unicode standard, table 3-7).
Rest rest_of(unsigned char lead) {
  if (lead < 0x80) return {};
  if (lead < 0xE0) return {1};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead < 0xF0) return {2};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {3};
}

// Behind one byte more.
Rest after(Rest rest, unsigned char byte) { return rest.bytes == 0 ? rest_of(byte) : Rest{rest.bytes - 1}; }

// Whether the byte may stand there, in a string without escapes.
bool fits(Rest rest, unsigned char byte) {
  if (rest.bytes > 0) return byte >= rest.first && byte <= rest.last;
  return (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\' && byte != '<') ||
         (byte >= 0xC2 && byte <= 0xF4);
}

// A place behind the beginning that some of the taken keys share.
struct Shared {
  std::vector<std::pair<unsigned char, Node>> next;  // the bytes by which they go on
  bool ends = false;                                 // whether one of them ends here
};

class OtherKeys {
 public:
  OtherKeys(GrammarBuilder& builder, Node next) : builder_(builder), quote_(builder.byte('"', next)) {
    const CodePoints plain{{0x20, 0x21}, {0x23, 0x3B}, {0x3D, 0x5B}, {0x5D, CodePoints::largest}};
    free_[0] = builder_.repeat(
        0, Grammar::unlimited,
        [&](Node behind) { return character(builder_, plain, TextStyle::plain, behind); }, quote_);
    for (std::size_t i = 1; i < free_.size(); ++i)
      free_[i] = builder_.bytes(byte_range(0x80, 0xBF), free_[i - 1]);
  }

  Node at(const Shared& shared, Rest rest) {
    std::vector<Node> branches;
    ByteSet taken;
    for (const auto& [byte, node] : shared.next) {
      taken.set(byte);
      branches.push_back(builder_.byte(static_cast<char>(byte), node));
    }
    if (rest.bytes == 0 && !shared.ends) branches.push_back(quote_);
    // Every other byte leaves the taken keys for good.
    std::map<std::tuple<int, unsigned char, unsigned char>, ByteSet> leaving;
    for (unsigned value = 0; value < 256; ++value) {
      const auto byte = static_cast<unsigned char>(value);
      if (!fits(rest, byte) || taken[value]) continue;
      const Rest behind = after(rest, byte);
      leaving[{behind.bytes, behind.first, behind.last}].set(value);
    }
    for (const auto& [key, set] : leaving) {
      const auto [bytes, first, last] = key;
      branches.push_back(builder_.bytes(set, free({bytes, first, last})));
    }
    return builder_.split(branches);
  }

 private:
  Node free(Rest rest) {
    const auto bytes = static_cast<std::size_t>(rest.bytes);
    if (rest.bytes == 0 || (rest.first == 0x80 && rest.last == 0xBF)) return free_[bytes];
    return builder_.bytes(byte_range(rest.first, rest.last), free_[bytes - 1]);
  }

  GrammarBuilder& builder_;
  Node quote_;
  std::array<Node, 4> free_{};  // any characters behind so many bytes that are still to come of one
};

}  // namespace

// As GrammarBuilder::one_of, from the last key to the first.
Node other_key(GrammarBuilder& builder, const std::vector<std::string>& taken, Node next) {
  std::vector<std::string> keys;
  for (const std::string& quoted : taken) {
    // A string without escapes is no key with some.
    if (quoted.find('\\') == quoted.npos) keys.push_back(quoted.substr(1, quoted.size() - 2));
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  OtherKeys others(builder, next);
  std::vector<Shared> open(1);
  for (std::size_t k = keys.size(); k > 0; --k) {
    const std::string& key = keys[k - 1];
    const std::string_view before = k > 1 ? std::string_view(keys[k - 2]) : std::string_view();
    const auto differ = std::mismatch(key.begin(), key.end(), before.begin(), before.end());
    const auto shared = static_cast<std::size_t>(differ.first - key.begin());
    std::vector<Rest> rests(1);
    for (const char c : key) rests.push_back(after(rests.back(), static_cast<unsigned char>(c)));
    open.resize(std::max(open.size(), key.size() + 1));
    open[key.size()].ends = true;
    for (std::size_t length = key.size(); length > shared; --length) {
      const Node node = others.at(open[length], rests[length]);
      open[length] = {};
      open[length - 1].next.emplace_back(static_cast<unsigned char>(key[length - 1]), node);
    }
  }
  return others.at(open[0], {});
}

}  // namespace artemis

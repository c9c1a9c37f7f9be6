#include "artemis/text/pre_tokenizer.h"

#include "artemis/core/error.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/splitter.h"
#include "artemis/text/unicode.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

constexpr const char* gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* punctuation_pattern = R"([\p{P}\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}])";
constexpr const char* default_metaspace = "\xE2\x96\x81";

// Puts write(piece, at, out) in every piece's place; it began at `at`.
template <typename Write>
void rewrite(Pieces& pieces, const Write& write) {
  std::string out;
  out.reserve(pieces.text.size() + pieces.ranges.size());
  for (TextRange& range : pieces.ranges) {
    const std::size_t begin = out.size();
    write(pieces.piece(range), range.begin, out);
    range = {begin, out.size()};
  }
  pieces.changed = std::move(out);
  pieces.text = pieces.changed;
}

void prefix_spaces(Pieces& pieces) {
  rewrite(pieces, [](std::string_view piece, std::size_t, std::string& out) {
    if (!piece.starts_with(' ')) out += ' ';
    out += piece;
  });
}

// The regular expression \w+|[^\w\s]+: runs of word characters, and of what is neither these nor space.
void cut_words(Pieces& pieces) {
  enum class Kind : std::uint8_t { none, space, word, other };
  pieces.spare.clear();
  for (const TextRange range : pieces.ranges) {
    Kind last = Kind::none;
    for (std::size_t at = range.begin; at < range.end;) {
      const std::size_t begin = at;
      const char32_t c = next_code_point(pieces.text, at);
      const Kind kind = is_white_space(c) ? Kind::space : is_word_character(c) ? Kind::word : Kind::other;
      if (kind == last && kind != Kind::space) {
        pieces.spare.back().end = at;
      } else if (kind != Kind::space) {
        pieces.spare.push_back({begin, at});
      }
      last = kind;
    }
  }
  std::swap(pieces.ranges, pieces.spare);
}

}  // namespace

PreTokenizer PreTokenizer::from_json(const SortedJson& json, const std::string& where) {
  PreTokenizer pre_tokenizer;
  pre_tokenizer.add(json, where);
  return pre_tokenizer;
}

void PreTokenizer::add(const SortedJson& json, const std::string& where) {
  if (json.is_null()) return;
  require(!byte_level_, where,
          "a pre-tokenizer comes after ByteLevel, which is supported as the last one only");
  const auto type = json_get<std::string>(json, "type", where);
  const auto add_splitter = [&](const Splitter& splitter) {
    steps_.push_back([splitter](Pieces& pieces, bool) { splitter(pieces); });
  };
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "pretokenizers", where)) add(inner, where);
  } else if (type == "Split") {
    add_splitter(Splitter::from_json(json, where));
  } else if (type == "ByteLevel") {
    add_byte_level(json, where);
  } else if (type == "Digits") {
    const bool alone = json_get_or<bool>(json, "individual_digits", where, false);
    add_splitter({"\\p{N}", alone ? SplitBehavior::isolated : SplitBehavior::contiguous, false, where});
  } else if (type == "Metaspace") {
    add_metaspace(json, where);
  } else if (type == "Whitespace") {
    steps_.push_back([](Pieces& pieces, bool) { cut_words(pieces); });
  } else if (type == "WhitespaceSplit") {
    add_splitter({"\\s", SplitBehavior::removed, false, where});
  } else if (type == "Punctuation") {
    const auto behavior = json_get_or<std::string>(json, "behavior", where, "Isolated");
    add_splitter({punctuation_pattern, split_behavior(behavior, where), false, where});
  } else if (type == "CharDelimiterSplit") {
    const auto delimiter = json_get<std::string>(json, "delimiter", where);
    require(!delimiter.empty(), where, "a CharDelimiterSplit has an empty 'delimiter'");
    add_splitter({quote_regex(delimiter), SplitBehavior::removed, false, where});
  } else {
    fail(where, "pre-tokenizer '{}' is not supported", type);
  }
}

void PreTokenizer::add_byte_level(const SortedJson& json, const std::string& where) {
  byte_level_ = true;
  if (json_get_or<bool>(json, "add_prefix_space", where, true)) {
    steps_.push_back([](Pieces& pieces, bool) { prefix_spaces(pieces); });
  }
  if (json_get_or<bool>(json, "use_regex", where, true)) {
    steps_.push_back([splitter = Splitter(gpt2_pattern, SplitBehavior::isolated, false, where)](
                         Pieces& pieces, bool) { splitter(pieces); });
  }
}

void PreTokenizer::add_metaspace(const SortedJson& json, const std::string& where) {
  const auto mark = json_get_or<std::string>(json, "replacement", where, default_metaspace);
  auto scheme = json_get_or<std::string>(json, "prepend_scheme", where, "always");
  if (!json_get_or<bool>(json, "add_prefix_space", where, true)) scheme = "never";
  require(scheme == "always" || scheme == "first" || scheme == "never", where,
          "prepend_scheme '{}' is not supported, expected always, first or never", scheme);
  require(!mark.empty(), where, "a Metaspace has an empty 'replacement'");
  steps_.push_back([mark, scheme](Pieces& pieces, bool first) {
    rewrite(pieces, [&](std::string_view piece, std::size_t at, std::string& out) {
      const bool wanted = scheme == "always" || (scheme == "first" && first && at == 0);
      if (wanted && !piece.starts_with(mark) && !piece.starts_with(' ')) out += mark;
      out += replace_all(piece, " ", mark);
    });
  });
  if (json_get_or<bool>(json, "split", where, true)) {
    const Splitter splitter(quote_regex(mark), SplitBehavior::merged_with_next, false, where);
    steps_.push_back([splitter](Pieces& pieces, bool) { splitter(pieces); });
  }
}

void PreTokenizer::cut(std::string_view text, bool first, Pieces& pieces) const {
  pieces.text = text;
  pieces.ranges.clear();
  if (!text.empty()) pieces.ranges.push_back({0, text.size()});
  for (const Step& step : steps_) step(pieces, first);
}

}  // namespace artemis

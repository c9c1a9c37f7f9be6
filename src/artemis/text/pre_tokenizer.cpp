#include "artemis/text/pre_tokenizer.h"

#include <memory>

#include "artemis/core/error.h"
#include "artemis/text/normalizer.h"
#include "artemis/text/regex.h"

namespace artemis {
namespace {

constexpr const char* gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// What becomes of the matches of a Split (tokenizers' SplitDelimiterBehavior).
enum class Behavior : std::uint8_t { isolated, removed, contiguous, merged_with_previous, merged_with_next };

Behavior parse_behavior(const std::string& name, const std::string& where) {
  if (name == "Isolated") return Behavior::isolated;
  if (name == "Removed") return Behavior::removed;
  if (name == "Contiguous") return Behavior::contiguous;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  fail(where, "split behavior '{}' is not supported", name);
}

struct Part {
  std::size_t begin;
  std::size_t end;
  bool match;
};

// Matches and what lies between them.
std::vector<Part> parts_of(std::string_view text, const Regex& regex, bool invert) {
  std::vector<Part> parts;
  std::size_t last = 0;
  const auto add = [&](std::size_t begin, std::size_t end, bool match) {
    if (begin < end) parts.push_back({begin, end, match != invert});
  };
  regex.for_each_match(text, [&](std::size_t begin, std::size_t end) {
    add(last, begin, false);
    add(begin, end, true);
    last = end;
  });
  add(last, text.size(), false);
  return parts;
}

// Joins a part to the one before it where `joins(previous, part)`.
template <typename Joins>
std::vector<Part> join(const std::vector<Part>& parts, const Joins& joins) {
  std::vector<Part> joined;
  const Part* previous = nullptr;
  for (const Part& part : parts) {
    if (previous != nullptr && joins(*previous, part)) {
      joined.back().end = part.end;
    } else {
      joined.push_back(part);
    }
    previous = &part;
  }
  return joined;
}

std::vector<Part> apply(std::vector<Part> parts, Behavior behavior) {
  switch (behavior) {
    case Behavior::isolated:
      return parts;
    case Behavior::removed:
      std::erase_if(parts, [](const Part& part) { return part.match; });
      return parts;
    case Behavior::contiguous:
      return join(parts, [](const Part& a, const Part& b) { return a.match == b.match; });
    case Behavior::merged_with_previous:
      return join(parts, [](const Part& a, const Part& b) { return b.match && !a.match; });
    case Behavior::merged_with_next:
      return join(parts, [](const Part& a, const Part& b) { return a.match && !b.match; });
  }
  return parts;
}

std::vector<std::string> split(std::string_view text, const Regex& regex, Behavior behavior, bool invert) {
  std::vector<std::string> pieces;
  for (const Part& part : apply(parts_of(text, regex, invert), behavior)) {
    pieces.emplace_back(text.substr(part.begin, part.end - part.begin));
  }
  return pieces;
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
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "pretokenizers", where)) add(inner, where);
  } else if (type == "Split") {
    add_split(json, where);
  } else if (type == "ByteLevel") {
    add_byte_level(json, where);
  } else if (type == "Digits") {
    const bool alone = json_get_or<bool>(json, "individual_digits", where, false);
    const auto regex = std::make_shared<Regex>("\\p{N}", where);
    steps_.push_back([regex, alone](Pieces& pieces, bool) {
      Pieces cut;
      for (const std::string& piece : pieces) {
        for (std::string& part :
             split(piece, *regex, alone ? Behavior::isolated : Behavior::contiguous, false)) {
          cut.push_back(std::move(part));
        }
      }
      pieces = std::move(cut);
    });
  } else if (type == "Metaspace") {
    add_metaspace(json, where);
  } else {
    fail(where, "pre-tokenizer '{}' is not supported", type);
  }
}

void PreTokenizer::add_split(const SortedJson& json, const std::string& where) {
  require(json.contains("pattern"), where, "a Split has no 'pattern'");
  const auto regex = std::make_shared<Regex>(pattern_expression(json["pattern"], where), where);
  const Behavior behavior = parse_behavior(json_get<std::string>(json, "behavior", where), where);
  const bool invert = json_get_or<bool>(json, "invert", where, false);
  steps_.push_back([regex, behavior, invert](Pieces& pieces, bool) {
    Pieces cut;
    for (const std::string& piece : pieces) {
      for (std::string& part : split(piece, *regex, behavior, invert)) cut.push_back(std::move(part));
    }
    pieces = std::move(cut);
  });
}

void PreTokenizer::add_byte_level(const SortedJson& json, const std::string& where) {
  byte_level_ = true;
  const bool prefix = json_get_or<bool>(json, "add_prefix_space", where, true);
  if (prefix) {
    steps_.push_back([](Pieces& pieces, bool) {
      for (std::string& piece : pieces) {
        if (!piece.starts_with(' ')) piece.insert(0, 1, ' ');
      }
    });
  }
  if (json_get_or<bool>(json, "use_regex", where, true)) {
    add_split({{"pattern", {{"Regex", gpt2_pattern}}}, {"behavior", "Isolated"}}, where);
  }
}

void PreTokenizer::add_metaspace(const SortedJson& json, const std::string& where) {
  const auto mark = json_get_or<std::string>(json, "replacement", where, "\xE2\x96\x81");
  auto scheme = json_get_or<std::string>(json, "prepend_scheme", where, "always");
  if (!json_get_or<bool>(json, "add_prefix_space", where, true)) scheme = "never";
  require(scheme == "always" || scheme == "first" || scheme == "never", where,
          "prepend_scheme '{}' is not supported, expected always, first or never", scheme);
  steps_.push_back([mark, scheme](Pieces& pieces, bool first) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string marked = replace_all(pieces[i], " ", mark);
      const bool wanted = scheme == "always" || (scheme == "first" && first && i == 0);
      pieces[i] = wanted && !marked.starts_with(mark) ? mark + marked : marked;
    }
  });
  if (json_get_or<bool>(json, "split", where, true)) {
    add_split({{"pattern", {{"String", mark}}}, {"behavior", "MergedWithNext"}}, where);
  }
}

std::vector<std::string> PreTokenizer::operator()(std::string_view text, bool first) const {
  Pieces pieces;
  if (!text.empty()) pieces.emplace_back(text);
  for (const Step& step : steps_) step(pieces, first);
  return pieces;
}

}  // namespace artemis

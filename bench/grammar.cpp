// Masks of the tokens that a constrained answer may go on with, for a vocabulary of 131,072. Bound by writing
// the mask.
#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <unordered_set>

#include "artemis/core/error.h"
#include "artemis/core/random.h"
#include "artemis/grammar/constraint.h"
#include "bench.h"

namespace artemis::bench {
namespace {

constexpr std::size_t vocab = 131'072;

// Tokens as a learned vocabulary has them: bytes, words with and without a space before them, in several
// scripts, runs of spaces, marks with what often follows them.
std::shared_ptr<const TokenBytes> synthetic_vocabulary() {
  Random random(1);
  std::vector<std::string> tokens;
  std::unordered_set<std::string> known;
  const auto add = [&](std::string token) {
    if (tokens.size() < vocab && known.insert(token).second) tokens.push_back(std::move(token));
  };
  for (int c = 0; c < 256; ++c) add(std::string(1, static_cast<char>(c)));
  for (std::size_t n = 2; n <= 64; ++n) add(std::string(n, ' '));
  for (std::size_t n = 1; n <= 32; ++n) add("\n" + std::string(n, ' '));
  static constexpr std::string_view letters = "etaoinshrdlucmfwypvbgk";
  static constexpr std::array<std::string_view, 10> marks{"\"", "\",", "\":", "{\"", "\"}",
                                                          "},", "[",   "],",  "\\n", ", \""};
  while (tokens.size() < vocab) {
    std::string word = random.below(2) == 0 ? " " : "";
    const std::size_t length = 2 + random.below(9);
    const std::uint64_t script = random.below(10);
    for (std::size_t i = 0; i < length; ++i) {
      const std::uint64_t letter = random.below(random.below(letters.size()) + 1);
      if (script < 7) {
        word += letters[letter];
      } else if (script < 9) {
        word += "\xD0";
        word += static_cast<char>(0xB0 + letter % 16);
      } else if (i < 4) {
        word += "\xE4";
        word += static_cast<char>(0xB8 + letter % 8);
        word += static_cast<char>(0x80 + random.below(64));
      }
    }
    const std::uint64_t form = random.below(20);
    if (form == 0) word[word[0] == ' ' ? 1 : 0] = 'A';
    if (form == 1) word = std::string(marks[random.below(marks.size())]) + word;
    if (form == 2) word += marks[random.below(marks.size())];
    add(std::move(word));
  }
  return std::make_shared<const TokenBytes>(std::move(tokens),
                                            std::unordered_map<std::string, std::int32_t>{});
}

constexpr const char* schema = R"({"type":"object","properties":{
  "title":{"type":"string"},"year":{"type":"integer","minimum":1900,"maximum":2100},"kind":{"enum":["film","series","short"]},
  "summary":{"type":"string","maxLength":2000},"date":{"type":"string","format":"date"},
  "cast":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"role":{"type":"string"},
    "lead":{"type":"boolean"}},"required":["name","role"],"additionalProperties":false}},
  "ratings":{"type":"object","additionalProperties":{"type":"number"}}},
  "required":["title","year","kind","summary","cast","ratings"],"additionalProperties":false})";

constexpr std::string_view answer =
    R"({"title": "the riddle of the sands", "year": 1979, "kind": "film", "summary": "two men sail among the shoals and )"
    R"(find more than they came for", "date": "1979-05-03", "cast": [{"name": "one name", "role": "the sailor", "lead": true}, )"
    R"({"name": "another", "role": "the friend"}], "ratings": {"first": 6.25, "other": 7, "third one": 0.5}})";

// Of processor time: steps of microseconds are not to be those of other programs on the machine.
double seconds_now() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Steps {
  double slowest = 0;
  double sum = 0;
  int count = 0;
};

// Seconds that the masks along the answer take, each before its token, the longest that goes on in the text.
Steps answer_once(const std::shared_ptr<const Grammar>& grammar,
                  const std::shared_ptr<const TokenBytes>& tokens,
                  const std::unordered_map<std::string, std::int32_t>& ids) {
  Constraint constraint(grammar, tokens);
  std::vector<std::uint32_t> mask(vocab / 32);
  Steps steps;
  for (std::size_t at = 0; at < answer.size();) {
    const double begin = seconds_now();
    constraint.allowed(mask);
    const double seconds = seconds_now() - begin;
    steps.slowest = std::max(steps.slowest, seconds);
    steps.sum += seconds;
    ++steps.count;
    std::size_t length = std::min<std::size_t>(12, answer.size() - at);
    auto found = ids.find(std::string(answer.substr(at, length)));
    while (found == ids.end()) found = ids.find(std::string(answer.substr(at, --length)));
    const bool taken = constraint.accept(found->second);
    ARTEMIS_ASSERT(taken);
    at += length;
  }
  ARTEMIS_ASSERT(constraint.may_end());
  return steps;
}

}  // namespace

void bench_grammar(std::vector<Line>& lines, const Ceilings& ceilings) {
  const std::shared_ptr<const TokenBytes> tokens = synthetic_vocabulary();
  std::unordered_map<std::string, std::int32_t> ids;
  for (std::int32_t id = 0; id < tokens->vocab(); ++id) ids.emplace(tokens->bytes(id), id);
  const Json parsed = parse_json(schema, "bench");
  const auto add = [&](const std::string& name, double seconds) {
    const double mask_bytes = static_cast<double>(vocab) / 8;
    lines.push_back(
        {"mask of 131,072, " + name, 1e6 * seconds, "us", mask_bytes / seconds / 1e9, ceilings.read, "GB/s"});
  };
  for (const bool any : {true, false}) {
    const std::string kind = any ? "JSON object" : "schema";
    const auto grammar = any ? json_object_grammar() : json_schema_grammar(parsed);
    const Steps cold = answer_once(grammar, tokens, ids);
    std::vector<double> means;
    std::vector<double> slowest;
    for (int i = 0; i < 21; ++i) {
      const Steps warm = answer_once(grammar, tokens, ids);
      means.push_back(warm.sum / warm.count);
      slowest.push_back(warm.slowest);
    }
    add(kind + ", first time", cold.sum / cold.count);
    add(kind + ", first time, slowest", cold.slowest);
    add(kind + ", mean", median(means));
    add(kind + ", slowest", median(slowest));
  }
  add("schema to grammar", median_seconds([&] { static_cast<void>(json_schema_grammar(parsed)); }));
}

}  // namespace artemis::bench

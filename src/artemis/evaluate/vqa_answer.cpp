// The normal form of the VQA-v2 evaluation.
#include <algorithm>
#include <map>

#include "artemis/evaluate/answer_metrics.h"
#include "artemis/evaluate/answer_text.h"

namespace artemis {
namespace {

constexpr std::string_view punctuation = ";/[]\"{}()=+\\_-><@`,?!";

// Words that may be written with one of their apostrophes left out.
constexpr std::string_view contractions =
    "'ow's'at 'twas ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've "
    "hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't "
    "mightn't've must've mustn't needn't not've o'clock oughtn't shan't she'd've should've shouldn't "
    "shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll someone's "
    "something'd "
    "something'd've something'll that's there'd there'd've there're there's they'd they'd've they'll they're "
    "they've wasn't we'd've we've weren't what'll what're what's what've when's where'd where's where've "
    "who'd "
    "who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'd've "
    "y'all'll you'd you'd've you'll you're you've";

using Words = std::map<std::string, std::string, std::less<>>;

Words make_replacements() {
  Words table{{"none", "0"}, {"zero", "0"}, {"one", "1"},   {"two", "2"},   {"three", "3"}, {"four", "4"},
              {"five", "5"}, {"six", "6"},  {"seven", "7"}, {"eight", "8"}, {"nine", "9"},  {"ten", "10"}};
  for (const std::string& word : words_of(contractions)) {
    for (std::size_t at = word.find('\''); at != word.npos; at = word.find('\'', at + 1))
      table.emplace(std::string(word).erase(at, 1), word);
  }
  table.emplace("somebody'd", "somebodyd");  // the one that the evaluation has the other way round
  return table;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_comma_in_number(std::string_view text) {
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == ',' && is_digit(text[i - 1]) && is_digit(text[i + 1])) return true;
  }
  return false;
}

// A mark goes, where it stands beside a space anywhere in the answer or the answer has a number with a comma;
// else it becomes a space. A dot goes unless a digit follows.
std::string without_punctuation(const std::string& text) {
  const bool all_go = has_comma_in_number(text);
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (punctuation.find(c) != punctuation.npos) {
      const bool beside_space = text.find({c, ' '}) != text.npos || text.find({' ', c}) != text.npos;
      if (!all_go && !beside_space) kept += ' ';
    } else {
      kept += c;
    }
  }
  std::string result;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] != '.' || (i + 1 < kept.size() && is_digit(kept[i + 1]))) result += kept[i];
  }
  return result;
}

}  // namespace

std::string normalise_vqa_answer(std::string_view answer) {
  static const Words replacements = make_replacements();
  std::string line(answer);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\t', ' ');
  std::vector<std::string> words;
  for (std::string& word : words_of(small_letters(without_punctuation(stripped(line))))) {
    if (word == "a" || word == "an" || word == "the") continue;
    const auto found = replacements.find(word);
    words.push_back(found == replacements.end() ? std::move(word) : found->second);
  }
  return joined(words);
}

}  // namespace artemis

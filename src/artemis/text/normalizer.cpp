#include "artemis/text/normalizer.h"

#include <memory>
#include <utility>

#include "artemis/core/error.h"
#include "artemis/text/normal_form.h"
#include "artemis/text/regex.h"
#include "artemis/text/unicode.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

std::string lowercase(const std::string& text) {
  std::string lower;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == 0x130) {  // the only capital whose lower case is two characters
      lower += "i\xCC\x87";
    } else {
      append_code_point(lower, lower_case(c));
    }
  }
  return lower;
}

using Step = std::function<std::string(std::string)>;

// An empty pattern matches between all characters.
Step parse_replace(const SortedJson& json, const std::string& where) {
  const auto regex = std::make_shared<const Regex>(pattern_expression(json["pattern"], where), where);
  return [regex, content = json_get<std::string>(json, "content", where)](const std::string& text) {
    return text.empty() ? text : regex_replace(text, *regex, content);
  };
}

void add_steps(std::vector<Step>& steps, const SortedJson& json, const std::string& where) {
  if (json.is_null()) return;
  const auto type = json_get<std::string>(json, "type", where);
  const auto add_form = [&](NormalForm form) {
    steps.push_back([form](std::string text) { return normalize(std::move(text), form); });
  };
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "normalizers", where))
      add_steps(steps, inner, where);
  } else if (type == "NFC") {
    add_form(NormalForm::nfc);
  } else if (type == "NFD") {
    add_form(NormalForm::nfd);
  } else if (type == "NFKC") {
    add_form(NormalForm::nfkc);
  } else if (type == "NFKD") {
    add_form(NormalForm::nfkd);
  } else if (type == "Lowercase") {
    steps.emplace_back(lowercase);
  } else if (type == "Prepend") {
    steps.push_back([prefix = json_get<std::string>(json, "prepend", where)](const std::string& text) {
      return text.empty() ? text : prefix + text;
    });
  } else if (type == "Replace") {
    require(json.contains("pattern"), where, "a Replace has no 'pattern'");
    steps.push_back(parse_replace(json, where));
  } else {
    fail(where, "normalizer '{}' is not supported", type);
  }
}

}  // namespace

Normalizer Normalizer::from_json(const SortedJson& json, const std::string& where) {
  Normalizer normalizer;
  add_steps(normalizer.steps_, json, where);
  return normalizer;
}

std::string Normalizer::operator()(std::string text) const {
  for (const auto& step : steps_) text = step(std::move(text));
  return text;
}

std::string pattern_expression(const SortedJson& pattern, const std::string& where) {
  if (pattern.is_object() && pattern.contains("Regex")) return json_get<std::string>(pattern, "Regex", where);
  return quote_regex(json_get<std::string>(pattern, "String", where));
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at; !from.empty() && (at = text.find(from, copied)) != std::string_view::npos;
       copied = at + from.size()) {
    out += text.substr(copied, at - copied);
    out += to;
  }
  out += text.substr(copied);
  return out;
}

}  // namespace artemis

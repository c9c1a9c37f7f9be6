#include "artemis/text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "artemis/core/error.h"
#include "artemis/text/regex.h"
#include "artemis/text/utf8.h"

namespace artemis {
namespace {

// Text of ASCII alone is in every normal form.
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string unicode_form(const std::string& text, int options) {
  if (is_ascii(text)) return text;
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  require(length >= 0, "normalizer", "{}", utf8proc_errmsg(length));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owner(mapped, std::free);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(length)};
}

std::string lowercase(const std::string& text) {
  std::string lower;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == 0x130) {  // the only capital whose lower case is two characters
      lower += "i\xCC\x87";
    } else {
      append_code_point(lower, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return lower;
}

using Step = std::function<std::string(std::string)>;

Step parse_replace(const SortedJson& json, const std::string& where) {
  const auto regex = std::make_shared<Regex>(pattern_expression(json["pattern"], where), where);
  return [regex, content = json_get<std::string>(json, "content", where)](const std::string& text) {
    return regex_replace(text, *regex, content);
  };
}

void add_steps(std::vector<Step>& steps, const SortedJson& json, const std::string& where) {
  if (json.is_null()) return;
  const auto type = json_get<std::string>(json, "type", where);
  const auto add_form = [&](int options) {
    steps.push_back([options](const std::string& text) { return unicode_form(text, options); });
  };
  if (type == "Sequence") {
    for (const SortedJson& inner : json_get<SortedJson>(json, "normalizers", where))
      add_steps(steps, inner, where);
  } else if (type == "NFC") {
    add_form(UTF8PROC_COMPOSE);
  } else if (type == "NFD") {
    add_form(UTF8PROC_DECOMPOSE);
  } else if (type == "NFKC") {
    add_form(UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
  } else if (type == "NFKD") {
    add_form(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
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

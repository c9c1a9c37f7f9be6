// Filters that change a text character by character or piece by piece.
#include <algorithm>
#include <array>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_json.h"
#include "artemis/text/jinja_methods.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

template <std::string (*Change)(std::string_view)>
Value changed(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("case", arguments, {});
  const std::string text = to_string(in.heap(), input);
  in.heap().step_bytes(4 * text.size());
  in.heap().reserve(8 * text.size());
  return in.heap().text(Change(text), input.is_markup());
}

// Jinja's title: after blanks and opening brackets.
std::string title_words(std::string_view text) {
  constexpr std::u32string_view breaks = U"-({[<";
  std::string out;
  std::string word;
  const auto flush = [&] {
    const std::size_t first = byte_of(word, 1);
    out += upper(std::string_view(word).substr(0, first)) + lower(std::string_view(word).substr(first));
    word.clear();
  };
  for (const char32_t code : code_points(text)) {
    const bool is_break = is_space(code) || breaks.find(code) != std::u32string_view::npos;
    if (is_break) flush();
    append_code_point(is_break ? out : word, code);
  }
  flush();
  return out;
}

Value string(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("string", arguments, {});
  return input.is_string() ? input : in.heap().text(to_string(in.heap(), input));
}

Value safe(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("safe", arguments, {});
  return in.heap().text(to_string(in.heap(), input), true);
}

Value escape(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("escape", arguments, {});
  if (input.is_markup()) return input;
  return in.heap().text(escape_html(to_string(in.heap(), input)), true);
}

Value force_escape(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("forceescape", arguments, {});
  return in.heap().text(escape_html(to_string(in.heap(), input)), true);
}

Value trim(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("trim", arguments, {"chars"});
  const std::string characters = p.string(0);
  const std::string_view view = characters;
  const bool given = p.has(0) && !p[0].is_none();
  const std::string text = to_string(in.heap(), input);
  in.heap().step_bytes(text.size());
  return in.heap().text(std::string(strip(text, Side::both, given ? &view : nullptr)), input.is_markup());
}

Value replace(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("replace", arguments, {"old", "new", "count"}, 2);
  const std::int64_t limit = p.has(2) && !p[2].is_none() ? p.integer(2) : -1;
  return in.heap().text(replace_text(in.heap(), to_string(in.heap(), input), to_string(in.heap(), p[0]),
                                     to_string(in.heap(), p[1]), limit < 0 ? INT64_MAX : limit));
}

Value format(Interpreter& in, const Value& input, Arguments& arguments) {
  if (!arguments.named.empty() && !arguments.positional.empty()) {
    fault(
        "format() can't handle positional and keyword arguments at the same "
        "time");
  }
  Value values = in.heap().tuple(arguments.positional);
  if (!arguments.named.empty()) {
    std::vector<std::pair<Value, Value>> named;
    for (const auto& [name, value] : arguments.named) named.emplace_back(in.heap().text(name), value);
    values = in.heap().dict(named);
  }
  const Value text = input.is_string() ? input : in.heap().text(to_string(in.heap(), input));
  return percent_format(in.heap(), text, values);
}

void append_quoted(std::string& out, std::string_view text, bool in_query) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos || (c == '/' && !in_query))
      out += c;
    else if (c == ' ' && in_query)
      out += '+';
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
}

Value url_encode(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("urlencode", arguments, {});
  std::string out;
  const bool pairs = input.is_dict() || input.is_sequence();
  if (!pairs) append_quoted(out, to_string(in.heap(), input), false);
  const auto append = [&](const Value& key, const Value& value) {
    if (!out.empty()) out += '&';
    append_quoted(out, to_string(in.heap(), key), true);
    out += '=';
    append_quoted(out, to_string(in.heap(), value), true);
    in.heap().reserve(out.size());
  };
  if (input.is_dict()) {
    for (const auto& [key, value] : input.dict()->items) append(key, value);
  } else if (pairs) {
    for (const Value& pair : each_of(in.heap(), input)) {
      const SequencePtr parts = iterate(in.heap(), pair);
      if (parts->items.size() != 2) fault("urlencode() expected pairs");
      append(parts->items[0], parts->items[1]);
    }
  }
  return in.heap().text(std::move(out));
}

// The text without what stands between `begin` and `end`.
std::string without(const std::string& text, std::string_view begin, std::string_view end) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t open = text.find(begin); open != std::string::npos; open = text.find(begin, done)) {
    const std::size_t close = text.find(end, open + begin.size());
    if (close == std::string::npos) break;
    out += std::string_view(text).substr(done, open - done);
    done = close + end.size();
  }
  return out + text.substr(done);
}

Value strip_tags(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("striptags", arguments, {});
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> entities{
      {{"&lt;", "<"}, {"&gt;", ">"}, {"&#39;", "'"}, {"&#34;", "\""}, {"&quot;", "\""}, {"&amp;", "&"}}};
  std::string text = without(without(to_string(in.heap(), input), "<!--", "-->"), "<", ">");
  std::string words;
  for (std::string_view rest = strip(text, Side::both); !rest.empty();) {
    std::size_t next = 0;
    if (is_space(next_code_point(rest, next))) {
      words += ' ';
      rest = strip(rest, Side::left);
    } else {
      words += rest.substr(0, next);
      rest.remove_prefix(next);
    }
  }
  for (const auto& [entity, character] : entities) {
    words = replace_text(in.heap(), words, std::string(entity), std::string(character), INT64_MAX);
  }
  return in.heap().text(std::move(words));
}

Value word_count(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("wordcount", arguments, {});
  const std::string text = to_string(in.heap(), input);
  in.heap().step_bytes(text.size());
  std::int64_t count = 0;
  bool in_word = false;
  for (const char32_t code : code_points(text)) {
    const bool is_word = code == '_' || is_alpha(code) || is_numeric(code);
    if (is_word && !in_word) ++count;
    in_word = is_word;
  }
  return count;
}

// The indentation of one level by its width.
std::string blanks(std::int64_t width) {
  constexpr std::int64_t max_width = 1000;
  if (width > max_width) fault("tojson() has an indent of {}, expected at most {}", width, max_width);
  return std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
}

Value to_json_text(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = p.truth(0, false);
  style.sort_keys = p.truth(3, false);
  if (p.has(1) && !p[1].is_none()) {
    style.indent = p[1].is_string() ? p[1].string() : blanks(p.integer(1));
    style.item_separator = ",";
  }
  if (p.has(2) && !p[2].is_none()) {
    const SequencePtr separators = iterate(in.heap(), p[2]);
    if (separators->items.size() != 2 || !separators->items[0].is_string() ||
        !separators->items[1].is_string()) {
      fault("tojson() expected two strings as separators");
    }
    style.item_separator = separators->items[0].string();
    style.key_separator = separators->items[1].string();
  }
  return in.heap().text(to_json(in.heap(), input, style));
}

}  // namespace

const std::vector<NamedFilter>& text_filters() {
  static const std::vector<NamedFilter> filters{
      {"upper", changed<upper>},
      {"lower", changed<lower>},
      {"capitalize", changed<capitalize>},
      {"title", changed<title_words>},
      {"string", string},
      {"safe", safe},
      {"e", escape},
      {"escape", escape},
      {"forceescape", force_escape},
      {"trim", trim},
      {"replace", replace},
      {"format", format},
      {"urlencode", url_encode},
      {"striptags", strip_tags},
      {"wordcount", word_count},
      {"tojson", to_json_text},
  };
  return filters;
}

}  // namespace artemis::jinja

// Filters of whole sequences.
#include <algorithm>

#include "artemis/text/jinja_filters.h"
#include "artemis/text/jinja_operators.h"
#include "artemis/text/jinja_parameters.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

Value count_items(Interpreter&, const Value& input, Arguments& arguments) {
  const Parameters p("length", arguments, {});
  return length(input);
}

Value list(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("list", arguments, {});
  return in.heap().list(iterate(in.heap(), input)->items);
}

Value join(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("join", arguments, {"d", "attribute"});
  const std::string separator = p.has(0) ? to_string(in.heap(), p[0]) : "";
  const SequencePtr items = iterate(in.heap(), input);
  std::string text;
  for (std::size_t i = 0; i < items->items.size(); ++i) {
    if (i > 0) text += separator;
    text += to_string(in.heap(), get_path(in, items->items[i], p[1]));
    in.heap().step();
    in.heap().reserve(text.size());
  }
  return in.heap().text(std::move(text));
}

Value first(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("first", arguments, {});
  const SequencePtr items = iterate(in.heap(), input);
  return items->items.empty() ? in.heap().undefined("No first item, sequence was empty.")
                              : items->items.front();
}

Value last(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("last", arguments, {});
  require_defined(input);
  if (input.is_sequence(SequenceKind::iterator)) fault("'generator' object is not reversible");
  const SequencePtr items = iterate(in.heap(), input);
  return items->items.empty() ? in.heap().undefined("No last item, sequence was empty.")
                              : items->items.back();
}

Value reverse(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("reverse", arguments, {});
  if (input.is_string()) {
    in.heap().step_bytes(4 * input.string().size());
    std::u32string codes = code_points(input.string());
    std::reverse(codes.begin(), codes.end());
    return in.heap().text(utf8(codes), input.is_markup());
  }
  std::vector<Value> items = iterate(in.heap(), input)->items;
  std::reverse(items.begin(), items.end());
  const bool is_list = input.is_sequence(SequenceKind::iterator) || input.is_undefined();
  return is_list ? in.heap().list(std::move(items)) : in.heap().iterator(std::move(items));
}

// Items with the keys they are ordered by.
using Keyed = std::vector<std::pair<std::vector<Value>, Value>>;

void sort_keyed(Interpreter& in, Keyed& items, bool descending) {
  const auto before = [&in](const auto& a, const auto& b) {
    for (std::size_t i = 0; i < a.first.size(); ++i) {
      if (a.first[i].same(b.first[i]) || equal(in.heap(), a.first[i], b.first[i])) continue;
      return less(in.heap(), a.first[i], b.first[i]);
    }
    return false;
  };
  // Descending keeps equal items in order, as Python does.
  if (descending) std::reverse(items.begin(), items.end());
  // A merge sort: an order that contradicts itself (NaN) cannot send it astray.
  std::stable_sort(items.begin(), items.end(), before);
  if (descending) std::reverse(items.begin(), items.end());
}

// The parts of "a,b.c": paths separated by commas.
std::vector<Value> paths_of(Interpreter& in, const Value& attribute) {
  if (!attribute.is_string()) return {attribute};
  std::vector<Value> paths;
  const std::string& text = attribute.string();
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    paths.push_back(in.heap().text(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return paths;
}

Value sort(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  const bool exact = p.truth(1, false);
  const std::vector<Value> paths = paths_of(in, p[2]);
  Keyed keyed;
  for (const Value& item : each_of(in.heap(), input)) {
    std::vector<Value> keys;
    for (const Value& path : paths) {
      const Value key = get_path(in, item, path);
      keys.push_back(exact ? key : fold_case(in, key));
    }
    keyed.emplace_back(std::move(keys), item);
    in.heap().reserve(keyed.size() * 120);
  }
  sort_keyed(in, keyed, p.truth(0, false));
  std::vector<Value> items;
  for (auto& [keys, item] : keyed) items.push_back(std::move(item));
  return in.heap().list(std::move(items));
}

Value dict_sort(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = p.string(1, "key");
  if (by != "key" && by != "value") fault("You can only sort by either \"key\" or \"value\"");
  require_defined(input);
  if (!input.is_dict()) fault("dictsort() expected a mapping, not {}", input.type_name());
  Keyed keyed;
  for (const auto& [key, value] : input.dict()->items) {
    const Value& order = by == "key" ? key : value;
    keyed.push_back({{p.truth(0, false) ? order : fold_case(in, order)}, in.heap().tuple({key, value})});
  }
  sort_keyed(in, keyed, p.truth(2, false));
  std::vector<Value> items;
  for (auto& [keys, item] : keyed) items.push_back(std::move(item));
  return in.heap().list(std::move(items));
}

template <bool Largest>
Value extreme(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("min", arguments, {"case_sensitive", "attribute"});
  const auto key_of = [&](const Value& item) {
    const Value key = get_path(in, item, p[1]);
    return p.truth(0, false) ? key : fold_case(in, key);
  };
  const SequencePtr items = iterate(in.heap(), input);
  if (items->items.empty()) return in.heap().undefined("No aggregated item, sequence was empty.");
  const Value* best = &items->items.front();
  Value best_key = key_of(*best);
  for (const Value& item : items->items) {
    if (&item == &items->items.front()) continue;
    const Value key = key_of(item);
    if (compare(in.heap(), key, best_key, Largest ? ">" : "<") != (Largest ? 1 : -1)) continue;
    best = &item;
    best_key = key;
  }
  return *best;
}

Value sum(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("sum", arguments, {"attribute", "start"});
  Value total = p.has(1) ? p[1] : Value(std::int64_t{0});
  if (total.is_string()) fault("sum() can't sum strings");
  for (const Value& item : each_of(in.heap(), input)) {
    total = binary(in.heap(), "+", total, get_path(in, item, p[0]));
  }
  return total;
}

Value unique(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("unique", arguments, {"case_sensitive", "attribute"});
  std::vector<Value> items;
  std::unordered_multimap<std::size_t, Value> seen;
  for (const Value& item : each_of(in.heap(), input)) {
    const Value path = get_path(in, item, p[1]);
    const Value key = p.truth(0, false) ? path : fold_case(in, path);
    const std::size_t code = hash(key);
    const auto [begin, end] = seen.equal_range(code);
    if (std::any_of(begin, end, [&](const auto& entry) { return equal(in.heap(), entry.second, key); }))
      continue;
    seen.emplace(code, key);
    items.push_back(item);
    in.heap().reserve(items.size() * 120);
  }
  return in.heap().iterator(std::move(items));
}

Value batch(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("batch", arguments, {"linecount", "fill_with"}, 1);
  const std::int64_t size = p.integer(0);
  std::vector<Value> rows;
  std::vector<Value> row;
  const SequencePtr items = iterate(in.heap(), input);
  for (const Value& item : items->items) {
    if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(in.heap().list(std::exchange(row, {})));
    row.push_back(item);
  }
  const std::int64_t missing = size - static_cast<std::int64_t>(row.size());
  if (!row.empty() && !p[1].is_none() && missing > 0) {
    if (missing > (1 << 20)) fault("the template needs too much memory");
    in.heap().reserve(static_cast<std::size_t>(missing) * sizeof(Value));
    row.insert(row.end(), static_cast<std::size_t>(missing), p[1]);
  }
  if (!row.empty()) rows.push_back(in.heap().list(std::move(row)));
  return in.heap().iterator(std::move(rows));
}

Value slices(Interpreter& in, const Value& input, Arguments& arguments) {
  const Parameters p("slice", arguments, {"slices", "fill_with"}, 1);
  const std::int64_t count = p.integer(0);
  const SequencePtr items = iterate(in.heap(), input);
  const auto size = static_cast<std::int64_t>(items->items.size());
  if (count == 0) fault("integer division or modulo by zero");
  std::vector<Value> rows;
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t end = begin + size / count + (i < size % count ? 1 : 0);
    std::vector<Value> row(items->items.begin() + begin, items->items.begin() + end);
    if (!p[1].is_none() && i >= size % count) row.push_back(p[1]);
    rows.push_back(in.heap().list(std::move(row)));
    begin = end;
  }
  return in.heap().iterator(std::move(rows));
}

}  // namespace

const std::vector<NamedFilter>& sequence_filters() {
  static const std::vector<NamedFilter> filters{
      {"count", count_items},  {"length", count_items}, {"list", list},         {"join", join},
      {"first", first},        {"last", last},          {"reverse", reverse},   {"sort", sort},
      {"dictsort", dict_sort}, {"min", extreme<false>}, {"max", extreme<true>}, {"sum", sum},
      {"unique", unique},      {"batch", batch},        {"slice", slices},
  };
  return filters;
}

}  // namespace artemis::jinja

#include "artemis/text/jinja_globals.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "artemis/text/jinja_objects.h"
#include "artemis/text/jinja_parameters.h"

namespace artemis::jinja {
namespace {

constexpr std::int64_t max_range = 100000;

Value range(Interpreter& in, Arguments& arguments) {
  const auto& given = arguments.positional;
  const Parameters p("range", arguments, {"start", "stop", "step"}, 1);
  if (!arguments.named.empty()) fault("range() takes no keyword arguments");
  const std::int64_t begin = given.size() > 1 ? p.integer(0) : 0;
  const std::int64_t end = given.size() > 1 ? p.integer(1) : p.integer(0);
  const std::int64_t step = p.integer(2, 1);
  if (step == 0) fault("range() arg 3 must not be zero");
  const long double count =
      (static_cast<long double>(end) - static_cast<long double>(begin)) / static_cast<long double>(step);
  if (count > static_cast<long double>(max_range)) {
    fault("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({}).", max_range);
  }
  std::vector<Value> items;
  if (count > 0) {
    std::int64_t value = begin;
    const auto wanted = static_cast<std::size_t>(count) +
                        (static_cast<long double>(static_cast<std::int64_t>(count)) < count ? 1 : 0);
    for (std::size_t i = 0; i < wanted; ++i) {
      items.emplace_back(value);
      if (i + 1 < wanted) value += step;
    }
  }
  Value result = in.heap().sequence(SequenceKind::range, std::move(items));
  result.sequence()->text = step == 1 ? fmt::format("range({}, {})", begin, end)
                                      : fmt::format("range({}, {}, {})", begin, end, step);
  return result;
}

// The entries of dict(...) and namespace(...): of a mapping or of pairs, then
// the named ones.
std::vector<std::pair<Value, Value>> entries(Interpreter& in, const char* name, Arguments& arguments) {
  std::vector<std::pair<Value, Value>> items;
  if (arguments.positional.size() > 1)
    fault("{} expected at most 1 argument, got {}", name, arguments.positional.size());
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    require_defined(source);
    if (source.is_dict()) {
      items = source.dict()->items;
    } else {
      for (const Value& pair : each_of(in.heap(), source)) {
        const SequencePtr parts = iterate(in.heap(), pair);
        if (parts->items.size() != 2) fault("{} expected pairs of key and value", name);
        items.emplace_back(parts->items[0], parts->items[1]);
      }
    }
  }
  for (const auto& [key, value] : arguments.named) items.emplace_back(in.heap().text(key), value);
  return items;
}

Value make_dict(Interpreter& in, Arguments& arguments) {
  return in.heap().dict(entries(in, "dict", arguments));
}

Value make_namespace(Interpreter& in, Arguments& arguments) {
  const Value values = in.heap().dict(entries(in, "namespace", arguments));
  const auto space = std::make_shared<Namespace>(in.heap());
  for (const auto& [key, value] : values.dict()->items) {
    if (!key.is_string()) fault("a namespace has an attribute that is no string");
    space->set(key.string(), value);
  }
  in.keep(space);
  return Value(ObjectPtr(space));
}

Value make_cycler(Interpreter& in, Arguments& arguments) {
  if (!arguments.named.empty()) fault("cycler() takes no keyword arguments");
  if (arguments.positional.empty()) fault("at least one item has to be provided");
  return Value(
      ObjectPtr(std::make_shared<Cycler>(in.heap(), in.heap().tuple(arguments.positional).sequence())));
}

Value make_joiner(Interpreter& in, Arguments& arguments) {
  const Parameters p("joiner", arguments, {"sep"});
  return Value(ObjectPtr(std::make_shared<Joiner>(in.heap(), p.has(0) ? p[0] : in.heap().text(", "))));
}

Value raise_exception(Interpreter& in, Arguments& arguments) {
  const Parameters p("raise_exception", arguments, {"message"}, 1);
  fault("{}", to_string(in.heap(), p[0]));
}

Value strftime_now(Interpreter& in, Arguments& arguments) {
  const Parameters p("strftime_now", arguments, {"format"}, 1);
  return in.heap().text(format_time(in.now(), p.string(0)));
}

using GlobalFunction = Value (*)(Interpreter&, Arguments&);

struct NamedGlobal {
  std::string_view name;
  GlobalFunction function;
};

constexpr std::array globals{
    NamedGlobal{"range", range},
    NamedGlobal{"dict", make_dict},
    NamedGlobal{"namespace", make_namespace},
    NamedGlobal{"cycler", make_cycler},
    NamedGlobal{"joiner", make_joiner},
    NamedGlobal{"raise_exception", raise_exception},
    NamedGlobal{"strftime_now", strftime_now},
};

}  // namespace

std::optional<Value> find_global(Interpreter& interpreter, std::string_view name) {
  if (name == "lipsum") fault("the function 'lipsum' is not supported in chat templates");
  const auto* found = std::find_if(globals.begin(), globals.end(),
                                   [name](const NamedGlobal& global) { return global.name == name; });
  if (found == globals.end()) return std::nullopt;
  return Value(ObjectPtr(std::make_shared<Function>(interpreter.heap(), found->function)));
}

std::string format_time(std::int64_t seconds, std::string_view format) {
  constexpr std::string_view directives = "aAbBcdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%";
  std::string checked;
  for (std::size_t i = 0; i < format.size(); ++i) {
    checked += format[i];
    if (format[i] != '%') continue;
    const bool plain = i + 1 < format.size() && format[i + 1] == '-';
    const std::size_t at = i + (plain ? 2 : 1);
    if (at < format.size() && format[at] == 'f' && !plain) {  // Python's microseconds
      checked.back() = '0';
      checked += "00000";
      i = at;
      continue;
    }
    if (at >= format.size() || directives.find(format[at]) == std::string_view::npos) {
      fault(
          "strftime_now() has a directive that is not supported, expected "
          "one of %{}",
          directives);
    }
    checked += format.substr(i + 1, at - i);
    i = at;
  }
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (localtime_r(&time, &parts) == nullptr) fault("strftime_now() has no such time");
  if (checked.size() > 1000) fault("the format of strftime_now() is too long");
  std::array<char, 16384> buffer{};
  checked += '.';  // so that an empty result differs from one that does not fit
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), checked.c_str(), &parts);
  if (size == 0) fault("the format of strftime_now() is too long");
  return std::string(buffer.data(), size - 1);
}

}  // namespace artemis::jinja

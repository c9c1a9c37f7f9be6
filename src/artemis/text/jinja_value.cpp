#include "artemis/text/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "artemis/text/jinja_interpreter.h"
#include "artemis/text/jinja_unicode.h"

namespace artemis::jinja {
namespace {

constexpr int max_depth = 600;
constexpr std::size_t indexed_size = 8;  // dicts from here on have an index

int depth_above(int depth) {
  if (depth >= max_depth) fault("a value is nested too deep, expected at most {} levels", max_depth);
  return depth + 1;
}

int depth_of(const std::vector<Value>& items) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  return depth_above(depth);
}

std::size_t mix(std::size_t a, std::size_t b) { return a * 1000003U + b + 0x9E3779B9U; }

}  // namespace

Charge::Charge(Heap& heap, std::size_t bytes) : heap_(heap), bytes_(static_cast<std::int64_t>(bytes)) {
  heap_.take(bytes_);
}

Charge::~Charge() { heap_.release(bytes_); }

Undefined::Undefined(Heap& heap, std::string fault_message)
    : message(std::move(fault_message)), charge(heap, message.size() + sizeof(Undefined)) {}

Text::Text(Heap& heap, std::string text, bool safe)
    : bytes(std::move(text)), markup(safe), charge(heap, bytes.size() + sizeof(Text)) {}

std::int64_t Text::length() const {
  if (length_ < 0) length_ = count_code_points(bytes);
  return length_;
}

Sequence::Sequence(Heap& heap, SequenceKind sequence_kind, std::vector<Value> values)
    : kind(sequence_kind),
      items(std::move(values)),
      depth(depth_of(items)),
      charge(heap, sizeof(Sequence) + items.size() * sizeof(Value)) {}

Dict::Dict(Heap& heap, std::vector<std::pair<Value, Value>> pairs)
    : items(std::move(pairs)), charge_(heap, sizeof(Dict) + items.size() * (2 * sizeof(Value) + 40)) {
  int deepest = 0;
  for (const auto& [key, value] : items) deepest = std::max({deepest, key.depth(), value.depth()});
  depth = depth_above(deepest);
  if (items.size() < indexed_size) return;
  index_.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) index_.emplace(hash(items[i].first), i);
}

const Value* Dict::find(std::string_view key) const {
  const auto matches = [key](const Value& other) { return other.is_string() && other.string() == key; };
  if (items.size() < indexed_size) {
    for (const auto& [other, value] : items) {
      if (matches(other)) return &value;
    }
    return nullptr;
  }
  const auto [begin, end] = index_.equal_range(std::hash<std::string_view>()(key));
  for (auto entry = begin; entry != end; ++entry) {
    if (matches(items[entry->second].first)) return &items[entry->second].second;
  }
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (key.is_string()) return find(std::string_view(key.string()));
  const std::size_t code = hash(key);
  Heap unbounded;
  for (const auto& [other, value] : items) {
    if (!other.is_string() && hash(other) == code && equal(unbounded, other, key)) return &value;
  }
  return nullptr;
}

std::string Object::repr() const { fault("a value of type '{}' cannot be printed", type_name()); }

Value Object::call(Interpreter&, Arguments&) { fault("'{}' object is not callable", type_name()); }

Value Object::attribute(Interpreter& interpreter, std::string_view name) {
  return interpreter.heap().undefined(
      fmt::format("'{}' object has no attribute {}", type_name(), jinja::repr(name)));
}

Value Object::item(Interpreter& interpreter, const Value& key) {
  if (key.is_string()) return attribute(interpreter, key.string());
  return interpreter.heap().undefined(fmt::format("'{}' object has no such element", type_name()));
}

bool Value::is_indexable() const {
  return is_sequence(SequenceKind::list) || is_sequence(SequenceKind::tuple) ||
         is_sequence(SequenceKind::range);
}

std::int64_t Value::integer() const {
  return is_boolean() ? (boolean() ? 1 : 0) : std::get<std::int64_t>(data_);
}

bool Value::truth() const {
  if (is_none() || is_undefined()) return false;
  if (is_integer()) return integer() != 0;
  if (is_real()) return real() != 0;
  if (is_string()) return !string().empty();
  if (is_sequence()) return sequence()->kind == SequenceKind::iterator || !sequence()->items.empty();
  return is_dict() ? !dict()->items.empty() : true;
}

const char* Value::type_name() const {
  if (is_none()) return "NoneType";
  if (is_undefined()) return "Undefined";
  if (is_boolean()) return "bool";
  if (is_integer()) return "int";
  if (is_real()) return "float";
  if (is_string()) return is_markup() ? "Markup" : "str";
  if (is_dict()) return "dict";
  if (is_object()) return object()->type_name();
  switch (sequence()->kind) {
    case SequenceKind::list:
      return "list";
    case SequenceKind::tuple:
      return "tuple";
    case SequenceKind::range:
      return "range";
    case SequenceKind::keys:
      return "dict_keys";
    case SequenceKind::values:
      return "dict_values";
    case SequenceKind::items:
      return "dict_items";
    case SequenceKind::iterator:
      return "generator";
  }
  return "";
}

int Value::depth() const {
  if (is_sequence()) return sequence()->depth;
  return is_dict() ? dict()->depth : 1;
}

bool Value::same(const Value& other) const {
  if (data_.index() != other.data_.index()) return false;
  if (is_none()) return true;
  if (is_boolean()) return boolean() == other.boolean();
  if (is_integer()) return integer() == other.integer();
  if (is_real()) return real() == other.real();
  if (is_string()) return string() == other.string();
  if (is_sequence())
    return sequence() == other.sequence() ||
           (is_sequence(SequenceKind::tuple) && sequence()->items.empty() &&
            other.is_sequence(SequenceKind::tuple) && other.sequence()->items.empty());
  if (is_dict()) return dict() == other.dict();
  return is_object() && object() == other.object();
}

void Heap::limit(std::int64_t max_bytes, std::int64_t max_steps) {
  max_bytes_ = max_bytes;
  steps_left_ = max_steps;
}

void Heap::reserve(std::size_t bytes) const {
  if (bytes > static_cast<std::size_t>(std::max<std::int64_t>(max_bytes_ - taken_, 0))) {
    fault("the template needs too much memory");
  }
}

void Heap::take(std::int64_t bytes) {
  reserve(static_cast<std::size_t>(bytes));
  taken_ += bytes;
}

Value Heap::undefined(std::string message) {
  step();
  return Value(UndefinedPtr(std::make_shared<const Undefined>(*this, std::move(message))));
}

Value Heap::text(std::string bytes, bool markup) {
  step_bytes(bytes.size());
  return Value(std::make_shared<const Text>(*this, std::move(bytes), markup));
}

Value Heap::sequence(SequenceKind kind, std::vector<Value> items) {
  step(1 + static_cast<std::int64_t>(items.size() / 2));
  return Value(std::make_shared<Sequence>(*this, kind, std::move(items)));
}

Value Heap::dict(const std::vector<std::pair<Value, Value>>& items) {
  std::vector<std::pair<Value, Value>> unique;
  std::unordered_multimap<std::size_t, std::size_t> seen;
  unique.reserve(items.size());
  for (const auto& [key, value] : items) {
    step();
    const std::size_t code = hash(key);
    const auto [begin, end] = seen.equal_range(code);
    const auto found = std::find_if(begin, end, [&, &wanted = key](const auto& entry) {
      return equal(*this, unique[entry.second].first, wanted);
    });
    if (found != end) {
      unique[found->second].second = value;
      continue;
    }
    seen.emplace(code, unique.size());
    unique.emplace_back(key, value);
  }
  return Value(std::make_shared<const Dict>(*this, std::move(unique)));
}

Value Heap::from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        fault("the integer {} is too large, expected 64 bits with a sign", json.get<std::uint64_t>());
      }
      return json.get<std::int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return text(json.get_ref<const std::string&>());
    case Json::value_t::array: {
      std::vector<Value> items;
      items.reserve(json.size());
      for (const Json& item : json) items.push_back(from_json(item));
      return list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> items;
      items.reserve(json.size());
      for (const auto& [key, item] : json.items()) items.emplace_back(text(key), from_json(item));
      return dict(items);
    }
    default:
      return {};
  }
}

std::size_t hash(const Value& value) {
  if (value.is_string()) return std::hash<std::string_view>()(value.string());
  if (value.is_number()) return std::hash<double>()(value.number());
  if (value.is_sequence(SequenceKind::tuple)) {
    std::size_t code = 7;
    for (const Value& item : value.sequence()->items) code = mix(code, hash(item));
    return code;
  }
  if (value.is_dict() || value.is_sequence()) fault("unhashable type: '{}'", value.type_name());
  return value.is_object() ? std::hash<const void*>()(value.object().get()) : 11;
}

void require_defined(const Value& value) {
  if (value.is_undefined()) throw Fault(value.undefined_message());
}

SequencePtr iterate(Heap& heap, const Value& value) {
  if (value.is_sequence()) {
    const SequencePtr& sequence = value.sequence();
    if (sequence->kind != SequenceKind::iterator) return sequence;
    if (std::exchange(sequence->consumed, true))
      return std::make_shared<Sequence>(heap, SequenceKind::list, std::vector<Value>());
    return sequence;
  }
  std::vector<Value> items;
  if (value.is_string()) {
    const std::string& text = value.string();
    heap.reserve(text.size() * (sizeof(Value) + sizeof(Text)));
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t begin = i;
      next_code_point(text, i);
      items.push_back(heap.text(text.substr(begin, i - begin)));
    }
  } else if (value.is_dict()) {
    for (const auto& [key, item] : value.dict()->items) items.push_back(key);
  } else if (!value.is_undefined()) {
    fault("'{}' object is not iterable", value.type_name());
  }
  return heap.list(std::move(items)).sequence();
}

std::int64_t length(const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.is_string()) return value.text()->length();
  if (value.is_dict()) return static_cast<std::int64_t>(value.dict()->items.size());
  if (value.is_sequence() && value.sequence()->kind != SequenceKind::iterator) {
    return static_cast<std::int64_t>(value.sequence()->items.size());
  }
  fault("object of type '{}' has no len()", value.type_name());
}

}  // namespace artemis::jinja

// Values of the Jinja interpreter, with Python's semantics. All values of a
// rendering live within its Heap, which bounds their memory and the work done
// on them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "artemis/io/json.h"

namespace artemis::jinja {

// A fault while a template runs; the interpreter turns it into an Error with
// the line.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void fault(fmt::format_string<Args...> format, Args&&... args) {
  throw Fault(fmt::format(format, std::forward<Args>(args)...));
}

class Value;
class Heap;
class Interpreter;
struct Arguments;

// Bytes counted in a heap for as long as this lives.
class Charge {
 public:
  Charge(Heap& heap, std::size_t bytes);
  ~Charge();
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;

 private:
  Heap& heap_;
  std::int64_t bytes_;
};

struct Undefined {
  Undefined(Heap& heap, std::string fault_message);

  std::string message;  // of the fault when it is used
  Charge charge;
};

struct Text {
  Text(Heap& heap, std::string text, bool safe);
  std::int64_t length() const;  // in code points

  std::string bytes;  // UTF-8
  bool markup;        // the result of `safe` or `escape`: adding to it escapes
  Charge charge;

 private:
  mutable std::int64_t length_ = -1;
};

enum class SequenceKind : std::uint8_t {
  list,
  tuple,
  range,
  keys,      // of a dict
  values,    // of a dict
  items,     // of a dict
  iterator,  // read once, as Python's generators
};

struct Sequence {
  Sequence(Heap& heap, SequenceKind sequence_kind, std::vector<Value> values);

  SequenceKind kind;
  std::vector<Value> items;
  int depth;              // levels of containers, this one included
  bool consumed = false;  // of an iterator
  bool is_group = false;  // of a tuple: has the names `grouper` and `list`, as groupby gives
  std::string text = {};  // of a range, printed
  Charge charge;
};

struct Dict {
  Dict(Heap& heap, std::vector<std::pair<Value, Value>> pairs);
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;

  std::vector<std::pair<Value, Value>> items;  // in the order of insertion, keys unique
  int depth = 1;

 private:
  std::unordered_multimap<std::size_t, std::size_t> index_;  // hash to position, for large ones
  Charge charge_;
};

// Everything else: functions, macros, namespaces, loops.
class Object : public std::enable_shared_from_this<Object> {
 public:
  explicit Object(Heap& heap) : charge_(heap, 200) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
  virtual const char* type_name() const = 0;
  virtual std::string repr() const;
  virtual bool callable() const { return false; }
  virtual Value call(Interpreter& interpreter, Arguments& arguments);
  // An attribute; undefined when there is none.
  virtual Value attribute(Interpreter& interpreter, std::string_view name);
  virtual Value item(Interpreter& interpreter, const Value& key);

 private:
  Charge charge_;
};

struct None {};
using UndefinedPtr = std::shared_ptr<const Undefined>;
using TextPtr = std::shared_ptr<const Text>;
using SequencePtr = std::shared_ptr<Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using ObjectPtr = std::shared_ptr<Object>;

class Value {
 public:
  Value() = default;                                              // None
  Value(bool boolean) : data_(boolean) {}                         // NOLINT(google-explicit-constructor)
  Value(std::int64_t integer) : data_(integer) {}                 // NOLINT(google-explicit-constructor)
  Value(double real) : data_(real) {}                             // NOLINT(google-explicit-constructor)
  Value(TextPtr text) : data_(std::move(text)) {}                 // NOLINT(google-explicit-constructor)
  Value(SequencePtr sequence) : data_(std::move(sequence)) {}     // NOLINT(google-explicit-constructor)
  Value(UndefinedPtr undefined) : data_(std::move(undefined)) {}  // NOLINT(google-explicit-constructor)
  Value(DictPtr dict) : data_(std::move(dict)) {}                 // NOLINT(google-explicit-constructor)
  Value(ObjectPtr object) : data_(std::move(object)) {}           // NOLINT(google-explicit-constructor)
  template <typename T>
  Value(T*) = delete;

  bool is_undefined() const { return std::holds_alternative<UndefinedPtr>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_boolean() const { return std::holds_alternative<bool>(data_); }
  // An integer in Python's sense: booleans are.
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_) || is_boolean(); }
  bool is_real() const { return std::holds_alternative<double>(data_); }
  bool is_number() const { return is_integer() || is_real(); }
  bool is_string() const { return std::holds_alternative<TextPtr>(data_); }
  bool is_dict() const { return std::holds_alternative<DictPtr>(data_); }
  bool is_object() const { return std::holds_alternative<ObjectPtr>(data_); }
  bool is_sequence() const { return std::holds_alternative<SequencePtr>(data_); }
  bool is_sequence(SequenceKind kind) const { return is_sequence() && sequence()->kind == kind; }
  // A list, tuple or range: what can be indexed and sliced.
  bool is_indexable() const;
  bool is_markup() const { return is_string() && text()->markup; }

  // The parts; the kind must be right.
  bool boolean() const { return std::get<bool>(data_); }
  std::int64_t integer() const;
  double real() const { return std::get<double>(data_); }
  double number() const { return is_real() ? real() : static_cast<double>(integer()); }
  const std::string& string() const { return text()->bytes; }
  const TextPtr& text() const { return std::get<TextPtr>(data_); }
  const SequencePtr& sequence() const { return std::get<SequencePtr>(data_); }
  const DictPtr& dict() const { return std::get<DictPtr>(data_); }
  const ObjectPtr& object() const { return std::get<ObjectPtr>(data_); }
  const std::string& undefined_message() const { return std::get<UndefinedPtr>(data_)->message; }

  bool truth() const;
  const char* type_name() const;  // Python's
  int depth() const;
  // The same object, in the sense of Python's `is`.
  bool same(const Value& other) const;

 private:
  std::variant<None, UndefinedPtr, bool, std::int64_t, double, TextPtr, SequencePtr, DictPtr, ObjectPtr>
      data_;
};

// What a call brings.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Counts the memory and the work of one rendering.
class Heap {
 public:
  Heap() = default;

  // Without limits until these are set; the bytes already taken count.
  void limit(std::int64_t max_bytes, std::int64_t max_steps);
  std::int64_t taken() const { return taken_; }

  // Throws Fault when the limit is passed.
  void step(std::int64_t count = 1) {
    if ((steps_left_ -= count) < 0) fault("the template takes too many steps");
  }
  // The work of handling so many bytes of text.
  void step_bytes(std::size_t bytes) { step(1 + static_cast<std::int64_t>(bytes / 32)); }
  // Throws Fault when so many more bytes would pass the limit.
  void reserve(std::size_t bytes) const;
  void take(std::int64_t bytes);
  void release(std::int64_t bytes) { taken_ -= bytes; }

  Value undefined(std::string message);
  Value text(std::string bytes, bool markup = false);
  Value list(std::vector<Value> items) { return sequence(SequenceKind::list, std::move(items)); }
  Value tuple(std::vector<Value> items) { return sequence(SequenceKind::tuple, std::move(items)); }
  Value iterator(std::vector<Value> items) { return sequence(SequenceKind::iterator, std::move(items)); }
  Value sequence(SequenceKind kind, std::vector<Value> items);
  // Later values of equal keys replace earlier ones. Throws Fault for keys that
  // have no hash.
  Value dict(const std::vector<std::pair<Value, Value>>& items);
  Value from_json(const Json& json);

 private:
  std::int64_t taken_ = 0;
  std::int64_t max_bytes_ = INT64_MAX;
  std::int64_t steps_left_ = INT64_MAX;
};

// Python's == and <. The second throws Fault for kinds that have no order.
bool equal(Heap& heap, const Value& a, const Value& b);
bool less(Heap& heap, const Value& a, const Value& b);
// -1, 0, 1, or 2 for unordered (NaN). Throws Fault as `less` does, naming the
// operator.
int compare(Heap& heap, const Value& a, const Value& b, const char* symbol);
// Throws Fault for lists and dicts.
std::size_t hash(const Value& value);
// Python's `in`.
bool contains(Heap& heap, const Value& container, const Value& item);

// Python's str and repr; nothing for undefined values.
std::string to_string(Heap& heap, const Value& value);
std::string to_repr(Heap& heap, const Value& value);

// The items that a loop over the value visits; an iterator is consumed. Throws
// Fault when there is no order.
SequencePtr iterate(Heap& heap, const Value& value);
// The same for a range-based for, which keeps them alive.
struct Items {
  SequencePtr sequence;
  std::vector<Value>::const_iterator begin() const { return sequence->items.begin(); }
  std::vector<Value>::const_iterator end() const { return sequence->items.end(); }
};
inline Items each_of(Heap& heap, const Value& value) { return {iterate(heap, value)}; }
// Python's len.
std::int64_t length(const Value& value);
// Throws the Fault of an undefined value, when it is one.
void require_defined(const Value& value);

}  // namespace artemis::jinja

// Values of a running template, with Python's types, and the bounds on what they may use.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "artemis/core/error.h"

namespace artemis::jinja {

// A fault while a template runs; the interpreter adds the line and makes it an Error.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

class Object;

// Counts what a rendering uses and owns its objects: cycles among them end with it.
class Heap {
 public:
  Heap(std::int64_t steps, std::int64_t bytes, int depth) : steps_(steps), bytes_(bytes), depth_(depth) {}
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  // Counts work; throws Failure past the limit.
  void step(std::int64_t count = 1) {
    if ((steps_ -= count) < 0) raise("the template takes too many steps");
  }
  // Counts work on `bytes` of text.
  void step_text(std::size_t bytes) { step(1 + static_cast<std::int64_t>(bytes / 32)); }

  // Counts memory before it is taken; throws Failure past the limit.
  void take(std::size_t bytes);
  // Fails when this much memory could not be taken.
  void reserve(std::size_t bytes) {
    take(bytes);
    give(bytes);
  }
  void give(std::size_t bytes) { bytes_ += static_cast<std::int64_t>(bytes); }

  // One level of recursion.
  class Level {
   public:
    explicit Level(Heap& heap);
    ~Level() { ++heap_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Heap& heap_;
  };

 private:
  friend class Object;

  std::int64_t steps_;
  std::int64_t bytes_;
  int depth_;
  Object* objects_ = nullptr;  // all, linked
  Object* dead_ = nullptr;     // to be destroyed, linked
  bool destroying_ = false;
};

// What values share; destroyed when the last reference goes, without recursion.
class Object : public std::enable_shared_from_this<Object> {
 public:
  explicit Object(Heap& heap, std::size_t bytes);
  virtual ~Object();
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void retain() { ++references_; }
  void release() {
    if (--references_ == 0) die();
  }
  // Drops the references to other objects.
  virtual void clear() {}

  Heap& heap() const { return *heap_; }
  // Counts memory that this object takes besides.
  void grow(std::size_t bytes) {
    heap_->take(bytes);
    bytes_ += bytes;
  }

 private:
  friend class Heap;
  void die();

  Heap* heap_;
  std::size_t bytes_;
  Object* previous_ = nullptr;
  Object* next_ = nullptr;
  std::uint32_t references_ = 0;
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  void reset() { *this = Ref(); }

 private:
  T* object_ = nullptr;
};

template <typename T, typename... Args>
Ref<T> make(Heap& heap, Args&&... args) {
  return Ref<T>(new T(heap, std::forward<Args>(args)...));
}

enum class Kind : std::uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  view,  // of a dict: keys, values or items
  range,
  iterator,
  space,  // a namespace
  callable,
  loop,
  cycler,
  joiner,
};

class Value;
struct StringObject;
struct ListObject;
struct DictObject;
struct ViewObject;
struct RangeObject;
struct IteratorObject;
struct CallableObject;

class Value {
 public:
  Value() = default;  // undefined
  static Value none() { return Value(Kind::none); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value real(double value);
  static Value string(Heap& heap, std::string text, bool markup = false);
  static Value list(Heap& heap, std::vector<Value> items);
  static Value tuple(Heap& heap, std::vector<Value> items);
  // Undefined, with what to say when it is used.
  static Value undefined(Heap& heap, std::string message);
  static Value object(Kind kind, Object* object) {
    Value value(kind);
    value.object_ = Ref<Object>(object);
    return value;
  }
  template <typename T>
  static Value of(Kind kind, const Ref<T>& object) {
    return Value::object(kind, object.get());
  }

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_sequence() const { return kind_ == Kind::list || kind_ == Kind::tuple; }
  bool is_number() const { return kind_ == Kind::boolean || kind_ == Kind::integer || kind_ == Kind::real; }
  bool is_integral() const { return kind_ == Kind::boolean || kind_ == Kind::integer; }

  bool as_boolean() const { return integer_ != 0; }
  std::int64_t as_integer() const { return integer_; }  // also of a boolean
  double as_real() const { return kind_ == Kind::real ? real_ : static_cast<double>(integer_); }
  const std::string& text() const;
  bool is_markup() const;
  const std::vector<Value>& items() const;  // of a list or tuple
  DictObject& dict() const;                 // of a dict or namespace
  Object* object() const { return object_.get(); }
  template <typename T>
  T& as() const {
    return *static_cast<T*>(object_.get());
  }
  // What to say when an undefined value is used.
  std::string_view reason() const;

 private:
  explicit Value(Kind kind) : kind_(kind) {}

  Kind kind_ = Kind::undefined;
  union {
    std::int64_t integer_ = 0;
    double real_;
  };
  Ref<Object> object_;
};

struct StringObject : Object {
  StringObject(Heap& heap, std::string value, bool is_markup);
  std::string text;
  bool markup;
};

struct ListObject : Object {
  ListObject(Heap& heap, std::vector<Value> values);
  void clear() override { items.clear(); }
  std::vector<Value> items;
  bool grouped = false;  // a tuple of groupby, with the attributes grouper and list
};

// Keys in the order of their insertion, equal as in Python (1, 1.0 and True are one key).
struct DictObject : Object {
  explicit DictObject(Heap& heap) : Object(heap, sizeof(DictObject)) {}
  void clear() override;
  // Null when there is none; throws Failure for a key that cannot be hashed.
  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  void set(const Value& key, Value value);

  std::vector<std::pair<Value, Value>> entries;

 private:
  template <typename Same>
  const std::pair<Value, Value>* search(std::size_t hash, const Same& same) const;

  std::unordered_multimap<std::size_t, std::size_t> index_;
};

struct ViewObject : Object {
  enum class Part : std::uint8_t { keys, values, items };
  ViewObject(Heap& heap, Ref<DictObject> of, Part which)
      : Object(heap, sizeof(ViewObject)), dict(std::move(of)), part(which) {}
  void clear() override { dict.reset(); }
  Value at(std::size_t index) const;
  Ref<DictObject> dict;
  Part part;
};

struct RangeObject : Object {
  RangeObject(Heap& heap, std::int64_t first, std::int64_t end, std::int64_t by);
  std::int64_t at(std::int64_t index) const { return start + index * step; }
  std::int64_t start, stop, step, length;
};

// Values one after another, made as they are asked for.
struct IteratorObject : Object {
  using Next = std::function<std::optional<Value>()>;
  IteratorObject(Heap& heap, Next function) : Object(heap, 256), next_value(std::move(function)) {}
  void clear() override { next_value = nullptr; }
  std::optional<Value> next();
  Next next_value;
};

// Arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// A function, method, macro or global; `name` for messages.
struct CallableObject : Object {
  using Function = std::function<Value(Arguments)>;
  CallableObject(Heap& heap, std::string label, Function call)
      : Object(heap, 256), name(std::move(label)), function(std::move(call)) {}
  void clear() override {
    function = nullptr;
    self = Value();
  }
  std::string name;
  Function function;
  Value self;  // of a bound method
  bool is_macro = false;
};

struct CyclerObject : Object {
  CyclerObject(Heap& heap, std::vector<Value> values)
      : Object(heap, sizeof(CyclerObject)), items(std::move(values)) {}
  void clear() override { items.clear(); }
  std::vector<Value> items;
  std::size_t position = 0;
};

struct JoinerObject : Object {
  JoinerObject(Heap& heap, Value text) : Object(heap, sizeof(JoinerObject)), separator(std::move(text)) {}
  void clear() override { separator = Value(); }
  Value separator;
  bool used = false;
};

// A function as a value.
Value make_callable(Heap& heap, std::string name, CallableObject::Function function);
Value make_iterator(Heap& heap, IteratorObject::Next next);

}  // namespace artemis::jinja

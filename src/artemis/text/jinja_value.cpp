#include "artemis/text/jinja_value.h"

#include "artemis/core/error.h"
#include "artemis/text/jinja_operations.h"

namespace artemis::jinja {
namespace {

constexpr std::size_t indexed_from = 8;  // a dict with fewer keys is searched one by one

std::size_t hash_text(std::string_view text) { return std::hash<std::string_view>()(text); }

}  // namespace

Heap::~Heap() {
  for (Object* object = objects_; object != nullptr; object = object->next_) object->retain();
  for (Object* object = objects_; object != nullptr; object = object->next_) object->clear();
  while (objects_ != nullptr) objects_->release();
}

void Heap::take(std::size_t bytes) {
  bytes_ -= static_cast<std::int64_t>(bytes);
  if (bytes_ >= 0) return;
  bytes_ += static_cast<std::int64_t>(bytes);
  raise("the template takes too much memory");
}

Heap::Level::Level(Heap& heap) : heap_(heap) {
  if (heap.depth_ <= 0) raise("the template recurses too deep");
  --heap.depth_;
}

Object::Object(Heap& heap, std::size_t bytes) : heap_(&heap), bytes_(bytes) {
  heap.take(bytes);
  next_ = heap.objects_;
  if (next_ != nullptr) next_->previous_ = this;
  heap.objects_ = this;
}

Object::~Object() { heap_->give(bytes_); }

void Object::die() {
  (previous_ != nullptr ? previous_->next_ : heap_->objects_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = nullptr;
  next_ = heap_->dead_;
  heap_->dead_ = this;
  if (heap_->destroying_) return;
  Heap& heap = *heap_;
  heap.destroying_ = true;
  while (heap.dead_ != nullptr) delete std::exchange(heap.dead_, heap.dead_->next_);
  heap.destroying_ = false;
}

Value Value::boolean(bool value) {
  Value result(Kind::boolean);
  result.integer_ = value ? 1 : 0;
  return result;
}

Value Value::integer(std::int64_t value) {
  Value result(Kind::integer);
  result.integer_ = value;
  return result;
}

Value Value::real(double value) {
  Value result(Kind::real);
  result.real_ = value;
  return result;
}

Value Value::string(Heap& heap, std::string text, bool markup) {
  return of(Kind::string, make<StringObject>(heap, std::move(text), markup));
}

Value Value::list(Heap& heap, std::vector<Value> items) {
  return of(Kind::list, make<ListObject>(heap, std::move(items)));
}

Value Value::tuple(Heap& heap, std::vector<Value> items) {
  return of(Kind::tuple, make<ListObject>(heap, std::move(items)));
}

Value Value::undefined(Heap& heap, std::string message) {
  return of(Kind::undefined, make<StringObject>(heap, std::move(message), false));
}

const std::string& Value::text() const {
  ARTEMIS_ASSERT(kind_ == Kind::string);
  return as<StringObject>().text;
}

bool Value::is_markup() const { return kind_ == Kind::string && as<StringObject>().markup; }

const std::vector<Value>& Value::items() const {
  ARTEMIS_ASSERT(is_sequence());
  return as<ListObject>().items;
}

DictObject& Value::dict() const {
  ARTEMIS_ASSERT(kind_ == Kind::dict || kind_ == Kind::space);
  return as<DictObject>();
}

std::string_view Value::reason() const {
  return object_ ? std::string_view(as<StringObject>().text) : "a value is undefined";
}

StringObject::StringObject(Heap& heap, std::string value, bool is_markup)
    : Object(heap, sizeof(StringObject) + value.size()), text(std::move(value)), markup(is_markup) {
  heap.step_text(text.size());
}

ListObject::ListObject(Heap& heap, std::vector<Value> values)
    : Object(heap, sizeof(ListObject) + values.size() * sizeof(Value)), items(std::move(values)) {
  heap.step(1 + static_cast<std::int64_t>(items.size() / 8));
}

void DictObject::clear() {
  entries.clear();
  index_.clear();
}

template <typename Same>
const std::pair<Value, Value>* DictObject::search(std::size_t hash, const Same& same) const {
  if (index_.empty()) {
    for (const auto& entry : entries) {
      if (same(entry.first)) return &entry;
    }
    return nullptr;
  }
  const auto [begin, end] = index_.equal_range(hash);
  for (auto found = begin; found != end; ++found) {
    if (same(entries[found->second].first)) return &entries[found->second];
  }
  return nullptr;
}

const Value* DictObject::find(const Value& key) const {
  if (key.is(Kind::string)) return find(key.text());
  const auto* entry =
      search(hash_of(heap(), key), [&](const Value& other) { return equal(heap(), other, key); });
  return entry != nullptr ? &entry->second : nullptr;
}

const Value* DictObject::find(std::string_view key) const {
  heap().step();
  const auto* entry = search(index_.empty() ? 0 : hash_text(key), [&](const Value& other) {
    return other.is(Kind::string) && other.text() == key;
  });
  return entry != nullptr ? &entry->second : nullptr;
}

void DictObject::set(const Value& key, Value value) {
  const std::size_t hash = hash_of(heap(), key);
  if (const Value* found = find(key)) {
    *const_cast<Value*>(found) = std::move(value);
    return;
  }
  grow(2 * sizeof(Value) + 32);
  entries.emplace_back(key, std::move(value));
  if (entries.size() > indexed_from && index_.empty()) {
    for (std::size_t i = 0; i < entries.size(); ++i) index_.emplace(hash_of(heap(), entries[i].first), i);
  } else if (!index_.empty()) {
    index_.emplace(hash, entries.size() - 1);
  }
}

Value ViewObject::at(std::size_t index) const {
  const auto& [key, value] = dict->entries[index];
  if (part == Part::keys) return key;
  if (part == Part::values) return value;
  return Value::tuple(heap(), {key, value});
}

RangeObject::RangeObject(Heap& heap, std::int64_t first, std::int64_t end, std::int64_t by)
    : Object(heap, sizeof(RangeObject)), start(first), stop(end), step(by), length(0) {
  if (step == 0) raise("the step of range() cannot be zero");
  const bool forwards = step > 0;
  if (forwards ? start >= stop : start <= stop) return;
  const auto low = static_cast<std::uint64_t>(forwards ? start : stop);
  const auto high = static_cast<std::uint64_t>(forwards ? stop : start);
  const std::uint64_t size = forwards ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step);
  const std::uint64_t count = (high - low - 1) / size + 1;
  constexpr std::uint64_t most = 100'000;  // the bound of jinja2's sandbox
  if (count > most) raise("range too big, expected at most {} items", most);
  length = static_cast<std::int64_t>(count);
}

std::optional<Value> IteratorObject::next() {
  const Heap::Level level(heap());
  heap().step();
  return next_value ? next_value() : std::nullopt;
}

Value make_callable(Heap& heap, std::string name, CallableObject::Function function) {
  return Value::of(Kind::callable, make<CallableObject>(heap, std::move(name), std::move(function)));
}

Value make_iterator(Heap& heap, IteratorObject::Next next) {
  return Value::of(Kind::iterator, make<IteratorObject>(heap, std::move(next)));
}

}  // namespace artemis::jinja

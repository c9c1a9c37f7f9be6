// The pages of a KV cache: who uses them, and which hold a beginning that another conversation may share.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace artemis {

// What stands at a place of a conversation: a token's id, or a number below zero for a picture's.
using PageContent = std::span<const std::int64_t>;

// A page that is full may be published under its content and all that comes before it. It is then found by
// others, also when nobody uses it any more, until its room is needed: the page longest out of use goes
// first.
class PagePool {
 public:
  // `page_size` in tokens.
  PagePool(std::int64_t pages, std::int64_t page_size);

  // The published pages of the longest beginning of `content`, each with one more user.
  std::vector<std::int32_t> reuse(PageContent content);
  // A page with one user; nothing when all are in use.
  std::optional<std::int32_t> take();
  // One user more for each page, which are in use.
  void retain(std::span<const std::int32_t> pages);
  // One user less for each. Of those without users the last is forgotten first: others hang on the first.
  void release(std::span<const std::int32_t> pages);
  // Publishes pages[count - 1], which is full; those before it are published. `content` of these `count`
  // pages.
  void publish(std::span<const std::int32_t> pages, std::size_t count, PageContent content);

  std::int64_t pages() const { return static_cast<std::int64_t>(states_.size()); }
  std::int64_t used() const { return used_; }  // by anyone
  std::int64_t users(std::int32_t page) const { return states_[static_cast<std::size_t>(page)].users; }
  std::int64_t unused() const { return pages() - used_; }
  std::int64_t published_unused() const { return static_cast<std::int64_t>(idle_.size()); }

 private:
  // A page's content and what it follows, as the number of the page before it, which no other ever has.
  struct Key {
    std::uint64_t after;
    std::vector<std::int64_t> content;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct State {
    std::int64_t users = 0;
    std::uint64_t number = 0;                  // of what it follows and holds; 0: not published
    const Key* key = nullptr;                  // of the index, where this page is found by it
    std::list<std::int32_t>::iterator idle{};  // where it has a key and no users
  };
  struct Entry {
    std::int32_t page;
    std::uint64_t number;
  };

  State& state(std::int32_t page) { return states_[static_cast<std::size_t>(page)]; }
  Key key_of(std::uint64_t after, PageContent content, std::size_t page) const;
  void forget(std::int32_t page);

  std::int64_t page_size_;
  std::vector<State> states_;
  std::vector<std::int32_t> free_;  // neither used nor published
  std::list<std::int32_t> idle_;    // published and not used, the longest first
  std::unordered_map<Key, Entry, KeyHash> index_;
  std::uint64_t last_number_ = 0;
  std::int64_t used_ = 0;
};

}  // namespace artemis

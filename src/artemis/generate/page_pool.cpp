#include "artemis/generate/page_pool.h"

#include <algorithm>

#include "artemis/core/error.h"

namespace artemis {

std::size_t PagePool::KeyHash::operator()(const Key& key) const {
  // FNV-1a over words.
  std::uint64_t hash = 14695981039346656037ULL ^ key.after;
  for (const std::int64_t word : key.content)
    hash = (hash ^ static_cast<std::uint64_t>(word)) * 1099511628211ULL;
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

PagePool::PagePool(std::int64_t pages, std::int64_t page_size)
    : page_size_(page_size), states_(static_cast<std::size_t>(pages)) {
  for (auto page = static_cast<std::int32_t>(pages); page-- > 0;) free_.push_back(page);
}

PagePool::Key PagePool::key_of(std::uint64_t after, PageContent content, std::size_t page) const {
  const auto size = static_cast<std::size_t>(page_size_);
  const PageContent own = content.subspan(page * size, size);
  return {after, {own.begin(), own.end()}};
}

std::vector<std::int32_t> PagePool::reuse(PageContent content) {
  std::vector<std::int32_t> found;
  const std::size_t whole = content.size() / static_cast<std::size_t>(page_size_);
  std::uint64_t after = 0;
  while (found.size() < whole) {
    const auto entry = index_.find(key_of(after, content, found.size()));
    if (entry == index_.end()) break;
    State& page = state(entry->second.page);
    if (page.users++ == 0) {
      idle_.erase(page.idle);
      ++used_;
    }
    found.push_back(entry->second.page);
    after = entry->second.number;
  }
  return found;
}

void PagePool::forget(std::int32_t page) {
  State& old = state(page);
  if (old.key != nullptr) index_.erase(index_.find(*old.key));
  old = {};
}

std::optional<std::int32_t> PagePool::take() {
  std::int32_t page = 0;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
  } else if (!idle_.empty()) {
    page = idle_.front();
    idle_.pop_front();
    forget(page);
  } else {
    return std::nullopt;
  }
  state(page).users = 1;
  ++used_;
  return page;
}

void PagePool::retain(std::span<const std::int32_t> pages) {
  for (const std::int32_t page : pages) {
    ARTEMIS_ASSERT(state(page).users > 0);
    ++state(page).users;
  }
}

void PagePool::release(std::span<const std::int32_t> pages) {
  for (std::size_t i = pages.size(); i-- > 0;) {
    State& page = state(pages[i]);
    ARTEMIS_ASSERT(page.users > 0);
    if (--page.users > 0) continue;
    --used_;
    if (page.key != nullptr) {
      page.idle = idle_.insert(idle_.end(), pages[i]);
    } else {
      page = {};
      free_.push_back(pages[i]);
    }
  }
}

void PagePool::publish(std::span<const std::int32_t> pages, std::size_t count, PageContent content) {
  ARTEMIS_ASSERT(count >= 1 && count <= pages.size());
  const std::uint64_t after = count == 1 ? 0 : state(pages[count - 2]).number;
  State& page = state(pages[count - 1]);
  ARTEMIS_ASSERT(page.users > 0 && (count == 1 || after != 0));
  if (page.number != 0) return;
  // Where another page holds the same, this one stays unknown, and what follows it hangs on the other.
  const auto [entry, is_new] =
      index_.try_emplace(key_of(after, content, count - 1), Entry{pages[count - 1], last_number_ + 1});
  page.number = entry->second.number;
  if (!is_new) return;
  ++last_number_;
  page.key = &entry->first;
}

}  // namespace artemis

#include "artemis/generate/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace artemis {
namespace {

using Pages = std::vector<std::int32_t>;
using Content = std::vector<std::int64_t>;

Pages take(PagePool& pool, std::size_t count) {
  Pages pages;
  while (pages.size() < count) pages.push_back(pool.take().value());
  return pages;
}

void publish(PagePool& pool, const Pages& pages, const Content& content) {
  for (std::size_t i = 1; i <= pages.size(); ++i) pool.publish(pages, i, content);
}

TEST(PagePool, GivesEachPageOnceAndThenNone) {
  PagePool pool(3, 4);
  Pages pages = take(pool, 3);
  std::ranges::sort(pages);
  EXPECT_EQ(pages, (Pages{0, 1, 2}));
  EXPECT_FALSE(pool.take());
  pool.release(std::span(pages).first(1));
  EXPECT_EQ(pool.take(), pages[0]);
}

TEST(PagePool, FindsTheLongestPublishedBeginning) {
  PagePool pool(8, 2);
  const Pages pages = take(pool, 3);
  publish(pool, pages, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(pool.reuse(Content{1, 2, 3, 4, 5, 6, 7}), pages);
  EXPECT_EQ(pool.reuse(Content{1, 2, 3, 4, 9, 6}), (Pages{pages[0], pages[1]}));
  EXPECT_EQ(pool.reuse(Content{1, 2, 3}), (Pages{pages[0]}));
  EXPECT_TRUE(pool.reuse(Content{3, 4, 1, 2}).empty());  // the same page, but behind another
  EXPECT_TRUE(pool.reuse(Content{1}).empty());
}

TEST(PagePool, KeepsWhatIsPublishedUntilItsRoomIsNeededTheEndFirst) {
  PagePool pool(3, 2);
  const Content content = {1, 2, 3, 4};
  const Pages pages = take(pool, 2);
  publish(pool, pages, content);
  pool.release(pages);
  EXPECT_EQ(pool.used(), 0);
  EXPECT_EQ(pool.published_unused(), 2);
  Pages others = take(pool, 2);  // the free one, then the end of the published ones
  EXPECT_EQ(others[1], pages[1]);
  EXPECT_EQ(pool.reuse(content), (Pages{pages[0]}));
}

TEST(PagePool, APageThatIsTakenAgainLeadsToNothingThatHungOnIt) {
  PagePool pool(2, 1);
  const Pages pages = take(pool, 2);
  publish(pool, pages, {1, 2});
  pool.release(std::span(pages).first(1));
  const Pages again = take(pool, 1);
  EXPECT_EQ(again[0], pages[0]);
  publish(pool, again, {7});
  EXPECT_EQ(pool.reuse(Content{7, 2}), again);
}

TEST(PagePool, OfTwoThatComputedTheSameOneIsFoundAndBothGoOn) {
  PagePool pool(6, 1);
  const Pages first = take(pool, 2);
  const Pages second = take(pool, 3);
  publish(pool, first, {1, 2});
  publish(pool, second, {1, 2, 3});
  EXPECT_EQ(pool.reuse(Content{1, 2, 3}), (Pages{first[0], first[1], second[2]}));
}

// Against a model that remembers what was written to each page.
TEST(PagePool, NeverGivesAwayWhatIsUsedNorFindsWhatIsNotThere) {
  constexpr std::int64_t size = 2;
  PagePool pool(24, size);
  std::mt19937 random(7);
  struct User {
    Pages pages;
    Content content;
  };
  std::vector<User> users;
  std::map<std::int32_t, Content> written;  // the page's content and all that comes before it
  std::size_t reused = 0;
  for (int round = 0; round < 20000; ++round) {
    if (!users.empty() && random() % 2 == 0) {
      const std::size_t i = random() % users.size();
      pool.release(users[i].pages);
      users.erase(users.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    User user;
    for (std::size_t i = 0, length = size * (1 + random() % 5); i < length; ++i)
      user.content.push_back(random() % 2);
    user.pages = pool.reuse(user.content);
    reused += user.pages.size();
    const auto beginning = [&](std::size_t pages) {
      return Content(user.content.begin(), user.content.begin() + static_cast<std::ptrdiff_t>(pages * size));
    };
    for (std::size_t i = 0; i < user.pages.size(); ++i)
      ASSERT_EQ(written.at(user.pages[i]), beginning(i + 1));
    while (user.pages.size() < user.content.size() / size) {
      const std::optional<std::int32_t> page = pool.take();
      if (!page) break;
      for (const User& other : users) ASSERT_EQ(std::ranges::count(other.pages, *page), 0);
      ASSERT_EQ(std::ranges::count(user.pages, *page), 0);
      user.pages.push_back(*page);
      written[*page] = beginning(user.pages.size());
      pool.publish(user.pages, user.pages.size(), user.content);
    }
    users.push_back(std::move(user));
    std::size_t held = 0;
    for (std::int32_t page = 0; page < pool.pages(); ++page) {
      held += std::ranges::any_of(users,
                                  [&](const User& one) { return std::ranges::count(one.pages, page) > 0; });
    }
    ASSERT_EQ(pool.used(), static_cast<std::int64_t>(held));
  }
  EXPECT_GT(reused, 1000U);
}

}  // namespace
}  // namespace artemis

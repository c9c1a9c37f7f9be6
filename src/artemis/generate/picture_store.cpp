#include "artemis/generate/picture_store.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "artemis/kernels/rows.h"

namespace artemis {
namespace {

constexpr std::int64_t page_size = 64;  // image tokens

std::int64_t pages_for(std::int64_t tokens) { return (tokens + page_size - 1) / page_size; }

// Of whole pages.
std::vector<std::int64_t> content_of(const PlacedPicture& picture) {
  std::vector<std::int64_t> content(static_cast<std::size_t>(pages_for(picture.tokens) * page_size));
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = picture.name[i % picture.name.size()];
  return content;
}

}  // namespace

PictureName picture_name(std::string_view key) {
  constexpr auto sign = std::uint64_t{1} << 63;
  constexpr auto without_key = std::uint64_t{1} << 62;
  static std::atomic<std::uint64_t> last{0};
  std::array<std::uint64_t, 4> words{};
  if (key.empty()) {
    words.fill(without_key | ++last);
  } else {
    ARTEMIS_ASSERT(key.size() >= sizeof words);
    std::memcpy(words.data(), key.data(), sizeof words);
    for (std::uint64_t& word : words) word &= ~without_key;
  }
  PictureName name{};
  for (std::size_t i = 0; i < name.size(); ++i) name[i] = static_cast<std::int64_t>(words[i] | sign);
  return name;
}

PictureStore::PictureStore(Context& ctx, const Graft& model, const GraftConfig& config, std::int64_t tokens)
    : ctx_(ctx), model_(model), config_(config), pool_(pages_for(tokens), page_size) {
  if (tokens == 0) return;
  features_ = Tensor::allocate(model.language_model.embed_tokens.dtype(),
                               {pool_.pages() * page_size, config.text.hidden_size}, ctx.device());
}

std::int64_t PictureStore::capacity() const { return pool_.pages() * page_size; }

bool PictureStore::hold(PlacedPicture& picture) {
  ARTEMIS_ASSERT(picture.pages.empty());
  const std::vector<std::int64_t> content = content_of(picture);
  const auto wanted = static_cast<std::size_t>(pages_for(picture.tokens));
  picture.pages = pool_.reuse(content);
  if (picture.pages.size() == wanted) {
    ++reused_;
    return true;
  }
  if (pool_.unused() < static_cast<std::int64_t>(wanted - picture.pages.size())) {
    release(picture);
    return false;
  }
  // The first pages may have outlived the others.
  while (picture.pages.size() < wanted) {
    picture.pages.push_back(*pool_.take());
    pool_.publish(picture.pages, picture.pages.size(), content);
  }
  missing_.push_back(picture);
  missing_tokens_ += picture.tokens;
  return true;
}

void PictureStore::release(PlacedPicture& picture) {
  pool_.release(picture.pages);
  picture.pages.clear();
}

void PictureStore::compute() {
  if (missing_.empty()) return;
  const Arena::Scope scope(ctx_.arena());
  std::vector<const PictureBatch*> each;
  std::vector<std::int32_t> rows;
  for (const PlacedPicture& picture : missing_) {
    each.push_back(picture.patches);
    for (std::int64_t token = 0; token < picture.tokens; ++token) rows.push_back(row(picture, token));
  }
  const std::int64_t count = std::ssize(rows);
  const Tensor fresh = ctx_.allocate(features_.dtype(), {count, config_.text.hidden_size});
  image_features(ctx_, fresh, join_pictures(each), model_, config_);
  scatter_rows(ctx_, features_, fresh, ctx_.upload(DType::i32, {count}, rows.data()));
  computed_ += missing_.size();
  missing_.clear();
  missing_tokens_ = 0;
}

std::int32_t PictureStore::row(const PlacedPicture& picture, std::int64_t token) {
  const std::int32_t page = picture.pages[static_cast<std::size_t>(token / page_size)];
  return static_cast<std::int32_t>(page * page_size + token % page_size);
}

Tensor PictureStore::gather(std::span<const std::int32_t> rows) const {
  const std::int64_t count = std::ssize(rows);
  const Tensor out = ctx_.allocate(features_.dtype(), {count, config_.text.hidden_size});
  gather_rows(ctx_, out, features_, ctx_.upload(DType::i32, {count}, rows.data()));
  return out;
}

}  // namespace artemis

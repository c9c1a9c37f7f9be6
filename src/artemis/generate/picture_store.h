// Features of pictures, kept for those who show the same picture again.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "artemis/generate/page_pool.h"
#include "artemis/model/graft.h"

namespace artemis {

// What stands for a picture in the content of pages: its j-th image token has word j % 4, below zero.
using PictureName = std::array<std::int64_t, 4>;

// Equal keys (at least 32 bytes, a SHA-256, say) give equal names; an empty key one that no other has.
PictureName picture_name(std::string_view key);

// A picture on its way into the cache.
struct PlacedPicture {
  const PictureBatch* patches = nullptr;  // of this picture alone
  PictureName name{};
  std::int64_t tokens = 0;          // image tokens
  std::vector<std::int32_t> pages;  // of the store, while it is held
};

class PictureStore {
 public:
  // With room for `tokens` image tokens. The others must outlive it.
  PictureStore(Context& ctx, const Graft& model, const GraftConfig& config, std::int64_t tokens);

  // Holds the picture until release(); false, when there is no room for it now.
  bool hold(PlacedPicture& picture);
  void release(PlacedPicture& picture);
  // Computes, in one pass of the tower, what is not there yet of those that were held since the last call.
  void compute();

  // One image token of a held picture, for gather().
  static std::int32_t row(const PlacedPicture& picture, std::int64_t token);
  // The features (rows, hidden_size) of such rows, in activation memory.
  Tensor gather(std::span<const std::int32_t> rows) const;

  // The longest picture that fits.
  std::int64_t capacity() const;
  std::uint64_t computed() const { return computed_; }  // pictures
  std::uint64_t reused() const { return reused_; }
  // Image tokens that the next compute() will make.
  std::int64_t missing_tokens() const { return missing_tokens_; }

 private:
  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  PagePool pool_;
  Tensor features_;  // (pages * page size, hidden_size)
  std::vector<PlacedPicture> missing_;
  std::int64_t missing_tokens_ = 0;
  std::uint64_t computed_ = 0;
  std::uint64_t reused_ = 0;
};

}  // namespace artemis

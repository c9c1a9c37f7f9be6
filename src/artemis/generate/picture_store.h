// Features of pictures, kept for those who show the same picture again.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "artemis/generate/page_pool.h"
#include "artemis/model/graft.h"

namespace artemis {

// What stands for a picture in the content of pages: its j-th image token has word j % 4, below zero.
using PictureName = std::array<std::int64_t, 4>;

// Bytes of a key: a SHA-256, say.
inline constexpr std::size_t least_key = 32;

// Equal keys give equal names; an empty key one that no other has.
PictureName picture_name(std::string_view key);

// A picture on its way into the cache.
struct PlacedPicture {
  const PictureBatch* patches = nullptr;  // of this picture alone
  PictureName name{};
  std::int64_t tokens = 0;          // image tokens
  std::vector<std::int32_t> pages;  // of the store, while it is held
};

// The tower works on one batch of pictures at a time, in pieces: between two passes of the engine as much as
// a pass over `step_tokens` tokens takes in the decoder or the tower, so that no large picture holds up the
// answers of others.
class PictureStore {
 public:
  // With room for `tokens` image tokens. The others must outlive it.
  PictureStore(Context& ctx, const Graft& model, const GraftConfig& config, std::int64_t tokens,
               std::int64_t step_tokens);

  // Holds the picture until release(), and has it computed where it is not known; false, when there is no
  // room for it now.
  bool hold(PlacedPicture& picture);
  void release(PlacedPicture& picture);
  // Whether its features are there.
  bool ready(const PlacedPicture& picture) const;
  // Goes on with what is to be computed, and leaves what nobody holds any more; false when there is nothing.
  bool advance();

  // One image token of a picture that is ready, for gather().
  static std::int32_t row(const PlacedPicture& picture, std::int64_t token);
  // The features (rows, hidden_size) of such rows, in activation memory.
  Tensor gather(std::span<const std::int32_t> rows) const;

  // The longest picture that fits.
  std::int64_t capacity() const;
  std::uint64_t computed() const { return computed_; }  // pictures
  std::uint64_t reused() const { return reused_; }

  // Bytes of such a store.
  static std::size_t bytes(const GraftConfig& config, DType dtype, std::int64_t tokens);

 private:
  // Pages that hold no features yet; the store is one of their users.
  struct Missing {
    PlacedPicture picture;
    PictureBatch patches;
  };

  const Missing* find(const PictureName& name) const;
  bool wanted(const Missing& one) const;  // by anyone beside the store
  bool leave_unwanted();
  void begin_batch();
  void keep_batch();  // its features
  void end_batch();

  Context& ctx_;
  const Graft& model_;
  const GraftConfig& config_;
  std::int64_t step_tokens_;
  std::int64_t step_work_;  // multiply-adds
  PagePool pool_;
  Tensor features_;  // (pages * page size, hidden_size)
  Arena state_;      // of the tower's pass
  std::deque<Missing> missing_;
  std::vector<Missing> batch_;  // under way
  std::optional<VisionPass> tower_;
  std::uint64_t computed_ = 0;
  std::uint64_t reused_ = 0;
};

}  // namespace artemis

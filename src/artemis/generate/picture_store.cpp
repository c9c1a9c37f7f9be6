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

// Multiply-adds of a token's way through the decoder.
std::int64_t weights_of(const Decoder& decoder) {
  std::int64_t count = 0;
  for (const DecoderBlock& block : decoder.blocks) {
    for (const Linear* linear : {&block.q_proj, &block.k_proj, &block.v_proj, &block.o_proj,
                                 &block.mlp.gate_proj, &block.mlp.up_proj, &block.mlp.down_proj})
      count += linear->weight.count();
  }
  return count;
}

// The same of an image token's way through the tower, without attention.
std::int64_t weights_of(const VisionTower& tower, const VisionConfig& config) {
  std::int64_t count = 0;
  for (const VisionBlock& block : tower.blocks) {
    for (const Linear* linear : {&block.qkv, &block.proj, &block.mlp.fc1, &block.mlp.fc2})
      count += linear->weight.count();
  }
  return count * config.merge_length();
}

// Multiply-adds of a step's tokens, of text or of images, whichever are more.
std::int64_t step_work(const Graft& model, const GraftConfig& config, std::int64_t step_tokens) {
  const std::int64_t text = weights_of(model.language_model);
  return step_tokens * (config.vision ? std::max(text, weights_of(model.visual, *config.vision)) : text);
}

// For one picture that fills the store.
std::size_t tower_bytes(const GraftConfig& config, DType dtype, std::int64_t tokens) {
  return VisionPass::state_bytes(dtype, *config.vision,
                                 pages_for(tokens) * page_size * config.vision->merge_length());
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
    static_assert(sizeof words == least_key);
    ARTEMIS_ASSERT(key.size() >= least_key);
    std::memcpy(words.data(), key.data(), sizeof words);
    for (std::uint64_t& word : words) word &= ~without_key;
  }
  PictureName name{};
  for (std::size_t i = 0; i < name.size(); ++i) name[i] = static_cast<std::int64_t>(words[i] | sign);
  return name;
}

PictureStore::PictureStore(Context& ctx, const Graft& model, const GraftConfig& config, std::int64_t tokens,
                           std::int64_t step_tokens)
    : ctx_(ctx),
      model_(model),
      config_(config),
      step_tokens_(step_tokens),
      step_work_(step_work(model, config, step_tokens)),
      pool_(pages_for(tokens), page_size),
      state_(tokens == 0 ? 1 : tower_bytes(config, model.visual.pos_embed.dtype(), tokens), ctx.device()) {
  if (tokens == 0) return;
  features_ = Tensor::allocate(model.language_model.embed_tokens.dtype(),
                               {pool_.pages() * page_size, config.text.hidden_size}, ctx.device());
  state_.allocate(DType::u8, {0});  // a GPU's memory is taken now or never
}

std::int64_t PictureStore::capacity() const { return pool_.pages() * page_size; }

std::size_t PictureStore::bytes(const GraftConfig& config, DType dtype, std::int64_t tokens) {
  if (tokens == 0) return 0;
  const std::int64_t features = pages_for(tokens) * page_size * config.text.hidden_size;
  return static_cast<std::size_t>(features) * dtype_size(dtype) + tower_bytes(config, dtype, tokens);
}

const PictureStore::Missing* PictureStore::find(const PictureName& name) const {
  const auto named = [&](const Missing& one) { return one.picture.name == name; };
  if (const auto found = std::ranges::find_if(batch_, named); found != batch_.end()) return &*found;
  const auto found = std::ranges::find_if(missing_, named);
  return found == missing_.end() ? nullptr : &*found;
}

bool PictureStore::hold(PlacedPicture& picture) {
  ARTEMIS_ASSERT(picture.pages.empty());
  if (const Missing* soon = find(picture.name)) {
    picture.pages = soon->picture.pages;
    pool_.retain(picture.pages);
    ++reused_;
    return true;
  }
  const auto wanted = static_cast<std::size_t>(pages_for(picture.tokens));
  picture.pages = pool_.reuse(content_of(picture));
  if (picture.pages.size() == wanted) {
    ++reused_;
    return true;
  }
  if (pool_.unused() < static_cast<std::int64_t>(wanted - picture.pages.size())) {
    release(picture);
    return leave_unwanted() && hold(picture);
  }
  // The first pages may have outlived the others.
  while (picture.pages.size() < wanted) picture.pages.push_back(*pool_.take());
  pool_.retain(picture.pages);
  missing_.push_back({picture, *picture.patches});
  return true;
}

void PictureStore::release(PlacedPicture& picture) {
  pool_.release(picture.pages);
  picture.pages.clear();
}

bool PictureStore::ready(const PlacedPicture& picture) const {
  return !picture.pages.empty() && find(picture.name) == nullptr;
}

bool PictureStore::wanted(const Missing& one) const { return pool_.users(one.picture.pages.front()) > 1; }

// Gives back the pages of those for whom nobody waits any more; false when there are none.
bool PictureStore::leave_unwanted() {
  for (Missing& one : missing_) {
    if (!wanted(one)) release(one.picture);
  }
  const bool some = std::erase_if(missing_, [](const Missing& one) { return one.picture.pages.empty(); }) > 0;
  const bool ends =
      tower_ && std::ranges::none_of(batch_, [this](const Missing& one) { return wanted(one); });
  if (ends) end_batch();
  return some || ends;
}

bool PictureStore::advance() {
  leave_unwanted();
  if (!tower_) begin_batch();
  if (!tower_) return false;
  tower_->advance(ctx_, step_work_);
  if (tower_->done()) {
    keep_batch();
    end_batch();
  }
  return true;
}

// As many pictures as a step has tokens, or one that has more.
void PictureStore::begin_batch() {
  std::vector<const PictureBatch*> each;
  std::int64_t tokens = 0;
  while (!missing_.empty()) {
    tokens += missing_.front().picture.tokens;
    if (!batch_.empty() && tokens > step_tokens_) break;
    batch_.push_back(std::move(missing_.front()));
    missing_.pop_front();
  }
  if (batch_.empty()) return;
  for (const Missing& one : batch_) each.push_back(&one.patches);
  tower_.emplace(ctx_, state_, join_pictures(each), model_.visual, *config_.vision);
  for (Missing& one : batch_) one.patches = {};
}

void PictureStore::keep_batch() {
  const Arena::Scope scope(ctx_.arena());
  std::vector<std::int32_t> rows;
  for (const Missing& one : batch_) {
    for (std::int64_t token = 0; token < one.picture.tokens; ++token) rows.push_back(row(one.picture, token));
  }
  const std::int64_t count = std::ssize(rows);
  const Tensor fresh = ctx_.allocate(features_.dtype(), {count, config_.text.hidden_size});
  image_features(ctx_, fresh, *tower_, model_, config_);
  scatter_rows(ctx_, features_, fresh, ctx_.upload(DType::i32, {count}, rows.data()));
  computed_ += batch_.size();
  for (const Missing& one : batch_) {
    const std::vector<std::int64_t> content = content_of(one.picture);
    for (std::size_t page = 1; page <= one.picture.pages.size(); ++page)
      pool_.publish(one.picture.pages, page, content);
  }
}

void PictureStore::end_batch() {
  for (Missing& one : batch_) release(one.picture);
  batch_.clear();
  tower_.reset();
  state_.release_to(0);
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

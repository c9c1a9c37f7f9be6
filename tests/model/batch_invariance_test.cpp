// With Context::batch_invariant(): a conversation's logits have the same bits computed whole, in chunks, and
// beside others. On ARTEMIS_TEST_DEVICE.
#include "artemis/kernels/linear.h"
#include "artemis/model/load.h"
#include "support/device.h"
#include "support/golden.h"

namespace artemis {
namespace {

struct Conversation {
  std::vector<std::int32_t> ids;
  PictureBatch pictures;
  Tensor features;  // undefined: no pictures
};

// Tokens [begin, end) of a conversation.
struct Chunk {
  std::size_t conversation;
  std::int64_t begin, end;

  std::int64_t tokens() const { return end - begin; }
};
using Pass = std::vector<Chunk>;

class BatchInvariantModel : public testing::TestWithParam<std::tuple<std::string, DType>> {
 protected:
  static constexpr std::int64_t page_size = 8;

  void SetUp() override {
    ctx_.set_batch_invariant(true);
    const auto& [name, dtype] = GetParam();
    const std::filesystem::path root = golden::model_root() / name;
    config_ = read_graft_config(root / "checkpoint");
    model_ = load_graft(ctx_, CheckpointReader::open(root / "checkpoint"), config_, dtype);
    for (const char* which : {"three_images", "one_image", "text"}) {
      const auto file = SafetensorsFile::open(root / (std::string(which) + ".safetensors"));
      const golden::Case input = golden::read_case(file);
      conversations_.push_back({input.text.input_ids, input.pictures, {}});
      if (!input.pictures.empty()) conversations_.back().features = features_of(input.pictures);
      most_pages_ = std::max(most_pages_, (tokens(conversations_.size() - 1) + page_size - 1) / page_size);
    }
  }

  std::int64_t tokens(std::size_t conversation) const {
    return static_cast<std::int64_t>(conversations_[conversation].ids.size());
  }
  DType dtype() const { return std::get<1>(GetParam()); }

  Tensor features_of(const PictureBatch& pictures) {
    const Tensor features = Tensor::allocate(
        dtype(), {image_tokens(*config_.vision, pictures), config_.text.hidden_size}, ctx_.device());
    image_features(ctx_, features, pictures, model_, config_);
    return features;
  }

  // The features of a pass's image tokens; undefined: none.
  Tensor features_of(const Pass& pass) {
    std::vector<Tensor> parts;
    std::int64_t rows = 0;
    for (const Chunk& chunk : pass) {
      const Conversation& own = conversations_[chunk.conversation];
      const auto images = [&](std::int64_t end) {
        return std::count(own.ids.begin(), own.ids.begin() + end, config_.image_token_id);
      };
      if (images(chunk.begin) == images(chunk.end)) continue;
      parts.push_back(own.features.rows(images(chunk.begin), images(chunk.end)));
      rows += parts.back().dim(0);
    }
    if (rows == 0) return {};
    const Tensor all = ctx_.allocate(dtype(), {rows, config_.text.hidden_size});
    std::int64_t row = 0;
    for (const Tensor& part : parts) {
      ctx_.copy(all.rows(row, row + part.dim(0)), part);
      row += part.dim(0);
    }
    return all;
  }

  // The logits of a pass's tokens, and its keys and values into the cache: the pages of a conversation lie in
  // falling order.
  Tensor run(KvCache& cache, const Pass& pass) {
    TextBatch batch{.input_ids = {}, .offsets = {0}, .positions = {}};
    std::vector<std::int32_t> rows, lengths, table;
    for (const Chunk& chunk : pass) {
      const auto last_page =
          static_cast<std::int32_t>((static_cast<std::int64_t>(chunk.conversation) + 1) * most_pages_ - 1);
      for (std::int64_t i = chunk.begin; i < chunk.end; ++i) {
        batch.input_ids.push_back(conversations_[chunk.conversation].ids[static_cast<std::size_t>(i)]);
        batch.positions.push_back(static_cast<std::int32_t>(i));
        rows.push_back(static_cast<std::int32_t>((last_page - i / page_size) * page_size + i % page_size));
      }
      batch.offsets.push_back(static_cast<std::int32_t>(batch.input_ids.size()));
      lengths.push_back(static_cast<std::int32_t>(chunk.end));
      for (std::int32_t page = 0; page < most_pages_; ++page) table.push_back(last_page - page);
    }
    const Arena::Scope scope(ctx_.arena());
    const Tensor x = ctx_.allocate(dtype(), {batch.tokens(), config_.text.hidden_size});
    const Tensor hidden = ctx_.allocate(dtype(), x.shape());
    embed(ctx_, x, batch, features_of(pass), model_, config_);
    const CacheStep step = {
        .page_table = ctx_.upload(DType::i32, {batch.sequences(), most_pages_}, table.data()),
        .lengths = ctx_.upload(DType::i32, {batch.sequences()}, lengths.data()),
        .rows = ctx_.upload(DType::i32, {batch.tokens()}, rows.data())};
    decoder_infer_cached(ctx_, hidden, cache, step, x, decoder_inputs(ctx_, batch, config_.text), Tensor(),
                         model_.language_model, config_.text);
    const Tensor logits =
        Tensor::allocate(DType::f32, {batch.tokens(), config_.text.vocab_size}, ctx_.device());
    linear_forward(ctx_, logits, hidden, model_.language_model.lm_head, Tensor());
    ctx_.synchronize();
    return logits.to(Device{});
  }

  // The logits of the first conversation's tokens, by these passes.
  std::vector<float> logits_by(const std::vector<Pass>& passes) {
    const TextConfig& text = config_.text;
    KvCache cache(dtype(), text.num_hidden_layers,
                  static_cast<std::int64_t>(conversations_.size()) * most_pages_, page_size,
                  text.num_key_value_heads * text.head_dim, ctx_.device());
    std::vector<float> own;
    for (const Pass& pass : passes) {
      const Tensor logits = run(cache, pass);
      std::int64_t row = 0;
      for (const Chunk& chunk : pass) {
        const auto values = logits.rows(row, row + chunk.tokens()).values<float>();
        if (chunk.conversation == 0) own.insert(own.end(), values.begin(), values.end());
        row += chunk.tokens();
      }
    }
    return own;
  }

  Context ctx_{test_device(), 2};
  GraftConfig config_;
  Graft model_;
  std::vector<Conversation> conversations_;
  std::int64_t most_pages_ = 0;
};

TEST_P(BatchInvariantModel, LogitsWholeInChunksAndBesideOthers) {
  const std::int64_t count = tokens(0);
  const std::vector<float> whole = logits_by({{{0, 0, count}}});
  ASSERT_EQ(std::ssize(whole), count * config_.text.vocab_size);

  std::vector<Pass> chunks, by_one, beside_others;
  constexpr std::int64_t sizes[] = {1, 2, 17, 5, 31, 3};
  for (std::int64_t begin = 0, i = 0; begin < count; ++i) {
    const std::int64_t end = std::min(count, begin + sizes[i % std::ssize(sizes)]);
    chunks.push_back({{0, begin, end}});
    begin = end;
  }
  for (std::int64_t i = 0; i < count; ++i) by_one.push_back({{0, i, i + 1}});
  // Others' prompts before and after, then others' steps.
  const std::int64_t some = count / 2 + 1;
  beside_others.push_back({{1, 0, tokens(1) - 3}, {0, 0, some}, {2, 0, tokens(2) - 2}});
  for (std::int64_t i = some; i < count; ++i) {
    Pass pass;
    if (i - some < 3) pass.push_back({1, tokens(1) - 3 + i - some, tokens(1) - 2 + i - some});
    pass.push_back({0, i, i + 1});
    if (i - some < 2) pass.push_back({2, tokens(2) - 2 + i - some, tokens(2) - 1 + i - some});
    beside_others.push_back(pass);
  }
  EXPECT_TRUE(logits_by(chunks) == whole) << "in chunks";
  EXPECT_TRUE(logits_by(by_one) == whole) << "one by one";
  EXPECT_TRUE(logits_by(beside_others) == whole) << "beside others";
}

TEST_P(BatchInvariantModel, FeaturesOfAPictureBesideOthers) {
  std::vector<const PictureBatch*> all;
  for (const Conversation& conversation : conversations_) {
    if (conversation.features) all.push_back(&conversation.pictures);
  }
  ASSERT_EQ(all.size(), 2u);
  for (int round = 0; round < 2; ++round) {
    const Tensor together = features_of(join_pictures(all)).to(Device{});
    std::int64_t row = 0;
    for (const PictureBatch* pictures : all) {
      const Tensor alone = features_of(*pictures).to(Device{});
      EXPECT_EQ(std::memcmp(alone.raw(), together.rows(row, row + alone.dim(0)).raw(), alone.bytes()), 0);
      row += alone.dim(0);
    }
    std::ranges::reverse(all);
  }
}

INSTANTIATE_TEST_SUITE_P(Configurations, BatchInvariantModel,
                         testing::Combine(testing::ValuesIn(golden::configurations()),
                                          testing::Values(DType::f32, DType::bf16)),
                         [](const auto& entry) {
                           return std::get<0>(entry.param) + "_" +
                                  std::string(dtype_name(std::get<1>(entry.param)));
                         });

}  // namespace
}  // namespace artemis

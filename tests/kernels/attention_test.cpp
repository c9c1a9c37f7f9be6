#include "artemis/kernels/attention.h"

#include <gtest/gtest.h>

#include "artemis/kernels/rotary.h"
#include "attention_reference.h"

namespace artemis {
namespace {

using testing::AttentionCase;
using testing::AttentionReference;
using testing::make_inputs;
using testing::relative_error;
using testing::same_bits;

AttentionOptions options_of(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim, bool causal,
                            std::int64_t window = 0) {
  return {heads, kv_heads, head_dim, 1.0f / std::sqrt(static_cast<float>(head_dim)), causal, window};
}

// Odd head sizes, empty and one-token sequences, more than one tile of keys and of queries.
const std::vector<AttentionCase> cases = {
    {options_of(1, 1, 1, false), {3}},
    {options_of(4, 2, 20, true), {5, 0, 1, 70}},
    {options_of(3, 3, 24, false), {0, 65, 1, 130, 0}},
    {options_of(6, 2, 72, true), {129, 33}},
    {options_of(8, 2, 80, true, 40), {200, 7}},
    {options_of(4, 1, 128, true, 1), {20}},
    {options_of(2, 2, 64, true, 64), {193, 64}},
    {options_of(2, 1, 17, false), {64, 128}},
    {options_of(130, 1, 8, true), {67}},
};

// A tolerance in units of the dtype's epsilon: sums over keys and head elements, each rounded a few times.
double tolerance(DType dtype) { return dtype == DType::f32 ? 40 * 1.2e-7 : 4.0 / 256; }

TEST(Attention, ForwardEqualsDoublePrecision) {
  Context ctx({}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const AttentionCase& c : cases) {
      const auto in = make_inputs(7, dtype, c);
      const AttentionReference reference(in, c);
      attention_forward(ctx, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
      EXPECT_LE(relative_error(in.out, reference.out), tolerance(dtype));
      EXPECT_LE(relative_error(in.lse, reference.lse), tolerance(DType::f32));
      const Tensor other = Tensor::allocate(dtype, in.out.shape());
      attention_forward(ctx, other, Tensor(), in.q, in.k, in.v, in.offsets, c.options);
      EXPECT_TRUE(same_bits(other, in.out));
    }
  }
}

TEST(Attention, BackwardEqualsTheSoftmaxGradientInDoublePrecision) {
  Context ctx({}, 2);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const AttentionCase& c : cases) {
      const auto in = make_inputs(8, dtype, c);
      const AttentionReference reference(in, c);
      attention_forward(ctx, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
      attention_backward(ctx, in.d_q, in.d_k, in.d_v, in.d_out, in.out, in.lse, in.q, in.k, in.v, in.offsets,
                         c.options);
      EXPECT_LE(relative_error(in.d_q, reference.d_q), tolerance(dtype));
      EXPECT_LE(relative_error(in.d_k, reference.d_k), tolerance(dtype));
      EXPECT_LE(relative_error(in.d_v, reference.d_v), tolerance(dtype));
    }
  }
}

TEST(Attention, TheNumberOfThreadsChangesNoBit) {
  for (const AttentionCase& c : {cases[1], cases[4], cases[7]}) {
    testing::AttentionInputs first;
    for (const int threads : {1, 2, 5}) {
      Context ctx({}, threads);
      const auto in = make_inputs(9, DType::f32, c);
      attention_forward(ctx, in.out, in.lse, in.q, in.k, in.v, in.offsets, c.options);
      attention_backward(ctx, in.d_q, in.d_k, in.d_v, in.d_out, in.out, in.lse, in.q, in.k, in.v, in.offsets,
                         c.options);
      if (threads == 1) {
        first = in;
        continue;
      }
      EXPECT_TRUE(same_bits(in.out, first.out));
      EXPECT_TRUE(same_bits(in.lse, first.lse));
      EXPECT_TRUE(same_bits(in.d_q, first.d_q));
      EXPECT_TRUE(same_bits(in.d_k, first.d_k));
      EXPECT_TRUE(same_bits(in.d_v, first.d_v));
    }
  }
}

// A sequence gets the same bits whatever else is in the batch.
TEST(Attention, SequencesDoNotDependOnEachOther) {
  Context ctx({}, 2);
  const AttentionCase& c = cases[4];
  const auto in = make_inputs(10, DType::f32, c);
  attention_forward(ctx, in.out, Tensor(), in.q, in.k, in.v, in.offsets, c.options);
  const std::int32_t alone[] = {0, 7};
  const Tensor out = Tensor::allocate(DType::f32, {7, in.out.dim(1)});
  attention_forward(ctx, out, Tensor(), in.q.rows(200, 207), in.k.rows(200, 207), in.v.rows(200, 207),
                    Tensor::from<std::int32_t>(alone, {2}), c.options);
  EXPECT_TRUE(same_bits(out, in.out.rows(200, 207)));
}

// The last tokens of each sequence, over a cache of shuffled pages, one at a time or many.
TEST(Attention, CachedEqualsUncachedBitForBit) {
  Context ctx({}, 2);
  constexpr std::int64_t page_size = 16;
  constexpr std::int64_t max_pages = 20;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const AttentionCase& c : {cases[1], cases[3], cases[4], cases[5], cases[6], cases[8]}) {
      const auto in = make_inputs(11, dtype, c);
      attention_forward(ctx, in.out, Tensor(), in.q, in.k, in.v, in.offsets, c.options);
      for (const std::int64_t last : {1, 2, 50, 1000}) {
        const auto cache = testing::fill_cache(in, c, page_size, max_pages, last);
        const Tensor out = Tensor::allocate(dtype, cache.q.shape());
        cached_attention_forward(ctx, out, cache.q, cache.k, cache.v, cache.page_table, cache.lengths,
                                 cache.offsets, page_size, c.options);
        for (std::int64_t row = 0; row < out.dim(0); ++row) {
          const std::int64_t source = cache.source_rows[static_cast<std::size_t>(row)];
          EXPECT_TRUE(same_bits(out.rows(row, row + 1), in.out.rows(source, source + 1)))
              << last << " " << row;
        }
      }
    }
  }
}

// Two sequences of two new tokens and one, over pages of four rows.
struct TurningInputs {
  AttentionOptions options = options_of(4, 2, 8, true);
  Tensor qkv, k_cache, v_cache, cos, sin;
  Tensor out = Tensor::zeros(DType::f32, {3, 32});
  Tensor table = Tensor::from<std::int32_t>(std::vector<std::int32_t>{2, 0, 1, 3}, {2, 2});
  Tensor lengths = Tensor::from<std::int32_t>(std::vector<std::int32_t>{5, 3}, {2});
  Tensor offsets = Tensor::from<std::int32_t>(std::vector<std::int32_t>{0, 2, 3}, {3});
  Tensor rows = Tensor::from<std::int32_t>(std::vector<std::int32_t>{11, 0, 6}, {3});

  TurningInputs() {
    Random random(31);
    qkv = testing::random_matrix(random, DType::f32, 3, 64, 2);
    k_cache = testing::random_matrix(random, DType::f32, 16, 16, 0);
    v_cache = testing::random_matrix(random, DType::f32, 16, 16, 0);
    cos = testing::random_matrix(random, DType::f32, 3, 4, 1);
    sin = testing::random_matrix(random, DType::f32, 3, 4, 1);
  }

  void run(Context& ctx) const {
    rotary_cached_attention_forward(ctx, out, qkv, k_cache, v_cache, rows, cos, sin, table, lengths, offsets,
                                    4, options);
  }
};

TEST(Attention, TurningAndCachedEqualsItsParts) {
  Context ctx({}, 2);
  const TurningInputs in, parts;
  in.run(ctx);
  rotary_to_cache(ctx, parts.qkv, parts.k_cache, parts.v_cache, parts.rows, parts.cos, parts.sin, 8);
  cached_attention_forward(ctx, parts.out, parts.qkv.columns(0, 32), parts.k_cache, parts.v_cache,
                           parts.table, parts.lengths, parts.offsets, 4, parts.options);
  EXPECT_TRUE(same_bits(in.out, parts.out));
  EXPECT_TRUE(same_bits(in.k_cache, parts.k_cache));
  EXPECT_TRUE(same_bits(in.v_cache, parts.v_cache));
}

template <typename Call>
void expect_error(Call call, const std::string& part) {
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << part;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

Tensor integers(std::vector<std::int32_t> values) {
  return Tensor::from<std::int32_t>(values, {static_cast<std::int64_t>(values.size())});
}

TEST(Attention, BadArgumentsAreNamed) {
  Context ctx;
  const AttentionCase c = {options_of(2, 1, 4, true), {3}};
  const auto in = make_inputs(12, DType::f32, c);
  const auto forward = [&](const Tensor& k, const Tensor& offsets, const AttentionOptions& options) {
    attention_forward(ctx, in.out, in.lse, in.q, k, in.v, offsets, options);
  };
  expect_error([&] { forward(in.k, integers({0, 2}), c.options); }, "[attention_forward] offsets end at 2");
  expect_error([&] { forward(in.k, integers({1, 3}), c.options); }, "[attention_forward] offsets start at 1");
  expect_error([&] { forward(in.k, integers({0, 4, 3}), c.options); }, "offsets fall from 4 to 3");
  expect_error([&] { forward(in.q, in.offsets, c.options); }, "[attention_forward] k has shape (3, 8)");
  expect_error([&] { forward(in.k, in.offsets, options_of(3, 2, 4, true)); },
               "expected a multiple of kv_heads");
  expect_error([&] { forward(in.k, in.offsets, options_of(2, 1, 4, false, 2)); }, "needs causal");
  const Tensor table = integers({5, 1}).view({1, 2});
  const auto cached = [&](std::int32_t length, std::int64_t page_size) {
    cached_attention_forward(ctx, in.out, in.q, in.k, in.v, table, integers({length}), in.offsets, page_size,
                             c.options);
  };
  expect_error([&] { cached(2, 1); }, "[cached_attention_forward] sequence 0 has 2 tokens in the cache");
  expect_error([&] { cached(9, 2); }, "sequence 0 needs 5 pages, the table has 2");
  expect_error([&] { cached(3, 2); }, "page 0 of sequence 0 is 5, expected 0 to 0");
  expect_error([&] { cached(3, 0); }, "page_size is 0");
}

TEST(Attention, BadArgumentsOfTurningAreNamed) {
  Context ctx;
  const auto refused = [&](auto change, const std::string& part) {
    TurningInputs in;
    change(in);
    expect_error([&] { in.run(ctx); }, "[rotary_cached_attention_forward] " + part);
  };
  refused([](auto& in) { in.qkv = in.qkv.columns(0, 48); }, "qkv has shape (3, 48)");
  refused([](auto& in) { in.rows = integers({1, 2}); }, "rows has shape (2)");
  refused([](auto& in) { in.sin = in.sin.columns(0, 3); }, "sin has shape (3, 3)");
  refused([](auto& in) { in.lengths = integers({5, 0}); }, "sequence 1 has 0 tokens in the cache");
  refused([](auto& in) { in.cos = in.sin = Tensor::zeros(DType::f32, {3, 5}); }, "5 pairs turn");
}

}  // namespace
}  // namespace artemis

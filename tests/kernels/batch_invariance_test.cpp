// Context::batch_invariant(): what becomes of a row does not depend on the other rows of a call. On
// ARTEMIS_TEST_DEVICE.
#include <gtest/gtest.h>

#include <functional>

#include "artemis/kernels/attention.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rotary.h"
#include "random_tensor.h"
#include "support/device.h"

namespace artemis::testing {
namespace {

class BatchInvariance : public ::testing::TestWithParam<DType> {
 protected:
  BatchInvariance() { ctx_.set_batch_invariant(true); }

  Tensor matrix(std::int64_t rows, std::int64_t cols) {
    return random_matrix(random_, GetParam(), rows, cols).to(ctx_.device());
  }
  Tensor vector(std::int64_t size) { return random_vector(random_, GetParam(), size).to(ctx_.device()); }

  // What `call` makes of all rows of x, by calls with some of them.
  using Call = std::function<void(const Tensor& out, const Tensor& rows, std::int64_t first)>;
  void expect_rows_alone(const Tensor& x, std::int64_t width, DType dtype, const Call& call) {
    const auto results = [&](std::int64_t first, std::int64_t last) {
      const Tensor out = Tensor::zeros(dtype, {last - first, width}, ctx_.device());
      call(out, x.rows(first, last), first);
      ctx_.synchronize();
      return out.to(Device{});
    };
    const std::int64_t count = x.dim(0);
    const Tensor all = results(0, count);
    for (const std::int64_t rows : {1, 2, 5, 8, 9, 15, 16, 17, 31, 64, 65, 127, 130, 256}) {
      if (rows >= count) break;
      for (const std::int64_t first : {std::int64_t{0}, count / 3, count - rows}) {
        if (first + rows > count) continue;
        EXPECT_TRUE(same_bits(results(first, first + rows), all.rows(first, first + rows)))
            << rows << " of " << count << " rows from " << first << " on, " << width << " columns";
      }
    }
  }

  Context ctx_{test_device(), 2};
  Random random_{31};
};

struct Size {
  std::int64_t rows, n, k;
};
// Odd ones, and enough work for a GPU to measure plans.
const Size sizes[] = {{40, 75, 131}, {300, 96, 64}, {300, 640, 1024}};

TEST_P(BatchInvariance, LinearProducts) {
  for (const auto& [rows, n, k] : sizes) {
    const Tensor x = matrix(rows, k), w = matrix(n, k), bias = vector(n), residual = matrix(rows, n);
    for (const LinearEpilogue& epilogue :
         {LinearEpilogue{}, LinearEpilogue{.activation = Activation::gelu_tanh},
          LinearEpilogue{.activation = Activation::gelu_erf, .residual = residual},
          LinearEpilogue{.residual = residual}}) {
      expect_rows_alone(x, n, GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t first) {
        LinearEpilogue own = epilogue;
        if (own.residual) own.residual = residual.rows(first, first + some.dim(0));
        linear_forward(ctx_, out, some, w, bias, own);
      });
    }
    expect_rows_alone(x, n, DType::f32, [&](const Tensor& out, const Tensor& some, std::int64_t) {
      linear_forward(ctx_, out, some, w, Tensor());
    });
  }
}

TEST_P(BatchInvariance, GatedProducts) {
  for (const auto& [rows, n, k] : sizes) {
    const Tensor x = matrix(rows, k), both = matrix(2 * n, k), apart = matrix(n, k);
    for (const Tensor& up : {both.rows(n, 2 * n), apart}) {
      expect_rows_alone(x, n, GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t) {
        gated_linear_forward(ctx_, out, some, both.rows(0, n), up, Activation::silu);
      });
    }
  }
}

// More rows than a GPU runs at once.
TEST_P(BatchInvariance, Norms) {
  for (const std::int64_t width : {13, 64, 1024}) {
    const Tensor x = matrix(1500, width), weight = vector(width), bias = vector(width);
    expect_rows_alone(x, width, GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t) {
      rms_norm_forward(ctx_, out, Tensor(), some, weight, 1e-6f);
    });
    expect_rows_alone(x, width, GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t) {
      layer_norm_forward(ctx_, out, Tensor(), Tensor(), some, weight, bias, 1e-6f);
    });
  }
}

// A sequence in a paged cache, and the queries of some of its positions beside those of other sequences.
class CachedSequence {
 public:
  static constexpr std::int64_t page = 16;
  static constexpr std::int32_t pages_each = 20;

  CachedSequence(Context& ctx, DType dtype, const AttentionOptions& options, Random& random)
      : ctx_(ctx), options_(options) {
    const std::int64_t kv_width = options.kv_heads * options.head_dim;
    q_ = random_matrix(random, dtype, length, options.heads * options.head_dim).to(ctx.device());
    k_ = random_matrix(random, dtype, 2 * pages_each * page, kv_width).to(ctx.device());
    v_ = random_matrix(random, dtype, 2 * pages_each * page, kv_width).to(ctx.device());
  }

  static constexpr std::int64_t length = 300;

  // The results of positions [begin, end) of the sequence; before it comes another with `before` new tokens
  // and after it one with `after`, of positions that lie further back; 0: none.
  Tensor attend(std::int64_t begin, std::int64_t end, std::int64_t before, std::int64_t after) {
    const Arena::Scope scope(ctx_.arena());
    std::vector<std::int32_t> offsets = {0}, lengths, table;
    std::vector<Tensor> queries;
    const auto add = [&](std::int64_t first, std::int64_t last, std::int32_t first_page) {
      if (first == last) return;
      queries.push_back(q_.rows(first, last));
      offsets.push_back(offsets.back() + static_cast<std::int32_t>(last - first));
      lengths.push_back(static_cast<std::int32_t>(last));
      // Pages from the last to the first.
      for (std::int32_t i = 0; i < pages_each; ++i) table.push_back(first_page + pages_each - 1 - i);
    };
    add(100, 100 + before, pages_each);
    add(begin, end, 0);
    add(7, 7 + after, pages_each);
    const auto sequences = static_cast<std::int64_t>(lengths.size());
    const Tensor q = ctx_.allocate(q_.dtype(), {offsets.back(), q_.dim(1)});
    for (std::size_t i = 0; i < queries.size(); ++i)
      ctx_.copy(q.rows(offsets[i], offsets[i + 1]), queries[i]);
    const Tensor out = Tensor::allocate(q_.dtype(), q.shape(), ctx_.device());
    cached_attention_forward(ctx_, out, q, k_, v_,
                             ctx_.upload(DType::i32, {sequences, std::int64_t{pages_each}}, table.data()),
                             ctx_.upload(DType::i32, {sequences}, lengths.data()),
                             ctx_.upload(DType::i32, {sequences + 1}, offsets.data()), page, options_);
    ctx_.synchronize();
    return out.rows(before, before + end - begin).to(Device{});
  }

 private:
  Context& ctx_;
  AttentionOptions options_;
  Tensor q_, k_, v_;
};

TEST_P(BatchInvariance, CachedAttention) {
  for (const auto& [heads, kv_heads, head_dim, window] :
       {std::array<std::int64_t, 4>{4, 2, 64, 0}, {8, 2, 128, 0}, {4, 2, 128, 100}, {3, 1, 24, 0}}) {
    const AttentionOptions options = {.heads = heads,
                                      .kv_heads = kv_heads,
                                      .head_dim = head_dim,
                                      .scale = 0.37f,
                                      .causal = true,
                                      .window = window};
    CachedSequence sequence(ctx_, GetParam(), options, random_);
    const Tensor whole = sequence.attend(0, CachedSequence::length, 0, 0);
    for (const auto& [begin, end] : {std::array<std::int64_t, 2>{0, 1},
                                     {1, 64},
                                     {63, 66},
                                     {5, 300},
                                     {128, 129},
                                     {130, 193},
                                     {200, 203},
                                     {299, 300}}) {
      for (const auto& [before, after] : {std::array<std::int64_t, 2>{0, 0}, {1, 0}, {0, 3}, {70, 1}}) {
        EXPECT_TRUE(same_bits(sequence.attend(begin, end, before, after), whole.rows(begin, end)))
            << "head_dim " << head_dim << ", window " << window << ", positions " << begin << " to " << end
            << " between " << before << " and " << after << " others";
      }
    }
  }
}

// Pictures of a pass, without a causal mask.
TEST_P(BatchInvariance, AttentionAmongSequences) {
  const AttentionOptions options = {.heads = 3, .kv_heads = 3, .head_dim = 64, .scale = 0.125f};
  const std::int64_t width = 3 * 64;
  const std::vector<std::int32_t> offsets = {0, 65, 165, 166, 400};
  const Tensor q = matrix(400, width), k = matrix(400, width), v = matrix(400, width);
  const auto attend = [&](std::int32_t begin, std::int32_t end, const std::vector<std::int32_t>& own) {
    const Arena::Scope scope(ctx_.arena());
    const Tensor out = Tensor::allocate(GetParam(), {end - begin, width}, ctx_.device());
    const auto count = static_cast<std::int64_t>(own.size());
    attention_forward(ctx_, out, Tensor(), q.rows(begin, end), k.rows(begin, end), v.rows(begin, end),
                      ctx_.upload(DType::i32, {count}, own.data()), options);
    ctx_.synchronize();
    return out.to(Device{});
  };
  const Tensor all = attend(0, 400, offsets);
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const std::int32_t begin = offsets[i], end = offsets[i + 1];
    EXPECT_TRUE(same_bits(attend(begin, end, {0, end - begin}), all.rows(begin, end))) << "sequence " << i;
  }
}

TEST_P(BatchInvariance, RotaryAndActivations) {
  const Tensor x = matrix(300, 4 * 64), up = matrix(300, 4 * 64);
  const Tensor cos = random_matrix(random_, DType::f32, 300, 32).to(ctx_.device());
  const Tensor sin = random_matrix(random_, DType::f32, 300, 32).to(ctx_.device());
  expect_rows_alone(x, x.dim(1), GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t first) {
    ctx_.copy(out, some);
    const std::int64_t last = first + some.dim(0);
    rotary_forward(ctx_, out, cos.rows(first, last), sin.rows(first, last), 64);
  });
  expect_rows_alone(x, x.dim(1), GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t first) {
    gated_forward(ctx_, out, some, up.rows(first, first + some.dim(0)), Activation::silu);
  });
  expect_rows_alone(x, x.dim(1), GetParam(), [&](const Tensor& out, const Tensor& some, std::int64_t) {
    activation_forward(ctx_, out, some, Activation::gelu_tanh);
  });
}

INSTANTIATE_TEST_SUITE_P(DTypes, BatchInvariance, ::testing::Values(DType::f32, DType::bf16),
                         [](const auto& entry) { return std::string(dtype_name(entry.param)); });

}  // namespace
}  // namespace artemis::testing

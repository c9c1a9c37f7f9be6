#include "artemis/kernels/cpu/matmul.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <dnnl.hpp>
#include <map>
#include <vector>

#include "artemis/kernels/cpu/micro.h"

namespace artemis::cpu {
namespace {

// A tile of the result is computed whole by one thread. 256 x 256 reaches the rate of the whole product on
// one core, and a decoder's layers have tiles for every thread from about a hundred tokens on.
constexpr std::int64_t tile_rows = 256;
constexpr std::int64_t tile_cols = 256;
// oneDNN sums in another order where a product has few rows, so fewer than this go to the tile above them;
// the rows of a result with at least as many do not depend on how many they are.
constexpr std::int64_t least_tile_rows = 16;

// What a primitive is made for.
struct Product {
  std::int64_t m, n, k;
  DType in, out, bias_dtype;
  std::int64_t a_row, a_column, b_row, b_column, out_row;
  bool bias, accumulate;

  auto operator<=>(const Product&) const = default;  // NOLINT(modernize-use-nullptr): misled by <=>
};

dnnl::memory::data_type dnnl_dtype(DType dtype) {
  ARTEMIS_ASSERT(dtype == DType::f32 || dtype == DType::bf16);
  return dtype == DType::f32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::bf16;
}

dnnl::engine& engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

struct Primitive {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul matmul;
};

Primitive make_primitive(const Product& p) {
  using Desc = dnnl::memory::desc;
  const auto in = dnnl_dtype(p.in);
  const Desc a({p.m, p.k}, in, dnnl::memory::dims{p.a_row, p.a_column});
  const Desc b({p.k, p.n}, in, dnnl::memory::dims{p.b_row, p.b_column});
  const Desc out({p.m, p.n}, dnnl_dtype(p.out), dnnl::memory::dims{p.out_row, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (p.accumulate) {
    dnnl::post_ops after;
    after.append_sum(1.0f);
    attributes.set_post_ops(after);
  }
  const auto operation =
      p.bias ? dnnl::matmul::desc(a, b, Desc({1, p.n}, dnnl_dtype(p.bias_dtype), {p.n, 1}), out)
             : dnnl::matmul::desc(a, b, out);
  const dnnl::matmul::primitive_desc description(operation, attributes, engine());
  return {description, dnnl::matmul(description)};
}

// Each thread's own primitives and scratch memory.
class Worker {
 public:
  void multiply(const Product& p, void* out, const void* a, const void* b, const void* bias) {
    omp_set_num_threads(
        1);  // of oneDNN's own parallel loops on this thread: the pool is the only one to split work
    const Primitive& primitive = find(p);
    const dnnl::matmul::primitive_desc& d = primitive.description;
    scratch_.resize(std::max(scratch_.size(), d.scratchpad_desc().get_size()));
    const auto memory = [](const dnnl::memory::desc& desc, const void* data) {
      return dnnl::memory(desc, engine(), const_cast<void*>(data));
    };
    std::unordered_map<int, dnnl::memory> arguments = {
        {DNNL_ARG_SRC, memory(d.src_desc(), a)},
        {DNNL_ARG_WEIGHTS, memory(d.weights_desc(), b)},
        {DNNL_ARG_DST, memory(d.dst_desc(), out)},
        {DNNL_ARG_SCRATCHPAD, memory(d.scratchpad_desc(), scratch_.data())}};
    if (p.bias) arguments.emplace(DNNL_ARG_BIAS, memory(d.bias_desc(), bias));
    primitive.matmul.execute(stream_, arguments);
  }

  // Memory for `count` floats; one of three uses.
  float* floats(std::size_t use, std::int64_t count) {
    auto& buffer = floats_.at(use);
    buffer.resize(std::max(buffer.size(), static_cast<std::size_t>(count)));
    return buffer.data();
  }

 private:
  const Primitive& find(const Product& p) {
    constexpr std::size_t most = 512;  // ragged batches bring ever new shapes
    if (const auto found = primitives_.find(p); found != primitives_.end()) return found->second;
    if (primitives_.size() >= most) primitives_.clear();
    return primitives_.emplace(p, make_primitive(p)).first->second;
  }

  dnnl::stream stream_{engine()};
  std::map<Product, Primitive> primitives_;
  std::vector<char> scratch_;
  std::array<std::vector<float>, 3> floats_;
};

Worker& worker() {
  thread_local Worker mine;
  return mine;
}

struct Tile {
  std::int64_t row, col, rows, cols;
};

const std::byte* at(const Operand& operand, std::int64_t i, std::int64_t j) {
  const auto elements = static_cast<std::size_t>(i * operand.row + j * operand.column);
  return operand.data + elements * dtype_size(operand.dtype);
}

// The bf16 block (rows, cols) at (i, j) of an operand as f32, in the operand's own order.
Operand widened(const Operand& from, std::int64_t i, std::int64_t j, std::int64_t rows, std::int64_t cols,
                std::size_t use) {
  const bool by_rows = from.column == 1;
  const std::int64_t lines = by_rows ? rows : cols;
  const std::int64_t length = by_rows ? cols : rows;
  float* to = worker().floats(use, lines * length);
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::byte* source = by_rows ? at(from, i + line, j) : at(from, i, j + line);
    micro_kernels().widen(to + line * length, reinterpret_cast<const std::uint16_t*>(source), length);
  }
  return {.data = reinterpret_cast<const std::byte*>(to),
          .dtype = DType::f32,
          .row = by_rows ? length : 1,
          .column = by_rows ? 1 : length};
}

void narrow_tile(const Tensor& out, const Tile& tile, const float* from, bool accumulate) {
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    bfloat16* to = out.mutable_data<bfloat16>() + (tile.row + r) * out.row_stride() + tile.col;
    const float* row = from + r * tile.cols;
    for (std::int64_t c = 0; c < tile.cols; ++c) {
      to[c] = bfloat16(accumulate ? static_cast<float>(to[c]) + row[c] : row[c]);
    }
  }
}

std::byte* tile_of(const Tensor& out, const Tile& tile) {
  const auto elements = static_cast<std::size_t>(tile.row * out.row_stride() + tile.col);
  return out.mutable_raw() + elements * dtype_size(out.dtype());
}

void multiply_piece(const Tensor& out, const Operand& a, const Operand& b, std::int64_t depth,
                    const Tensor& bias, bool accumulate, const Tile& tile) {
  const std::byte* tile_bias =
      bias ? bias.raw() + static_cast<std::size_t>(tile.col) * dtype_size(bias.dtype()) : nullptr;
  const Product product = {.m = tile.rows,
                           .n = tile.cols,
                           .k = depth,
                           .in = a.dtype,
                           .out = out.dtype(),
                           .bias_dtype = bias ? bias.dtype() : DType::f32,
                           .a_row = a.row,
                           .a_column = a.column,
                           .b_row = b.row,
                           .b_column = b.column,
                           .out_row = out.row_stride(),
                           .bias = bias.defined(),
                           .accumulate = accumulate};
  worker().multiply(product, tile_of(out, tile), at(a, tile.row, 0), at(b, 0, tile.col), tile_bias);
}

// Ragged rows are cut off, with a full piece before them where they are too few alone: 31 primitives serve
// every number of rows, where one for each would fill memory for hours.
void multiply_tile(const Tensor& out, const Operand& a, const Operand& b, std::int64_t depth,
                   const Tensor& bias, bool accumulate, const Tile& tile) {
  const std::int64_t ragged = tile.rows % least_tile_rows;
  const std::int64_t even = ragged == 0 ? tile.rows : tile.rows - ragged - least_tile_rows;
  Tile piece = tile;
  if (even > 0) {
    piece.rows = even;
    multiply_piece(out, a, b, depth, bias, accumulate, piece);
  }
  if (ragged == 0) return;
  piece.row = tile.row + std::max<std::int64_t>(even, 0);
  piece.rows = tile.row + tile.rows - piece.row;
  multiply_piece(out, a, b, depth, bias, accumulate, piece);
}

// For processors without products of bf16: the tile's operands become f32, so does the bias, and the result
// is rounded once.
void multiply_tile_widened(const Tensor& out, const Operand& a, const Operand& b, std::int64_t depth,
                           const Tensor& bias, bool accumulate, const Tile& tile) {
  const Operand wide_a = widened(a, tile.row, 0, tile.rows, depth, 0);
  const Operand wide_b = widened(b, 0, tile.col, depth, tile.cols, 1);
  Tensor wide_bias;
  if (bias) {
    wide_bias = Tensor::allocate(DType::f32, {tile.cols});
    micro_kernels().widen(wide_bias.mutable_data<float>(),
                          reinterpret_cast<const std::uint16_t*>(bias.data<bfloat16>() + tile.col),
                          tile.cols);
  }
  const Tile whole = {.row = 0, .col = 0, .rows = tile.rows, .cols = tile.cols};
  if (out.dtype() == DType::f32) {
    const Tensor part = out.rows(tile.row, tile.row + tile.rows).columns(tile.col, tile.col + tile.cols);
    multiply_tile(part, wide_a, wide_b, depth, wide_bias, accumulate, whole);
    return;
  }
  float* result = worker().floats(2, tile.rows * tile.cols);
  const Tensor wide_out =
      Tensor::wrap(result, DType::f32, {tile.rows, tile.cols}, out.device(), nullptr, false);
  multiply_tile(wide_out, wide_a, wide_b, depth, wide_bias, false, whole);
  narrow_tile(out, tile, result, accumulate);
}

}  // namespace

Operand as_operand(const Tensor& matrix) {
  return {.data = matrix.raw(), .dtype = matrix.dtype(), .row = matrix.row_stride(), .column = 1};
}

Operand as_transposed(const Tensor& matrix) {
  return {.data = matrix.raw(), .dtype = matrix.dtype(), .row = 1, .column = matrix.row_stride()};
}

void matmul(Context& ctx, const Tensor& out, const Operand& a, const Operand& b, std::int64_t depth,
            const Tensor& bias, bool accumulate) {
  ARTEMIS_ASSERT(a.dtype == b.dtype && depth > 0);
  const std::int64_t rows = out.dim(0);
  const std::int64_t cols = out.dim(1);
  const std::int64_t down = std::max<std::int64_t>(1, (rows + tile_rows - least_tile_rows) / tile_rows);
  const std::int64_t across = (cols + tile_cols - 1) / tile_cols;
  const auto multiply =
      a.dtype == DType::bf16 && !has_bf16_products() ? multiply_tile_widened : multiply_tile;
  ctx.pool().run(down * across, [&](std::int64_t index) {
    const std::int64_t row = index % down * tile_rows;
    const bool last = index % down == down - 1;
    const std::int64_t col = index / down * tile_cols;
    const Tile tile = {.row = row,
                       .col = col,
                       .rows = last ? rows - row : tile_rows,
                       .cols = std::min(tile_cols, cols - col)};
    multiply(out, a, b, depth, bias, accumulate, tile);
  });
}

}  // namespace artemis::cpu

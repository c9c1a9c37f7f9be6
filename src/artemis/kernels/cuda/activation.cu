#include "artemis/kernels/cuda/activation.cuh"
#include "artemis/kernels/cuda/elementwise.cuh"
#include "artemis/kernels/table.h"

namespace artemis::cuda {
namespace {

template <Activation f, typename T, int n>
struct Forward {
  Rows<T> out;
  Rows<const T> x;

  __device__ Pack<T, n> take(std::int64_t row, std::int64_t col) const { return load_pack<n>(x[row] + col); }
  __device__ void finish(std::int64_t row, std::int64_t col, Pack<T, n> x) const {
    for (T& element : x.values) store(element, at<f, T>(load(element)).value);
    store_pack(out[row] + col, x);
  }
};

template <Activation f, typename T, int n>
struct Backward {
  Rows<T> d_x;
  Rows<const T> d_out, x;

  struct Taken {
    Pack<T, n> d, x;
  };
  __device__ Taken take(std::int64_t row, std::int64_t col) const {
    return {load_pack<n>(d_out[row] + col), load_pack<n>(x[row] + col)};
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Taken taken) const {
#pragma unroll
    for (int i = 0; i < n; ++i) {
      store(taken.d.values[i], load(taken.d.values[i]) * at<f, T>(load(taken.x.values[i])).slope);
    }
    store_pack(d_x[row] + col, taken.d);
  }
};

template <Activation f, typename T, int n>
struct Gated {
  Rows<T> out;
  Rows<const T> gate, up;

  struct Taken {
    Pack<T, n> gate, up;
  };
  __device__ Taken take(std::int64_t row, std::int64_t col) const {
    return {load_pack<n>(gate[row] + col), load_pack<n>(up[row] + col)};
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Taken taken) const {
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float activated = rounded<T>(at<f, T>(load(taken.gate.values[i])).value);
      store(taken.up.values[i], activated * load(taken.up.values[i]));
    }
    store_pack(out[row] + col, taken.up);
  }
};

template <Activation f, typename T, int n>
struct GatedGradient {
  Rows<T> d_gate, d_up;
  Rows<const T> d_out, gate, up;

  struct Taken {
    Pack<T, n> d, gate, up;
  };
  __device__ Taken take(std::int64_t row, std::int64_t col) const {
    return {load_pack<n>(d_out[row] + col), load_pack<n>(gate[row] + col), load_pack<n>(up[row] + col)};
  }
  __device__ void finish(std::int64_t row, std::int64_t col, Taken taken) const {
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float d = load(taken.d.values[i]);
      const float u = load(taken.up.values[i]);
      const Point point = at<f, T>(load(taken.gate.values[i]));
      store(taken.up.values[i], d * point.value);
      store(taken.gate.values[i], d * u * point.slope);
    }
    store_pack(d_up[row] + col, taken.up);
    store_pack(d_gate[row] + col, taken.gate);
  }
};

// Calls make(function, element, n) for the operation of matrices of one shape, and launches that.
template <typename Make, typename... Others>
void launch_over(Context& ctx, Activation activation, const Make& make, const Tensor& first,
                 const Others&... others) {
  const Extents extents = joint_extents(first, others...);
  dispatch_activation(activation, [&](auto function) {
    dispatch_real(first.dtype(), [&](auto element) {
      constexpr int widest = widest_pack<decltype(element)>;
      dispatch_pack<widest>(packs_fit(extents.cols, widest, first, others...), [&](auto n) {
        launch_each_pack<decltype(n)::value>(ctx, make(function, element, n), extents);
      });
    });
  });
}

}  // namespace

void activation_forward(Context& ctx, const Tensor& out, const Tensor& x, Activation activation) {
  const auto make = [&]<typename F, typename T, typename N>(F, T, N) {
    return Forward<F::value, T, N::value>{mutable_rows_of<T>(out), rows_of<T>(x)};
  };
  launch_over(ctx, activation, make, out, x);
}

void activation_backward(Context& ctx, const Tensor& d_x, const Tensor& d_out, const Tensor& x,
                         Activation activation) {
  const auto make = [&]<typename F, typename T, typename N>(F, T, N) {
    return Backward<F::value, T, N::value>{mutable_rows_of<T>(d_x), rows_of<T>(d_out), rows_of<T>(x)};
  };
  launch_over(ctx, activation, make, d_x, d_out, x);
}

void gated_forward(Context& ctx, const Tensor& out, const Tensor& gate, const Tensor& up,
                   Activation activation) {
  const auto make = [&]<typename F, typename T, typename N>(F, T, N) {
    return Gated<F::value, T, N::value>{mutable_rows_of<T>(out), rows_of<T>(gate), rows_of<T>(up)};
  };
  launch_over(ctx, activation, make, out, gate, up);
}

void gated_backward(Context& ctx, const Tensor& d_gate, const Tensor& d_up, const Tensor& d_out,
                    const Tensor& gate, const Tensor& up, Activation activation) {
  const auto make = [&]<typename F, typename T, typename N>(F, T, N) {
    return GatedGradient<F::value, T, N::value>{mutable_rows_of<T>(d_gate), mutable_rows_of<T>(d_up),
                                                rows_of<T>(d_out), rows_of<T>(gate), rows_of<T>(up)};
  };
  launch_over(ctx, activation, make, d_gate, d_up, d_out, gate, up);
}

}  // namespace artemis::cuda

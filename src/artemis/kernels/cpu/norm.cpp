#include <cmath>

#include "artemis/kernels/cpu/dispatch.h"
#include "artemis/kernels/cpu/lanes.h"
#include "artemis/kernels/table.h"

namespace artemis::cpu {
namespace {

template <typename T>
ARTEMIS_VECTORISED float rms_norm_row(T* out, const T* x, const T* weight, std::int64_t width, float eps) {
  const float squares = sum_in_lanes(width, [&](std::int64_t i) { return load(x[i]) * load(x[i]); });
  const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
  for (std::int64_t i = 0; i < width; ++i) {
    T normalised;
    store(normalised, load(x[i]) * rstd);
    store(out[i], load(normalised) * load(weight[i]));
  }
  return rstd;
}

// Of a row of gradients that may be null, 0 then.
template <typename T>
float load_or_zero(const T* row, std::int64_t i) {
  return row != nullptr ? load(row[i]) : 0.0f;
}

// With x^ = x rstd and g = d_out weight: d_x = residual + rstd (g - x^ mean(g x^)).
template <typename T>
ARTEMIS_VECTORISED void rms_norm_row_backward(T* d_x, const T* d_out, const T* x, const T* weight,
                                              const T* residual, std::int64_t width, float rstd) {
  const float dot =
      sum_in_lanes(width, [&](std::int64_t i) { return load(d_out[i]) * load(weight[i]) * load(x[i]); });
  const float mean = dot * rstd / static_cast<float>(width);
  for (std::int64_t i = 0; i < width; ++i) {
    const float gradient = rstd * (load(d_out[i]) * load(weight[i]) - load(x[i]) * rstd * mean);
    store(d_x[i], load_or_zero(residual, i) + gradient);
  }
}

struct Statistics {
  float mean;
  float rstd;
};

template <typename T>
ARTEMIS_VECTORISED Statistics layer_norm_row(T* out, const T* x, const T* weight, const T* bias,
                                             std::int64_t width, float eps) {
  const float mean =
      sum_in_lanes(width, [&](std::int64_t i) { return load(x[i]); }) / static_cast<float>(width);
  const float squares =
      sum_in_lanes(width, [&](std::int64_t i) { return (load(x[i]) - mean) * (load(x[i]) - mean); });
  const float rstd = 1.0f / std::sqrt(squares / static_cast<float>(width) + eps);
  for (std::int64_t i = 0; i < width; ++i) {
    store(out[i], (load(x[i]) - mean) * rstd * load(weight[i]) + load(bias[i]));
  }
  return {mean, rstd};
}

// With x^ = (x - mean) rstd and g = d_out weight: d_x = residual + rstd (g - mean(g) - x^ mean(g x^)).
template <typename T>
ARTEMIS_VECTORISED void layer_norm_row_backward(T* d_x, const T* d_out, const T* x, const T* weight,
                                                const T* residual, std::int64_t width, Statistics s) {
  const float sum = sum_in_lanes(width, [&](std::int64_t i) { return load(d_out[i]) * load(weight[i]); });
  const float dot = sum_in_lanes(width, [&](std::int64_t i) {
    return load(d_out[i]) * load(weight[i]) * (load(x[i]) - s.mean) * s.rstd;
  });
  const float mean_g = sum / static_cast<float>(width);
  const float mean_gx = dot / static_cast<float>(width);
  for (std::int64_t i = 0; i < width; ++i) {
    const float normalised = (load(x[i]) - s.mean) * s.rstd;
    const float gradient = s.rstd * (load(d_out[i]) * load(weight[i]) - mean_g - normalised * mean_gx);
    store(d_x[i], load_or_zero(residual, i) + gradient);
  }
}

// d_weight[i] += d_out x^.
template <typename T>
ARTEMIS_VECTORISED void add_weight_gradient(float* d_weight, const T* d_out, const T* x, std::int64_t width,
                                            Statistics s) {
  for (std::int64_t i = 0; i < width; ++i) d_weight[i] += load(d_out[i]) * ((load(x[i]) - s.mean) * s.rstd);
}

template <typename T>
ARTEMIS_VECTORISED void add_bias_gradient(float* d_bias, const T* d_out, std::int64_t width) {
  for (std::int64_t i = 0; i < width; ++i) d_bias[i] += load(d_out[i]);
}

Statistics statistics_of(const Tensor& mean, const Tensor& rstd, std::int64_t i) {
  return {mean ? mean.data<float>()[i] : 0.0f, rstd.data<float>()[i]};
}

// Rows in order, the columns in pieces. Any of d_weight, d_bias and mean (RMSNorm) may be undefined.
template <typename T>
void parameter_gradients(Context& ctx, const Tensor& d_weight, const Tensor& d_bias, const Tensor& d_out,
                         const Tensor& x, const Tensor& mean, const Tensor& rstd) {
  if (!d_weight && !d_bias) return;
  ctx.pool().ranges(x.dim(1), column_grain(x.dim(0)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < x.dim(0); ++i) {
      const T* d = row<T>(d_out, i) + begin;
      if (d_weight) {
        add_weight_gradient(d_weight.mutable_data<float>() + begin, d, row<T>(x, i) + begin, end - begin,
                            statistics_of(mean, rstd, i));
      }
      if (d_bias) add_bias_gradient(d_bias.mutable_data<float>() + begin, d, end - begin);
    }
  });
}

template <typename T>
const T* row_or_null(const Tensor& tensor, std::int64_t i) {
  return tensor ? row<T>(tensor, i) : nullptr;
}

template <typename Body>
void for_rows(Context& ctx, const Tensor& x, const Body& body) {
  ctx.pool().ranges(x.dim(0), row_grain(x.dim(1)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace

void rms_norm_forward(Context& ctx, const Tensor& out, const Tensor& rstd, const Tensor& x,
                      const Tensor& weight, float eps) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, x, [&](std::int64_t i) {
      const float value = rms_norm_row(mutable_row<T>(out, i), row<T>(x, i), weight.data<T>(), x.dim(1), eps);
      if (rstd) rstd.mutable_data<float>()[i] = value;
    });
  });
}

void rms_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_out,
                       const Tensor& x, const Tensor& weight, const Tensor& rstd, const Tensor& residual) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    parameter_gradients<T>(ctx, d_weight, Tensor(), d_out, x, Tensor(), rstd);
    for_rows(ctx, x, [&](std::int64_t i) {
      rms_norm_row_backward(mutable_row<T>(d_x, i), row<T>(d_out, i), row<T>(x, i), weight.data<T>(),
                            row_or_null<T>(residual, i), x.dim(1), rstd.data<float>()[i]);
    });
  });
}

void layer_norm_forward(Context& ctx, const Tensor& out, const Tensor& mean, const Tensor& rstd,
                        const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    for_rows(ctx, x, [&](std::int64_t i) {
      const Statistics s = layer_norm_row(mutable_row<T>(out, i), row<T>(x, i), weight.data<T>(),
                                          bias.data<T>(), x.dim(1), eps);
      if (mean) mean.mutable_data<float>()[i] = s.mean;
      if (rstd) rstd.mutable_data<float>()[i] = s.rstd;
    });
  });
}

void layer_norm_backward(Context& ctx, const Tensor& d_x, const Tensor& d_weight, const Tensor& d_bias,
                         const Tensor& d_out, const Tensor& x, const Tensor& weight, const Tensor& mean,
                         const Tensor& rstd, const Tensor& residual) {
  dispatch_real(x.dtype(), [&](auto element) {
    using T = decltype(element);
    parameter_gradients<T>(ctx, d_weight, d_bias, d_out, x, mean, rstd);
    for_rows(ctx, x, [&](std::int64_t i) {
      layer_norm_row_backward(mutable_row<T>(d_x, i), row<T>(d_out, i), row<T>(x, i), weight.data<T>(),
                              row_or_null<T>(residual, i), x.dim(1), statistics_of(mean, rstd, i));
    });
  });
}

}  // namespace artemis::cpu

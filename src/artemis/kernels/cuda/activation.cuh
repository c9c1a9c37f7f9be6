// The activations and their slopes at a point, for kernels that apply one.
#pragma once

#include "artemis/kernels/activation.h"
#include "artemis/kernels/cuda/device.cuh"

namespace artemis::cuda {

// exp(x) and 1 / x for results of type T: what is rounded to bf16 needs no more than the hardware's
// approximations, which are off by 2^-21.
template <typename T>
__device__ float exponential(float x) {
  if constexpr (std::is_same_v<T, float>) return expf(x);
  return __expf(x);
}
template <typename T>
__device__ float reciprocal(float x) {
  if constexpr (std::is_same_v<T, float>) return 1.0f / x;
  return __fdividef(1.0f, x);
}

// A function's value and derivative at one point.
struct Point {
  float value;
  float slope;
};

// x sigmoid(u): the slope is s + x u' s (1 - s), and from e = exp(-|u|) both s and s (1 - s) come without
// cancellation.
template <typename T>
__device__ Point sigmoid_product(float x, float u, float u_slope) {
  const float e = exponential<T>(-fabsf(u));
  const float r = reciprocal<T>(1.0f + e);
  const float s = u < 0.0f ? e * r : r;
  return {x * s, s + x * u_slope * (e * r * r)};
}

template <typename T>
__device__ Point gelu_erf(float x) {
  const float phi = 0.5f * (1.0f + erff(x * 0.70710678118654752f));
  constexpr float inverse_sqrt_2pi = 0.39894228040143268f;
  return {x * phi, phi + x * inverse_sqrt_2pi * exponential<T>(-0.5f * x * x)};
}

// (1 + tanh u) / 2 = sigmoid(2 u).
template <typename T>
__device__ Point gelu_tanh(float x) {
  constexpr float a = 1.59576912160573071f;  // 2 sqrt(2 / pi)
  constexpr float b = 0.044715f;
  return sigmoid_product<T>(x, a * (x + b * x * x * x), a * (1.0f + 3.0f * b * x * x));
}

// What is not used of the result is not computed.
template <Activation activation, typename T = float>
__device__ Point at(float x) {
  if constexpr (activation == Activation::gelu_erf) return gelu_erf<T>(x);
  if constexpr (activation == Activation::gelu_tanh) return gelu_tanh<T>(x);
  if constexpr (activation == Activation::silu) return sigmoid_product<T>(x, x, 1.0f);
  if constexpr (activation == Activation::relu) return {x < 0.0f ? 0.0f : x, x > 0.0f ? 1.0f : 0.0f};
  if constexpr (activation == Activation::quick_gelu) return sigmoid_product<T>(x, 1.702f * x, 1.702f);
}

// The activation as a constant of the type.
template <Activation f>
struct Function {
  static constexpr Activation value = f;
};

template <typename Body>
void dispatch_activation(Activation activation, const Body& body) {
  switch (activation) {
    case Activation::gelu_erf:
      return body(Function<Activation::gelu_erf>{});
    case Activation::gelu_tanh:
      return body(Function<Activation::gelu_tanh>{});
    case Activation::silu:
      return body(Function<Activation::silu>{});
    case Activation::relu:
      return body(Function<Activation::relu>{});
    case Activation::quick_gelu:
      return body(Function<Activation::quick_gelu>{});
  }
  ARTEMIS_ASSERT(false);
}

// f(x) for a function that is known only when the kernel runs.
__device__ inline float activate(Activation f, float x) {
  switch (f) {
    case Activation::gelu_erf:
      return at<Activation::gelu_erf>(x).value;
    case Activation::gelu_tanh:
      return at<Activation::gelu_tanh>(x).value;
    case Activation::silu:
      return at<Activation::silu>(x).value;
    case Activation::relu:
      return at<Activation::relu>(x).value;
    case Activation::quick_gelu:
      return at<Activation::quick_gelu>(x).value;
  }
  return x;
}

}  // namespace artemis::cuda

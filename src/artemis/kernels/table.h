// The kernel table: one entry for each operation, one table for each kind of device. The public functions of
// this room check their arguments once (op.cpp) and then call the entry of the context's device; back ends
// only assert.
#pragma once

#include "artemis/kernels/activation.h"
#include "artemis/kernels/adamw.h"
#include "artemis/kernels/attention.h"
#include "artemis/kernels/cross_entropy.h"
#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/linear.h"
#include "artemis/kernels/logits.h"
#include "artemis/kernels/norm.h"
#include "artemis/kernels/rotary.h"
#include "artemis/kernels/rows.h"
#include "artemis/kernels/sampling.h"
#include "artemis/kernels/sum_words.h"

#define ARTEMIS_KERNELS(X)                                                                                   \
  X(linear_forward)                                                                                          \
  X(gated_linear_forward)                                                                                    \
  X(fill_normal)                                                                                             \
  X(sum_words)                                                                                               \
  X(edit_logits)                                                                                             \
  X(mask_logits)                                                                                             \
  X(sample_rows)                                                                                             \
  X(rotary_angles)                                                                                           \
  X(rotary_to_cache)                                                                                         \
  X(argmax_rows)                                                                                             \
  X(linear_backward_input)                                                                                   \
  X(linear_backward_weight) X(rms_norm_forward) X(rms_norm_backward) X(layer_norm_forward)                   \
      X(layer_norm_backward) X(rotary_forward) X(rotary_backward) X(attention_forward) X(attention_backward) \
          X(cached_attention_forward) X(rotary_cached_attention_forward) X(activation_forward)               \
              X(activation_backward) X(gated_forward) X(gated_backward) X(gather_rows) X(scatter_rows)       \
                  X(scatter_add_rows) X(interpolate_rows_forward) X(interpolate_rows_backward) X(add)        \
                      X(multiply) X(convert) X(fill) X(cross_entropy_forward) X(cross_entropy_backward)      \
                          X(adamw_step) X(adamw8_step) X(sum_of_squares)

namespace artemis {

// A back end's function has the type of the public one.
struct KernelTable {
#define ARTEMIS_KERNEL_ENTRY(name) decltype(artemis::name)* name = nullptr;
  ARTEMIS_KERNELS(ARTEMIS_KERNEL_ENTRY)
#undef ARTEMIS_KERNEL_ENTRY
};

#define ARTEMIS_KERNEL_DECLARATION(name) decltype(artemis::name) name;
namespace cpu {
ARTEMIS_KERNELS(ARTEMIS_KERNEL_DECLARATION)
}  // namespace cpu
namespace cuda {
ARTEMIS_KERNELS(ARTEMIS_KERNEL_DECLARATION)
}  // namespace cuda
#undef ARTEMIS_KERNEL_DECLARATION

// The table of a device's back end; throws Error when this build has none.
const KernelTable& kernel_table(Device device);

}  // namespace artemis

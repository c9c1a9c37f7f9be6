// Weights on the GPU: random ones, and those of a checkpoint through the pinned buffers, against the CPU.
#include "artemis/model/weights.h"
#include "artemis/kernels/fill_normal.h"
#include "artemis/kernels/sum_words.h"
#include "artemis/model/load.h"
#include "both.h"
#include "support/files.h"
#include "support/small_config.h"

namespace artemis::testing {
namespace {

class CudaWeights : public OnBoth {};
ARTEMIS_ON_BOTH(CudaWeights);

TEST_P(CudaWeights, FillNormal) {
  for (const std::int64_t count : {1, 5, 1023, 3000001}) {
    expect_same({vector(count)},
                [](Context& ctx, std::span<const Tensor> t) { fill_normal(ctx, t[0], 0.02f, 11, 13); });
  }
}

TEST_P(CudaWeights, SumWords) {
  for (const std::int64_t count : {16, 4080, 65536, 3000016}) {
    expect_same({Tensor::zeros(DType::i64, {1}), vector(count)},
                [](Context& ctx, std::span<const Tensor> t) { sum_words(ctx, t[0], t[1]); });
  }
}

// A checkpoint in this test's dtype, in shards of a few weights, read in both dtypes.
TEST_P(CudaWeights, OfACheckpoint) {
  const test::TemporaryFolder folder;
  const GraftConfig config = test::small_config(50000, 256);
  Graft written = random_weights(cpu_, config, dtype(), 17);
  std::vector<NamedTensor> tensors;
  for_each_weight(written, config, [&](const WeightSpec& spec, Tensor& weight) {
    tensors.push_back(named(spec.name, weight.view(spec.shape)));
  });
  write_checkpoint(folder.path(), tensors, 20'000'000);
  const CheckpointReader checkpoint = CheckpointReader::open(folder.path());
  for (const DType wanted : {DType::f32, DType::bf16}) {
    SCOPED_TRACE(dtype_name(wanted));
    Graft expected = load_graft(cpu_, checkpoint, config, wanted);
    const Graft actual = load_graft(*gpu_, checkpoint, config, wanted);
    std::vector<Tensor> there;
    Graft walked = actual;
    for_each_weight(walked, config, [&](const WeightSpec&, Tensor& weight) { there.push_back(weight); });
    std::size_t i = 0;
    for_each_weight(expected, config, [&](const WeightSpec& spec, Tensor& weight) {
      EXPECT_TRUE(same_bits(there[i++].to(Device{}), weight)) << spec.name;
    });
    const GatedMlp& mlp = actual.language_model.blocks[0].mlp;
    EXPECT_TRUE(Tensor::joined_rows(mlp.gate_proj.weight, mlp.up_proj.weight).defined());
  }
}

}  // namespace
}  // namespace artemis::testing

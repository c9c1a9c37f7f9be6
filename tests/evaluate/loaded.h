// A model of a directory, ready to be evaluated.
#pragma once

#include <cstring>

#include "artemis/evaluate/subject.h"
#include "artemis/io/checkpoint.h"
#include "artemis/model/load.h"

namespace artemis {

// With the weights in memory of its own, so that a test can change them.
struct Loaded {
  Loaded(Context& ctx, const std::filesystem::path& directory)
      : config(read_graft_config(directory)),
        processor(Processor::load(directory, config)),
        checkpoint(CheckpointReader::open(directory)),
        graft(load_graft(ctx, checkpoint, config, DType::f32)),
        subject{ctx, graft, config, processor, read_generation_defaults(directory, config).end_tokens} {
    for_each_weight(graft, config, [](const WeightSpec&, Tensor& weight) {
      Tensor own = Tensor::allocate(weight.dtype(), weight.shape());
      std::memcpy(own.mutable_raw(), weight.raw(), weight.bytes());
      weight = own;
    });
    if (config.text.tie_word_embeddings) graft.language_model.lm_head = graft.language_model.embed_tokens;
  }

  GraftConfig config;
  Processor processor;
  CheckpointReader checkpoint;
  Graft graft;
  Subject subject;
};

}  // namespace artemis

// Rows from a tar shard.
#pragma once

#include "artemis/train/samples.h"

namespace artemis {

std::unique_ptr<SampleSource> open_tar_samples(const std::filesystem::path& file);

}  // namespace artemis

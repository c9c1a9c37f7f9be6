// Rows from a JSONL file.
#pragma once

#include "artemis/train/samples.h"

namespace artemis {

std::unique_ptr<SampleSource> open_jsonl_samples(const std::filesystem::path& file);

}  // namespace artemis

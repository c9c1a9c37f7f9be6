// From a row of data to labelled token ids, and from several of these to one ragged batch
// (ArtemisDataCollator).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "artemis/processor/processor.h"

namespace artemis {

// One row as the data holds it: pictures in the order of the messages' image parts; the last message is the
// target.
struct Row {
  std::string key;  // where it came from, for messages to the user
  Json messages;
  std::vector<PictureFile> images;
};

// A row with a caption alone: "Describe this image." and the answer.
Row caption_row(std::string key, PictureFile image, const std::string& caption);

// One row, ready for the model.
struct Example {
  std::string key;
  std::vector<std::int32_t> input_ids;
  std::vector<std::int32_t> labels;  // like input_ids; ignored_label where nothing is to be learned
  PictureBatch pictures;
};

constexpr std::int32_t ignored_label = -100;

// Whether the last assistant turn holds both think tags: only then is the row rendered with thinking on.
bool row_thinks(const Json& messages);

// Labels by the prefix trick: the prompt, rendered without the last message and with the generation prompt,
// is masked by its length, and so is every picture position. Throws Error naming the row.
Example make_example(const Row& row, const Processor& processor, const GraftConfig& config, ThreadPool& pool);

struct Batch {
  std::vector<std::string> keys;
  TextBatch text;
  PictureBatch pictures;
  Supervision supervision;  // each labelled token is predicted from the one before it
};

Batch collate(std::span<const Example> examples);

}  // namespace artemis

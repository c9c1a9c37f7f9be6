// The JSON forms of a row, alike in tar shards and JSONL files.
#pragma once

#include "artemis/train/collate.h"

namespace artemis {

// {"caption": text}, or {"messages": list or JSON string of one}. A caption needs exactly one picture.
// Throws Error naming `where`.
Row row_from_json(const std::string& where, const Json& json, std::vector<PictureFile> pictures);

// "jpg", "jpeg", "png" or "webp".
bool is_picture_type(std::string_view type);

// Without white space at both ends.
std::string trimmed(std::string_view text);

}  // namespace artemis

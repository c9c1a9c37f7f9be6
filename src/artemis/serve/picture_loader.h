// Pictures of requests: read from where they are, checked, cut into patches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "artemis/generate/request.h"
#include "artemis/processor/processor.h"
#include "artemis/serve/openai_request.h"
#include "artemis/serve/patience.h"
#include "artemis/serve/picture_fetch.h"

namespace artemis {

class PictureLoader {
 public:
  // Of each picture, as it is sent.
  static constexpr std::size_t most_bytes = 20 << 20;

  // `fetching`: without hosts, nothing is fetched. `folders`: of which files are taken. All must outlive it.
  PictureLoader(const Processor& processor, const FetchOptions& fetching,
                const std::vector<std::filesystem::path>& folders)
      : processor_(processor), fetching_(fetching), folders_(folders) {}

  // Any thread. Throws ApiError: 413 for a picture that is too large, 400 for one that cannot be read or may
  // not be fetched, and what `patience` throws.
  EnginePicture load(const PictureUrl& url, Patience& patience) const;

 private:
  std::string read(const PictureUrl& url, Patience& patience) const;

  const Processor& processor_;
  const FetchOptions& fetching_;
  const std::vector<std::filesystem::path>& folders_;
};

}  // namespace artemis

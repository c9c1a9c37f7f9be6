// Pictures of requests: read from where they are, checked, cut into patches.
#pragma once

#include <cstdint>
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

  // `fetching`: without hosts, only data: URLs are taken. Both must outlive it.
  PictureLoader(const Processor& processor, const FetchOptions& fetching)
      : processor_(processor), fetching_(fetching) {}

  // Any thread. Throws ApiError: 413 for a picture that is too large, 400 for one that cannot be read or may
  // not be fetched, and what `patience` throws.
  EnginePicture load(const PictureUrl& url, Patience& patience) const;

 private:
  std::string read(const PictureUrl& url, Patience& patience) const;

  const Processor& processor_;
  const FetchOptions& fetching_;
};

}  // namespace artemis

// Pictures of requests: read from where they are, checked, cut into patches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "artemis/generate/request.h"
#include "artemis/processor/processor.h"
#include "artemis/serve/openai_request.h"
#include "artemis/serve/picture_fetch.h"

namespace artemis {

class PictureLoader {
 public:
  // Of each picture, as it is sent.
  static constexpr std::size_t most_bytes = 20 << 20;

  // `hosts`: from where pictures may be fetched (FetchOptions); with none, only data: URLs are taken.
  // `processor` must outlive it.
  PictureLoader(const Processor& processor, std::vector<std::string> hosts);

  // Any thread. Throws ApiError: 413 for a picture that is too large, 400 for one that cannot be read or may
  // not be fetched.
  EnginePicture load(const PictureUrl& url) const;

 private:
  std::string read(const PictureUrl& url) const;

  const Processor& processor_;
  FetchOptions fetching_;
};

}  // namespace artemis

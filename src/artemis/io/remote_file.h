// Files behind http(s):// and s3:// addresses, read by ranges.
#pragma once

#include <memory>
#include <string>

#include "artemis/io/byte_source.h"

namespace artemis {

struct RemoteOptions {
  std::int64_t block_bytes = std::int64_t{4} << 20;     // of one request
  std::int64_t cached_bytes = std::int64_t{256} << 20;  // blocks kept of one file, the oldest given up first
  int attempts = 5;                                     // at one request, before it is given up
  double first_pause = 0.25;    // seconds before the second attempt; each one after waits twice as long
  double stalled_seconds = 30;  // a connection that brings under 1 KiB a second for so long is given up
};

// The server must answer range requests. "s3://bucket/key" is asked for at AWS_ENDPOINT_URL when that is set,
// else at Amazon's address of the bucket; with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
// (AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION) in the environment requests are signed. Lost
// connections, stalls and answers of 408, 429 and 5xx are tried again. Throws Error naming the address when
// it is no address of a file, ReadError when the network or the server fails.
std::shared_ptr<const ByteSource> open_remote(const std::string& address, const RemoteOptions& options = {});

// The https address of an s3 address, as above.
std::string s3_url(const std::string& address);

}  // namespace artemis

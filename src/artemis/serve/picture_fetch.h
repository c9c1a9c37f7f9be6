// Pictures fetched from other servers: only from hosts that are named, and never from this network.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "artemis/serve/addresses.h"

namespace artemis {

struct FetchOptions {
  std::vector<std::string> hosts;     // "pictures.example", or "pictures.example:8443" for a port of its own
  std::size_t most_bytes = 20 << 20;  // of a picture
  double seconds = 10;                // in all, looking up and redirects included
  int redirects = 3;
  // For tests on this machine.
  bool private_addresses = false;  // are allowed too
  std::string authorities;         // PEM file of certificates that are trusted; "": the system's
  // The addresses of a name, "1.2.3.4" or "2600::1"; none where it has none. May still run, on a thread of
  // its own, when the picture has been given up.
  std::function<std::vector<std::string>(const std::string& host)> resolve = system_addresses;
  // Told of each address, found to be allowed, that a connection is about to be opened to; may put another in
  // its place.
  std::function<void(sockaddr& address)> connecting;
};

// The bytes behind an http or https URL. Every redirect is checked as the URL itself, and none leads from
// https to http. A name is looked up once for each; all its addresses must be public, the connection goes to
// one of these, and the address is checked once more as the socket is opened: a name cannot point elsewhere
// by then. Throws Error, with `where` and without the address, for what may not or cannot be fetched;
// TooLargeError (io/base64.h) for more bytes than allowed. Blocks. Any thread.
std::string fetch_picture(std::string_view url, std::string_view where, const FetchOptions& options);

}  // namespace artemis

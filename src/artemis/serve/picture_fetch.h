// Pictures fetched from other servers: only from hosts that are named, and never from this network.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace artemis {

struct FetchOptions {
  std::vector<std::string> hosts;     // "pictures.example", or "pictures.example:8443" for a port of its own
  std::size_t most_bytes = 20 << 20;  // of a picture
  double seconds = 10;                // in all, redirects included
  int redirects = 3;
  bool private_addresses = false;  // allowed too, for tests on this machine
};

// Whether an address belongs to the public internet: not to this machine, its networks, a carrier's, a
// link's, multicast, documentation, or IPv4 wrapped in IPv6.
bool is_public_address(const sockaddr& address);

// The bytes behind an http or https URL. Every redirect is checked as the URL itself; the address is looked
// up once for each and checked as the socket is opened, so that a name cannot point elsewhere by then. Throws
// Error, with `where` and without the address, for what may not or cannot be fetched; TooLargeError
// (base64.h) for more bytes than allowed. Blocks. Any thread.
std::string fetch_picture(std::string_view url, std::string_view where, const FetchOptions& options);

}  // namespace artemis

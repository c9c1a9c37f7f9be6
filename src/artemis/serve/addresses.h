// Addresses of hosts, and which of them belong to the public internet.
#pragma once

#include <string>
#include <vector>

struct sockaddr;

namespace artemis {

// Whether an address belongs to the public internet: not to this machine, its networks, a carrier's, a
// link's, multicast, documentation, or IPv4 wrapped in IPv6.
bool is_public_address(const sockaddr& address);
// The same of "1.2.3.4" or "2600::1"; false for what is no address.
bool is_public_address(const std::string& address);

// Whether the text is an address, "1.2.3.4" or "2600::1".
bool is_address(const std::string& text);

// The addresses of a host's name as the system finds them; none where it has none. Blocks as long as the
// system does.
std::vector<std::string> system_addresses(const std::string& host);

}  // namespace artemis

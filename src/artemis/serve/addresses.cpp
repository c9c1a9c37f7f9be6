#include "artemis/serve/addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

namespace artemis {
namespace {

struct Block4 {
  std::uint32_t address;
  int bits;
};

constexpr std::uint32_t ip(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// What IANA's registry of special-purpose IPv4 addresses holds, and multicast.
constexpr std::array special4{
    Block4{ip(0, 0, 0, 0), 8},       Block4{ip(10, 0, 0, 0), 8},     Block4{ip(100, 64, 0, 0), 10},
    Block4{ip(127, 0, 0, 0), 8},     Block4{ip(169, 254, 0, 0), 16}, Block4{ip(172, 16, 0, 0), 12},
    Block4{ip(192, 0, 0, 0), 24},    Block4{ip(192, 0, 2, 0), 24},   Block4{ip(192, 31, 196, 0), 24},
    Block4{ip(192, 52, 193, 0), 24}, Block4{ip(192, 88, 99, 0), 24}, Block4{ip(192, 168, 0, 0), 16},
    Block4{ip(192, 175, 48, 0), 24}, Block4{ip(198, 18, 0, 0), 15},  Block4{ip(198, 51, 100, 0), 24},
    Block4{ip(203, 0, 113, 0), 24},  Block4{ip(224, 0, 0, 0), 4},    Block4{ip(240, 0, 0, 0), 4}};

bool is_public(std::uint32_t address) {
  return std::ranges::none_of(special4, [address](const Block4& block) {
    return ((address ^ block.address) >> (32 - block.bits)) == 0;
  });
}

// Global unicast, 2000::/3, without its special parts; what wraps IPv4 (6to4, Teredo) is among those.
bool is_public(const std::array<std::uint8_t, 16>& a) {
  if ((a[0] & 0xE0u) != 0x20) return false;
  const unsigned first = (unsigned{a[0]} << 8) | a[1];
  const unsigned second = (unsigned{a[2]} << 8) | a[3];
  const bool special = first == 0x2002 || (first == 0x2001 && (second < 0x200 || second == 0xDB8)) ||
                       first == 0x2620 || (first == 0x3FFF && second < 0x1000);
  return !special;
}

std::optional<sockaddr_storage> parsed(const std::string& text) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    address.ss_family = AF_INET;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    address.ss_family = AF_INET6;
  } else {
    return std::nullopt;
  }
  return address;
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, bytes.size());
  return is_public(bytes);
}

bool is_public_address(const std::string& address) {
  const auto found = parsed(address);
  return found && is_public_address(reinterpret_cast<const sockaddr&>(*found));
}

bool is_address(const std::string& text) { return parsed(text).has_value(); }

std::vector<std::string> system_addresses(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &wanted, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  return addresses;
}

}  // namespace artemis

#include "artemis/serve/picture_fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>

#include "artemis/core/error.h"
#include "artemis/serve/base64.h"

namespace artemis {
namespace {

using Clock = std::chrono::steady_clock;

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

struct CurlFree {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, CurlFree> owner(text);
  return text;
}

// One URL, read by the same parser that fetches it.
std::unique_ptr<CURLU, CurlFree> checked_url(const std::string& url, std::string_view where,
                                             const FetchOptions& options) {
  constexpr std::size_t longest = 4096;
  require(url.size() <= longest, where, "the URL has {} bytes, expected at most {}", url.size(), longest);
  const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
  require(plain, where, "the URL holds a character that does not belong there");
  std::unique_ptr<CURLU, CurlFree> parsed(curl_url());
  require(parsed != nullptr &&
              curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK,
          where, "the URL is malformed");
  const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
  require(scheme == "http" || scheme == "https", where,
          "expected a URL that begins with data:, http: or https:");
  require(part_of(parsed.get(), CURLUPART_USER).empty() && part_of(parsed.get(), CURLUPART_PASSWORD).empty(),
          where, "the URL holds a user or a password");
  std::string host = part_of(parsed.get(), CURLUPART_HOST);
  std::ranges::transform(host, host.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string port = part_of(parsed.get(), CURLUPART_PORT);
  const bool usual = port.empty() || port == (scheme == "http" ? "80" : "443");
  const bool allowed = std::ranges::any_of(options.hosts, [&](const std::string& name) {
    return (usual && name == host) || (!port.empty() && name == fmt::format("{}:{}", host, port));
  });
  require(allowed, where, "pictures may not be fetched from this host");
  return parsed;
}

// What one transfer needs in its callbacks.
struct Transfer {
  const FetchOptions& options;
  std::string bytes;
  bool too_large = false;
  bool refused = false;  // the address
};

std::size_t take(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (size * count > transfer.options.most_bytes - transfer.bytes.size()) {
    transfer.too_large = true;
    return 0;
  }
  transfer.bytes.append(data, size * count);
  return size * count;
}

// Opens the socket to the very address that was looked up, or none.
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.options.private_addresses && !is_public_address(address->addr)) {
    transfer.refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
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

std::string fetch_picture(std::string_view url, std::string_view where, const FetchOptions& options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options.seconds));
  std::string next(url);
  for (int redirects = 0;; ++redirects) {
    require(redirects <= options.redirects, where, "the URL leads on more than {} times", options.redirects);
    const auto target = checked_url(next, where, options);
    const std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
    require(ready == CURLE_OK && handle != nullptr, where, "pictures cannot be fetched now");
    CURL* curl = handle.get();
    Transfer transfer{options, {}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    require(left > 0, where, "the picture did not come within {} s", options.seconds);
    curl_easy_setopt(curl, CURLOPT_CURLU, target.get());
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // none, whatever the environment says
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &transfer);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
    const CURLcode code = curl_easy_perform(curl);
    if (transfer.too_large) {
      throw TooLargeError(where, fmt::format("the picture has over {} bytes", options.most_bytes));
    }
    require(!transfer.refused, where, "pictures may not be fetched from this host");
    require(code != CURLE_OPERATION_TIMEDOUT, where, "the picture did not come within {} s", options.seconds);
    require(code == CURLE_OK, where, "the picture could not be fetched");
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (const bool leads_on = status >= 300 && status < 400; leads_on) {
      char* location = nullptr;
      curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
      require(location != nullptr, where, "the picture could not be fetched");
      next = location;
      continue;
    }
    require(status == 200, where, "the picture's server answered with {}", status);
    return std::move(transfer.bytes);
  }
}

}  // namespace artemis

#include "artemis/serve/picture_fetch.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "artemis/core/error.h"
#include "artemis/io/base64.h"
#include "artemis/serve/addresses.h"
#include "artemis/serve/ascii.h"

namespace artemis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* not_fetched = "the picture could not be fetched";
constexpr const char* too_late = "the picture did not come in time";
constexpr const char* not_from_here = "pictures may not be fetched from this host";

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
struct Target {
  std::unique_ptr<CURLU, CurlFree> url;
  bool secure = false;
  std::string host;  // a name, or an address without brackets
  std::string port;
};

Target checked_target(const std::string& url, std::string_view where, const FetchOptions& options) {
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
  std::ranges::transform(host, host.begin(), lower_ascii);
  const std::string usual = scheme == "http" ? "80" : "443";
  std::string port = part_of(parsed.get(), CURLUPART_PORT);
  if (port.empty()) port = usual;
  const bool named = std::ranges::any_of(options.hosts, [&](const std::string& name) {
    return (port == usual && same_ignoring_case(name, host)) ||
           same_ignoring_case(name, fmt::format("{}:{}", host, port));
  });
  // A dot at the end would have curl look the name up once more.
  require(named && !host.ends_with('.'), where, not_from_here);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::move(parsed), scheme == "https", std::move(host), std::move(port)};
}

struct CurlList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// A look-up cannot be broken off: one that takes too long goes on by itself, and nobody waits for it.
std::vector<std::string> looked_up(const std::string& host, std::string_view where,
                                   const FetchOptions& options, Clock::time_point end) {
  std::packaged_task<std::vector<std::string>()> look(
      [resolve = options.resolve, host] { return resolve(host); });
  std::future<std::vector<std::string>> found = look.get_future();
  std::thread(std::move(look)).detach();
  require(found.wait_until(end) == std::future_status::ready, where, too_late);
  return found.get();
}

// The addresses of a name, found here and told to curl, which does not look it up again; null for an address.
// Throws Error where one of them is private: whoever gives a name such an address is not to be trusted with
// the others.
std::unique_ptr<curl_slist, CurlList> pinned_addresses(const Target& target, std::string_view where,
                                                       const FetchOptions& options, Clock::time_point end) {
  const bool literal = is_address(target.host);
  const std::vector<std::string> found =
      literal ? std::vector{target.host} : looked_up(target.host, where, options, end);
  require(!found.empty(), where, not_fetched);
  std::string pins = fmt::format("{}:{}:", target.host, target.port);
  for (const std::string& address : found) {
    require(options.private_addresses || is_public_address(address), where, not_from_here);
    pins += fmt::format("{}{}", &address == &found.front() ? "" : ",", address);
  }
  return std::unique_ptr<curl_slist, CurlList>(literal ? nullptr : curl_slist_append(nullptr, pins.c_str()));
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
  if (transfer.options.connecting) transfer.options.connecting(address->addr);
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

std::string fetch_picture(std::string_view url, std::string_view where, const FetchOptions& options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options.seconds));
  std::string next(url);
  bool secure = false;
  for (int redirects = 0;; ++redirects) {
    require(redirects <= options.redirects, where, "the URL leads on more than {} times", options.redirects);
    const Target target = checked_target(next, where, options);
    require(target.secure || !secure, where, "the URL leads on from https to http");
    secure = target.secure;
    const auto pins = pinned_addresses(target, where, options, end);
    const std::unique_ptr<CURL, CurlFree> handle(curl_easy_init());
    require(ready == CURLE_OK && handle != nullptr, where, "pictures cannot be fetched now");
    CURL* curl = handle.get();
    Transfer transfer{options, {}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    require(left > 0, where, too_late);
    curl_easy_setopt(curl, CURLOPT_CURLU, target.url.get());
    curl_easy_setopt(curl, CURLOPT_RESOLVE, pins.get());
    if (!options.authorities.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.authorities.c_str());
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
    require(!transfer.refused, where, not_from_here);
    require(code != CURLE_OPERATION_TIMEDOUT, where, too_late);
    require(code == CURLE_OK, where, not_fetched);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (const bool leads_on = status >= 300 && status < 400; leads_on) {
      char* location = nullptr;
      curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
      require(location != nullptr, where, not_fetched);
      next = location;
      continue;
    }
    require(status == 200, where, "the picture's server answered with {}", status);
    return std::move(transfer.bytes);
  }
}

}  // namespace artemis

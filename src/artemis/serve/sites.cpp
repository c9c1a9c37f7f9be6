#include "artemis/serve/sites.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "artemis/serve/api_error.h"
#include "artemis/serve/ascii.h"

namespace artemis {
namespace {

namespace ip = boost::asio::ip;

bool is_port(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// As short as a message has room for.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 100;
  return text.empty() ? "none" : fmt::format("'{}'", text.substr(0, longest));
}

void check_host(std::string_view field, const SiteRules& rules) {
  const std::string_view host = host_of_authority(field);
  const bool named = std::ranges::any_of(
      rules.hosts, [host](const std::string& name) { return same_ignoring_case(name, host); });
  if (!host.empty() && (named || is_loopback_host(host))) return;
  std::string expected = "localhost, 127.0.0.1 or [::1]";
  for (const std::string& name : rules.hosts) expected += ", or " + name;
  throw ApiError(403,
                 fmt::format("The Host header is {}, expected {}; the server's --allowed-host names others.",
                             shown(field), expected),
                 "", "host_not_allowed");
}

// A browser says "null" where it keeps a page's origin to itself.
void check_origin(std::string_view origin, std::string_view host, const SiteRules& rules) {
  if (origin.empty() || is_named_origin(origin, rules.origins)) return;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme) && same_ignoring_case(origin.substr(scheme.size()), host)) return;
  }
  throw ApiError(
      403,
      fmt::format("The Origin header is {}, expected the host that is asked; the server's --cors-origin names"
                  " others.",
                  shown(origin)),
      "", "origin_not_allowed");
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (same_ignoring_case(host, "localhost")) return true;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const ip::address address = ip::make_address(host, error);
  return !error && address.is_loopback();
}

std::string_view host_of_authority(std::string_view authority) {
  std::size_t size = authority.find(':');
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == authority.npos) return {};
    size = bracket + 1;
  }
  const std::string_view host = authority.substr(0, size);
  const std::string_view rest = authority.substr(host.size());
  const bool is_authority = rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
  return is_authority ? host : std::string_view();
}

void check_site(const HttpRequest& request, const SiteRules& rules) {
  const std::string_view host = request.header("host");
  if (rules.check_host) check_host(host, rules);
  if (rules.check_origin) check_origin(request.header("origin"), host, rules);
}

bool is_named_origin(std::string_view origin, const std::vector<std::string>& origins) {
  return std::ranges::any_of(origins,
                             [origin](const std::string& name) { return name == "*" || name == origin; });
}

}  // namespace artemis

// Pages of other sites that a browser on this machine shows. A server that asks for no key trusts whoever
// reaches it, and such a page reaches it too: by a name of its own that it has lead here (DNS rebinding), or
// by sending requests whose answers it never sees.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "artemis/serve/http_server.h"

namespace artemis {

// Whether a host is this machine alone: "localhost", an address of 127.0.0.0/8, or ::1 (in brackets or not).
bool is_loopback_host(std::string_view host);

// The host of a Host header field or of an origin's authority, "NAME", "NAME:PORT" or "[ADDRESS]:PORT"; ""
// for what is none.
std::string_view host_of_authority(std::string_view authority);

struct SiteRules {
  bool check_host = false;           // Host names this machine, or one of `hosts`
  std::vector<std::string> hosts;    // "chat.example", on any port
  bool check_origin = false;         // Origin, where there is one, is the host asked, or one of `origins`
  std::vector<std::string> origins;  // "https://chat.example"; "*": all
};

// Throws ApiError (403) with what was expected for a request that a page of another site may have sent.
void check_site(const HttpRequest& request, const SiteRules& rules);

// Whether pages of this origin may ask, and see the answers (CORS).
bool is_named_origin(std::string_view origin, const std::vector<std::string>& origins);

}  // namespace artemis

#include <algorithm>
#include <cctype>

#include "artemis/serve/http_server.h"

namespace artemis {

std::string_view HttpRequest::header(std::string_view name) const {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  for (const auto& [field, value] : headers) {
    if (std::ranges::equal(field, name, {}, lower, lower)) return value;
  }
  return {};
}

}  // namespace artemis

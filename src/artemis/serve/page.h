// The chat page that the server answers with at `/`.
#pragma once

#include <string>
#include <string_view>

namespace artemis {

// One whole HTML document in UTF-8: style and script stand in it, and it loads nothing from elsewhere.
std::string_view page_document();

// The value of its Content-Security-Policy header: its own script and style alone (by their SHA-256),
// pictures from the page itself, and requests to this server only.
const std::string& page_policy();

}  // namespace artemis

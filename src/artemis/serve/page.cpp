#include "artemis/serve/page.h"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

#include "artemis/core/error.h"
#include "artemis/io/base64.h"

namespace artemis {
namespace {

// What stands in the first element of this name, as a source of the policy.
std::string hash_source(std::string_view document, std::string_view element) {
  const std::string opening = fmt::format("<{}>", element);
  const std::size_t begin = document.find(opening) + opening.size();
  const std::size_t end = document.find(fmt::format("</{}>", element), begin);
  ARTEMIS_ASSERT(end != document.npos);
  const std::string_view inside = document.substr(begin, end - begin);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(inside.data()), inside.size(), digest.data());
  return fmt::format("'sha256-{}'",
                     encode_base64({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

}  // namespace

const std::string& page_policy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; script-src {}; style-src {}; img-src data: blob:; connect-src 'self'; form-action "
      "'none'; "
      "base-uri 'none'; frame-ancestors 'none'",
      hash_source(page_document(), "script"), hash_source(page_document(), "style"));
  return policy;
}

}  // namespace artemis

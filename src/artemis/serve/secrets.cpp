#include "artemis/serve/secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "artemis/core/error.h"
#include "artemis/serve/ascii.h"

namespace artemis {

std::string_view bearer_key(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  const bool bears = same_ignoring_case(authorization.substr(0, scheme.size()), scheme);
  return bears ? authorization.substr(scheme.size()) : std::string_view();
}

bool is_authorised(std::string_view authorization, const std::vector<std::string>& keys) {
  const std::string_view key_given = bearer_key(authorization);
  if (key_given.empty()) return false;
  // Digests have one length, and a change in the key changes all of its digest.
  const std::string given = sha256(key_given);
  bool known = false;
  for (const std::string& key : keys) {
    const std::string digest = sha256(key);
    known |= CRYPTO_memcmp(given.data(), digest.data(), given.size()) == 0;
  }
  return known;
}

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const int done = EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                              &size, EVP_sha256(), nullptr);
  require(done == 1, "serve", "the system's SHA-256 failed");
  digest.resize(size);
  return digest;
}

std::string RandomNames::next(std::string_view prefix) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr int length = 24;
  std::uniform_int_distribution<std::size_t> any(0, letters.size() - 1);
  std::string name(prefix);
  const std::lock_guard lock(mutex_);
  for (int i = 0; i < length; ++i) name += letters[any(engine_)];
  return name;
}

}  // namespace artemis

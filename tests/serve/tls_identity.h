// Who a server under test is.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>
#include <string>

#include "http_client.h"
#include "support/files.h"

namespace artemis::test {

// A certificate of "localhost" that signs itself, and its key.
class Identity {
 public:
  Identity() {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> signed_by_itself(X509_new(), X509_free);
    X509* x509 = signed_by_itself.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, pair.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, X509_get_subject_name(x509));
    X509_sign(x509, pair.get(), EVP_sha256());
    PEM_write_X509(File(std::fopen(certificate().c_str(), "w"), std::fclose).get(), x509);
    const File file(std::fopen(key().c_str(), "w"), std::fclose);
    PEM_write_PrivateKey(file.get(), pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  std::string certificate() const { return (folder_.path() / "certificate.pem").string(); }
  std::string key() const { return (folder_.path() / "key.pem").string(); }
  HttpOptions options(HttpLimits limits = {}) const {
    HttpOptions options = any_port(limits);
    options.tls_certificate = certificate();
    options.tls_key = key();
    return options;
  }

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

  TemporaryFolder folder_;
};

}  // namespace artemis::test

#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace letterlock::base {
namespace {
const unsigned char* raw(BytesView octets) {
  return reinterpret_cast<const unsigned char*>(octets.data());
}
unsigned char* raw(Bytes& octets) {
  return reinterpret_cast<unsigned char*>(octets.data());
}
EVP_MD_CTX* context_of(void* context) {
  return static_cast<EVP_MD_CTX*>(context);
}
// Fetching the algorithm by name at each digest costs more than a short digest itself.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}
}  // namespace

void Sha256::Free::operator()(void* context) const {
  EVP_MD_CTX_free(context_of(context));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  ASSERT(EVP_DigestInit_ex(context_of(context_.get()), algorithm(), nullptr) == 1);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(BytesView more) {
  ASSERT(EVP_DigestUpdate(context_of(context_.get()), more.data(), more.size()) == 1);
}

Bytes Sha256::finish() {
  Bytes digest(octets, '\0');
  unsigned size = octets;
  ASSERT(EVP_DigestFinal_ex(context_of(context_.get()), raw(digest), &size) == 1);
  ASSERT(EVP_DigestInit_ex(context_of(context_.get()), algorithm(), nullptr) == 1);
  return digest;
}

Bytes sha256(BytesView octets) {
  Bytes digest(Sha256::octets, '\0');
  unsigned size = Sha256::octets;
  ASSERT(EVP_Digest(octets.data(), octets.size(), raw(digest), &size, algorithm(), nullptr) == 1);
  return digest;
}

Bytes hmac_sha256(BytesView key, BytesView octets) {
  Bytes mac(Sha256::octets, '\0');
  unsigned size = Sha256::octets;
  ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(octets), octets.size(),
              raw(mac), &size) != nullptr);
  return mac;
}

Bytes pbkdf2_sha256(BytesView password, BytesView salt, unsigned rounds) {
  Bytes key(Sha256::octets, '\0');
  ASSERT(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), raw(salt),
                           static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                           static_cast<int>(key.size()), raw(key)) == 1);
  return key;
}

}  // namespace letterlock::base

#include "tls/authority.h"

#include <algorithm>
#include <array>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/digest.h"
#include "tls/failure.h"
#include "tls/handles.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;

// What is put together while a certificate is made.
struct Made {
  CertificateHandle certificate;
  KeyHandle key;
};

std::string taken_from(BIO* memory) {
  char* octets = nullptr;
  const auto count = BIO_get_mem_data(memory, &octets);
  return {octets, static_cast<std::size_t>(count)};
}

std::string to_pem(X509* certificate) {
  const BioHandle memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  return taken_from(memory.get());
}

std::string to_pem(EVP_PKEY* key) {
  const BioHandle memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(memory.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return taken_from(memory.get());
}

CertificateHandle certificate_from(const std::string& pem) {
  const BioHandle memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return CertificateHandle(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

KeyHandle key_from(const std::string& pem) {
  const BioHandle memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return KeyHandle(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
}

bool set_subject(X509* certificate, const std::string& name) {
  // RFC 5280 §4.1.2.6: a common name has at most 64 characters; the names that count are in
  // subjectAltName.
  const auto common = name.substr(0, 64);
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common.data()),
                                    static_cast<int>(common.size()), -1, 0) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> octets{};
  if (RAND_bytes(octets.data(), octets.size()) != 1) return false;
  octets[0] &= 0x7f;  // RFC 5280 §4.1.2.2: positive
  BIGNUM* number = BN_bin2bn(octets.data(), octets.size(), nullptr);
  const bool set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_times(X509* certificate, base::Time from, base::Time to) {
  const auto seconds = [](base::Time time) {
    return static_cast<time_t>(base::to_milliseconds(time) / 1000);
  };
  return ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(to)) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// A new key and a certificate for it, all but extensions and signature.
base::Result<Made> begin(const std::string& subject, base::Time from, base::Time to) {
  Made made{CertificateHandle(X509_new()), KeyHandle(EVP_EC_gen("P-256"))};
  auto* certificate = made.certificate.get();
  if (!made.key || certificate == nullptr || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      !set_serial(certificate) || !set_subject(certificate, subject) ||
      !set_times(certificate, from, to) || X509_set_pubkey(certificate, made.key.get()) != 1) {
    return base::fail(ErrorKind::invalid,
                      "making a certificate for " + subject + ": " + failure_sentence());
  }
  return made;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string value;
  for (const auto& name : names) {
    if (!value.empty()) value += ',';
    value += (name.contains('@') ? "email:" : "DNS:") + name;
  }
  return value;
}

base::Result<MadeCertificate> finish(Made made, const std::vector<std::string>& names, X509* issuer,
                                     EVP_PKEY* issuer_key) {
  auto* certificate = made.certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) != 1 ||
      !add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(names)) ||
      X509_sign(certificate, issuer_key, EVP_sha256()) == 0) {
    return base::fail(ErrorKind::invalid,
                      "making a certificate for " + names.front() + ": " + failure_sentence());
  }
  unsigned char* octets = nullptr;
  const int count = i2d_X509(certificate, &octets);
  const auto digest = base::sha256(
      {reinterpret_cast<const char*>(octets), static_cast<std::size_t>(std::max(count, 0))});
  OPENSSL_free(octets);
  return MadeCertificate{to_pem(certificate), to_pem(made.key.get()), key_digest_of(certificate),
                         base::to_hex(digest)};
}

// Names become the text of an extension, where a comma would begin another one.
base::Result<> check_names(const std::vector<std::string>& names) {
  const auto is_bad = [](const std::string& name) {
    return name.empty() ||
           name.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.*@+") !=
               std::string::npos;
  };
  if (names.empty()) return base::fail(ErrorKind::invalid, "a certificate needs a name");
  const auto bad = std::ranges::find_if(names, is_bad);
  if (bad != names.end())
    return base::fail(ErrorKind::invalid,
                      "not a name for a certificate: " + base::printable(*bad, 80));
  return {};
}

}  // namespace

base::Result<Authority> make_authority(const std::string& name, base::Time now) {
  auto made = TRY(begin(name, now, now + std::chrono::days(3650)));
  auto* certificate = made.certificate.get();
  if (X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) != 1 ||
      !add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") ||
      !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
      X509_sign(certificate, made.key.get(), EVP_sha256()) == 0) {
    return base::fail(ErrorKind::invalid,
                      "making the authority " + name + ": " + failure_sentence());
  }
  return Authority{name, to_pem(certificate), to_pem(made.key.get())};
}

base::Result<MadeCertificate> make_certificate(const Authority& authority,
                                               const std::vector<std::string>& names,
                                               base::Time not_before, base::Time not_after) {
  TRY(check_names(names));
  const auto issuer = certificate_from(authority.certificate_pem);
  const auto issuer_key = key_from(authority.key_pem);
  if (!issuer || !issuer_key)
    return base::fail(ErrorKind::invalid,
                      "the authority " + authority.name + " has no certificate or no key");
  auto made = TRY(begin(names.front(), not_before, not_after));
  auto certificate = TRY(finish(std::move(made), names, issuer.get(), issuer_key.get()));
  certificate.chain_pem += authority.certificate_pem;
  return certificate;
}

base::Result<MadeCertificate> make_self_signed(const std::vector<std::string>& names,
                                               base::Time not_before, base::Time not_after) {
  TRY(check_names(names));
  auto made = TRY(begin(names.front(), not_before, not_after));
  auto* certificate = made.certificate.get();
  auto* key = made.key.get();
  return finish(std::move(made), names, certificate, key);
}

base::Result<std::vector<std::string>> certificate_addresses(const std::string& pem) {
  const auto certificate = certificate_from(pem);
  if (!certificate) return base::fail(ErrorKind::invalid, "no certificate in this text");
  return addresses_of(certificate.get());
}

base::Result<std::string> key_digest(const std::string& pem) {
  const auto certificate = certificate_from(pem);
  if (!certificate) return base::fail(ErrorKind::invalid, "no certificate in this text");
  return key_digest_of(certificate.get());
}

}  // namespace letterlock::tls

#include "tls/verify.h"

#include <algorithm>
#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "net/endpoint.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;
using Verify = ClientOptions::Verify;

constexpr std::size_t authorities_octets_max = 4 << 20;
constexpr std::size_t names_shown_max = 3;

base::Result<std::shared_ptr<X509_STORE>> read_store(const std::string& file) {
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  if (file.empty()) {
    if (X509_STORE_set_default_paths(store.get()) == 1) return store;
    ERR_clear_error();
    return base::fail(ErrorKind::invalid, "this machine's authorities can't be read");
  }
  const auto text = TRY(os::read_file(file, authorities_octets_max));
  const BioHandle memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  std::size_t count = 0;
  while (const CertificateHandle authority{
      PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)}) {
    count += X509_STORE_add_cert(store.get(), authority.get()) == 1 ? 1 : 0;
  }
  ERR_clear_error();
  if (count == 0)
    return base::fail(ErrorKind::invalid, "reading " + file + ": no certificate in PEM form");
  return store;
}

// The first thing that is wrong, with the certificate it is about.
int note(int good, X509_STORE_CTX* context) {
  if (good == 1) return 1;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& noted = Engine::of(ssl).noted;
  if (noted.error != X509_V_OK) return 0;
  noted.error = X509_STORE_CTX_get_error(context);
  noted.depth = X509_STORE_CTX_get_error_depth(context);
  if (const auto* certificate = X509_STORE_CTX_get_current_cert(context)) {
    noted.not_before = not_before_of(certificate);
    noted.not_after = not_after_of(certificate);
    std::array<char, 128> issuer{};
    X509_NAME_get_text_by_NID(X509_get_issuer_name(certificate), NID_commonName, issuer.data(),
                              issuer.size());
    noted.issuer = issuer.data();
  }
  return 0;
}

base::Result<> prepare_name(SSL* ssl, const ClientOptions& options, TrustStores& stores) {
  auto* param = SSL_get0_param(ssl);
  const auto store = TRY(stores.get(options.ca_file));
  if (options.server_name.empty())
    return base::fail(ErrorKind::invalid, "no name to verify the certificate by");
  // RFC 9525 §6.3, §6.4: subjectAltName alone, a star for one whole label.
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool set = net::IpAddress::parse(options.server_name)
                       ? X509_VERIFY_PARAM_set1_ip_asc(param, options.server_name.c_str()) == 1
                       : SSL_set1_host(ssl, options.server_name.c_str()) == 1;
  if (!set || SSL_set1_verify_cert_store(ssl, store.get()) != 1)
    return base::fail(ErrorKind::invalid, "not a name to verify a certificate by");
  return {};
}

base::Result<> prepare_tlsa(SSL* ssl, const ClientOptions& options) {
  if (options.server_name.empty() || SSL_dane_enable(ssl, options.server_name.c_str()) != 1) {
    return base::fail(ErrorKind::invalid, "no TLSA base domain to verify the certificate by");
  }
  // RFC 7672 §3.1.1: DANE-EE proves by the key alone, whatever names and dates the certificate has.
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  for (const auto& name : options.more_names) (void)SSL_add1_host(ssl, name.c_str());
  std::size_t usable = 0;
  for (const auto& record : options.tlsa) {
    // RFC 7672 §3.1.3: PKIX-TA(0) and PKIX-EE(1) are unusable for SMTP.
    if (record.usage != 2 && record.usage != 3) continue;
    const auto* data = reinterpret_cast<const unsigned char*>(record.data.data());
    usable += SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data,
                                record.data.size()) == 1
                  ? 1
                  : 0;
  }
  ERR_clear_error();
  if (usable == 0) return base::fail(ErrorKind::invalid, "no usable TLSA record");
  return {};
}

std::string other_names(const X509* certificate) {
  const auto names = names_of(certificate);
  if (names.empty()) return "no name";
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), names_shown_max); ++i)
    text += (i == 0 ? "" : ", ") + base::printable(names[i], 80);
  return names.size() > names_shown_max ? text + " and others" : text;
}

std::string sentence_of(const Noted& noted, long result, const X509* certificate,
                        const ClientOptions& options) {
  const std::string what = noted.depth == 0 ? "certificate" : "an authority's certificate";
  switch (noted.error != X509_V_OK ? noted.error : static_cast<int>(result)) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return what + " expired on " + date_of(noted.not_after);
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return what + " is valid only from " + date_of(noted.not_before) + " on";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "certificate is for " + other_names(certificate) + ", not " +
             base::printable(options.server_name, 80);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "certificate is self-signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "certificate comes from an authority that is not trusted here: " +
             base::printable(noted.issuer, 80);
    case X509_V_ERR_DANE_NO_MATCH:
      return "certificate matches no TLSA record";
    case X509_V_OK:
      return "certificate was not verified";
    default:
      return std::string("certificate is not accepted: ") +
             X509_verify_cert_error_string(noted.error);
  }
}

hop::Proof proof_of(const Engine& engine) {
  std::uint8_t usage = 0;
  auto* ssl = engine.ssl.get();
  if (SSL_get0_dane_authority(ssl, nullptr, nullptr) < 0) return hop::Proof::none;
  (void)SSL_get0_dane_tlsa(ssl, &usage, nullptr, nullptr, nullptr, nullptr);
  return usage == 3 ? hop::Proof::dane_ee : hop::Proof::dane_ta;
}

}  // namespace

base::Result<std::shared_ptr<X509_STORE>> TrustStores::get(const std::string& ca_file) {
  const auto stamp = ca_file.empty() ? os::FileStamp() : os::FileStamp::of(ca_file);
  const std::scoped_lock lock(mutex_);
  auto& entry = by_file_[ca_file];
  if (entry.store && entry.stamp == stamp) return entry.store;
  auto store = read_store(ca_file);
  // A file that broke while we run doesn't take away what it said before.
  if (!store && entry.store) return entry.store;
  if (!store) {
    by_file_.erase(ca_file);
    return store;
  }
  entry = {stamp, *store};
  return entry.store;
}

base::Result<> prepare(Engine& engine, const ClientOptions& options, TrustStores& stores,
                       base::Time now) {
  auto* ssl = engine.ssl.get();
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl),
                             static_cast<time_t>(base::to_milliseconds(now) / 1000));
  // With SSL_VERIFY_NONE OpenSSL verifies, notes the result and goes on.
  SSL_set_verify(ssl, SSL_VERIFY_NONE, note);
  // RFC 6066 §3: an address is no server name.
  if (!options.server_name.empty() && !net::IpAddress::parse(options.server_name)) {
    (void)SSL_set_tlsext_host_name(ssl, options.server_name.c_str());
  }
  auto prepared = base::Result<>();
  if (options.verify == Verify::name) prepared = prepare_name(ssl, options, stores);
  if (options.verify == Verify::tlsa) prepared = prepare_tlsa(ssl, options);
  ERR_clear_error();
  return prepared;
}

Verdict shown_by_client(const Engine& engine) {
  Verdict shown;
  const CertificateHandle certificate(SSL_get1_peer_certificate(engine.ssl.get()));
  if (!certificate) return shown;
  shown.key_digest = key_digest_of(certificate.get());
  shown.addresses = addresses_of(certificate.get());
  return shown;
}

Verdict judge(const Engine& engine, const ClientOptions& options, const base::Result<>& prepared) {
  Verdict verdict;
  const CertificateHandle certificate(SSL_get1_peer_certificate(engine.ssl.get()));
  if (certificate) verdict.key_digest = key_digest_of(certificate.get());
  if (options.verify == Verify::nothing) return verdict;
  const auto result = SSL_get_verify_result(engine.ssl.get());
  if (!certificate) {
    verdict.failure = "the server gave no certificate";
  } else if (!prepared) {
    verdict.failure = prepared.error().what;
  } else if (options.verify == Verify::pin) {
    verdict.verified = !options.pin_digest.empty() &&
                       base::equal_ignoring_case(verdict.key_digest, options.pin_digest);
    if (verdict.verified)
      verdict.proved_by = hop::Proof::pin;
    else
      verdict.failure = "the server's key is not the pinned one";
  } else {
    if (result == X509_V_OK && options.verify == Verify::tlsa) verdict.proved_by = proof_of(engine);
    verdict.verified = result == X509_V_OK &&
                       (options.verify == Verify::name || verdict.proved_by != hop::Proof::none);
    if (!verdict.verified)
      verdict.failure = sentence_of(engine.noted, result, certificate.get(), options);
  }
  return verdict;
}

}  // namespace letterlock::tls

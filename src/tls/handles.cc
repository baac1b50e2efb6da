#include "tls/handles.h"

#include <algorithm>
#include <ctime>

#include "base/bytes.h"
#include "base/digest.h"
#include "tls/tls.h"

namespace letterlock::tls {
namespace {

base::Time time_of(const ASN1_TIME* stamp) {
  std::tm parts{};
  if (stamp == nullptr || ASN1_TIME_to_tm(stamp, &parts) != 1) return {};
  return std::chrono::sys_days(std::chrono::year(parts.tm_year + 1900) / (parts.tm_mon + 1) /
                               parts.tm_mday) +
         std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
         std::chrono::seconds(parts.tm_sec);
}

// The subjectAltNames of this kind, one whose value is an IA5String. RFC: 5280 section 4.2.1.6.
std::vector<std::string> alternatives(const X509* certificate, int kind) {
  std::vector<std::string> names;
  const NamesHandle all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != kind) continue;
    const auto* octets = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.ia5));
    names.emplace_back(octets, static_cast<std::size_t>(ASN1_STRING_length(name->d.ia5)));
  }
  return names;
}

}  // namespace

std::vector<std::string> names_of(const X509* certificate) {
  auto names = alternatives(certificate, GEN_DNS);
  for (auto& name : names) name = base::to_lower(name);
  return names;
}

std::vector<std::string> addresses_of(const X509* certificate) {
  auto addresses = alternatives(certificate, GEN_EMAIL);
  // A NUL or a control would show another address to one reader than to the next.
  std::erase_if(addresses, [](const std::string& address) {
    return address.size() > peer_address_octets_max ||
           !std::ranges::all_of(address, [](char c) { return c > ' ' && c < 127; });
  });
  if (addresses.size() > peer_addresses_max) addresses.resize(peer_addresses_max);
  return addresses;
}

std::string key_digest_of(const X509* certificate) {
  unsigned char* octets = nullptr;
  const int count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &octets);
  if (count <= 0) return {};
  const auto digest =
      base::sha256({reinterpret_cast<const char*>(octets), static_cast<std::size_t>(count)});
  OPENSSL_free(octets);
  return base::to_hex(digest);
}

base::Time not_before_of(const X509* certificate) {
  return time_of(X509_get0_notBefore(certificate));
}
base::Time not_after_of(const X509* certificate) {
  return time_of(X509_get0_notAfter(certificate));
}

std::string date_of(base::Time time) {
  return base::to_rfc3339(time).substr(0, 10);
}

bool name_matches(std::string_view pattern, std::string_view name) {
  if (!pattern.starts_with("*.")) return base::equal_ignoring_case(pattern, name);
  const auto dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 &&
         base::equal_ignoring_case(pattern.substr(1), name.substr(dot));
}

}  // namespace letterlock::tls

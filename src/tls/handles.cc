#include "tls/handles.h"

#include <ctime>

#include "base/bytes.h"
#include "base/digest.h"

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

}  // namespace

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> names;
  const NamesHandle all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* octets = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.push_back(
        base::to_lower({octets, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  return names;
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

#include "tls/failure.h"

#include <array>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace letterlock::tls {
namespace {

constexpr std::array<std::pair<int, const char*>, 18> sentences{{
    {SSL_R_NO_SHARED_CIPHER, "no shared cipher"},
    {SSL_R_WRONG_VERSION_NUMBER, "wrong version number: the peer does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "an HTTP request came instead of TLS"},
    {SSL_R_HTTPS_PROXY_REQUEST, "an HTTP request came instead of TLS"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "a record is too long: the peer does not speak TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "no shared TLS version: the peer offers none from TLS 1.2 on"},
    {SSL_R_VERSION_TOO_LOW, "no shared TLS version: the peer offers only older ones"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "no shared key exchange group"},
    {SSL_R_NO_SHARED_GROUPS, "no shared key exchange group"},
    {SSL_R_NO_SUITABLE_GROUPS, "no shared key exchange group"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no shared signature algorithm"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "no shared signature algorithm"},
    {SSL_R_NO_APPLICATION_PROTOCOL,
     "the peer asks for another protocol than the one spoken here (ALPN)"},
    {SSL_R_UNEXPECTED_MESSAGE, "a message came out of order"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was changed on its way"},
    {SSL_R_DATA_LENGTH_TOO_LONG, "a record is longer than TLS allows"},
    {SSL_R_INAPPROPRIATE_FALLBACK, "the peer fell back to an older version than it can"},
    {SSL_R_TOO_MANY_WARN_ALERTS, "the peer sends nothing but warnings"},
}};

}  // namespace

std::string failure_sentence() {
  const auto code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return "TLS failed without a reason";
  const int reason = ERR_GET_REASON(code);
  // RFC 8446 §6.2: the peer's alert; OpenSSL counts them from here.
  if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
    return std::string("the peer ended TLS: ") +
           SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET);
  }
  for (const auto& [known, sentence] : sentences) {
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == known) return sentence;
  }
  const char* text = ERR_reason_error_string(code);
  return std::string("TLS failed: ") + (text != nullptr ? text : "error " + std::to_string(code));
}

}  // namespace letterlock::tls

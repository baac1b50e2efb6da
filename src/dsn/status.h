// Enhanced status codes: class.subject.detail, what a reply or a report says to programs.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::dsn {

// "5.7.30". RFC: 3463 section 2.
struct Status {
  std::uint16_t klass = 5;  // 2 success, 4 for now, 5 for good
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  // Errors: invalid (another class than 2, 4, 5; more than three digits; leading zeros).
  static base::Result<Status> parse(std::string_view text);
  // The code at the beginning of a reply's text ("5.1.1 no such user"), if its class agrees with
  // the reply code; otherwise what the reply code alone says. RFC: 2034 section 4, 3463 section 2.
  static Status from_reply(unsigned reply_code, std::string_view text);
  // x.0.0 with a known subject for the codes that have one. For replies without an enhanced code.
  static Status from_reply_code(unsigned reply_code);

  bool is_success() const { return klass == 2; }
  bool is_temporary() const { return klass == 4; }
  bool is_permanent() const { return klass == 5; }
  // The same subject and detail as class 5: what a report says when the time to retry has passed.
  constexpr Status as_permanent() const { return {5, subject, detail}; }
  constexpr Status as_temporary() const { return {4, subject, detail}; }
  std::string text() const;

  auto operator<=>(const Status&) const = default;
};

// The codes that we give ourselves.
namespace status {
inline constexpr Status ok{2, 0, 0};
inline constexpr Status address_valid{2, 1, 5};  // RFC 3463 §3.2
inline constexpr Status bad_mailbox{5, 1, 1};    // no such user
inline constexpr Status bad_domain{5, 1, 2};     // no such domain
inline constexpr Status bad_address_syntax{5, 1, 3};
inline constexpr Status moved{5, 1, 6};
inline constexpr Status bad_sender_syntax{5, 1, 7};
inline constexpr Status bad_sender_domain{5, 1, 8};
inline constexpr Status null_mx{5, 1, 10};  // RFC 7505 §4.2
inline constexpr Status mailbox_disabled{5, 2, 1};
inline constexpr Status mailbox_full{5, 2, 2};
inline constexpr Status too_big_for_mailbox{5, 2, 3};
inline constexpr Status system_full{4, 3, 1};
inline constexpr Status system_stopping{4, 3, 2};
inline constexpr Status too_big{5, 3, 4};
inline constexpr Status no_answer{4, 4, 1};  // from the host
inline constexpr Status bad_connection{4, 4, 2};
inline constexpr Status directory_failure{4, 4, 3};
inline constexpr Status unroutable{5, 4, 4};
inline constexpr Status routing_loop{5, 4, 6};
inline constexpr Status expired{5, 4, 7};  // waited too long
inline constexpr Status bad_command{5, 5, 1};
inline constexpr Status syntax_error{5, 5, 2};
inline constexpr Status too_many_recipients{4, 5, 3};
inline constexpr Status bad_parameters{5, 5, 4};
inline constexpr Status conversion_not_possible{5, 6, 3};
inline constexpr Status needs_smtputf8{5, 6, 7};  // RFC 6531 §3.5
inline constexpr Status not_authorized{5, 7, 1};
inline constexpr Status security_not_offered{5, 7, 4};   // the judgement: protection not offered
inline constexpr Status security_not_verified{5, 7, 5};  // the judgement: offered, not proved
inline constexpr Status message_integrity{5, 7, 7};
inline constexpr Status bad_credentials{5, 7, 8};  // RFC 4954 §6
inline constexpr Status mechanism_too_weak{5, 7, 9};
inline constexpr Status requiretls_not_offered{5, 7, 30};  // RFC 8689 §5
}  // namespace status

}  // namespace letterlock::dsn

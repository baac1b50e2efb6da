// What a sender asks about reports: the DSN parameters of MAIL and RCPT, as values and as they are
// written in commands. RFC: 3461 section 4, 6533 section 3.
#pragma once

#include <string>
#include <string_view>

#include "address/address.h"
#include "base/result.h"

namespace letterlock::dsn {

// RFC 3461 §4.4 and §4.2, as they stand in the command, encoded.
inline constexpr std::size_t envid_octets_max = 100;
inline constexpr std::size_t original_recipient_octets_max = 500;

// NOTIFY: on which of its ends a recipient's delivery is to be reported.
struct Notify {
  bool given = false;  // otherwise: failures, and delays if we like
  bool success = false;
  bool failure = false;
  bool delay = false;  // given and none of these: NEVER

  static Notify never() { return {.given = true}; }
  bool is_never() const { return given && !success && !failure && !delay; }
  bool wants_success() const { return success; }
  bool wants_failure() const { return !given || failure; }
  bool wants_delay() const { return !given || delay; }
  bool operator==(const Notify&) const = default;
};
// "NEVER" or "SUCCESS,FAILURE,DELAY" in any case and order. Errors: invalid.
base::Result<Notify> parse_notify(std::string_view value);
// The value after "NOTIFY="; empty if it wasn't given.
std::string to_text(const Notify& notify);

// RET: how much of the message a report brings back.
enum class Return { unspecified, full, headers };
base::Result<Return> parse_return(std::string_view value);
// "FULL", "HDRS", or empty.
std::string_view to_text(Return ret);

struct MailParams {
  Return ret = Return::unspecified;
  std::string envid;  // decoded: printable ASCII; empty if not given
  bool operator==(const MailParams&) const = default;
};

struct RcptParams {
  Notify notify;
  std::string original_recipient;  // decoded: "rfc822;bob@birch.example"; empty if not given
  bool operator==(const RcptParams&) const = default;
};

// xtext: every octet outside 33..126, and + and =, as +XX. RFC: 3461 section 4.
std::string encode_xtext(std::string_view octets);
// Errors: invalid (a lower-case or missing digit, an octet that must have been encoded).
base::Result<std::string> decode_xtext(std::string_view text);

// The value of ENVID, both ways. Errors: invalid (too long, empty, decodes to other than printable
// ASCII).
base::Result<std::string> parse_envid(std::string_view value);
std::string format_envid(std::string_view envid);

// The value of ORCPT, both ways; of the address types rfc822 and utf-8 are understood, others pass
// if they are printable. Errors: invalid.
base::Result<std::string> parse_original_recipient(std::string_view value);
// `smtputf8` says whether the peer takes UTF-8 in commands. Empty if it can't be said within 500
// characters: then no ORCPT is passed on rather than one that is refused.
enum class Utf8 { no, yes };
std::string format_original_recipient(std::string_view original_recipient, Utf8 smtputf8);
// "rfc822;bob@birch.example" or "utf-8;…": what a recipient without ORCPT is given when one is made
// up.
std::string original_recipient_of(const address::Address& address);

}  // namespace letterlock::dsn

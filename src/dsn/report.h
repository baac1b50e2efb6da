// A report about a message to its sender: why it wasn't delivered, that it waits, or that it
// arrived. For people first, for programs beside it. RFC: 3461 section 6, 3464, 6522, 6533.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address/address.h"
#include "base/time.h"
#include "dsn/params.h"
#include "dsn/status.h"

namespace letterlock::dsn {

// RFC 3464 §2.3.3.
enum class Action { failed, delayed, delivered, relayed, expanded };
std::string_view name(Action action);

// Strings here may hold what a stranger said: they are cleaned and shortened where they are
// written.

// Why a hop couldn't be taken: what the judgement required, and what there was instead.
struct Refusal {
  struct Offer {
    std::string host;  // "mx1.bank.example"
    std::string what;  // "no STARTTLS", "certificate expired on 2026-11-20"
    base::Time first;  // of the attempts that found it so
    base::Time last;
    unsigned attempts = 1;
  };
  std::string by;        // whose requirement, in the first sentence: "acorn.example"
  std::string required;  // "authenticated TLS to bank.example"
  std::string source;    // "connector \"bank\", set by acorn.example"
  std::vector<Offer> offers;
  std::string kept_safe;  // "no content left acorn.example's platform, in none of the attempts."
  std::string
      what_to_do;  // "ask bank.example's administrator, or ask yours about connector \"bank\"."
  std::uint64_t others = 0;  // attempts that found something else, and stand in the trace alone
};

// What became of one recipient. RFC: 3464 section 2.3.
struct RecipientReport {
  address::Address final_recipient;
  // It stands, or may stand, for several others: this is about one copy, and another may have
  // arrived.
  bool is_of_a_copy = false;
  std::string original_recipient;  // as RcptParams has it, may be empty
  Action action = Action::failed;
  Status status;           // its class is made to agree with the action
  std::string remote_mta;  // the host that answered or took it, may be empty
  std::string diagnostic;  // its reply, "550 5.1.1 no such user", or our own reason; may be empty
  bool diagnostic_is_reply = true;
  std::optional<base::Time> last_attempt;
  std::optional<base::Time> retry_until;  // of delayed
  std::optional<Refusal> refusal;         // if the judgement decided; otherwise the status explains
};

// How much of the original comes back.
enum class Returned { nothing, headers, full };
// RFC 3461 §4.3: RET counts for failures alone; otherwise headers. Without RET, or where the
// original is larger than `full_octets_max`, headers too.
Returned what_to_return(Return ret, Action worst, std::uint64_t original_octets,
                        std::uint64_t full_octets_max);

struct Report {
  address::Address from;  // postmaster of the platform or of the sender's domain
  address::Address to;    // the reverse-path; this report's own is null, which the caller sees to
  std::string reporting_mta;  // our host's name
  std::string message_id;     // of this report, with brackets
  base::Time date;
  std::string boundary;                     // 1 to 60 letters and digits, unpredictable
  std::string trace_id;                     // shown, and written as Final-Log-ID; may be empty
  std::vector<RecipientReport> recipients;  // at least one

  std::string envid;                  // the original's, decoded; may be empty
  std::optional<base::Time> arrival;  // of the original here
  std::string original_message_id;    // with brackets; may be empty
  std::string original_subject;       // for people; may be empty
  Returned returned = Returned::headers;
  std::string original_header;    // for Returned::headers, as octets, CRLF-clean
  bool original_is_8bit = false;  // for Returned::full: the original isn't ASCII alone
  bool smtputf8 = false;          // the original was, so the report may be: RFC 6533's types
};

// The report's octets around what comes back. With Returned::full the caller puts the whole
// original between head and tail; otherwise the tail follows the head.
struct Parts {
  std::string head;
  std::string tail;
  bool is_8bit = false;         // must be sent with BODY=8BITMIME
  bool needs_smtputf8 = false;  // must be sent with SMTPUTF8
};
// Limits: header fields come back up to 32 KiB, details for people for the first 20 recipients.
Parts compose(const Report& report);

// The action that the report's subject names: the worst of all.
Action worst(const std::vector<RecipientReport>& recipients);

}  // namespace letterlock::dsn

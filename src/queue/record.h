// What the queue keeps of a message and of each of its recipients, and the octets of it.
#pragma once

#include <string>
#include <vector>

#include "address/address.h"
#include "base/id.h"
#include "base/time.h"
#include "dsn/params.h"
#include "hop/hop.h"
#include "hop/requirement.h"
#include "queue/state.h"

namespace letterlock::queue {

// Which way it goes, and on whose places: mda takes accounts here, relay everything else. Reports
// of ours that leave have a lane of their own, so that whoever makes us write them stops no mail.
enum class Lane { local, remote, report };
inline constexpr Lane all_lanes[] = {Lane::local, Lane::remote, Lane::report};
std::string_view name(Lane lane);

// One message as it was accepted. Doesn't change; its recipients do.
struct Message {
  base::MessageId id;
  base::TraceId trace;
  base::TenantId tenant;    // whose mail it is: the submitter's, else the recipient's
  base::AccountId account;  // that submitted it; nil where it came from outside or was made here
  std::string mail_from;    // as text without < >; empty: the null reverse path
  base::BlobId blob;
  std::uint64_t octets = 0;  // of the blob
  // Lines of the header that go before the blob's octets on every way: a Delivered-To for each
  // alias and group that the message came through.
  std::string prefix;
  std::string digest;  // hex SHA-256 of prefix and blob
  bool smtputf8 = false;
  bool eight_bit = false;  // the content has octets over 127
  dsn::MailParams params;  // RET, ENVID
  base::Time accepted;
  base::Time expires;
  hop::Requirement requirement;
  bool is_report = false;  // a DSN of ours
  // Nil: nobody else has a copy of this content. Otherwise the trace under which it first came in:
  // by it an account and a list are known that were served by another copy (served.h).
  base::TraceId origin;
  unsigned steps = 0;  // aliases and groups that it came through

  std::uint64_t octets_with_prefix() const { return prefix.size() + octets; }
  bool operator==(const Message&) const = default;
};

// What must be told to the sender about a recipient and hasn't been yet.
enum class Notice { none, failed, delayed, delivered, relayed, expanded };
std::string_view name(Notice notice);

// One recipient of a message.
struct Recipient {
  unsigned index = 0;  // within the queued message, from 0
  unsigned trace_index =
      0;  // of the trace's recipient that it stands for: an alias's target, for the alias
  std::string address;  // as text without < >
  // What was written to, where an alias led from there to `address`; empty: `address` itself. A
  // report names this one: where an alias leads is its owner's business.
  std::string written_to;
  bool is_alone = false;   // that stands for this address and no other, by however many aliases
  dsn::RcptParams params;  // NOTIFY, ORCPT
  Lane lane = Lane::remote;
  std::string destination;  // the next-hop domain: who shares its connections and its rest
  State state = State::waiting;
  base::Time next_try;
  unsigned attempts = 0;
  std::string status;  // "4.4.1", of the last attempt
  std::string reply;   // the last words, ours or the peer's
  std::string host;    // that said them, empty if we ourselves
  base::Time last_try;
  Notice notice = Notice::none;
  bool delay_told = false;

  const std::string& address_written_to() const {
    return written_to.empty() ? address : written_to;
  }
  bool operator==(const Recipient&) const = default;
};

inline constexpr std::size_t recipients_max = 1000;  // of one message

// A message's record, with its recipients as they were accepted where they are few enough to stand
// in it; those of the others, and what became of any since, are records of their own.
inline constexpr std::size_t recipients_within_max = 16;
std::string pack(const Message& message, const std::vector<Recipient>& within = {});
std::string pack(const Recipient& recipient);
struct Entry {
  Message message;
  std::vector<Recipient> recipients;
  bool operator==(const Entry&) const = default;
};
// Of a message whose recipients are too many to stand in its record: what is left to do with it, so
// that a step with some of them needn't read all.
struct Left {
  std::size_t recipients = 0;  // in all
  std::size_t open = 0;        // in no final state
  std::size_t notices = 0;     // with something to tell
  bool operator==(const Left&) const = default;
};
std::string pack(const Left& left);
// Errors of all: corrupt.
base::Result<Entry> unpack_message(std::string_view octets);  // with those that stand in it
base::Result<Recipient> unpack_recipient(std::string_view octets);
base::Result<Left> unpack_left(std::string_view octets);

}  // namespace letterlock::queue

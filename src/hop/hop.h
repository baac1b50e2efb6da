// A hop: one transfer of a message from one holder to the next, and its record. A value; it
// judges nothing (protection/) and stores nothing (trace/).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "hop/level.h"

namespace letterlock::hop {

// What a TLS session says of itself. `version == none` means that there was no TLS.
struct TlsFacts {
  TlsVersion version = TlsVersion::none;
  std::string cipher;         // IANA name: "TLS_AES_256_GCM_SHA384"
  std::string group;          // key exchange: "X25519", "X25519MLKEM768", "secp256r1"
  bool post_quantum = false;  // the key exchange resists a quantum computer
  std::string
      exporter_digest;  // hex SHA-256 over the session's exporter and the trace id; may be empty
  bool operator==(const TlsFacts&) const = default;
};

struct Protection {
  Level level = Level::clear;
  TlsFacts tls;
  Proof proved_by = Proof::none;
  Network network = Network::public_;
  bool confirmed = false;  // both ends saw one and the same channel
  bool operator==(const Protection&) const = default;
};

// `expansion`: an address of this platform gave way to those that it stands for.
enum class Kind { submission, relay, site_link, delivery, fetch, expansion };
std::string_view name(Kind kind);
std::optional<Kind> kind_from(std::string_view name);

// One end of a hop. `who` is what a reader is told ("alice@acorn.example", "mx1.modern.example"):
// a fact, never a stranger's word. `address` ("192.0.2.1") stays within the owner's tenant.
struct End {
  // `alias` and `list`: the address that an expansion begins at. What goes on from an alias has
  // its hops in the same trace; what goes on from a list has a trace of its own.
  enum class Role { client, node, mailbox, mta, alias, list };
  Role role = Role::mta;
  std::string who;
  std::string address;
  std::string
      protocol;  // as RFC 3848 names it for receptions ("ESMTPSA"), "POP3", "POP3S"; may be empty
  // The name that a stranger gave itself (EHLO), where nothing else says that it is so.
  std::string calls_itself = {};
  bool operator==(const End&) const = default;
};
std::string_view name(End::Role role);
std::optional<End::Role> role_from(std::string_view name);

// What changed the content between its coming in and its going out, so that digests meet.
enum class Change {
  trace_fields_added,
  bcc_removed,
  return_path_removed,
  date_added,
  message_id_added,
  dkim_signed,
  converted,
  sealed,
  expanded
};
std::string_view name(Change change);
std::optional<Change> change_from(std::string_view name);

// One requirement's part as it stood at the hop: "level >= authenticated", by "tenant
// acorn.example".
struct Required {
  std::string what;
  std::string by;
  std::string why;
  bool operator==(const Required&) const = default;
};

enum class Answer { take, try_next, hold, refuse };
std::string_view name(Answer answer);
std::optional<Answer> answer_from(std::string_view name);

// How a hop ended. `unknown`: the intent was durable, the outcome isn't (a crash between them, or
// an answer that never came). `partial`: the other end got the part that it had asked for (POP3
// TOP).
enum class Outcome { intended, completed, failed, unknown, partial };
std::string_view name(Outcome outcome);
std::optional<Outcome> outcome_from(std::string_view name);

// How much of the message a failed attempt had given away: content counts in exposure.
enum class Given { nothing, envelope, content };
std::string_view name(Given given);
std::optional<Given> given_from(std::string_view name);

struct Hop {
  base::TraceId trace;
  unsigned number = 0;   // 1 is the first hop of the trace; attempts at one hop share it
  unsigned attempt = 1;  // counts from 1
  Kind kind = Kind::relay;
  End from;
  End to;
  // The recipients it concerned, as indexes into the trace's list.
  std::vector<unsigned> recipients;
  Protection protection;
  std::vector<Required> required;
  Answer answer = Answer::take;
  std::string reason;  // one sentence: why this answer, with source, host and fact
  Outcome outcome = Outcome::completed;
  Given given = Given::content;
  std::string reply;       // the peer's last words on a relay: "250 2.0.0 Ok: queued as 4F1…"
  std::string digest_in;   // hex SHA-256 of the content as it came in
  std::string digest_out;  // and as it went out
  std::vector<Change> changes;
  base::Time time;                 // of the intent where there is one, else of the transfer's end
  base::Time finished;             // of the outcome
  SignIn sign_in = SignIn::none;   // of the client, on a submission or a fetch
  bool password_in_clear = false;  // a reusable password crossed this hop unprotected
  bool told = false;  // recorded by another tenant, which told only what others may know
  bool operator==(const Hop&) const = default;
};

// Limits of a record, in octets of UTF-8 and in entries. What is longer was cut before it is kept.
inline constexpr std::size_t who_octets_max = 512;
inline constexpr std::size_t word_octets_max = 128;  // address, protocol, cipher, group, digests
inline constexpr std::size_t sentence_octets_max = 500;  // reason, reply, each part of a Required
inline constexpr std::size_t recipients_max = 1000;
inline constexpr std::size_t required_max = 8;
inline constexpr std::size_t changes_max = 16;
inline constexpr std::size_t record_octets_max = 128 * 1024;

// The same hop as a record can keep it: texts cut to their limits at a character's end (with "…"),
// what is not UTF-8 replaced by U+FFFD, lists cut to their length.
Hop bounded(Hop hop);

// The record as JSON text, one object on one line, keys in fixed order: what is hashed and kept.
// Of a hop that isn't bounded, its bounded form. `finished` is null as long as it isn't set.
std::string to_json(const Hop& hop);
// Only what to_json writes, octet for octet, so that two readers of one record can't differ.
// Errors: corrupt (not JSON, a missing or unknown word, too long, another spelling of the same).
base::Result<Hop> hop_from_json(std::string_view text);

}  // namespace letterlock::hop

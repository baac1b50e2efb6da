#include "trace/words.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/exposure.h"
#include "trace/layout.h"

namespace letterlock::trace {
namespace {

using hop::Hop;
using hop::Kind;
using hop::Level;
using hop::Outcome;

// "AES-256-GCM" of "TLS_AES_256_GCM_SHA384": the name of the suite without what everybody has.
std::string short_cipher(std::string name) {
  if (!name.starts_with("TLS_")) return name;
  const auto with = name.find("_WITH_");
  name.erase(0, with == name.npos ? 4 : with + 6);
  const auto digest = name.rfind("_SHA");
  if (digest != name.npos) name.erase(digest);
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

// On hops that others opened we can't see whether they looked at our certificate.
std::string_view unproved_words(const Hop& hop) {
  if (hop.from.role == hop::End::Role::node) return "identity not proved";
  switch (hop.sign_in) {
    case hop::SignIn::password:
      return "signed in by password";
    case hop::SignIn::scram:
      return "signed in by SCRAM";
    case hop::SignIn::scram_plus:
      return "signed in by SCRAM-PLUS, with a password that others may have";
    case hop::SignIn::client_certificate:
      return "signed in by certificate";
    case hop::SignIn::none:
      break;
  }
  return "whether it checked us is not seen";
}

std::string_view proof_words(const Hop& hop) {
  switch (hop.protection.proved_by) {
    case hop::Proof::none:
      return unproved_words(hop);
    case hop::Proof::dane_ee:
      return "DANE-EE";
    case hop::Proof::dane_ta:
      return "DANE-TA";
    case hop::Proof::mta_sts:
      return "MTA-STS";
    case hop::Proof::connector:
      return "connector";
    case hop::Proof::pin:
      return "pinned key";
    case hop::Proof::site:
      return "site link";
    case hop::Proof::scram_plus:
      return "SCRAM-PLUS";
    case hop::Proof::client_certificate:
      return "client certificate";
    case hop::Proof::channel_proof:
      return "channel proof";
  }
  ASSERT(false && "a proof without words");
}

std::string without_tls(const Hop& hop) {
  const std::string& protocol = hop.kind == Kind::fetch ? hop.to.protocol : "SMTP";
  std::string words = protocol.empty() ? "no TLS" : plain(protocol, 20) + " without TLS";
  if (hop.password_in_clear) words += ", password in clear";
  return words;
}

std::string given_words(const Hop& hop) {
  switch (hop.given) {
    case hop::Given::nothing:
      return "nothing was given away";
    case hop::Given::envelope:
      return "the addresses were given, the content was not";
    case hop::Given::content: {
      const bool is_known = hop.outcome != Outcome::unknown && hop.outcome != Outcome::intended;
      return fmt::format("the content {} ({})", is_known ? "was given" : "counts as given",
                         hop::name(hop.protection.level));
    }
  }
  ASSERT(false && "a gift without words");
}

// The peer's words where it was the peer; otherwise our own.
std::string why_failed(const Hop& hop) {
  const bool said_by_peer = hop.answer == hop::Answer::take && !hop.reply.empty();
  if (said_by_peer) {
    return fmt::format("{} said \"{}\"", plain(protection::short_name(hop.to)), plain(hop.reply));
  }
  return hop.reason.empty() ? "no reason was recorded" : plain(hop.reason, 500);
}

}  // namespace

std::string moment(base::Time time) {
  return base::to_rfc3339(time).substr(0, 10) + " " + base::to_clock(time);
}

std::string moment(base::Time time, base::Time day) {
  const bool is_same =
      std::chrono::floor<std::chrono::days>(time) == std::chrono::floor<std::chrono::days>(day);
  return is_same ? base::to_clock(time) : moment(time);
}

std::string protected_by(const Hop& hop) {
  const auto& protection = hop.protection;
  if (protection.level == Level::local) return "-";
  if (protection.level == Level::clear) return without_tls(hop);
  std::string words(hop::name(protection.tls.version));
  for (const std::string& part :
       {plain(protection.tls.group, 40), short_cipher(plain(protection.tls.cipher, 60))}) {
    if (!part.empty()) words += " " + part;
  }
  return fmt::format("{}, {}", words, proof_words(hop));
}

std::string ends_of(const Hop& hop) {
  return fmt::format("{} -> {}", plain(protection::short_name(hop.from)),
                     plain(protection::short_name(hop.to)));
}

std::string proof_of(const Hop& hop) {
  switch (hop.outcome) {
    case Outcome::intended:
    case Outcome::unknown:
      return "intent only";
    case Outcome::completed:
    case Outcome::partial:
    case Outcome::failed:
      if (hop.told) return "told";
      return hop.protection.confirmed ? "recorded, both ends" : "recorded";
  }
  ASSERT(false && "an outcome without a case");
}

namespace {

// How these attempts ended, in a word.
std::string ended_words(const Hop& hop, std::size_t count) {
  const std::string times = count == 1 ? "" : fmt::format(" {} times", count);
  switch (hop.outcome) {
    case Outcome::intended:
      return "under way" + times;
    case Outcome::unknown:
      return fmt::format("not known whether it arrived{}", times);
    case Outcome::partial:
      return fmt::format("given in part{}", times);
    case Outcome::completed:
    case Outcome::failed:
      break;
  }
  return hop.kind == Kind::fetch && hop.given == hop::Given::content ? "broken off" + times
                                                                     : "failed" + times;
}

}  // namespace

std::string attempts_in_words(const std::vector<const Hop*>& attempts, base::Time day) {
  const Hop& first = *attempts.front();
  const std::size_t count = attempts.size();
  std::string when = moment(first.time, day);
  if (count > 1) when += ", " + moment(attempts[1]->time, first.time);
  if (count > 3) when += " …";
  if (count > 2) when += (count > 3 ? " " : ", ") + moment(attempts.back()->time, first.time);
  return fmt::format("{} ({}): {}; {}", ended_words(first, count), when, why_failed(first),
                     given_words(first));
}

namespace {

// " 10:05:40"; of a time that another tenant told by its day alone, " on 2026-11-23"; or nothing.
std::string when_of(const Hop& hop, base::Time day) {
  if (hop.time == base::Time()) return "";
  const auto time = hop.finished != base::Time() ? hop.finished : hop.time;
  const bool is_day_alone =
      hop.to.address.empty() && time == std::chrono::floor<std::chrono::days>(time);
  if (is_day_alone) return " on " + base::to_rfc3339(time).substr(0, 10);
  return " " + moment(time, day);
}

constexpr std::string_view in_part = ", a part was fetched";

// What happens in a mailbox that isn't seen is told late, or never: that isn't "not fetched".
std::string not_fetched(const LoadedTrace& trace, const Hop& delivery,
                        const protection::Evidence& evidence) {
  const bool is_seen =
      std::ranges::any_of(evidence.at_rest.mailboxes, [&](const protection::Mailbox& mailbox) {
        return base::equal_ignoring_case(mailbox.account, delivery.to.who);
      });
  if (is_seen) return evidence.lost.empty() ? ", not fetched yet" : ", no fetch recorded";
  if (!trace.told_as_of || *trace.told_as_of <= delivery.time) return ", no fetch told so far";
  return ", no fetch told as of " + moment(*trace.told_as_of, trace.trace.accepted);
}

}  // namespace

std::string standing_of(const LoadedTrace& trace, const Way& way,
                        const protection::Evidence& evidence) {
  const base::Time day = trace.trace.accepted;
  if (way.ending) {
    const bool bounced = way.ending->kind == Ending::Kind::bounced;
    std::string words = bounced ? "came back " : "removed by an operator ";
    words += moment(way.ending->time, day);
    if (bounced && !way.ending->status.empty()) {
      words += fmt::format(" ({})", plain(way.ending->status, 16));
    }
    return words;
  }
  // The furthest that it came: a later attempt at something else doesn't undo it.
  std::string words = "waits";
  for (const std::size_t at : way.hops) {
    const Hop& hop = trace.hops[at];
    const std::string when = when_of(hop, day);
    if (hop.kind == Kind::fetch) {
      if (hop.outcome == Outcome::completed) return "fetched" + when;  // the first of them
      const bool is_first = words.find(in_part) == words.npos;
      if (protection::gave_content(hop) && is_first) words += in_part;
      continue;
    }
    if (hop.outcome == Outcome::unknown) words = "unknown whether relayed";
    if (hop.outcome == Outcome::intended) words = "being relayed";
    if (hop.outcome != Outcome::completed) continue;
    if (hop.kind == Kind::delivery) {
      words = fmt::format("delivered{}{}", when, not_fetched(trace, hop, evidence));
    }
    if (hop.kind == Kind::expansion && hop.to.role == hop::End::Role::list) {
      words = "went on to a list's members" + when;
    }
    if (hop.kind == Kind::relay && hop.to.role == hop::End::Role::mta) words = "relayed" + when;
  }
  return words;
}

}  // namespace letterlock::trace

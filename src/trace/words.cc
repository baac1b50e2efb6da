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
    return fmt::format("{} said {}", plain(protection::short_name(hop.to)), quoted(hop.reply));
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

bool was_there_before(const Hop& hop) {
  return hop.kind == Kind::expansion &&
         std::ranges::find(hop.changes, hop::Change::expanded) == hop.changes.end();
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

std::string ended(const Ending& ending, base::Time day) {
  const std::string when = ending.time == base::Time() ? "" : " " + moment(ending.time, day);
  switch (ending.kind) {
    case Ending::Kind::bounced:
      return fmt::format(
          "came back{}{}", when,
          ending.status.empty() ? "" : fmt::format(" ({})", plain(ending.status, 16)));
    case Ending::Kind::removed:
      return fmt::format("removed by an operator{}", when);
    case Ending::Kind::went_on:
      return fmt::format("went on{}; how is not recorded any more", when);
  }
  ASSERT(false && "an ending without words");
}

// Before any of its own hops. Of a trace that was begun again those waited who had not gone on.
std::string_view begins_as(const LoadedTrace& trace, const Way& way,
                           const protection::Evidence& evidence) {
  const bool has_left = evidence.at_rest.in_queue == protection::AtRest::InQueue::no;
  const bool is_known = !way.hops.empty() || (trace.trace.begun_again && !has_left);
  return is_known ? "waits" : "nothing recorded";
}

// A mailbox that it came to, by an alias perhaps one of several.
struct Reached {
  std::string account;
  std::string delivered;  // in words; empty: the delivery isn't recorded
  std::string fetched;    // by the first that got all of it
  bool has_part = false;  // something of it was fetched
};

Reached& reached_in(std::vector<Reached>& mailboxes, const Hop& fetch) {
  const auto named = std::ranges::find_if(mailboxes, [&](const Reached& mailbox) {
    return base::equal_ignoring_case(mailbox.account, fetch.from.who);
  });
  if (named != mailboxes.end()) return *named;
  // Another tenant may name it otherwise.
  if (mailboxes.size() != 1) mailboxes.push_back({.account = fetch.from.who});
  return mailboxes.back();
}

std::vector<Reached> mailboxes_of(const LoadedTrace& trace, const Way& way,
                                  const protection::Evidence& evidence) {
  const base::Time day = trace.trace.accepted;
  std::vector<Reached> mailboxes;
  for (const std::size_t at : way.hops) {
    const Hop& hop = trace.hops[at];
    if (hop.kind == Kind::delivery && hop.outcome == Outcome::completed) {
      const auto delivered =
          fmt::format("delivered{}{}", when_of(hop, day), not_fetched(trace, hop, evidence));
      const auto known = std::ranges::find_if(mailboxes, [&](const Reached& mailbox) {
        return base::equal_ignoring_case(mailbox.account, hop.to.who);
      });
      if (known == mailboxes.end()) {
        mailboxes.push_back({.account = hop.to.who, .delivered = delivered});
      } else {
        known->delivered = delivered;
      }
    }
    if (hop.kind != Kind::fetch || !protection::gave_content(hop)) continue;
    Reached& mailbox = reached_in(mailboxes, hop);
    mailbox.has_part = true;
    if (hop.outcome == Outcome::completed && mailbox.fetched.empty())
      mailbox.fetched = "fetched" + when_of(hop, day);
  }
  return mailboxes;
}

// Where it came to, a part for each kind of end: the furthest first.
std::vector<std::string> arrived(const LoadedTrace& trace, const Way& way,
                                 const protection::Evidence& evidence) {
  std::string fetched;
  std::string delivered;
  for (const Reached& mailbox : mailboxes_of(trace, way, evidence)) {
    if (!mailbox.fetched.empty()) {
      if (fetched.empty()) fetched = mailbox.fetched;
    } else if (delivered.empty()) {
      delivered = mailbox.delivered;
      if (mailbox.has_part) delivered += delivered.empty() ? in_part.substr(2) : in_part;
    }
  }
  std::string listed;
  std::string relayed;
  for (const std::size_t at : way.hops) {
    const Hop& hop = trace.hops[at];
    if (hop.outcome != Outcome::completed) continue;
    const std::string when = when_of(hop, trace.trace.accepted);
    if (hop.kind == Kind::expansion && hop.to.role == hop::End::Role::list)
      listed =
          (was_there_before(hop) ? "was there by another way" : "went on to a list's members") +
          when;
    if (hop.kind == Kind::relay && hop.to.role == hop::End::Role::mta) relayed = "relayed" + when;
  }
  std::vector<std::string> parts{fetched, delivered, listed, relayed};
  std::erase(parts, std::string());
  return parts;
}

// What is not at its end: an attempt whose outcome isn't known, or that is to be made again.
std::string still_open(const LoadedTrace& trace, const Way& way,
                       const protection::Evidence& evidence) {
  const bool forks = std::ranges::any_of(way.hops, [&](std::size_t at) {
    return trace.hops[at].kind == Kind::expansion &&
           trace.hops[at].to.role == hop::End::Role::alias;
  });
  std::string open;
  const Hop* of = nullptr;
  for (const std::size_t at : way.hops) {
    const Hop& hop = trace.hops[at];
    const bool goes_on = hop.kind == Kind::delivery || hop.kind == Kind::site_link ||
                         (hop.kind == Kind::relay && hop.to.role == hop::End::Role::mta);
    if (!goes_on) continue;
    switch (hop.outcome) {
      case Outcome::unknown:
      case Outcome::intended:
        open = hop.outcome == Outcome::unknown ? "unknown whether relayed" : "being relayed";
        of = &hop;
        break;
      case Outcome::failed:
        if (!open.empty()) break;
        open = "waits";
        of = &hop;
        break;
      case Outcome::completed:
      case Outcome::partial: {
        // By an alias it may have been another target's.
        const bool is_same = !forks || of == nullptr || of->to.who == hop.to.who ||
                             (open == "waits" && of->number == hop.number);
        if (is_same) open.clear();
        break;
      }
    }
  }
  const bool is_queued =
      trace.ways.size() == 1 && evidence.at_rest.in_queue == protection::AtRest::InQueue::yes;
  return open.empty() && forks && is_queued ? "waits" : open;
}

}  // namespace

std::string standing_of(const LoadedTrace& trace, const Way& way,
                        const protection::Evidence& evidence) {
  std::vector<std::string> parts = arrived(trace, way, evidence);
  const std::string open = still_open(trace, way, evidence);
  if (way.came_back()) {
    std::string words = ended(*way.ending, trace.trace.accepted);
    const bool may_have_arrived = !open.empty() && open != "waits";
    if (may_have_arrived) words += "; an attempt before may have arrived";
    parts.push_back(std::move(words));
  } else if (!open.empty()) {
    parts.push_back(open);
  } else if (parts.empty()) {
    parts.push_back(way.ending ? ended(*way.ending, trace.trace.accepted)
                               : std::string(begins_as(trace, way, evidence)));
  }
  if (parts.size() == 1) return parts.front();
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "in part " : "; in part ") + part;
  return text;
}

}  // namespace letterlock::trace

#include "sim/day/truth.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {
namespace {

using Kind = Crossed::Kind;
using protection::Party;

// What of a letter's ways concerns this question: all of them, whoever asks, as whatever he doesn't
// see has to be unknown to him. A report is a letter of its own, and what went on from it.
class Scope {
 public:
  Scope(const Question& question, const Custody& custody, const Custody::Taken& taken)
      : question_(question),
        custody_(custody),
        letter_(taken.letter->number),
        is_report_(taken.report_of.has_value()) {}

  unsigned letter() const { return letter_; }

  bool has(const Crossed& crossed) const {
    if (!is_report_) return crossed.is_content;
    // A report's words, and what it returns, came by it, too.
    if (crossed.kind == Kind::submission || crossed.kind == Kind::reception) return true;
    return crossed.trace && is_under(*crossed.trace);
  }
  bool has(const Stay& stay) const { return is_report_ ? is_under(stay.trace) : stay.is_content; }

 private:
  bool is_under(const Owned& owned) const {
    std::optional<base::TraceId> at = owned.trace;
    for (int steps = 0; at && steps < 100; ++steps) {
      if (*at == question_.trace) return true;
      at = custody_.parent_of(*at);
    }
    return false;
  }

  const Question& question_;
  const Custody& custody_;
  unsigned letter_;
  bool is_report_;
};

void could(Truth& truth, Party party, bool in_public, const std::string& why) {
  auto& one = truth.of(party);
  const bool says_more = !one.could || (in_public && !one.in_public);
  one.could = true;
  one.in_public = one.in_public || in_public;
  if (says_more) one.why = why;
}

std::string_view name(Kind kind) {
  switch (kind) {
    case Kind::submission:
      return "submitted";
    case Kind::reception:
      return "brought";
    case Kind::relay:
      return "relayed";
    case Kind::fetch:
      return "fetched";
  }
  return "";
}

void add(Truth& truth, const Crossed& crossed) {
  const auto why = fmt::format("it was {} {} at {} s", name(crossed.kind),
                               crossed.in_clear          ? "in clear"
                               : crossed.server_verified ? "under TLS"
                                                         : "under TLS to an unverified server",
                               crossed.at.count() / 1000);
  if (crossed.network != hop::Network::local) {
    const bool in_public = crossed.network == hop::Network::public_;
    if (crossed.in_clear) could(truth, Party::listener, in_public, why);
    if (crossed.in_clear || !crossed.server_verified)
      could(truth, Party::interferer, in_public, why);
    if (crossed.in_clear || !crossed.post_quantum) could(truth, Party::recorder, in_public, why);
  }
  if (crossed.kind == Kind::relay || crossed.kind == Kind::reception)
    could(truth, Party::others, false, why);
  if (crossed.kind != Kind::relay) could(truth, Party::devices, false, why);
}

std::string_view name(PasswordsSeen::Shown::To to) {
  using To = PasswordsSeen::Shown::To;
  switch (to) {
    case To::listener:
      return "in clear";
    case To::interferer:
      return "to an unverified server";
    case To::recorder:
      return "under TLS that doesn't resist a quantum computer";
  }
  return "";
}

// Whoever had the password, or the session, while it lay there.
void add(Truth& truth, const Stay& stay, const PasswordsSeen::Open& open) {
  if (!open.meets(stay.from, stay.until)) return;
  const auto from = std::max(stay.from, open.from);
  const bool is_moment = open.shown.text.empty();
  using To = PasswordsSeen::Shown::To;
  const bool in_public = open.shown.network == hop::Network::public_;
  const auto why = fmt::format("its mailbox lay open from {} s on by a {} {}", from.count() / 1000,
                               is_moment ? "session" : "password", name(open.shown.to));
  if (open.shown.to != To::recorder) could(truth, Party::interferer, in_public, why);
  if (open.shown.to == To::listener) could(truth, Party::listener, in_public, why);
  if (open.shown.to != To::interferer) could(truth, Party::recorder, in_public, why);
}

}  // namespace

std::set<base::TenantId> owners_of(const base::TraceId& trace, const Custody& custody) {
  std::set<base::TenantId> owners;
  for (const auto* fate : custody.fates_of(trace)) owners.insert(fate->tenant);
  return owners;
}

std::optional<Truth> truth_of(const Question& question, const Custody& custody,
                              const Witness& witness, base::Milliseconds now) {
  const auto* taken = custody.taken(question.trace);
  if (taken == nullptr || taken->letter == nullptr) return std::nullopt;
  const Scope scope(question, custody, *taken);
  Truth truth;
  could(truth, Party::operator_, false, "it was here");
  could(truth, Party::legal_order, false, "it was here");
  for (const auto& crossed : witness.crossings_of(scope.letter())) {
    if (scope.has(crossed)) add(truth, crossed);
  }
  for (const auto* stay : witness.stays_of(scope.letter())) {
    if (!scope.has(*stay)) continue;
    for (const auto& open : witness.passwords().opened(stay->account, now)) add(truth, *stay, open);
  }
  return truth;
}

}  // namespace letterlock::day

#include "sim/day/evidence.h"

#include <algorithm>

namespace letterlock::day {
namespace {

// As mda says it.
constexpr std::string_view has_it_already = "the mailbox has this message already";

bool concerns_in_any(const Commit::HopRow& row, const About& about) {
  return row.value && row.trace == about.trace &&
         std::ranges::find(row.value->recipients, about.recipient) != row.value->recipients.end();
}

bool concerns(const Commit::HopRow& row, const About& about) {
  return row.tenant == about.tenant && concerns_in_any(row, about);
}

bool is_expansion(const hop::Hop& hop) {
  return hop.kind == hop::Kind::expansion ||
         std::ranges::find(hop.changes, hop::Change::expanded) != hop.changes.end();
}

bool is_delivery(const hop::Hop& hop) {
  return hop.kind == hop::Kind::delivery && hop.outcome == hop::Outcome::completed &&
         !is_expansion(hop);
}

// The mailbox has it by another way: its tenant's record says so. Another tenant's says what it
// says of any delivery.
bool shows_delivery_before(const Commit& commit, const About& about) {
  const Commit::HopRow* record = nullptr;
  for (const auto& row : commit.hops) {
    if (concerns_in_any(row, about) && row.value->reason.starts_with(has_it_already)) record = &row;
  }
  if (record == nullptr || record->tenant == about.tenant) return record != nullptr;
  return std::ranges::any_of(commit.hops, [&](const Commit::HopRow& row) {
    return concerns(row, about) && is_delivery(*row.value) && row.value->told;
  });
}

auto ending_of(const Commit& commit, const About& about) {
  return std::ranges::find_if(commit.endings, [&](const Commit::Ending& ending) {
    return ending.tenant == about.tenant && ending.trace == about.trace &&
           ending.recipient == about.recipient && ending.kind != trace::Ending::Kind::went_on;
  });
}

}  // namespace

bool is_relay_out(const hop::Hop& hop) {
  return hop.kind == hop::Kind::relay && hop.from.role == hop::End::Role::node;
}

// The mailbox's message and the record of its delivery, both; or the word that it was there before.
bool shows_delivery(const Commit& commit, const About& about) {
  const bool kept = std::ranges::any_of(commit.mails, [&](const Commit::Mail& mail) {
    return mail.value && mail.value->trace == about.trace &&
           mail.value->trace_owner == about.tenant &&
           std::ranges::find(mail.value->recipients, about.recipient) !=
               mail.value->recipients.end();
  });
  if (shows_delivery_before(commit, about)) return true;
  return kept && std::ranges::any_of(commit.hops, [&](const Commit::HopRow& row) {
           return concerns(row, about) && is_delivery(*row.value);
         });
}

bool shows_relay(const Commit& commit, const About& about) {
  return std::ranges::any_of(commit.hops, [&](const Commit::HopRow& row) {
    return concerns(row, about) && is_relay_out(*row.value) &&
           row.value->outcome == hop::Outcome::completed;
  });
}

// With a copy, or without one where another way has led there before (custody looks for it).
bool shows_expansion(const Commit& commit, const About& about) {
  return std::ranges::any_of(commit.hops, [&](const Commit::HopRow& row) {
    return concerns(row, about) && is_expansion(*row.value) &&
           !row.value->reason.starts_with(has_it_already);
  });
}

bool shows_end(const Commit& commit, const About& about) {
  return ending_of(commit, about) != commit.endings.end();
}

std::optional<queue::State> shown(const Commit& commit, const About& about) {
  if (shows_delivery(commit, about)) return queue::State::delivered;
  if (shows_relay(commit, about)) return queue::State::relayed;
  if (shows_expansion(commit, about)) return queue::State::expanded;
  const auto ending = ending_of(commit, about);
  if (ending == commit.endings.end()) return std::nullopt;
  return ending->kind == trace::Ending::Kind::removed ? queue::State::removed
                                                      : queue::State::failed;
}

}  // namespace letterlock::day

#include "reporter/refusal.h"

#include <algorithm>

namespace letterlock::reporter {
namespace {

bool is_protection(const std::string& status) {
  return status.ends_with(".7.4") || status.ends_with(".7.5") || status.ends_with(".7.30");
}

// "acorn.example" of "set by acorn.example": whoever requires, in a sentence.
std::string who_requires(std::string_view by) {
  constexpr std::string_view set_by = "set by ";
  if (by.starts_with(set_by)) by.remove_prefix(set_by.size());
  return std::string(by);
}

std::string kept_safe(Left left) {
  switch (left) {
    case Left::nothing:
      return "no content left the platform, in none of the attempts.";
    case Left::content:
      return "content left the platform in an attempt: see the trace.";
    case Left::unknown:
      break;
  }
  return "whether content left the platform in an attempt isn't known here: see the trace.";
}

}  // namespace

Left left_by(const trace::ForReport& known, const trace::Attempts& attempts,
             const queue::Entry& entry, const queue::Recipient& recipient) {
  if (attempts.given == hop::Given::content) return Left::content;
  // A trace that lacks its first hop was begun again: the attempts before that aren't in it.
  if (known.is_open || !known.first) return Left::unknown;
  // An alias's other targets stand for the same address, and may have been given it.
  const bool has_others = std::ranges::any_of(entry.recipients, [&](const queue::Recipient& other) {
    return other.trace_index == recipient.trace_index && other.index != recipient.index;
  });
  return has_others ? Left::unknown : Left::nothing;
}

std::optional<dsn::Refusal> refusal_of(const trace::Attempts& attempts, Left left,
                                       const queue::Recipient& recipient) {
  if (attempts.offers.empty() && !is_protection(recipient.status)) return std::nullopt;
  dsn::Refusal refusal;
  refusal.by = who_requires(attempts.by);
  refusal.required = attempts.required;
  refusal.source = attempts.by + (attempts.why.empty() ? "" : ": " + attempts.why);
  for (const auto& offer : attempts.offers)
    refusal.offers.push_back({offer.host, offer.reason, offer.first, offer.last, offer.count});
  refusal.others = attempts.others;
  refusal.kept_safe = kept_safe(left);
  refusal.what_to_do =
      "ask the administrator of " + recipient.destination + ", or your own about the requirement.";
  return refusal;
}

}  // namespace letterlock::reporter

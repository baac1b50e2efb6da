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
    case Left::this_copy_stayed:
      return "this copy did not leave the platform; whether another one did is not told here.";
    case Left::content:
      return "content left the platform in an attempt: see the trace.";
    case Left::unknown:
      break;
  }
  return "whether content left the platform in an attempt isn't known here: see the trace.";
}

// "set by acorn.example".
bool is_set_by(std::string_view by, const std::string& tenant) {
  return !tenant.empty() && by == hop::describe({hop::Source::Kind::sending_tenant, tenant, {}});
}
bool is_of_the_message(std::string_view by) {
  return by.starts_with("the message (");
}
bool is_platforms(std::string_view by) {
  return by == hop::describe({hop::Source::Kind::platform, {}, {}});
}
// What a domain publishes, or has proved, everybody can see.
bool is_public(std::string_view by) {
  return by.starts_with("published by ") || by.starts_with("what ");
}

}  // namespace

bool is_whole(const queue::Entry& entry, const queue::Recipient& recipient) {
  if (!recipient.written_to.empty()) return recipient.is_alone;
  return std::ranges::none_of(entry.recipients, [&](const queue::Recipient& other) {
    return other.trace_index == recipient.trace_index && other.index != recipient.index;
  });
}

Left left_by(const trace::ForReport& known, const trace::Attempts& attempts,
             const queue::Entry& entry, const queue::Recipient& recipient) {
  if (attempts.given == hop::Given::content) return Left::content;
  // A trace that lacks its first hop was begun again: the attempts before that aren't in it.
  if (known.is_open || !known.first) return Left::unknown;
  return is_whole(entry, recipient) ? Left::nothing : Left::this_copy_stayed;
}

trace::Attempts without_others_reason(trace::Attempts attempts, const Reader& reader) {
  const auto& by = attempts.by;
  const bool may_see =
      is_set_by(by, reader.tenant) || is_of_the_message(by) || is_platforms(by) || is_public(by);
  if (!may_see) attempts.why.clear();
  return attempts;
}

dsn::Refusal without_next_holder(dsn::Refusal refusal, const Reader& reader) {
  refusal.offers.clear();
  refusal.others = 0;
  const std::string_view by = refusal.source;
  const auto is_by = [&](const std::string& tenant) {
    return !tenant.empty() && refusal.by == tenant;
  };
  if (is_by(reader.tenant) || is_by(reader.address_owner) || is_of_the_message(by) ||
      by.starts_with("set by the platform"))
    return refusal;
  refusal.by = "the rest of its way";
  refusal.source.clear();
  return refusal;
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

#include "trace/attempts.h"

#include <algorithm>

#include "hop/text.h"
#include "trace/keys.h"
#include "trace/records.h"

namespace letterlock::trace {
namespace {

// 100 recipients of one attempt are written anew in one transaction, of 1 MiB at most.
constexpr std::size_t host_octets_max = 255;
constexpr std::size_t sentence_octets_max = 240;
constexpr std::size_t words_octets_max = 400;

bool is_our_relay(const hop::Hop& hop) {
  return hop.kind == hop::Kind::relay && hop.from.role == hop::End::Role::node;
}
bool is_refusal(const hop::Hop& hop) {
  return hop.answer != hop::Answer::take && !hop.required.empty();
}
// What failed or is unknown; what was completed needs no report of failure.
bool gave_in_vain(const hop::Hop& hop) {
  const bool in_vain = hop.outcome == hop::Outcome::failed || hop.outcome == hop::Outcome::unknown;
  return in_vain && hop.given != hop::Given::nothing;
}

void add_offer(Attempts& attempts, const hop::Hop& hop) {
  const auto host = hop::bounded_text(hop.to.who, host_octets_max);
  const auto reason = hop::bounded_text(hop.reason, sentence_octets_max);
  const auto known = std::ranges::find_if(attempts.offers, [&](const Attempts::Offer& offer) {
    return offer.host == host && offer.reason == reason;
  });
  if (known != attempts.offers.end()) {
    ++known->count;
    known->first = std::min(known->first, hop.time);
    known->last = std::max(known->last, hop.time);
  } else if (attempts.offers.size() < offers_kept_max) {
    attempts.offers.push_back({host, reason, hop.time, hop.time, 1});
  } else {
    ++attempts.others;
  }
}

}  // namespace

bool concerns_attempts(const hop::Hop& hop) {
  return is_our_relay(hop) && (is_refusal(hop) || gave_in_vain(hop));
}

Attempts with(Attempts attempts, const hop::Hop& hop) {
  if (!concerns_attempts(hop)) return attempts;
  if (gave_in_vain(hop)) attempts.given = std::max(attempts.given, hop.given);
  if (!is_refusal(hop)) return attempts;
  add_offer(attempts, hop);
  std::string required;
  for (const auto& one : hop.required) required += (required.empty() ? "" : ", ") + one.what;
  attempts.required = hop::bounded_text(required, words_octets_max);
  attempts.by = hop::bounded_text(hop.required.front().by, sentence_octets_max);
  attempts.why = hop::bounded_text(hop.required.front().why, sentence_octets_max);
  return attempts;
}

net::ResultTask<> note_attempt(store::Transaction& tx, base::TenantId tenant, hop::Hop hop) {
  if (!concerns_attempts(hop)) co_return base::Result<>();
  std::vector<std::string> names;
  for (const unsigned recipient : hop.recipients)
    names.push_back(keys::attempts(tenant, hop.trace, recipient));
  CO_TRY(const auto rows, co_await tx.get_many(names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    Attempts attempts;
    if (rows[i]) {
      CO_TRY(attempts, unpack_attempts(*rows[i]));
    }
    tx.put(names[i], pack(with(std::move(attempts), hop)));
  }
  co_return base::Result<>();
}

net::ResultTask<ForReport> load_for_report(store::Transaction& tx, base::TenantId tenant,
                                           base::TraceId id, std::vector<unsigned> recipients) {
  ForReport out;
  CO_TRY(const auto head, co_await tx.get(keys::trace(tenant, id)));
  if (!head) co_return base::fail(base::ErrorKind::not_found, "there is no trace " + id.text());
  CO_TRY(out.trace, unpack_trace(*head));
  CO_TRY(out.first, unpack_first_hop(*head));
  std::vector<std::string> names;
  for (const unsigned recipient : recipients)
    names.push_back(keys::attempts(tenant, id, recipient));
  CO_TRY(const auto rows, co_await tx.get_many(std::move(names)));
  for (const auto& row : rows) {
    out.attempts.emplace_back();
    if (row) {
      CO_TRY(out.attempts.back(), unpack_attempts(*row));
    }
  }
  CO_TRY(const auto open,
         co_await tx.scan(store::range_of(keys::of(tenant, "i", id)), {.count_max = 1}));
  out.is_open = !open.empty();
  co_return out;
}

}  // namespace letterlock::trace

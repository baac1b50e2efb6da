#include "trace/write.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "protection/exposure.h"
#include "trace/attempts.h"
#include "trace/fetches.h"
#include "trace/keys.h"

namespace letterlock::trace {
namespace {

using base::ErrorKind;
using hop::Hop;
using hop::Kind;
using hop::Outcome;

// Attempts at one hop follow one another; a fetch or a submission is never an attempt at another.
bool has_attempts(Kind kind) {
  switch (kind) {
    case Kind::relay:
    case Kind::site_link:
    case Kind::delivery:
      return true;
    case Kind::submission:
    case Kind::fetch:
    case Kind::expansion:
      return false;
  }
  ASSERT(false && "a kind without a case");
}

net::ResultTask<Last> last_of(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                              unsigned recipient) {
  CO_TRY(const auto octets, co_await tx.get(keys::last(tenant, id, recipient)));
  if (!octets) co_return Last();
  co_return unpack_last(*octets);
}

net::ResultTask<> give_number(store::Transaction& tx, base::TenantId tenant, State& state,
                              Hop& hop) {
  if (hop.number != 0) {
    state.next_number = std::max(state.next_number, hop.number + 1);
    co_return base::Result<>();
  }
  if (has_attempts(hop.kind) && !hop.recipients.empty()) {
    CO_TRY(const Last last, co_await last_of(tx, tenant, hop.trace, hop.recipients.front()));
    // While one is under way, a further one is to another target of an alias: no attempt at it.
    if (last.number != 0 && last.kind == hop.kind && !last.completed && !last.open) {
      hop.number = last.number;
      hop.attempt = last.attempt + 1;
      co_return base::Result<>();
    }
  }
  hop.number = state.next_number++;
  hop.attempt = 1;
  co_return base::Result<>();
}

// Counts an attempt, and says whether it is worth its place: the first so many are, and later ones
// that gave content, or are the end.
bool is_kept(const Hop& hop, State& state) {
  if (protection::gave_content(hop) || hop.answer == hop::Answer::refuse) return true;
  if (state.quiet >= quiet_attempts_max) {
    ++state.quiet_not_kept;
    return false;
  }
  ++state.quiet;
  return true;
}

// What was tried last, for as long as there may be a further attempt at it: none follows a hop that
// was completed, so it leaves no row. `Before::nothing`: nothing was tried for its recipients.
enum class Before { nothing, maybe };
void put_lasts(store::Transaction& tx, const base::TenantId& tenant, const Hop& hop,
               Before before) {
  const bool is_completed = hop.outcome == Outcome::completed;
  if (is_completed && before == Before::nothing) return;
  const Last last{hop.number, hop.attempt, hop.kind, is_completed,
                  hop.outcome == Outcome::intended};
  for (const unsigned recipient : hop.recipients) {
    auto key = keys::last(tenant, hop.trace, recipient);
    if (is_completed)
      tx.erase(key);
    else
      tx.put(std::move(key), pack(last));
  }
}

void put_indexes(store::Transaction& tx, const base::TenantId& tenant, const Trace& trace) {
  const std::string id(trace.id.octets());
  const auto put = [&](keys::Index which, std::string_view name) {
    tx.put(keys::index(tenant, which, name) + id, "");
  };
  if (!trace.message_id.empty()) put(keys::Index::message_id, trace.message_id);
  if (!trace.mail_from.empty()) put(keys::Index::from, trace.mail_from);
  if (!trace.header_from.empty()) put(keys::Index::from, trace.header_from);
  for (const Recipient& recipient : trace.recipients) {
    put(keys::Index::to, recipient.address);
  }
}

}  // namespace

base::Result<> put_head(store::Transaction& tx, const base::TenantId& tenant, Trace trace,
                        Hop* first) {
  if (trace.recipients.size() > recipients_max)
    return base::fail(ErrorKind::invalid, "a trace has at most 1000 recipients");
  trace = bounded(std::move(trace));
  if (first != nullptr) {
    *first = hop::bounded(std::move(*first));
    first->number = 1;
    first->attempt = 1;
  }
  tx.put(keys::trace(tenant, trace.id), pack(trace, first));
  tx.put(keys::expiry(tenant, trace.expires, trace.id), "");
  put_indexes(tx, tenant, trace);
  return {};
}

net::ResultTask<State> state_of(store::Transaction& tx, base::TenantId tenant, base::TraceId id) {
  CO_TRY(const auto octets, co_await tx.get(keys::state(tenant, id)));
  if (octets) co_return unpack_state(*octets);
  CO_TRY(const auto head, co_await tx.get(keys::trace(tenant, id)));
  if (!head) {
    co_return base::fail(ErrorKind::not_found, fmt::format("there is no trace {}", id.text()));
  }
  co_return first_state(*head);
}

base::Result<> begin_with(store::Transaction& tx, const base::TenantId& tenant, Trace trace,
                          hop::Hop first) {
  ASSERT(first.outcome == Outcome::completed && first.trace == trace.id);
  TRY(put_head(tx, tenant, std::move(trace), &first));
  return {};
}

net::ResultTask<> begin(store::Transaction& tx, base::TenantId tenant, Trace trace) {
  CO_TRY(const bool already, co_await exists(tx, tenant, trace.id));
  if (already) {
    co_return base::fail(ErrorKind::exists,
                         fmt::format("there is a trace {} already", trace.id.text()));
  }
  co_return put_head(tx, tenant, std::move(trace), nullptr);
}

namespace {

net::ResultTask<HopRef> append_written(store::Transaction& tx, base::TenantId tenant, Hop hop,
                                       std::shared_ptr<const Written>* written) {
  CO_TRY(State state, co_await state_of(tx, tenant, hop.trace));
  hop = hop::bounded(std::move(hop));
  CO_CHECK(co_await give_number(tx, tenant, state, hop));
  HopRef ref{hop.trace, 0, hop.number, hop.attempt};
  bool kept = true;
  if (hop.kind == Kind::fetch) {
    CO_TRY(kept, co_await count_fetch(tx, tenant, hop, state.fetches));
    state.fetches += kept ? 1 : 0;
  } else {
    kept = is_kept(hop, state);
    CO_CHECK(co_await note_attempt(tx, tenant, hop));
  }
  if (kept) {
    ref.sequence = state.next_sequence++;
    auto record = pack(hop);
    if (written != nullptr) *written = std::make_shared<const Written>(hop, record);
    tx.put(keys::hop(tenant, hop.trace, ref.sequence), std::move(record));
  }
  const bool is_alone = hop.attempt == 1 && hop.recipients.size() == 1;
  put_lasts(tx, tenant, hop, is_alone ? Before::nothing : Before::maybe);
  tx.put(keys::state(tenant, hop.trace), pack(state));
  co_return ref;
}

// As it stands now; taken apart only where it isn't as it was written.
base::Result<Hop> hop_as_it_stands(const std::string& record, const HopRef& ref) {
  if (ref.written && ref.written->record == record) return ref.written->hop;
  return unpack_hop(record);
}

}  // namespace

net::ResultTask<HopRef> append(store::Transaction& tx, base::TenantId tenant, Hop hop) {
  co_return co_await append_written(tx, tenant, std::move(hop), nullptr);
}

net::ResultTask<HopRef> record(store::Transaction& tx, base::TenantId tenant, Hop hop) {
  ASSERT(hop.outcome != Outcome::intended);
  co_return co_await append(tx, tenant, std::move(hop));
}

net::ResultTask<HopRef> intend(store::Transaction& tx, base::TenantId tenant, Hop hop,
                               std::string node, base::TenantId told) {
  hop.outcome = Outcome::intended;
  hop.given = hop::Given::content;
  hop.finished = {};
  std::shared_ptr<const Written> written;
  CO_TRY(HopRef ref, co_await append_written(tx, tenant, std::move(hop), &written));
  ref.written = std::move(written);
  // One that was only counted has no outcome to wait for.
  if (ref.sequence != 0)
    tx.put(keys::open(tenant, ref.trace, ref.sequence), pack(Open{std::move(node), told}));
  co_return ref;
}

net::ResultTask<> close(store::Transaction& tx, base::TenantId tenant, HopRef ref,
                        Closing closing) {
  const std::string key = keys::hop(tenant, ref.trace, ref.sequence);
  CO_TRY(const auto octets, co_await tx.get(key));
  if (!octets) co_return base::fail(ErrorKind::not_found, "there is no such hop");
  CO_TRY(Hop hop, hop_as_it_stands(*octets, ref));
  const bool is_open = hop.outcome == Outcome::intended;
  const bool is_late = hop.outcome == Outcome::unknown && closing.outcome != Outcome::unknown;
  if ((!is_open && !is_late) || closing.outcome == Outcome::intended) {
    co_return base::fail(ErrorKind::invalid, "the hop's outcome is known already");
  }
  if (is_open) tx.erase(keys::open(tenant, ref.trace, ref.sequence));
  hop.outcome = closing.outcome;
  hop.given = closing.outcome == Outcome::failed ? closing.given : hop::Given::content;
  hop.answer = closing.answer;
  if (!closing.reason.empty()) hop.reason = closing.reason;
  hop.reply = closing.reply;
  hop.finished = closing.finished;
  hop = hop::bounded(std::move(hop));
  tx.put(key, pack(hop));
  put_lasts(tx, tenant, hop, Before::maybe);
  if (hop.kind == Kind::fetch) co_return co_await note_completed(tx, tenant, std::move(hop));
  co_return co_await note_attempt(tx, tenant, std::move(hop));
}

std::vector<std::string> rows_for_intend(base::TenantId tenant, base::TraceId id,
                                         unsigned recipient) {
  return {keys::trace(tenant, id), keys::state(tenant, id), keys::last(tenant, id, recipient)};
}

std::vector<std::string> rows_for_close(base::TenantId tenant, const HopRef& ref) {
  return {keys::trace(tenant, ref.trace), keys::hop(tenant, ref.trace, ref.sequence)};
}

net::ResultTask<> end(store::Transaction& tx, base::TenantId tenant, base::TraceId trace,
                      std::vector<unsigned> recipients, Ending ending) {
  CO_CHECK(co_await state_of(tx, tenant, trace));
  ending.status.resize(std::min(ending.status.size(), std::size_t{16}));
  for (const unsigned recipient : recipients) {
    std::string key = keys::ending(tenant, trace, recipient);
    CO_TRY(const auto already, co_await tx.get(key));
    if (already) {
      CO_TRY(const auto known, unpack_ending(*already));
      if (known.kind != Ending::Kind::went_on) continue;
    }
    tx.put(std::move(key), pack(ending));
  }
  co_return base::Result<>();
}

}  // namespace letterlock::trace

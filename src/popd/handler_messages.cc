#include "base/assert.h"
#include "popd/handler.h"

namespace letterlock::popd {
namespace {
using base::ErrorKind;
// Outcomes that are being recorded; beyond it a session waits for its own.
constexpr std::size_t outcomes_waiting_max = 256;
}  // namespace

net::ResultTask<std::unique_ptr<drive::PopContent>> Handler::open(std::uint32_t uid) {
  ASSERT(place_.has_value());
  CO_TRY(message_, co_await find_message(ports_.store, *place_, uid));
  if (auto refused = refuse_fetch(*facts_, *message_)) {
    ports_.events.emit({base::Severity::info,
                        "fetch.refused",
                        {{"tenant", facts_->tenant.name},
                         {"trace", message_->trace.text()},
                         {"mailbox", facts_->account.address.text()},
                         {"reason", *refused}}});
    co_return base::fail(ErrorKind::denied, std::move(*refused));
  }
  co_return read_content(ports_.store, *message_);
}

net::ResultTask<> Handler::content_begins(std::uint32_t uid, drive::PopGiving) {
  ASSERT(facts_ && message_ && message_->uid == uid);
  auto hop = fetch_hop(*facts_, *message_, ports_.clock.now());
  CO_TRY(fetch_, co_await intend_fetch(ports_.store, std::move(hop), facts_->account.tenant,
                                       message_->trace_owner, options_.node, options_.told_times));
  co_return base::Result<>();
}

net::Task<> Handler::content_ended(std::uint32_t, drive::PopGiving giving, drive::PopGiven given) {
  if (giving == drive::PopGiving::whole && given.complete) ++fetched_;
  if (!fetch_) co_return;
  auto fetch = std::move(*fetch_);
  fetch_.reset();
  const Outcomes outcomes{ports_.store,        ports_.timers,       ports_.events,
                          options_.told_times, facts_->tenant.name, ports_.told};
  auto closing = closing_of(giving, given, message_->octets(), ports_.clock.now());
  if (outcomes_.running() >= outcomes_waiting_max) {
    co_await close_fetch(outcomes, std::move(fetch), std::move(closing));
  } else {
    outcomes_.start(close_fetch(outcomes, std::move(fetch), std::move(closing)));
  }
}

net::ResultTask<> Handler::commit(std::vector<std::uint32_t> uids) {
  ASSERT(place_.has_value());
  const auto count = uids.size();
  CO_CHECK(co_await expunge(ports_.store, *place_, std::move(uids), ports_.clock.now()));
  deleted_ = count;
  co_return base::Result<>();
}

}  // namespace letterlock::popd

#include "relay/work.h"

#include <algorithm>
#include <numeric>

namespace letterlock::relay {

net::ResultTask<> read(store::Transaction& transaction, Work& work) {
  work.recipients.clear();
  work.addresses.clear();
  const auto& job = work.job;
  std::vector<unsigned> meant;
  for (const auto& item : job.items) meant.push_back(item.recipient);
  CO_TRY(auto entry, co_await queue::find(transaction, job.tenant, job.message, std::move(meant)));
  if (!entry) co_return base::Result<>();
  work.message = std::move(entry->message);
  for (auto& recipient : entry->recipients) {
    const bool is_meant =
        std::ranges::find(job.items, recipient.index, &queue::Due::recipient) != job.items.end();
    if (!is_meant || recipient.state != queue::State::waiting) continue;
    CO_TRY(auto address, address::Address::parse(recipient.address));
    work.addresses.push_back(std::move(address));
    work.recipients.push_back(std::move(recipient));
  }
  co_return base::Result<>();
}

Conclusion for_all(const Work& work, queue::Step step, dsn::Status status, std::string reply,
                   std::string host) {
  Conclusion conclusion;
  conclusion.host = host;
  for (const auto& recipient : work.recipients) {
    conclusion.outcomes.push_back({.index = recipient.index,
                                   .step = step,
                                   .status = status.text(),
                                   .reply = reply,
                                   .host = host});
  }
  return conclusion;
}

bool Conclusion::is_plain_success() const {
  return intent && closing.outcome == hop::Outcome::completed && attempts.empty() &&
         std::ranges::all_of(outcomes, [](const queue::Outcome& outcome) {
           return outcome.step == queue::Step::relay;
         });
}

bool Conclusion::found_no_session() const {
  // One that a host had no fitting service for had its session.
  return !intent && !judgement && !attempts.empty() &&
         attempts.back().given == hop::Given::nothing && attempts.back().to.protocol.empty();
}

hop::Hop attempt_at(const World& world, const Work& work, const std::string& host,
                    const net::IpAddress& address, const std::vector<std::size_t>& recipients) {
  hop::Hop hop;
  hop.trace = work.message.trace;
  hop.kind = hop::Kind::relay;
  hop.from = {hop::End::Role::node, world.options.node, {}, {}};
  hop.to = {hop::End::Role::mta, host, address.text(), {}};
  for (const auto at : recipients) hop.recipients.push_back(work.recipients[at].trace_index);
  // Several recipients may stand for one of the trace's: an alias's targets.
  std::ranges::sort(hop.recipients);
  const auto repeated = std::ranges::unique(hop.recipients);
  hop.recipients.erase(repeated.begin(), repeated.end());
  hop.answer = hop::Answer::try_next;
  hop.outcome = hop::Outcome::failed;
  hop.given = hop::Given::nothing;
  hop.digest_in = work.message.digest;
  hop.digest_out = work.message.digest;
  hop.time = world.ports.clock.now();
  hop.finished = hop.time;
  return hop;
}

std::vector<std::size_t> everybody(const Work& work) {
  std::vector<std::size_t> all(work.recipients.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace letterlock::relay

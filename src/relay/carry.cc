#include "relay/carry.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "queue/keys.h"
#include "relay/attempt.h"

namespace letterlock::relay {
namespace {

using Found = route::NextHops::Found;
using queue::Step;
constexpr std::size_t reply_octets_max = 500;

Conclusion look_up_failed(const Work& work, const base::Error& error) {
  const auto what = base::printable(error.what);
  return for_all(
      work, Step::defer, dsn::status::directory_failure,
      error.kind == base::ErrorKind::denied
          ? fmt::format("the DNS answers for {} fail DNSSEC validation: {}", work.job.destination,
                        what)
          : fmt::format("the DNS gives no answer for {}: {}", work.job.destination, what));
}

// What the sender is told: each host's trouble, shortened to what a record holds.
std::string sentences(const std::vector<Trouble>& troubles) {
  std::string all;
  for (const auto& trouble : troubles) all += (all.empty() ? "" : "; ") + trouble.sentence;
  return base::printable(all, reply_octets_max);
}

}  // namespace

net::ResultTask<std::optional<Conclusion>> Carry::run() {
  const auto epoch = world_.ports.leases.epoch_of(queue::keys::partition_of(work_.job.message));
  if (!epoch)
    co_return base::fail(base::ErrorKind::denied, "the queue's partition isn't this node's");
  work_.epoch = *epoch;
  CO_CHECK(co_await world_.ports.store.read(
      store::Scope::tenant(work_.job.tenant),
      [this](store::Transaction& transaction) { return read(transaction, work_); }));
  if (work_.recipients.empty()) co_return std::optional<Conclusion>();
  work_.demand.requirement = work_.message.requirement;
  work_.until = world_.ports.clock.steady() + world_.waits(work_.job.lane).hosts;
  CO_TRY(auto conclusion, co_await decide());
  co_return std::optional(std::move(conclusion));
}

net::ResultTask<Conclusion> Carry::decide() {
  auto domain = address::Domain::parse(work_.job.destination);
  if (!domain)
    co_return for_all(work_, Step::fail, dsn::status::bad_domain,
                      "the recipient's domain is no domain name");
  auto hops = co_await world_.ports.router.find(std::move(*domain));
  if (!hops && hops.error().kind == base::ErrorKind::cancelled) co_return base::fail(hops.error());
  if (!hops) co_return look_up_failed(work_, hops.error());
  if (hops->found != Found::hosts) co_return without_hosts(*hops);
  co_return co_await try_hosts(std::move(*hops));
}

Conclusion Carry::without_hosts(const route::NextHops& hops) const {
  const auto reason = base::printable(hops.reason, reply_octets_max);
  switch (hops.found) {
    case Found::null_mx:
      // RFC 7505 §4.2: 5.1.10, and no try again.
      return for_all(work_, Step::fail, dsn::status::null_mx, reason);
    case Found::no_domain:
      return for_all(work_, Step::fail, dsn::status::bad_domain, reason);
    case Found::ourselves:
      return for_all(work_, Step::fail, dsn::status::routing_loop, reason);
    case Found::no_addresses:
    case Found::hosts:
      break;
  }
  return for_all(work_, Step::defer, dsn::status::unroutable.as_temporary(), reason);
}

net::ResultTask<Conclusion> Carry::try_hosts(route::NextHops hops) {
  std::vector<Trouble> troubles;
  bool unreached = false;
  reached_ = Reached::nobody;
  for (std::size_t i = 0; i < hops.hosts.size(); ++i) {
    if (i > 0 && world_.ports.clock.steady() >= work_.until) break;
    if (!attempts_.empty()) CO_CHECK(co_await record(world_, work_, std::exchange(attempts_, {})));
    const auto others = i + 1 < hops.hosts.size() ? protection::Others::more
                        : unreached               ? protection::Others::unreached
                                                  : protection::Others::none;
    Attempt attempt(world_, work_, hops, hops.hosts[i], others);
    CO_TRY(auto end, co_await attempt.run());
    if (auto* conclusion = std::get_if<Conclusion>(&end)) {
      reached_ = Reached::somebody;
      co_return std::move(*conclusion);
    }
    auto& trouble = std::get<Trouble>(end);
    // Who ends the session at an address that he dislikes was there all the same.
    if (trouble.kind != Trouble::Kind::network || trouble.hop.given != hop::Given::nothing)
      reached_ = Reached::somebody;
    unreached = unreached || trouble.kind != Trouble::Kind::judged;
    attempts_.push_back(trouble.hop);
    troubles.push_back(std::move(trouble));
    const auto& judgement = troubles.back().judgement;
    if (judgement && judgement->answer == hop::Answer::refuse) break;
  }
  auto conclusion = from_troubles(std::move(troubles));
  conclusion.attempts = std::exchange(attempts_, {});
  co_return conclusion;
}

// Every host has said no: for good only if each of them did, or the judgement refuses. Otherwise
// what the judgement met says more than a host that was down.
Conclusion Carry::from_troubles(std::vector<Trouble> troubles) const {
  const auto is_refused = [](const Trouble& trouble) {
    return trouble.judgement && trouble.judgement->answer == hop::Answer::refuse;
  };
  const auto is_judged = [](const Trouble& trouble) { return trouble.judgement.has_value(); };
  const auto is_permanent = [](const Trouble& trouble) { return trouble.status.is_permanent(); };
  const bool for_good =
      std::ranges::any_of(troubles, is_refused) || std::ranges::all_of(troubles, is_permanent);
  const Trouble* said = nullptr;
  for (const auto& trouble : troubles) {
    if (trouble.status.is_permanent() != for_good) continue;
    if (said == nullptr || is_judged(trouble) || !is_judged(*said)) said = &trouble;
  }
  ASSERT(said != nullptr);
  auto conclusion = for_all(work_, for_good ? Step::fail : Step::defer, said->status,
                            sentences(troubles), is_judged(*said) ? "" : said->host);
  conclusion.host = said->host;
  conclusion.judgement = said->judgement;
  return conclusion;
}

}  // namespace letterlock::relay

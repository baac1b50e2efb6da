#include "relay/attempt.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"

namespace letterlock::relay {
namespace {

using Kind = Trouble::Kind;

protection::HostFacts facts_of(const Work& work, const route::NextHops& hops,
                               const route::Host& host) {
  protection::HostFacts facts;
  facts.domain = work.job.destination;
  const bool is_bare_address = net::IpAddress::parse(host.name).has_value();
  facts.host = is_bare_address ? "[" + host.name + "]" : host.name;
  const bool secure =
      hops.mx_security == dns::Security::secure && host.security == dns::Security::secure;
  facts.names = secure ? protection::Names::secure : protection::Names::insecure;
  // RFC 7672 §2.2 todo: TLSA records and MTA-STS policies are asked for by nobody yet; without
  // them no MX host proves who it is.
  return facts;
}

bool within(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address) {
  return std::ranges::any_of(prefixes,
                             [&](const net::Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

Attempt::Attempt(const World& world, const Work& work, const route::NextHops& hops,
                 const route::Host& host, protection::Others others)
    : world_(world),
      work_(work),
      host_(host),
      others_(others),
      facts_(facts_of(work, hops, host)),
      signs_in_(hops.source == route::NextHops::Source::smart_host &&
                world.options.smart_host_sign_in.has_value()) {
  if (!signs_in_) return;
  // A password is shown to nobody but the host that it is for.
  facts_.known = protection::Known::name;
  facts_.connector = "smart host";
}

// RFC 5321 §5.1: the addresses of a host are tried in their order, all that there is time for.
net::ResultTask<Attempt::End> Attempt::run() {
  std::optional<Trouble> last;
  for (const auto& address : host_.addresses) {
    if (last && world_.ports.clock.steady() >= work_.until) break;
    CO_TRY(auto end, co_await at(address));
    auto* trouble = std::get_if<Trouble>(&end);
    if (trouble == nullptr) co_return end;
    last = std::move(*trouble);
    if (last->next == Trouble::Next::host) break;
  }
  ASSERT(last);
  settle_answer(*last);
  co_return End(std::move(*last));
}

// What couldn't be asked of a host is what the judgement would have said: the next one, or later.
void Attempt::settle_answer(Trouble& trouble) const {
  if (trouble.judgement) return;
  trouble.hop.answer =
      others_ == protection::Others::more ? hop::Answer::try_next : hop::Answer::hold;
}

// Without a source address the kernel chooses one; the best that it could be decides whether the
// host is worth a connection. judge() knows the real one.
hop::Network Attempt::network_beforehand() const {
  const auto& options = world_.options;
  if (const auto& source = address_.is_v4() ? options.source_v4 : options.source_v6)
    return protection::network_between(*source, address_, options.networks);
  if (within(options.networks.public_, address_)) return hop::Network::public_;
  return within(options.networks.private_, address_) ? hop::Network::private_
                                                     : hop::Network::public_;
}

std::string Attempt::pool_key_now() const {
  // A session keeps the waits that it was opened with.
  return std::string(queue::name(work_.job.lane)) + '\n' +
         pool_key(work_.message.tenant, host_.name, {address_, host_.port},
                  work_.message.requirement);
}

net::ResultTask<Attempt::End> Attempt::at(net::IpAddress address) {
  address_ = address;
  facts_.network = network_beforehand();
  const auto plan = protection::plan(work_.demand, facts_, others_);
  if (plan.judgement.answer != hop::Answer::take)
    co_return End(trouble(plan.judgement, Trouble::Next::address));
  if (auto session = world_.pool.take(pool_key_now())) {
    CO_TRY(auto end, co_await use(std::move(session)));
    if (auto* conclusion = std::get_if<Conclusion>(&end)) co_return End(std::move(*conclusion));
    if (auto* stopped = std::get_if<Trouble>(&end)) co_return End(std::move(*stopped));
    // It died while it was idle: that says nothing of the host.
  }
  co_return co_await fresh(plan.ask);
}

net::ResultTask<Attempt::End> Attempt::fresh(const protection::Ask& ask) {
  Opening opening;
  opening.to = {address_, host_.port};
  opening.host = facts_.host;
  opening.lane = work_.job.lane;
  opening.ask = ask;
  if (signs_in_) opening.ca_file = world_.options.smart_host_ca_file;
  CO_TRY(auto opened, co_await open_session(world_, std::move(opening)));
  if (auto* failure = std::get_if<Failure>(&opened)) {
    if (failure->what == Failure::What::handshake)
      co_return co_await in_clear(std::move(failure->sentence));
    co_return End(trouble(std::move(*failure)));
  }
  CO_TRY(auto end, co_await use(std::move(std::get<std::unique_ptr<Session>>(opened))));
  if (auto* conclusion = std::get_if<Conclusion>(&end)) co_return End(std::move(*conclusion));
  if (auto* stopped = std::get_if<Trouble>(&end)) co_return End(std::move(*stopped));
  co_return End(trouble(std::move(std::get<Stale>(end).failure)));
}

// A failed handshake has ended its connection. Whether there is another one, in clear, is the
// judgement's word alone.
net::ResultTask<Attempt::End> Attempt::in_clear(std::string failure) {
  const auto judgement = protection::after_failed_handshake(work_.demand, facts_, failure, others_);
  if (judgement.answer != hop::Answer::take) co_return End(trouble(judgement, Trouble::Next::host));
  Opening opening;
  opening.to = {address_, host_.port};
  opening.host = facts_.host;
  opening.lane = work_.job.lane;
  opening.tls = Opening::Tls::never;
  opening.failure = std::move(failure);
  CO_TRY(auto opened, co_await open_session(world_, std::move(opening)));
  if (auto* stopped = std::get_if<Failure>(&opened)) co_return End(trouble(std::move(*stopped)));
  CO_TRY(auto end, co_await use(std::move(std::get<std::unique_ptr<Session>>(opened))));
  if (auto* conclusion = std::get_if<Conclusion>(&end)) co_return End(std::move(*conclusion));
  if (auto* stopped = std::get_if<Trouble>(&end)) co_return End(std::move(*stopped));
  co_return End(trouble(std::move(std::get<Stale>(end).failure)));
}

net::ResultTask<TransferEnd> Attempt::use(std::unique_ptr<Session> session) {
  facts_.network = protection::network_between(
      session->client->local().address, session->client->peer().address, world_.options.networks);
  auto judgement = protection::judge(work_.demand, facts_, session->facts, others_);
  if (judgement.answer != hop::Answer::take) {
    world_.pool.end(std::move(session));
    co_return TransferEnd(trouble(judgement, Trouble::Next::host));
  }
  if (signs_in_ && !session->signed_in) {
    CO_TRY(auto failure, co_await sign_in(world_, *session));
    if (failure) {
      world_.ports.events.emit({base::Severity::warning,
                                "relay.sign_in_failed",
                                {{"host", host_.name}, {"reason", failure->sentence}}});
      world_.pool.end(std::move(session));
      co_return TransferEnd(trouble(std::move(*failure)));
    }
  }
  Transfer transfer(world_, work_, host_.name, *session, std::move(judgement));
  CO_TRY(auto end, co_await transfer.run());
  if (transfer.leaves_usable())
    world_.pool.put(pool_key_now(), std::move(session));
  else
    world_.pool.end(std::move(session));
  co_return end;
}

Trouble Attempt::trouble(Failure failure) const {
  Trouble trouble;
  const bool is_network = failure.what == Failure::What::network;
  trouble.kind = is_network ? Kind::network : Kind::answered;
  trouble.next = is_network ? Trouble::Next::address : Trouble::Next::host;
  trouble.status = failure.status;
  trouble.sentence =
      fmt::format("{} ({}): {}", base::printable(host_.name), address_.text(), failure.sentence);
  trouble.host = host_.name;
  trouble.hop = attempt_at(world_, work_, host_.name, address_, everybody(work_));
  trouble.hop.protection.network = facts_.network;
  trouble.hop.reason = trouble.sentence;
  return trouble;
}

Trouble Attempt::trouble(const protection::Judgement& judgement, Trouble::Next next) const {
  Trouble trouble;
  trouble.kind = Kind::judged;
  trouble.next = next;
  trouble.status = judgement.status;
  trouble.sentence = judgement.sentence;
  trouble.host = host_.name;
  trouble.hop = attempt_at(world_, work_, host_.name, address_, everybody(work_));
  trouble.hop.protection = judgement.protection;
  trouble.hop.required = judgement.required;
  trouble.hop.answer = judgement.answer;
  trouble.hop.reason = judgement.sentence;
  trouble.judgement = judgement;
  return trouble;
}

}  // namespace letterlock::relay

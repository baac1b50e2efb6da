// For this room's tests: one loop, one store in memory, two tenants, and hops by name.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/loop.h"
#include "store/memory.h"
#include "trace/event.h"
#include "trace/trace.h"

namespace letterlock::trace::test {

template <class T>
using Call = std::function<net::ResultTask<T>(store::Transaction&)>;

template <class T>
net::ResultTask<> keep(store::Transaction& tx, const Call<T>& call, base::Result<T>& answer) {
  answer = co_await call(tx);
  if (!answer) co_return base::fail(answer.error());
  co_return base::Result<void>();
}
template <class T>
net::Task<> keep_task(net::ResultTask<T> task, std::optional<base::Result<T>>& answer) {
  answer = co_await std::move(task);
}

inline base::Time at(std::string_view time) {
  return base::from_rfc3339("2026-11-23T" + std::string(time) + "Z").value();
}

class Fixture : public testing::Test {
 protected:
  static base::TenantId tenant_of(std::uint8_t last) {
    base::IdOctets octets{};
    octets[15] = last;
    return base::TenantId(octets);
  }

  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> answer;
    loop.spawn(keep_task(std::move(task), answer));
    while (!answer)
      if (loop.poll() == 0) throw std::logic_error("a task waits for what never comes");
    return std::move(*answer);
  }
  // One transaction of this tenant's.
  template <class T>
  base::Result<T> in(const base::TenantId& tenant, Call<T> call) {
    base::Result<T> answer = base::fail(base::ErrorKind::cancelled, "never ran");
    auto done =
        wait<void>(store.transact(store::Scope::tenant(tenant), [&](store::Transaction& tx) {
          return keep<T>(tx, call, answer);
        }));
    if (!done) return base::fail(done.error());
    return answer;
  }

  Trace trace_of(std::uint8_t number, std::vector<std::string> recipients) {
    Trace trace;
    trace.id = base::TraceId::make(at("10:02:09"), {number});
    trace.owner = acorn;
    trace.message_id = "<" + std::to_string(number) + "@acorn.example>";
    trace.subject = "Figures for Q3";
    trace.mail_from = "alice@acorn.example";
    trace.header_from = "alice@acorn.example";
    for (const std::string& address : recipients) {
      trace.recipients.push_back({static_cast<unsigned>(trace.recipients.size()), address});
    }
    trace.accepted = at("10:02:09");
    trace.expires = at("10:02:09") + std::chrono::days(30);
    trace.octets = 1234;
    return trace;
  }
  Trace begun(std::uint8_t number, std::vector<std::string> recipients) {
    Trace trace = trace_of(number, std::move(recipients));
    EXPECT_TRUE(begin_in(acorn, trace));
    return trace;
  }
  base::Result<void> begin_in(const base::TenantId& tenant, const Trace& trace) {
    return in<void>(tenant, [=](auto& tx) { return begin(tx, tenant, trace); });
  }
  net::ResultTask<> begun_with(store::Transaction& tx, Trace trace, hop::Hop first) {
    const auto owner = trace.owner;
    co_return begin_with(tx, owner, std::move(trace), std::move(first));
  }
  HopRef recorded(const hop::Hop& hop) { return recorded(acorn, hop); }
  HopRef recorded(const base::TenantId& tenant, const hop::Hop& hop) {
    return in<HopRef>(tenant, [=](auto& tx) { return record(tx, tenant, hop); }).value();
  }
  HopRef intended(const hop::Hop& hop) {
    return in<HopRef>(acorn, [=, this](auto& tx) { return intend(tx, acorn, hop, hop.from.who); })
        .value();
  }
  // A page after the other, as a node does it at start; how many were left unknown.
  std::size_t left_unknown(const std::string& node, base::Time now, std::size_t count_max = 100) {
    std::size_t count = 0;
    OpenPage page{{}, {}, true};
    while (page.more) {
      page = in<OpenPage>(acorn, [=, this](auto& tx) {
               return open_intents(tx, acorn, node, page.last, count_max);
             }).value();
      EXPECT_TRUE(in<void>(acorn, [=, this](auto& tx) {
        return leave_unknown(tx, acorn, page.intents, now, TimeDetail::day);
      }));
      count += page.intents.size();
    }
    return count;
  }
  base::Result<void> close_it(const HopRef& ref, const Closing& closing) {
    return in<void>(acorn, [=, this](auto& tx) { return close(tx, acorn, ref, closing); });
  }
  LoadedTrace loaded(base::TraceId id) {
    auto trace = in<LoadedTrace>(acorn, [=, this](auto& tx) { return load(tx, acorn, id); });
    EXPECT_TRUE(trace) << trace.error().what;
    return trace.value_or(LoadedTrace());
  }

  // Hops.
  using End = hop::End;
  static End client(std::string who, std::string protocol) {
    return {End::Role::client, std::move(who), "192.0.2.77", std::move(protocol)};
  }
  static End node() { return {End::Role::node, "dublin-1", "192.0.2.1", ""}; }
  static End mailbox(std::string who) { return {End::Role::mailbox, std::move(who), "", ""}; }
  static End mta(std::string who) { return {End::Role::mta, std::move(who), "198.51.100.7", ""}; }

  static hop::Hop hop_of(const Trace& trace, hop::Kind kind, End from, End to, hop::Level level,
                         std::vector<unsigned> recipients) {
    hop::Hop hop;
    hop.trace = trace.id;
    hop.kind = kind;
    hop.from = std::move(from);
    hop.to = std::move(to);
    hop.recipients = std::move(recipients);
    hop.protection.level = level;
    hop.protection.network =
        level == hop::Level::local ? hop::Network::local : hop::Network::public_;
    if (level != hop::Level::clear && level != hop::Level::local) {
      hop.protection.tls = {.version = hop::TlsVersion::tls1_3,
                            .cipher = "TLS_AES_256_GCM_SHA384",
                            .group = "X25519",
                            .post_quantum = false,
                            .exporter_digest = "ab"};
    }
    if (kind == hop::Kind::expansion) hop.changes = {hop::Change::expanded};
    hop.time = at("10:02:09");
    hop.finished = at("10:02:10");
    return hop;
  }
  static hop::Hop submission(const Trace& trace, hop::Level level = hop::Level::encrypted) {
    auto hop = hop_of(trace, hop::Kind::submission, client("alice@acorn.example", "ESMTPSA"),
                      node(), level, {});
    if (level == hop::Level::mutual) hop.protection.proved_by = hop::Proof::client_certificate;
    if (level == hop::Level::authenticated) hop.protection.proved_by = hop::Proof::scram_plus;
    return hop;
  }
  static hop::Hop relay(const Trace& trace, hop::Level level, unsigned recipient,
                        std::string host) {
    return hop_of(trace, hop::Kind::relay, node(), mta(std::move(host)), level, {recipient});
  }
  static hop::Hop delivery(const Trace& trace, unsigned recipient) {
    return hop_of(trace, hop::Kind::delivery, node(),
                  mailbox(trace.recipients.at(recipient).address), hop::Level::local, {recipient});
  }
  static hop::Hop fetch(const Trace& trace, hop::Level level, unsigned recipient,
                        std::string protocol) {
    const std::string who = trace.recipients.at(recipient).address;
    auto hop = hop_of(trace, hop::Kind::fetch, mailbox(who), client(who, std::move(protocol)),
                      level, {recipient});
    hop.time = hop.finished = at("10:05:40");
    return hop;
  }
  static hop::Hop failed(hop::Hop hop, hop::Given given, hop::Answer answer, std::string reason) {
    hop.outcome = hop::Outcome::failed;
    hop.given = given;
    hop.answer = answer;
    hop.reason = std::move(reason);
    if (answer != hop::Answer::take) hop.required = {{"level >= encrypted", "acorn.example", ""}};
    return hop;
  }

  net::Loop loop;
  store::MemoryStore store;
  const base::TenantId acorn = tenant_of(1);
  const base::TenantId birch = tenant_of(2);
};

}  // namespace letterlock::trace::test

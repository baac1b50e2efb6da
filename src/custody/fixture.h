// For the tests of the rooms that put mail into the queue and take it out: two tenants on one node
// in a simulated world, with all that agents stand on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "custody/custody.h"
#include "directory/operations.h"
#include "directory/record.h"
#include "net/admission.h"
#include "sim/events.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"
#include "trace/trace.h"

namespace letterlock::custody::test {

using namespace std::chrono_literals;

inline address::Address at(std::string_view text) {
  return address::Address::parse(text).value();
}

inline net::ResultTask<std::vector<base::TenantId>> all_of(std::vector<base::TenantId> tenants) {
  co_return tenants;
}

class Fixture : public ::testing::Test {
 protected:
  Fixture()
      : world(17),
        network(world),
        host(network.host("192.0.2.1")),
        peer(network.host("198.51.100.7")),
        tls(world, "node"),
        peer_tls(world, "peer"),
        events(world.clock()),
        directory({store, world.clock(), world.random(), workers, events, world.timers()},
                  {.password_rounds = 1}),
        operations({store, world.clock(), world.random(), workers, events, world.timers()},
                   {.password_rounds = 1}),
        admission({.sessions_max = 10, .per_address_max = 3}),
        leases(store, world.clock(), events, {"dublin-1", 30s}),
        dispatcher({store, world.loop(), world.timers(), world.clock(), events, leases,
                    [this] { return all_of({acorn, birch}); }},
                   queue::WindowLimits()),
        custody(store, world.clock(), world.random(), dispatcher, events, {"dublin-1"}) {
    tls.settings.identities = {sim::identity_for("mail.acorn.example", "the CA")};
    peer_tls.settings.trusted_issuers = {"the CA"};
    acorn = add_tenant("acorn.example");
    birch = add_tenant("birch.example");
    alice = add_account("alice@acorn.example");
    bob = add_account("bob@birch.example");
    EXPECT_TRUE(wait(leases.take_and_renew()));
  }
  ~Fixture() override { stop(); }

  base::TenantId add_tenant(const std::string& name) {
    const auto tenant = wait(operations.add_tenant(name, "test")).value();
    EXPECT_TRUE(wait(operations.add_domain(name, address::Domain::parse(name).value(), "test")));
    return tenant.id;
  }
  directory::Account add_account(std::string_view address,
                                 directory::Accepts accepts = directory::Accepts::any,
                                 std::uint64_t quota_octets = 0) {
    directory::NewAccount account{at(address), "", "tree house", accepts, quota_octets};
    auto added = wait(operations.add_account(std::move(account), "test"));
    EXPECT_TRUE(added) << added.error().what;
    return *added;
  }
  void set_account(std::string_view address, directory::AccountChange change) {
    const auto set = wait(operations.set_account(at(address), std::move(change), "test"));
    EXPECT_TRUE(set) << set.error().what;
  }

  // An alias or a group as it stands in the store, circles and all: the operations refuse those.
  enum class List { alias, group };
  static net::ResultTask<> put_list_in(store::Transaction& tx, List list, base::TenantId tenant,
                                       address::Address address,
                                       std::vector<address::Address> stands_for) {
    using Kind = directory::Entry::Kind;
    tx.put(
        directory::keys::entry(tenant, address),
        directory::encode(directory::Entry{list == List::alias ? Kind::alias : Kind::group, {}}));
    if (list == List::alias)
      tx.put(directory::keys::alias(tenant, address),
             directory::encode(directory::Alias{address, tenant, std::move(stands_for), {}}));
    else
      tx.put(directory::keys::group(tenant, address),
             directory::encode(directory::Group{address, tenant, "", std::move(stands_for)}));
    co_return base::Result<>();
  }
  void put_list(List list, std::string_view address, const std::vector<std::string>& stands_for) {
    const auto tenant = wait(directory.is_ours(at(address).domain())).value().value();
    std::vector<address::Address> all;
    for (const auto& one : stands_for) all.push_back(at(one));
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(tenant), [&](store::Transaction& tx) {
      return put_list_in(tx, list, tenant, at(address), all);
    })));
  }
  void require(const std::string& tenant, std::string requirement, std::string reason = "") {
    directory::TenantChange change;
    change.requirement = std::move(requirement);
    change.requirement_reason = std::move(reason);
    ASSERT_TRUE(wait(operations.set_tenant(tenant, change, "test")));
  }

  // As an agent leaves a recipient of a queued message.
  static net::ResultTask<> settle_in(store::Transaction& tx, base::TenantId tenant,
                                     base::MessageId id, queue::Outcome outcome, base::Time now) {
    std::vector<queue::Outcome> outcomes{std::move(outcome)};
    CO_TRY(const auto settled, co_await queue::settle(tx, queue::Schedule(), tenant, id,
                                                      std::move(outcomes), {.now = now}));
    (void)settled;
    co_return base::Result<>();
  }
  void settle(const base::TenantId& tenant, base::MessageId id, queue::Outcome outcome) {
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(tenant), [&](store::Transaction& tx) {
      return settle_in(tx, tenant, id, outcome, world.clock().now());
    })));
  }

  // A task that runs until the fixture ends.
  void run(net::Task<> task) {
    ++runs_;
    running_.push_back(world.loop().spawn(std::move(task), [this] { --runs_; }));
  }
  // The lease doesn't run out while time passes.
  static net::Task<> keep_leases(queue::Leases& leases, net::Timers& timers) {
    while (co_await timers.sleep(10s)) (void)co_await leases.take_and_renew();
  }
  void run_queue() {
    run(dispatcher.run());
    run(keep_leases(leases, world.timers()));
  }
  void stop() {
    for (const auto& task : running_) task->cancel();
    EXPECT_TRUE(world.run_until([&] { return runs_ == 0; }, 1h));
    running_.clear();
  }

  template <class T>
  static net::Task<> keep(net::ResultTask<T> task,
                          std::shared_ptr<std::optional<base::Result<T>>> result) {
    *result = co_await std::move(task);
  }
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    auto result = std::make_shared<std::optional<base::Result<T>>>();
    world.loop().spawn(keep(std::move(task), result));
    EXPECT_TRUE(world.run_until([&] { return result->has_value(); }, 1h));
    if (!*result) return base::fail(base::ErrorKind::timeout, "the test's patience");
    return std::move(**result);
  }

  // ---- content ----
  static net::ResultTask<base::BlobId> write(store::Store& to, std::string octets) {
    const auto writer = to.write_blob();
    CO_CHECK(co_await writer->write(octets));
    CO_CHECK(co_await writer->finish());
    co_return writer->id();
  }
  queue::Content content_of(const std::string& octets) {
    queue::Content content;
    content.blob = wait(write(store, octets)).value();
    content.octets = octets.size();
    content.digest_in = content.digest_out = base::to_hex(base::sha256(octets));
    content.message_id = "<q3@acorn.example>";
    content.subject = "Figures";
    return content;
  }

  // ---- a message as it comes in ----
  struct Mail {
    std::string mail_from = "alice@acorn.example";
    std::vector<std::string> to = {"bob@birch.example"};
    std::string octets = "From: alice@acorn.example\r\nSubject: Figures\r\n\r\nThe figures.\r\n";
    dsn::MailParams params;
    dsn::Notify notify;
    std::optional<base::TenantId> owner;
    base::AccountId account;
  };
  Reception reception_of(const Mail& mail) {
    Reception reception;
    reception.trace = os::make_id<base::TraceId>(world.clock(), world.random());
    reception.from = {hop::End::Role::mta, "mx.elsewhere.example", "198.51.100.7", "ESMTPS"};
    reception.protection.level = hop::Level::encrypted;
    reception.mail_from = mail.mail_from;
    reception.header_from = mail.mail_from;
    reception.params = mail.params;
    reception.owner = mail.owner;
    reception.account = mail.account;
    for (const auto& to : mail.to) {
      const auto address = at(to);
      reception.recipients.push_back(
          {address, {mail.notify, {}}, wait(directory.is_ours(address.domain())).value()});
    }
    return reception;
  }
  base::Result<Outcome> accept(Reception reception, const std::string& octets) {
    auto content = content_of(octets);
    return wait(custody.accept(std::move(reception), std::move(content)));
  }
  base::TraceId accept(const Mail& mail) {
    auto reception = reception_of(mail);
    const auto trace = reception.trace;
    const auto outcome = accept(std::move(reception), mail.octets);
    EXPECT_TRUE(outcome && std::holds_alternative<Accepted>(*outcome));
    return trace;
  }

  // ---- looking ----
  template <class T>
  using Question = std::function<net::ResultTask<T>(store::Transaction&)>;
  template <class T>
  static net::ResultTask<> keep_answer(net::ResultTask<T> task, std::optional<T>& answer) {
    CO_TRY(auto value, co_await std::move(task));
    answer.emplace(std::move(value));
    co_return base::Result<>();
  }
  template <class T>
  base::Result<T> ask(const base::TenantId& tenant, Question<T> question) {
    std::optional<T> answer;
    auto read = wait(store.read(store::Scope::tenant(tenant), [&](store::Transaction& tx) {
      return keep_answer<T>(question(tx), answer);
    }));
    if (!read) return base::fail(read.error());
    return std::move(*answer);
  }
  std::vector<queue::Entry> queued(const base::TenantId& tenant) {
    return ask<queue::ListPage>(tenant,
                                [&](store::Transaction& tx) { return queue::list(tx, tenant, {}); })
        .value()
        .entries;
  }
  std::string octets_of(const base::BlobId& blob) {
    return wait(store.read_blob(blob, 0, 1 << 22)).value();
  }
  base::Result<trace::LoadedTrace> trace_of(const base::TenantId& tenant, base::TraceId id) {
    return ask<trace::LoadedTrace>(
        tenant, [&](store::Transaction& tx) { return trace::load(tx, tenant, id); });
  }
  bool happens(std::string_view event, std::size_t count = 1, base::Milliseconds within = 1h) {
    return world.run_until([&] { return events.count(event) >= count; }, within);
  }

  sim::World world;
  sim::Network network;
  sim::Host& host;
  sim::Host& peer;
  sim::Tls tls;
  sim::Tls peer_tls;
  store::MemoryStore store;
  net::InlineWorkers workers;
  sim::Events events;
  directory::Directory directory;
  directory::Operations operations;
  net::Admission admission;
  queue::Leases leases;
  queue::Dispatcher dispatcher;
  Custody custody;
  base::TenantId acorn;
  base::TenantId birch;
  directory::Account alice;
  directory::Account bob;

 private:
  std::vector<std::shared_ptr<net::Running>> running_;
  unsigned runs_ = 0;
};

}  // namespace letterlock::custody::test

// For this room's tests: bob's mailbox behind popd, over a simulated network.
#pragma once

#include <gtest/gtest.h>

#include "directory/operations.h"
#include "drive/pop_client.h"
#include "mailbox/mailbox.h"
#include "popd/asking.h"
#include "popd/popd.h"
#include "sim/events.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"

namespace letterlock::popd::test {

using namespace std::chrono_literals;
using base::ErrorKind;
using drive::PopClient;
using hop::Outcome;
using sasl::Mechanism;

inline const std::string content = "Subject: Figures\r\n\r\nThe secret figures.\r\n.\r\n";

class PopdTest : public ::testing::Test {
 protected:
  PopdTest()
      : world(7),
        network(world),
        host(network.host("192.0.2.1")),
        peer(network.host("198.51.100.7")),
        server_tls(world, "server"),
        client_tls(world, "client"),
        events(world.clock()),
        directory({store, world.clock(), world.random(), workers, events, world.timers()},
                  {.password_rounds = 1}),
        operations({store, world.clock(), world.random(), workers, events, world.timers()},
                   {.password_rounds = 1}),
        admission({.sessions_max = 10, .per_address_max = 3}) {
    server_tls.settings.identities = {sim::identity_for("mail.birch.example", "the CA")};
    options.session.refusal_delay = 10ms;
    options.session.tls.asks_certificate = true;
    birch = wait(operations.add_tenant("birch.example", "test"))->id;
    acorn = wait(operations.add_tenant("acorn.example", "test"))->id;
    const auto domain = address::Domain::parse("birch.example").value();
    EXPECT_TRUE(wait(operations.add_domain("birch.example", domain, "test")));
    bob = add_account("bob@birch.example", directory::Accepts::any);
    start();
  }
  ~PopdTest() override { stop(0ms); }

  directory::Account add_account(std::string_view address, directory::Accepts accepts) {
    directory::NewAccount account{.address = address::Address::parse(address).value(),
                                  .display_name = "",
                                  .password = "tree house",
                                  .accepts = accepts};
    auto added = wait(operations.add_account(std::move(account), "test"));
    EXPECT_TRUE(added) << added.error().what;
    return *added;
  }

  void start() {
    popd.emplace(Ports{store, directory, admission, world.loop(), world.timers(), world.clock(),
                       world.random(), server_tls, events},
                 options);
    for (const auto& [port, entry] : {std::pair{std::uint16_t{995}, Popd::Entry::tls},
                                      {std::uint16_t{110}, Popd::Entry::stls}}) {
      auto listener = host.listen({host.addresses().front(), port});
      ASSERT_TRUE(listener);
      world.loop().spawn(popd->run(std::shared_ptr<net::Listener>(std::move(*listener)), entry));
    }
    world.settle();
  }
  void stop(base::Milliseconds grace) {
    if (!popd) return;
    bool closed = false;
    world.loop().spawn(popd->close(grace), [&] { closed = true; });
    EXPECT_TRUE(world.run_until([&] { return closed; }, 1h));
    popd.reset();
  }

  template <class T>
  static net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& result) {
    result = co_await std::move(task);
  }
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> result;
    world.loop().spawn(keep(std::move(task), result));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, 1h));
    if (!result) return base::fail(ErrorKind::timeout, "the test's patience");
    return std::move(*result);
  }

  // From `account`'s tenant's view: a message of alice's for bob.
  static net::ResultTask<base::BlobId> write(store::Store& to, std::string octets) {
    const auto writer = to.write_blob();
    CO_CHECK(co_await writer->write(octets));
    CO_CHECK(co_await writer->finish());
    co_return writer->id();
  }
  static net::ResultTask<bool> put(store::Transaction& tx, directory::Account account,
                                   mailbox::NewMessage message, std::optional<trace::Trace> copy,
                                   base::Time now) {
    if (copy) CO_CHECK(co_await trace::begin(tx, account.tenant, *copy));
    CO_TRY(const auto delivered,
           co_await mailbox::deliver(tx, {account.tenant, account.id}, std::move(message),
                                     {.name = "INBOX", .quota_octets = 0, .now = now}));
    co_return std::holds_alternative<mailbox::Stored>(delivered);
  }
  enum class Traced { yes, no };
  base::TraceId deliver(const directory::Account& account, const std::string& octets = content,
                        Traced traced = Traced::yes, std::string protected_fetch_for = "") {
    const auto id = os::make_id<base::TraceId>(world.clock(), world.random());
    mailbox::NewMessage message;
    message.blob = wait(write(store, octets)).value();
    message.blob_octets = octets.size();
    message.prefix = "Return-Path: <alice@acorn.example>\r\n";
    message.internal_date = world.clock().now();
    message.trace = id;
    message.trace_owner = acorn;
    message.recipients = {3};
    message.content_digest = "abcd";
    message.protected_fetch_for = std::move(protected_fetch_for);
    trace::Trace copy;
    copy.id = id;
    copy.owner = acorn;
    copy.recipients = {{3, account.address.text()}};
    copy.accepted = world.clock().now();
    copy.expires = world.clock().now() + 24h;
    const std::optional<trace::Trace> kept =
        traced == Traced::yes ? std::optional(copy) : std::nullopt;
    const auto now = world.clock().now();
    EXPECT_EQ(wait(change<bool>(
                  store, account.tenant,
                  [=](store::Transaction& tx) { return put(tx, account, message, kept, now); })),
              true);
    return id;
  }

  // `certificate`: whose the client shows.
  std::unique_ptr<PopClient> connect(std::uint16_t port, std::string certificate = {}) {
    drive::PopClientOptions client_options;
    client_options.entry =
        port == 995 ? drive::PopClientOptions::Entry::tls : drive::PopClientOptions::Entry::clear;
    client_options.rounds_min = 1;
    client_options.tls.certificate_file = std::move(certificate);
    auto client = std::make_unique<PopClient>(PopClient::World{client_tls, workers, world.random()},
                                              client_options);
    auto connection = wait(peer.connect({host.addresses().front(), port}, {}));
    if (!connection || !wait(client->open(std::move(*connection)))) return nullptr;
    return client;
  }

  // What comes next, whole lines, once it has said this.
  static net::ResultTask<std::string> say(net::Connection& connection, std::string octets) {
    if (!octets.empty()) CO_CHECK(co_await connection.write(octets, 5s));
    std::string heard;
    while (!heard.ends_with("\r\n")) {
      std::array<char, 2000> buffer{};
      CO_TRY(const auto count, co_await connection.read_some(buffer, 30s));
      if (count == 0) break;
      heard.append(buffer.data(), count);
    }
    co_return heard;
  }
  // The same; a greeting that comes first is left out where something was said.
  std::string talk(net::Connection& connection, std::string octets) {
    auto heard = wait(say(connection, octets)).value_or("");
    const bool is_greeting = heard.ends_with("ready\r\n");
    return is_greeting && !octets.empty() ? wait(say(connection, "")).value_or("") : heard;
  }

  static net::ResultTask<std::vector<trace::Event>> events_of(store::Transaction& tx,
                                                              base::TenantId tenant,
                                                              base::Time day_end) {
    CO_TRY(auto page, co_await trace::pending_events(tx, tenant, day_end, "", 100));
    co_return std::move(page.events);
  }
  base::Result<trace::LoadedTrace> loaded(const base::TraceId& id) {
    world.settle();
    world.advance(100ms);
    return wait(ask<trace::LoadedTrace>(
        store, birch, [&](store::Transaction& tx) { return trace::load(tx, birch, id); }));
  }
  std::vector<hop::Hop> hops(const base::TraceId& id) {
    auto all = loaded(id);
    return all ? std::move(all->hops) : std::vector<hop::Hop>();
  }
  std::vector<trace::Event> told() {
    return wait(ask<std::vector<trace::Event>>(
                    store, birch,
                    [&](store::Transaction& tx) {
                      return events_of(tx, birch, world.clock().now() + std::chrono::days(1));
                    }))
        .value();
  }
  void allow_clear() {
    directory::TenantChange allow;
    allow.clear_fetch = directory::ClearFetch::allowed;
    EXPECT_TRUE(wait(operations.set_tenant("birch.example", allow, "admin@birch.example")));
  }

  sim::World world;
  sim::Network network;
  sim::Host& host;
  sim::Host& peer;
  sim::Tls server_tls;
  sim::Tls client_tls;
  store::MemoryStore store;
  net::InlineWorkers workers;
  sim::Events events;
  directory::Directory directory;
  directory::Operations operations;
  net::Admission admission;
  Options options;
  base::TenantId birch;
  base::TenantId acorn;
  directory::Account bob;
  std::optional<Popd> popd;
};

}  // namespace letterlock::popd::test

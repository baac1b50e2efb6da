// Fetches from bob's mailbox over a simulated network, and what the trace says of them.
#include "popd/popd.h"

#include <gtest/gtest.h>

#include "directory/operations.h"
#include "drive/pop_client.h"
#include "mailbox/mailbox.h"
#include "popd/asking.h"
#include "sim/events.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"

namespace letterlock::popd {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using drive::PopClient;
using hop::Outcome;
using sasl::Mechanism;

const std::string content = "Subject: Figures\r\n\r\nThe secret figures.\r\n.\r\n";

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
                        Traced traced = Traced::yes) {
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

  std::unique_ptr<PopClient> connect(std::uint16_t port) {
    drive::PopClientOptions client_options;
    client_options.entry =
        port == 995 ? drive::PopClientOptions::Entry::tls : drive::PopClientOptions::Entry::clear;
    client_options.rounds_min = 1;
    auto client = std::make_unique<PopClient>(PopClient::World{client_tls, workers, world.random()},
                                              client_options);
    auto connection = wait(peer.connect({host.addresses().front(), port}, {}));
    if (!connection || !wait(client->open(std::move(*connection)))) return nullptr;
    return client;
  }

  static net::ResultTask<std::string> say(net::Connection& connection, std::string octets) {
    if (!octets.empty()) CO_CHECK(co_await connection.write(octets, 5s));
    std::array<char, 2000> buffer{};
    CO_TRY(const auto count, co_await connection.read_some(buffer, 30s));
    co_return std::string(buffer.data(), count);
  }
  // What comes next, once it has said this. The greeting goes first.
  std::string ask(net::Connection& connection, std::string octets) {
    auto heard = wait(say(connection, octets)).value_or("");
    if (heard.find("ready") != std::string::npos && !octets.empty())
      heard = wait(say(connection, "")).value_or("");
    return heard;
  }

  static net::ResultTask<std::vector<trace::Event>> events_of(store::Transaction& tx,
                                                              base::TenantId tenant) {
    CO_TRY(auto page, co_await trace::pending_events(tx, tenant, "", 100));
    co_return std::move(page.events);
  }
  std::vector<hop::Hop> hops(const base::TraceId& id) {
    world.settle();
    world.advance(100ms);
    auto loaded = wait(ask<trace::LoadedTrace>(
        store, birch, [&](store::Transaction& tx) { return trace::load(tx, birch, id); }));
    return loaded ? loaded->hops : std::vector<hop::Hop>();
  }
  std::vector<trace::Event> told() {
    return wait(ask<std::vector<trace::Event>>(
                    store, birch, [&](store::Transaction& tx) { return events_of(tx, birch); }))
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

TEST_F(PopdTest, FetchOverTlsIsAHop) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->auth(Mechanism::plain, "bob@birch.example", "tree house")));
  EXPECT_EQ(wait(client->retr(1, 10'000)), "Return-Path: <alice@acorn.example>\r\n" + content);
  EXPECT_TRUE(wait(client->dele(1)));
  EXPECT_TRUE(wait(client->quit()));
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  const auto& hop = recorded[0];
  EXPECT_EQ(hop.kind, hop::Kind::fetch);
  EXPECT_EQ(hop.outcome, Outcome::completed);
  EXPECT_EQ(hop.from.who, "bob@birch.example");
  EXPECT_EQ(hop.to.address, "198.51.100.7");
  EXPECT_EQ(hop.to.protocol, "POP3S");
  EXPECT_EQ(hop.recipients, std::vector<unsigned>{3});
  EXPECT_EQ(hop.protection.level, hop::Level::encrypted);
  EXPECT_EQ(hop.protection.network, hop::Network::public_);
  EXPECT_EQ(hop.protection.tls.version, hop::TlsVersion::tls1_3);
  EXPECT_EQ(hop.protection.tls.exporter_digest.size(), 64U);
  EXPECT_FALSE(hop.password_in_clear);
  EXPECT_EQ(hop.digest_out, "abcd");
  // What the sender's tenant is told: the protection and the outcome, on the day.
  const auto events_told = told();
  ASSERT_EQ(events_told.size(), 1U);
  EXPECT_EQ(events_told[0].to, acorn);
  EXPECT_EQ(events_told[0].hop.outcome, Outcome::completed);
  EXPECT_EQ(events_told[0].hop.to.address, "");
  EXPECT_EQ(events_told[0].hop.finished,
            std::chrono::floor<std::chrono::days>(world.clock().now()));
  // And it is gone from the mailbox.
  const auto again = connect(995);
  ASSERT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(again->stat()), (pop::Pair{0, 0}));
}

TEST_F(PopdTest, LevelIsWhatTheSignInProves) {
  const auto carol = add_account("carol@birch.example", directory::Accepts::plus_only);
  const std::tuple<directory::Account, Mechanism, hop::Level, hop::Proof> table[] = {
      {bob, Mechanism::scram_sha_256, hop::Level::encrypted, hop::Proof::none},
      {bob, Mechanism::scram_sha_256_plus, hop::Level::encrypted, hop::Proof::none},
      {carol, Mechanism::scram_sha_256_plus, hop::Level::mutual, hop::Proof::scram_plus},
  };
  for (const auto& [account, mechanism, level, proof] : table) {
    const auto id = deliver(account);
    const auto client = connect(110);
    ASSERT_TRUE(wait(client->stls()));
    ASSERT_TRUE(wait(client->auth(mechanism, account.address.text(), "tree house")))
        << name(mechanism);
    const auto count = wait(client->stat())->first;
    EXPECT_TRUE(wait(client->retr(count, 10'000)));
    const auto recorded = hops(id);
    ASSERT_EQ(recorded.size(), 1U);
    EXPECT_EQ(recorded[0].protection.level, level);
    EXPECT_EQ(recorded[0].protection.proved_by, proof);
    EXPECT_EQ(recorded[0].to.protocol, "POP3");
  }
  // The account that takes nothing weaker, asked for something weaker.
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
    const auto client = connect(995);
    EXPECT_EQ(wait(client->auth(mechanism, "carol@birch.example", "tree house")).error().kind,
              ErrorKind::denied);
  }
}

TEST_F(PopdTest, ClearOnlyWhereTheTenantAllowsIt) {
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  const auto id = deliver(bob);
  const auto refused = connect(110);
  for (const auto* name :
       {"bob@birch.example", "nobody@birch.example", "x@elsewhere.example", "no address"}) {
    EXPECT_EQ(wait(refused->user_pass(name, "tree house")).error().what,
              "POP3: signing in needs TLS here")
        << name;
  }
  allow_clear();
  const auto allowed = connect(110);
  ASSERT_TRUE(wait(allowed->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(allowed->retr(1, 10'000)));
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].protection.level, hop::Level::clear);
  EXPECT_TRUE(recorded[0].password_in_clear);
  EXPECT_NE(recorded[0].reason.find("admin@birch.example"), std::string::npos)
      << recorded[0].reason;
}

// The tenant's word at PASS counts, not the one that USER heard.
TEST_F(PopdTest, ClearIsAskedAgainAtPass) {
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  const auto id = deliver(bob);
  allow_clear();
  for (const bool still_allowed : {true, false}) {
    auto connection = wait(peer.connect({host.addresses().front(), 110}, {})).value();
    EXPECT_EQ(ask(*connection, "USER bob@birch.example\r\n").substr(0, 3), "+OK");
    if (!still_allowed) {
      directory::TenantChange refuse;
      refuse.clear_fetch = directory::ClearFetch::refused;
      ASSERT_TRUE(wait(operations.set_tenant("birch.example", refuse, "admin@birch.example")));
    }
    EXPECT_EQ(ask(*connection, "PASS tree house\r\n").substr(0, 3), still_allowed ? "+OK" : "-ER");
    ask(*connection, "RETR 1\r\n");
    EXPECT_EQ(hops(id).size(), 1U) << "that of the first round";
  }
}

// The example of a false "no": STAT alone, in clear, opens what else lies in the mailbox. Also
// where the sign-in was refused after the password had come.
TEST_F(PopdTest, ASignInIsRecordedWhateverIsFetched) {
  using How = directory::Opening::How;
  const auto openings = [&] {
    world.settle();
    EXPECT_TRUE(wait(directory.write_openings()));
    std::vector<How> out;
    for (const auto& opening : wait(operations.list_openings(birch, bob.address)).value())
      out.push_back(opening.how);
    return out;
  };
  stop(0ms);
  options.session.clear_sign_in = true;
  start();
  ASSERT_TRUE(
      wait(connect(995)->auth(Mechanism::scram_sha_256_plus, "bob@birch.example", "tree house")));
  EXPECT_EQ(openings(), std::vector<How>());
  auto connection = wait(peer.connect({host.addresses().front(), 110}, {})).value();
  EXPECT_EQ(ask(*connection, "USER bob@birch.example\r\n").substr(0, 4), "-ERR");
  EXPECT_EQ(openings(), std::vector<How>());
  EXPECT_EQ(ask(*connection, "PASS tree house\r\n").substr(0, 4), "-ERR");
  EXPECT_EQ(openings(), std::vector<How>{How::in_clear}) << "it was refused, and had come";
  ASSERT_TRUE(wait(operations.set_account(bob.address, {.password = "bush house"}, "operator")));
  allow_clear();
  const auto client = connect(110);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "bush house")));
  EXPECT_TRUE(wait(client->stat()));
  EXPECT_EQ(openings(), (std::vector<How>{How::in_clear, How::in_clear}));
  ASSERT_TRUE(
      wait(connect(995)->auth(Mechanism::scram_sha_256, "bob@birch.example", "bush house")));
  EXPECT_EQ(openings(), (std::vector<How>{How::in_clear, How::in_clear, How::unbound}));
}

// What came to nothing before the proof was no guess, and what can't be looked at now is told as
// such: no client asks its user for another password.
TEST_F(PopdTest, WhatWasNoGuessIsNotCounted) {
  for (int i = 0; i < 20; ++i) {
    auto connection = wait(peer.connect({host.addresses().front(), 995}, {})).value();
    auto session = wait(client_tls.connect(std::move(connection), {})).value();
    EXPECT_EQ(ask(*session, "").substr(0, 3), "+OK");
    const auto first = base::to_base64("n,,n=bob@birch.example,r=abcdefgh");
    EXPECT_EQ(ask(*session, "AUTH SCRAM-SHA-256 " + first + "\r\n").substr(0, 2), "+ ");
    if (i % 2 == 0)
      EXPECT_EQ(ask(*session, "*\r\n").substr(0, 4), "-ERR");
    else
      session->close();
  }
  EXPECT_TRUE(
      wait(connect(995)->auth(Mechanism::scram_sha_256, "bob@birch.example", "tree house")));
  for (int i = 0; i < 10; ++i)
    (void)wait(connect(995)->auth(Mechanism::scram_sha_256, "eve@birch.example", "bush house"));
  EXPECT_GT(events.count("sign_in.throttled"), 0U);
  for (const auto mechanism : {Mechanism::plain, Mechanism::scram_sha_256}) {
    const auto busy = wait(connect(995)->auth(mechanism, "eve@birch.example", "tree house"));
    EXPECT_EQ(busy.error().kind, ErrorKind::unavailable) << busy.error().what;
  }
}

// Invariant 3: no content leaves without a durable intent before it.
TEST_F(PopdTest, IntentIsDurableBeforeContent) {
  const auto id = deliver(bob);
  bool seen = false;
  network.observe([&](const sim::Crossing& crossing) {
    if (crossing.octets.find("secret figures") == std::string_view::npos) return;
    seen = true;
    bool intended = false;
    for (const auto& [key, value] : store.contents())
      intended = intended || value.find("\"intended\"") != std::string::npos;
    EXPECT_TRUE(intended);
  });
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_TRUE(seen);
  seen = false;
  store.fail_next_commit(ErrorKind::full);
  EXPECT_EQ(wait(client->retr(1, 10'000)).error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(seen);
  EXPECT_EQ(hops(id).size(), 1U);
}

TEST_F(PopdTest, PartsOfAMessageAreNoFetchButContent) {
  const auto id = deliver(bob);
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_TRUE(wait(client->top(1, 0, 10'000)));
  }
  auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::partial);
  EXPECT_EQ(recorded[0].given, hop::Given::content);
  EXPECT_NE(recorded[0].reason.find("TOP"), std::string::npos);

  // TOP with as many lines as there are is all of it.
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_TRUE(wait(client->top(1, 1000, 10'000)));
  }
  recorded = hops(id);
  ASSERT_EQ(recorded.size(), 2U);
  EXPECT_EQ(recorded[1].outcome, Outcome::completed);

  // A client that leaves in the middle of a large one.
  std::string large = "Subject: large\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) large += "0123456789012345678901234567890123456789\r\n";
  const auto large_id = deliver(bob, large);
  {
    const auto client = connect(995);
    ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
    EXPECT_EQ(wait(client->retr(2, 10'000)).error().kind, ErrorKind::full);
  }
  recorded = hops(large_id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::failed);
  EXPECT_EQ(recorded[0].given, hop::Given::content);
}

TEST_F(PopdTest, StopRecordsWhatWasUnderWay) {
  const auto id = deliver(bob, std::string(40, 'x') + "\r\n" + std::string(300'000, 'y') + "\r\n");
  network.add({.what = sim::Rule::What::stall,
               .port = std::uint16_t{995},
               .direction = sim::Rule::Direction::in,
               .octets = 50'000});
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  std::optional<base::Result<base::Bytes>> never;
  world.loop().spawn(keep(client->retr(1, 1'000'000), never));
  world.advance(1s);
  stop(1s);
  const auto recorded = hops(id);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].outcome, Outcome::failed);
  EXPECT_EQ((*events.last("fetch.session_ended"))["why"], "cancelled");
  EXPECT_TRUE(world.run_until([&] { return never.has_value(); }, 10min));
}

// Another session of the same mailbox has nothing to say of what this one has open.
TEST_F(PopdTest, SignInLeavesOtherSessionsAlone) {
  const auto id = deliver(bob, std::string(40, 'x') + "\r\n" + std::string(300'000, 'y') + "\r\n");
  network.add({.what = sim::Rule::What::slow,
               .port = std::uint16_t{995},
               .direction = sim::Rule::Direction::in,
               .octets = 20'000,
               .connections = 1});
  const auto slow = connect(995);
  ASSERT_TRUE(wait(slow->user_pass("bob@birch.example", "tree house")));
  std::optional<base::Result<base::Bytes>> fetched;
  world.loop().spawn(keep(slow->retr(1, 1'000'000), fetched));
  world.advance(1s);
  ASSERT_EQ(hops(id).at(0).outcome, Outcome::intended);
  const auto other = connect(995);
  ASSERT_TRUE(wait(other->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::intended);
  ASSERT_TRUE(world.run_until([&] { return fetched.has_value(); }, 10min));
  EXPECT_TRUE(*fetched);
  world.advance(1s);
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::completed);
}

// The store is away for longer than a moment: the outcome waits for it.
TEST_F(PopdTest, OutcomeIsWrittenAsSoonAsItCanBe) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  const auto fail_after_the_intent = [&](int failures) {
    store.on_commit([this, failures, commits = 0](store::CommitStage stage) mutable {
      if (stage != store::CommitStage::durable || ++commits != 1) return;
      for (int i = 0; i < failures; ++i) store.fail_next_commit(ErrorKind::io);
    });
  };
  fail_after_the_intent(7);
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  world.advance(3min);
  EXPECT_EQ(events.count("fetch.outcome_lost"), 0U);
  EXPECT_EQ(hops(id).at(0).outcome, Outcome::completed);
  fail_after_the_intent(8);
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_TRUE(world.run_until([&] { return events.count("fetch.outcome_lost") == 1; }, 5min));
  EXPECT_EQ(hops(id).at(1).outcome, Outcome::intended);
  // The sender's tenant is told that it has begun, whatever became of it.
  ASSERT_EQ(told().size(), 2U);
  EXPECT_EQ(told()[1].hop.outcome, Outcome::intended);
}

// Fetches beyond those that the trace keeps are counted, and leave nothing open.
TEST_F(PopdTest, ManyFetchesStayBounded) {
  const auto id = deliver(bob);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  for (std::size_t i = 0; i < trace::fetches_max + 5; ++i)
    ASSERT_TRUE(wait(client->retr(1, 10'000)));
  EXPECT_EQ(hops(id).size(), trace::fetches_max);
  EXPECT_EQ(events.count("fetch.outcome_lost"), 0U);
  const auto again = connect(995);
  EXPECT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
}

TEST_F(PopdTest, MessageWithoutTraceIsGiven) {
  deliver(bob, content, Traced::no);
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_TRUE(wait(client->retr(1, 10'000)));
}

TEST_F(PopdTest, TwoSessionsSeeTheirSnapshots) {
  deliver(bob);
  deliver(bob);
  const auto first = connect(995);
  const auto second = connect(995);
  ASSERT_TRUE(wait(first->user_pass("bob@birch.example", "tree house")));
  ASSERT_TRUE(wait(second->user_pass("bob@birch.example", "tree house")));
  const auto ids = wait(second->uidl());
  EXPECT_TRUE(wait(first->dele(1)));
  EXPECT_TRUE(wait(first->quit()));
  deliver(bob);
  EXPECT_EQ(wait(second->stat())->first, 2U);
  EXPECT_EQ(wait(second->retr(1, 10'000)).error().what, "POP3: message is gone");
  EXPECT_TRUE(wait(second->retr(2, 10'000)));
  EXPECT_TRUE(wait(second->dele(1)));
  EXPECT_TRUE(wait(second->quit()));
  const auto third = connect(995);
  ASSERT_TRUE(wait(third->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(third->uidl())->at(0).id, ids->at(1).id);
}

TEST_F(PopdTest, PagesAndBatches) {
  for (int i = 0; i < 450; ++i) deliver(bob, "Subject: " + std::to_string(i) + "\r\n\r\n");
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(client->stat())->first, 450U);
  EXPECT_EQ(wait(client->uidl())->size(), 450U);
  for (std::uint32_t i = 1; i <= 449; ++i) ASSERT_TRUE(wait(client->dele(i)));
  EXPECT_TRUE(wait(client->quit()));
  const auto again = connect(995);
  ASSERT_TRUE(wait(again->user_pass("bob@birch.example", "tree house")));
  EXPECT_EQ(wait(again->stat())->first, 1U);
  EXPECT_EQ(wait(again->top(1, 0, 1000)),
            "Return-Path: <alice@acorn.example>\r\nSubject: 449\r\n\r\n");
}

TEST_F(PopdTest, Attack26GuessesAreSlowedAndAlike) {
  for (const auto mechanism :
       {Mechanism::plain, Mechanism::scram_sha_256, Mechanism::scram_sha_256_plus}) {
    const auto client = connect(995);
    const auto wrong = wait(client->auth(mechanism, "bob@birch.example", "bush house"));
    const auto unknown = wait(client->auth(mechanism, "eve@birch.example", "tree house"));
    EXPECT_EQ(wrong.error(), unknown.error());
    EXPECT_EQ(wrong.error().kind, ErrorKind::denied);
  }
  // After so many nobody looks at this source's guesses for a while, right or wrong.
  for (int i = 0; i < 3; ++i) {
    const auto client = connect(995);
    (void)wait(client->auth(Mechanism::scram_sha_256, "bob@birch.example", "bush house"));
  }
  const auto client = connect(995);
  EXPECT_EQ(
      wait(client->auth(Mechanism::scram_sha_256, "bob@birch.example", "tree house")).error().kind,
      ErrorKind::unavailable);
}

TEST_F(PopdTest, Attack53OneAddressHasSoManyPlaces) {
  std::vector<std::unique_ptr<PopClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect(995));
  EXPECT_NE(clients[2], nullptr);
  EXPECT_EQ(connect(995), nullptr);
  EXPECT_EQ(events.count("fetch.no_place"), 1U);
  clients.clear();
  world.advance(1s);
  EXPECT_NE(connect(995), nullptr);
}

TEST_F(PopdTest, IdleSessionEndsAfterTenMinutes) {
  const auto client = connect(995);
  ASSERT_TRUE(wait(client->user_pass("bob@birch.example", "tree house")));
  world.advance(9min + 59s);
  EXPECT_EQ(events.count("fetch.session_ended"), 0U);
  world.advance(2s);
  ASSERT_EQ(events.count("fetch.session_ended"), 1U);
  EXPECT_EQ((*events.last("fetch.session_ended"))["why"], "timeout");
}

}  // namespace
}  // namespace letterlock::popd

// The way out: hosts in their order, envelopes, contents and their outcomes, in the queue and in
// the trace.
#include "relay/relay.h"

#include <gmock/gmock.h>

#include "relay/fixture.h"

namespace letterlock::relay {
namespace {

using namespace std::chrono_literals;
using hop::Given;
using hop::Level;
using hop::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RelayTest : public test::Fixture {
 protected:
  static std::string lines(std::size_t octets) {
    std::string content;
    while (content.size() < octets) content += std::string(76, 'x') + "\r\n";
    return content;
  }
  // Three recipients whom the host refuses; one refusal a day is an account's limit.
  std::vector<std::string> refused_at(test::Mta& mx) {
    directory::TenantChange change;
    change.limits = directory::SendingLimits{};
    change.limits->failed_per_day = 1;
    EXPECT_TRUE(wait(operations.set_tenant("acorn.example", change, "test")));
    std::vector<std::string> to;
    for (const auto* name : {"a", "b", "c"}) {
      to.push_back(std::string(name) + "@modern.example");
      mx.to_rcpt[to.back()] = smtp::reply(550, dsn::status::bad_mailbox, "nobody");
    }
    return to;
  }
  directory::Sending::State alices_sending() {
    return wait(directory.account(acorn, alice.id)).value()->sending.state;
  }
};

TEST_F(RelayTest, OverTls) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_THAT(mx.envelopes, ElementsAre("alice@acorn.example > carol@modern.example"));
  EXPECT_THAT(mx.messages, ElementsAre("Subject: Figures\r\n\r\nThe secret figures.\r\n.\r\n"));
  EXPECT_TRUE(recipients(message).empty());
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.kind, hop::Kind::relay);
  EXPECT_EQ(hop.outcome, Outcome::completed);
  EXPECT_EQ(hop.answer, hop::Answer::take);
  EXPECT_EQ(hop.from.who, "dublin-1");
  EXPECT_EQ(hop.to.who, "mx1.modern.example");
  EXPECT_EQ(hop.to.address, "198.51.100.1");
  EXPECT_EQ(hop.to.protocol, "ESMTPS");
  EXPECT_EQ(hop.recipients, std::vector{0U});
  EXPECT_EQ(hop.protection.level, Level::encrypted);
  EXPECT_EQ(hop.protection.network, hop::Network::public_);
  EXPECT_EQ(hop.protection.tls.version, hop::TlsVersion::tls1_3);
  EXPECT_EQ(hop.protection.tls.exporter_digest.size(), 64U);
  EXPECT_EQ(hop.digest_in, message.digest);
  EXPECT_EQ(hop.digest_out, message.digest);
  EXPECT_EQ(hop.reply, "250 2.0.0 queued as 4F1");
  EXPECT_EQ(store.blob_count(), 0U);
  EXPECT_EQ(field("hop.relayed", "tenant"), "acorn.example");
}

TEST_F(RelayTest, InClearWhereNothingRequiresMore) {
  auto& mx = add_mta("old.example", "mx.old.example", "198.51.100.2");
  mx.server.session.tls = smtp::Need::none;
  start();
  const auto message = submit({.to = {"dave@old.example"}});
  ASSERT_TRUE(happens("hop.relayed"));
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.protection.level, Level::clear);
  EXPECT_EQ(hop.to.protocol, "ESMTP");
  EXPECT_THAT(hop.reason, HasSubstr("in clear"));
  EXPECT_THAT(hop.reason, HasSubstr("nobody requires more"));
}

TEST_F(RelayTest, ParametersArePassedOn) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  const auto message = submit({.change = [](auto& mail, auto& recipients) {
    mail.params = {dsn::Return::headers, "envelope-7"};
    mail.eight_bit = true;
    recipients[0].params.notify = {.given = true, .success = true};
    recipients[0].params.original_recipient = "rfc822;carol@list.example";
  }});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.mails.at(0).dsn, message.params);
  EXPECT_EQ(mx.mails.at(0).body, smtp::Body::eight_bit_mime);
  EXPECT_EQ(mx.mails.at(0).size_octets, message.octets);
  EXPECT_TRUE(mx.rcpts.at(0).dsn.notify.success);
  EXPECT_EQ(mx.rcpts.at(0).dsn.original_recipient, "rfc822;carol@list.example");
  // The duty to tell of the success went with it.
  EXPECT_TRUE(recipients(message).empty());
}

TEST_F(RelayTest, SuccessIsToldByUsWhereThePeerWont) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.server.session.dsn = false;
  start();
  const auto message = submit({.change = [](auto&, auto& recipients) {
    recipients[0].params.notify = {.given = true, .success = true};
  }});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(recipients(message).at(0).notice, queue::Notice::relayed);
  EXPECT_TRUE(noticed.contains(acorn));
}

TEST_F(RelayTest, SecondHostWhereTheFirstIsDead) {
  auto& first = add_mta("modern.example", "mx1.modern.example", "198.51.100.1", 10);
  auto& second = add_mta("modern.example", "mx2.modern.example", "198.51.100.2", 20);
  network.add({.to = first.at().address});
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(second.messages.size(), 1U);
  const auto all = hops(message);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].outcome, Outcome::failed);
  EXPECT_EQ(all[0].given, Given::nothing);
  EXPECT_EQ(all[0].answer, hop::Answer::try_next);
  EXPECT_EQ(all[0].to.who, "mx1.modern.example");
  EXPECT_THAT(all[0].reason, StartsWith("mx1.modern.example (198.51.100.1): "));
  EXPECT_EQ(all[1].number, all[0].number);
  EXPECT_EQ(all[1].attempt, 2U);
}

TEST_F(RelayTest, SecondAddressOfAHost) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.2");
  names.erase("mx1.modern.example");
  names.address("mx1.modern.example", "198.51.100.77");  // nobody there
  names.address("mx1.modern.example", "198.51.100.2");
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_EQ(hops(message).size(), 1U);
}

TEST_F(RelayTest, GreetingsThatTakeNothing) {
  auto& first = add_mta("modern.example", "mx1.modern.example", "198.51.100.1", 10);
  auto& second = add_mta("modern.example", "mx2.modern.example", "198.51.100.2", 20);
  first.greeting = smtp::reply(421, dsn::Status{4, 3, 2}, "busy");
  second.greeting = smtp::reply(554, dsn::Status{5, 3, 2}, "no mail here");
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  const auto one = recipients(message).at(0);
  EXPECT_EQ(one.status, "4.3.2");
  EXPECT_THAT(one.reply, HasSubstr("busy"));
  EXPECT_THAT(one.reply, HasSubstr("no mail here"));
  // For good only once every host says so.
  first.greeting = second.greeting;
  ASSERT_TRUE(happens("hop.failed"));
  EXPECT_EQ(recipients(message).at(0).state, queue::State::failed);
  EXPECT_EQ(ways(message).at(0).ending->status, "5.3.2");
}

TEST_F(RelayTest, DomainsThatTakeNoMail) {
  names.zone("null.example", dns::Security::insecure);
  names.mx("null.example", 0, ".");
  names.zone("us.example", dns::Security::insecure);
  names.mx("us.example", 10, "us.acorn.example");
  names.zone("inside.example", dns::Security::insecure);
  names.mx("inside.example", 10, "mx.inside.example");
  names.address("mx.inside.example", "10.0.0.1");
  names.zone("bogus.example", dns::Security::secure);
  names.fail("bogus.example", sim::Names::Type::mx, sim::Names::Failure::bogus);
  names.zone("slow.example", dns::Security::insecure);
  names.fail("slow.example", {}, sim::Names::Failure::servfail);
  start();
  const auto ends = [&](const std::string& domain) {
    const auto over = [&] { return events.count("hop.failed") + events.count("hop.deferred"); };
    const auto before = over();
    const auto message = submit({.to = {"x@" + domain}});
    EXPECT_TRUE(world.run_until([&] { return over() > before; }, 30s)) << domain;
    const auto one = recipients(message).at(0);
    EXPECT_TRUE(hops(message).empty());
    return std::string(queue::name(one.state)) + " " + one.status;
  };
  EXPECT_EQ(ends("null.example"), "failed 5.1.10");
  EXPECT_EQ(ends("nowhere.example"), "failed 5.1.2");
  EXPECT_EQ(ends("us.example"), "failed 5.4.6");
  EXPECT_EQ(ends("inside.example"), "waiting 4.4.4");
  EXPECT_EQ(ends("bogus.example"), "waiting 4.4.3");
  EXPECT_EQ(ends("slow.example"), "waiting 4.4.3");
}

TEST_F(RelayTest, EachRecipientItsAnswer) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.to_rcpt["no@modern.example"] = smtp::reply(550, dsn::status::bad_mailbox, "nobody");
  mx.to_rcpt["later@modern.example"] = smtp::reply(450, dsn::Status{4, 2, 0}, "greylisted");
  start();
  const auto message =
      submit({.to = {"carol@modern.example", "no@modern.example", "later@modern.example"}});
  ASSERT_TRUE(happens("hop.relayed"));
  const auto all = recipients(message);
  EXPECT_EQ(all.at(0).state, queue::State::relayed);
  EXPECT_EQ(all.at(1).state, queue::State::failed);
  EXPECT_EQ(all.at(1).status, "5.1.1");
  EXPECT_EQ(all.at(1).reply, "550 5.1.1 nobody");
  EXPECT_EQ(all.at(1).host, "mx1.modern.example");
  EXPECT_EQ(all.at(1).notice, queue::Notice::failed);
  EXPECT_EQ(all.at(2).state, queue::State::waiting);
  EXPECT_EQ(all.at(2).status, "4.2.0");
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_TRUE(noticed.contains(acorn));
  const auto records = hops(message);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].recipients, std::vector{0U});
  EXPECT_EQ(records[1].recipients, (std::vector{1U, 2U}));
  EXPECT_EQ(records[1].given, Given::envelope);
  EXPECT_EQ(ways(message).at(1).ending->status, "5.1.1");
  EXPECT_FALSE(ways(message).at(2).ending);
  // The one that waits is tried again, alone.
  mx.to_rcpt.clear();
  ASSERT_TRUE(happens("hop.relayed", 2));
  EXPECT_EQ(mx.envelopes.back(), "alice@acorn.example > later@modern.example");
}

TEST_F(RelayTest, ContentRefused) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.to_content = smtp::reply(451, dsn::Status{4, 3, 0}, "later");
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::failed);
  EXPECT_EQ(hops(message).at(0).given, Given::content);
  mx.to_content = smtp::reply(554, dsn::Status{5, 7, 1}, "spam");
  ASSERT_TRUE(happens("hop.failed"));
  EXPECT_EQ(recipients(message).at(0).reply, "554 5.7.1 spam");
  EXPECT_EQ(ways(message).at(0).ending->status, "5.7.1");
}

TEST_F(RelayTest, UnfitForTheServer) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.server.session.smtputf8 = false;
  mx.server.session.size_octets_max = 40;
  start();
  const auto too_big = submit({});
  ASSERT_TRUE(happens("hop.failed"));
  EXPECT_EQ(recipients(too_big).at(0).status, "5.3.4");
  const auto utf8 = submit({.to = {"jürgen@modern.example"}, .content = "x\r\n"});
  ASSERT_TRUE(happens("hop.failed", 2));
  EXPECT_EQ(recipients(utf8).at(0).status, "5.6.7");
  EXPECT_TRUE(mx.envelopes.empty());
  EXPECT_EQ(hops(utf8).at(0).given, Given::nothing);
}

// Invariant 3: no content leaves without a durable intent before it.
TEST_F(RelayTest, IntentIsDurableBeforeTheFirstOctet) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  std::map<std::string, std::string> then;
  mx.before_content = [&] { then = store.contents(); };
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  const auto now = store.contents();
  const auto count = [&](const std::map<std::string, std::string>& in, std::string_view what) {
    return std::ranges::count_if(
        in, [&](const auto& pair) { return pair.second.find(what) != std::string::npos; });
  };
  EXPECT_EQ(count(then, "\"intended\""), 1);
  EXPECT_EQ(count(now, "\"intended\""), 0);
  EXPECT_EQ(count(now, "\"completed\""), 1);
}

TEST_F(RelayTest, NothingLeavesWhereTheIntentCantBeKept) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  mx.to_rcpt["carol@modern.example"] = smtp::reply(250, dsn::status::ok, "well");
  // The next commit after the submission is the intent's.
  const auto message = submit({});
  store.fail_next_commit(base::ErrorKind::full);
  ASSERT_TRUE(happens("relay.failed"));
  EXPECT_EQ(mx.content_octets, 0U);
  EXPECT_TRUE(hops(message).empty());
  EXPECT_EQ(recipients(message).at(0).attempts, 0U);
  ASSERT_TRUE(happens("hop.relayed"));
}

TEST_F(RelayTest, OutcomeIsWrittenThoughTheStoreFailsForAWhile) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.before_content = [&] {
    store.fail_next_commit(base::ErrorKind::io);
    store.fail_next_commit(base::ErrorKind::io, store::Outcome::applied);
  };
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.relayed"));
  world.advance(1h);
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::completed);
}

TEST_F(RelayTest, LostAfterTheContent) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.after_content = [&] { mx.host.crash(sim::Host::Crash::process); };
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.deferred"));
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.outcome, Outcome::unknown);
  EXPECT_EQ(hop.given, Given::content);
  EXPECT_THAT(hop.reason, HasSubstr("after the content"));
  EXPECT_EQ(recipients(message).at(0).state, queue::State::waiting);
}

TEST_F(RelayTest, LostWithinTheContent) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  network.add({.what = sim::Rule::What::cut, .octets = 100'000, .connections = 1});
  start();
  const auto message = submit({.content = lines(500'000)});
  (void)mx;
  ASSERT_TRUE(happens("hop.deferred"));
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.outcome, Outcome::failed);
  EXPECT_EQ(hop.given, Given::content);
}

TEST_F(RelayTest, LargeContentStreams) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  const auto message = submit({.content = lines(3'000'000)});
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.content_octets, message.octets);
}

// Invariant 1 and 3 over a crash: the intent stays, and the sweep says that nobody knows.
TEST_F(RelayTest, CrashBetweenIntentAndOutcome) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.after_content = [&] {
    for (int i = 0; i < 4; ++i) store.fail_next_commit(base::ErrorKind::io);
  };
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("relay.failed"));
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::intended);
  EXPECT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](auto& tx) {
    return sweep(tx, acorn, world.clock().now());
  })));
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::unknown);
  EXPECT_EQ(recipients(message).at(0).state, queue::State::waiting);
}

TEST_F(RelayTest, LeaseLostBeforeTheContent) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  const auto message = submit({});
  // Another node takes everything over, unheard.
  queue::Leases other(store, world.clock(), events, {"dublin-2", 30s});
  mx.to_mail = smtp::reply(250, dsn::status::ok, "slow");
  world.run_until([&] { return mx.connections > 0; }, 1min);
  world.clock().jump(1h);
  ASSERT_TRUE(wait(other.take_and_renew()));
  ASSERT_TRUE(happens("queue.lease_lost"));
  EXPECT_EQ(mx.content_octets, 0U);
  EXPECT_TRUE(hops(message).empty());
}

// Whoever has the partition by now: what the peer has taken is done, and nobody gives it again.
TEST_F(RelayTest, LeaseLostWithinTheContentStillSettlesWhatWasTaken) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  queue::Leases other(store, world.clock(), events, {"dublin-2", 30s});
  bool taken = false;
  mx.before_content = [&] {
    world.clock().jump(1h);
    world.loop().spawn(keep_taking(other), [&] { taken = true; });
  };
  mx.server.session.chunking = true;
  start();
  const auto message = submit({.content = lines(500'000)});
  ASSERT_TRUE(happens("queue.lease_lost"));
  EXPECT_TRUE(taken);
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_TRUE(recipients(message).empty());
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::completed);
}

// What another node says of the schedule it may not change.
TEST_F(RelayTest, LeaseLostWithinTheContentDefersNothing) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  queue::Leases other(store, world.clock(), events, {"dublin-2", 30s});
  bool taken = false;
  mx.before_content = [&] {
    world.clock().jump(1h);
    world.loop().spawn(keep_taking(other), [&] { taken = true; });
  };
  mx.to_content = smtp::reply(451, dsn::Status{4, 3, 0}, "later");
  mx.server.session.chunking = true;
  start();
  const auto message = submit({.content = lines(500'000)});
  ASSERT_TRUE(happens("queue.lease_lost"));
  EXPECT_TRUE(taken);
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::failed);
  EXPECT_EQ(recipients(message).at(0).state, queue::State::waiting);
  EXPECT_EQ(recipients(message).at(0).attempts, 0U);
}

// Held between the job's reading and the intent: the envelope was given, the content is not.
TEST_F(RelayTest, HeldBeforeTheContent) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  queue::Message message;
  bool held = false;
  mx.before_rcpt = [&] {
    world.loop().spawn(change(store, message, queue::Step::hold, world.clock().now()),
                       [&] { held = true; });
  };
  message = submit({.content = lines(1000)});
  ASSERT_TRUE(world.run_until([&] { return held; }, 1min));
  world.advance(1h);
  EXPECT_TRUE(mx.messages.empty());
  EXPECT_EQ(mx.content_octets, 0U);
  EXPECT_EQ(recipients(message).at(0).state, queue::State::held);
  EXPECT_TRUE(hops(message).empty());
}

TEST_F(RelayTest, StoppingWritesDownWhatWasGiven) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  options.stop_wait = 1s;
  network.add({.what = sim::Rule::What::slow, .octets = 1000});
  start();
  const auto message = submit({.content = lines(200'000)});
  ASSERT_TRUE(world.run_until([&] { return mx.content_octets > 0; }, 1h));
  stop();
  EXPECT_EQ(runs, 0U);
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::failed);
  EXPECT_EQ(hops(message).at(0).given, Given::content);
  EXPECT_EQ(recipients(message).at(0).attempts, 0U);
}

// With the message its content goes: the host never gets an end. The trace keeps what it got.
TEST_F(RelayTest, RemovedMeanwhile) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  start();
  queue::Message message;
  bool removed = false;
  mx.before_content = [&] {
    world.loop().spawn(change(store, message, queue::Step::remove, world.clock().now()),
                       [&] { removed = true; });
  };
  message = submit({.content = lines(500'000)});
  ASSERT_TRUE(happens("hop.deferred"));
  EXPECT_TRUE(removed);
  EXPECT_TRUE(mx.messages.empty());
  EXPECT_EQ(hops(message).at(0).outcome, Outcome::failed);
  EXPECT_EQ(hops(message).at(0).given, Given::content);
  EXPECT_TRUE(recipients(message).empty());
  EXPECT_EQ(events.count("relay.failed"), 0U);
}

TEST_F(RelayTest, RefusalsCountAgainstTheAccount) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  const auto to = refused_at(mx);
  start();
  submit({.to = to});
  ASSERT_TRUE(happens("hop.failed"));
  world.advance(1s);
  EXPECT_EQ(alices_sending(), directory::Sending::State::stopped);
}

// Whoever writes to an alias hasn't chosen where it leads.
TEST_F(RelayTest, RefusalsOfAnAliasDontCountAgainstWhoWroteToIt) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  const auto to = refused_at(mx);
  start();
  submit({.to = to, .change = [](queue::Message&, std::vector<queue::Recipient>& recipients) {
            for (auto& one : recipients) one.written_to = "customers@acorn.example";
          }});
  ASSERT_TRUE(happens("hop.failed"));
  world.advance(1s);
  EXPECT_EQ(alices_sending(), directory::Sending::State::enabled);
}

TEST_F(RelayTest, OurselvesUnderAnotherName) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  mx.server.session.host_name = address::Domain::parse("us.acorn.example").value();
  start();
  const auto message = submit({});
  ASSERT_TRUE(happens("hop.failed"));
  EXPECT_EQ(recipients(message).at(0).status, "5.4.6");
  EXPECT_TRUE(mx.envelopes.empty());
}

}  // namespace
}  // namespace letterlock::relay

#include "custody/custody.h"

#include "custody/fixture.h"
#include "custody/trace_again.h"

namespace letterlock::custody {
namespace {

using namespace std::chrono_literals;
using test::Fixture;

class CustodyTest : public Fixture {
 protected:
  static net::Task<> take_turn(Turns& turns, base::AccountId account,
                               std::shared_ptr<std::optional<base::Result<Turns::Turn>>> kept) {
    kept->emplace(co_await turns.wait_for(account));
  }
  static net::ResultTask<> refuse(store::Transaction&) {
    co_return base::fail(base::ErrorKind::conflict, "no");
  }
};

TEST_F(CustodyTest, QueueAndTraceAreOneChange) {
  const auto commits = store.commits();
  const auto id = accept(Mail());
  EXPECT_EQ(store.commits(), commits + 1);
  const auto entries = queued(birch);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].message.trace, id);
  EXPECT_EQ(entries[0].message.mail_from, "alice@acorn.example");
  EXPECT_EQ(entries[0].message.expires, entries[0].message.accepted + 5 * 24h);
  ASSERT_EQ(entries[0].recipients.size(), 1U);
  EXPECT_EQ(entries[0].recipients[0].lane, queue::Lane::local);
  const auto trace = trace_of(birch, id).value();
  ASSERT_EQ(trace.hops.size(), 1U);
  EXPECT_EQ(trace.hops[0].protection.level, hop::Level::encrypted);
  EXPECT_EQ(trace.hops[0].digest_out, entries[0].message.digest);
  EXPECT_EQ(trace.trace.subject, "Figures");
  EXPECT_EQ(store.holders(entries[0].message.blob).size(), 1U);
}

net::ResultTask<> forget_all(store::Transaction& tx, base::TenantId tenant, base::Time when) {
  CO_TRY(const auto expired, co_await trace::expire(tx, tenant, when));
  EXPECT_GT(expired.traces, 0U);
  co_return base::Result<>();
}

// The first is delivered, the second comes back.
net::ResultTask<> settle_two(store::Transaction& tx, queue::Message message, base::Time now) {
  std::vector<queue::Outcome> outcomes{
      {.index = 0, .step = queue::Step::deliver, .status = "2.0.0", .reply = "delivered"},
      {.index = 1, .step = queue::Step::fail, .status = "5.1.1", .reply = "550 no such user"}};
  CO_TRY(const auto settled, co_await queue::settle(tx, queue::Schedule(), message.tenant,
                                                    message.id, std::move(outcomes), {.now = now}));
  (void)settled;
  co_return base::Result<>();
}

// Held by an operator for longer than traces are kept.
TEST_F(CustodyTest, AMessageThatOutlivesItsTraceGetsItAnew) {
  const auto id = accept(Mail());
  const auto message = queued(birch).at(0).message;
  const auto again = [&] {
    return wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
      return begin_trace_again_if_gone(tx, message, world.clock().now(), std::chrono::days(90));
    }));
  };
  ASSERT_TRUE(again());
  EXPECT_EQ(trace_of(birch, id).value().trace.subject, "Figures");  // it was there: nothing changed
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return forget_all(tx, birch, world.clock().now() + std::chrono::days(100));
  })));
  ASSERT_FALSE(trace_of(birch, id));
  ASSERT_TRUE(again());
  const auto trace = trace_of(birch, id).value();
  EXPECT_EQ(trace.trace.mail_from, message.mail_from);
  EXPECT_EQ(trace.trace.digest, message.digest);
  EXPECT_EQ(trace.trace.accepted, message.accepted);
  EXPECT_GT(trace.trace.expires, world.clock().now() + std::chrono::days(80));
  ASSERT_EQ(trace.trace.recipients.size(), 1U);
  EXPECT_EQ(trace.trace.recipients[0].address, queued(birch).at(0).recipients[0].address);
  EXPECT_TRUE(trace.trace.recipients[0].hidden) << "whom the header named is forgotten";
  EXPECT_TRUE(trace.trace.from_outside);
  EXPECT_TRUE(trace.trace.begun_again);
}

// Those who went on before are known to the queue, though not how.
TEST_F(CustodyTest, ATraceBegunAgainKnowsWhoseWayHadEnded) {
  Mail mail;
  mail.to = {"bob@birch.example", "dave@old.example", "erin@old.example"};
  mail.owner = acorn;
  mail.account = alice.id;
  const auto id = accept(mail);
  const auto message = queued(acorn).at(0).message;
  const auto settled_at = world.clock().now() + 1min;
  world.advance(1min);
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return settle_two(tx, message, settled_at);
  })));
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return forget_all(tx, acorn, world.clock().now() + std::chrono::days(100));
  })));
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return begin_trace_again_if_gone(tx, message, world.clock().now(), std::chrono::days(90));
  })));
  using Kind = trace::Ending::Kind;
  auto ways = trace_of(acorn, id).value().ways;
  ASSERT_EQ(ways.size(), 3U);
  EXPECT_EQ(ways[0].ending, (trace::Ending{Kind::went_on, "2.0.0", settled_at}));
  EXPECT_FALSE(ways[0].came_back());
  EXPECT_EQ(ways[1].ending, (trace::Ending{Kind::bounced, "5.1.1", settled_at}));
  EXPECT_FALSE(ways[2].ending) << "it waits";
  // An alias's copies may wait elsewhere: an end that is recorded later counts.
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
    return trace::end(tx, acorn, id, {0, 1}, {Kind::removed, "", settled_at});
  })));
  ways = trace_of(acorn, id).value().ways;
  EXPECT_EQ(ways[0].ending->kind, Kind::removed);
  EXPECT_EQ(ways[1].ending->kind, Kind::bounced);
}

// A report's words came by the way of what it tells of.
TEST_F(CustodyTest, AReportBeginsWithTheWayOfWhatItTellsOf) {
  const auto made = [&](std::vector<hop::Hop> came_over) {
    auto report = reception_of(Mail());
    report.kind = hop::Kind::submission;
    report.owner = acorn;
    report.is_report = true;
    report.mail_from = "";
    for (auto& hop : came_over) hop.trace = report.trace;
    report.came_over = std::move(came_over);
    const auto id = report.trace;
    EXPECT_TRUE(accept(std::move(report), Mail().octets));
    return trace_of(acorn, id).value().hops;
  };
  hop::Hop way_in;
  way_in.kind = hop::Kind::relay;
  way_in.protection.level = hop::Level::clear;
  const auto hops = made({way_in});
  ASSERT_EQ(hops.size(), 2U);
  EXPECT_EQ(hops[0].kind, hop::Kind::relay);
  EXPECT_EQ(hops[0].number, 1U);
  EXPECT_EQ(hops[1].kind, hop::Kind::submission);
  EXPECT_EQ(hops[1].number, 2U);
  EXPECT_TRUE(made({}).empty()) << "no way in is claimed where it isn't known";
}

// Side by side they would all change the account's count of what it has sent, and the last ones
// would have tried in vain twenty times.
TEST_F(CustodyTest, ManyMessagesOfOneAccountAtOnceAreAllTaken) {
  constexpr std::size_t count = 60;
  Mail mail;
  mail.owner = acorn;
  mail.account = alice.id;
  std::vector<std::shared_ptr<std::optional<base::Result<Outcome>>>> outcomes;
  for (std::size_t i = 0; i < count; ++i) {
    auto content = content_of(mail.octets);
    const auto outcome =
        outcomes.emplace_back(std::make_shared<std::optional<base::Result<Outcome>>>());
    world.loop().spawn(
        keep<Outcome>(custody.accept(reception_of(mail), std::move(content)), outcome));
  }
  EXPECT_TRUE(world.run_until(
      [&] { return std::ranges::all_of(outcomes, [](const auto& o) { return o->has_value(); }); },
      1h));
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(*outcome && **outcome) << (**outcome).error().what;
    EXPECT_TRUE(std::holds_alternative<Accepted>(***outcome));
  }
  EXPECT_EQ(queued(acorn).size(), count);
}

// Whoever waits for a turn may go away; the row goes on behind.
TEST_F(CustodyTest, ACancelledTurnIsPassedOn) {
  Turns turns;
  using Kept = std::optional<base::Result<Turns::Turn>>;
  std::vector<std::shared_ptr<Kept>> row;
  std::vector<std::shared_ptr<net::Running>> running;
  for (int i = 0; i < 3; ++i) {
    const auto kept = row.emplace_back(std::make_shared<Kept>());
    running.push_back(world.loop().spawn(take_turn(turns, alice.id, kept)));
    world.loop().poll();
  }
  ASSERT_TRUE(row[0]->has_value());
  EXPECT_FALSE(row[1]->has_value());
  running[1]->cancel();
  world.loop().poll();
  ASSERT_TRUE(row[1]->has_value());
  EXPECT_FALSE(**row[1]);
  EXPECT_FALSE(row[2]->has_value());
  row[0]->reset();
  world.loop().poll();
  ASSERT_TRUE(row[2]->has_value());
  EXPECT_TRUE(**row[2]);
}

TEST_F(CustodyTest, WhatFailsInTheTransactionLeavesNothing) {
  auto reception = reception_of(Mail());
  reception.also = refuse;
  const auto trace = reception.trace;
  const auto outcome = accept(std::move(reception), "\r\nx\r\n");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, base::ErrorKind::conflict);
  EXPECT_TRUE(queued(birch).empty());
  EXPECT_FALSE(trace_of(birch, trace));
  EXPECT_EQ(store.unheld_blob_count(), 1U);
  store.sweep();
  EXPECT_EQ(store.blob_count(), 0U);
}

TEST_F(CustodyTest, TwoTenantsInOneMessageAreSplitUnderOneTrace) {
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"bob@birch.example", "alice@acorn.example"};
  const auto id = accept(mail);
  const auto for_birch = queued(birch);
  const auto for_acorn = queued(acorn);
  ASSERT_EQ(for_birch.size(), 1U);
  ASSERT_EQ(for_acorn.size(), 1U);
  EXPECT_NE(for_birch[0].message.id, for_acorn[0].message.id);
  EXPECT_EQ(store.blob_count(), 1U);
  EXPECT_EQ(store.holders(for_acorn[0].message.blob).size(), 2U);
  // Nobody learns of the other tenant's recipient.
  for (const auto& [tenant, address] :
       {std::pair{birch, "bob@birch.example"}, {acorn, "alice@acorn.example"}}) {
    const auto trace = trace_of(tenant, id).value();
    ASSERT_EQ(trace.trace.recipients.size(), 1U);
    EXPECT_EQ(trace.trace.recipients[0].address, address);
    // By one number both mean the same.
    EXPECT_EQ(trace.trace.recipients[0].index, tenant == birch ? 0U : 1U);
    EXPECT_EQ(trace.hops.at(0).recipients, std::vector{trace.trace.recipients[0].index});
  }
}

// Whom the header doesn't name (Bcc) the trace knows as hidden.
TEST_F(CustodyTest, RecipientsWhomTheHeaderHides) {
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"Bob@birch.example", "eve@birch.example"};
  const auto taken_from = [&](hop::Kind kind, std::optional<std::vector<std::string>> named) {
    auto reception = reception_of(mail);
    reception.kind = kind;
    const auto id = reception.trace;
    auto content = content_of(mail.octets);
    content.named = std::move(named);
    EXPECT_TRUE(wait(custody.accept(std::move(reception), std::move(content))));
    return trace_of(birch, id).value().trace;
  };
  const auto trace = taken_from(hop::Kind::relay, {{"bob@birch.example", "x@y.example"}});
  ASSERT_EQ(trace.recipients.size(), 2U);
  EXPECT_FALSE(trace.recipients[0].hidden);
  EXPECT_TRUE(trace.recipients[1].hidden);
  EXPECT_TRUE(trace.from_outside);
  const auto made_here = taken_from(hop::Kind::submission, std::nullopt);
  EXPECT_FALSE(made_here.recipients.at(1).hidden);
  EXPECT_FALSE(made_here.from_outside);
}

// Two parts, one change: what fails for the second hasn't happened to the first, so that the peer's
// next try is the only one.
TEST_F(CustodyTest, TwoTenantsHaveAMessageBothOrNeither) {
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"bob@birch.example", "alice@acorn.example"};
  const auto commits = store.commits();
  accept(mail);
  EXPECT_EQ(store.commits(), commits + 1);
  for (const auto happened : {store::Outcome::rolled_back, store::Outcome::applied}) {
    const auto before = queued(birch).size();
    store.fail_next_commit(base::ErrorKind::io, happened);
    EXPECT_FALSE(accept(reception_of(mail), mail.octets));
    EXPECT_EQ(queued(birch).size(), queued(acorn).size());
    EXPECT_EQ(queued(birch).size(), before + (happened == store::Outcome::applied ? 1 : 0));
  }
}

// Each tenant's own, whoever brought the mail; beside what it came with.
TEST_F(CustodyTest, WhatATenantRequiresIsRequiredOfAllItsMail) {
  require("birch.example", "level=encrypted", "the contract");
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"bob@birch.example", "alice@acorn.example"};
  accept(mail);
  const auto level = queued(birch).at(0).message.requirement.level;
  EXPECT_EQ(level.value, hop::Level::encrypted);
  EXPECT_EQ(level.source.name, "birch.example");
  EXPECT_EQ(level.source.reason, "the contract");
  EXPECT_EQ(queued(acorn).at(0).message.requirement, hop::Requirement());

  auto report = reception_of(Mail());
  report.owner = birch;
  report.is_report = true;
  report.mail_from = "";
  report.requirement.tls_version = {hop::TlsVersion::tls1_3,
                                    {hop::Source::Kind::sending_tenant, "acorn.example", ""}};
  const auto id = report.trace;
  ASSERT_TRUE(accept(std::move(report), mail.octets));
  for (const auto& entry : queued(birch)) {
    if (entry.message.trace != id) continue;
    EXPECT_EQ(entry.message.requirement.level.source.name, "birch.example");
    EXPECT_EQ(entry.message.requirement.tls_version.source.name, "acorn.example");
  }
}

// What was taken before keeps what it had; what is taken from now on has the new one.
TEST_F(CustodyTest, ARequirementIsThatOfTheMomentOfTaking) {
  // Entries stand in the order of their moments.
  accept(Mail());
  world.advance(1ms);
  require("birch.example", "level=encrypted");
  accept(Mail());
  world.advance(1ms);
  require("birch.example", "");
  accept(Mail());
  const auto entries = queued(birch);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].message.requirement.level.value, hop::Level::clear);
  EXPECT_EQ(entries[1].message.requirement.level.value, hop::Level::encrypted);
  EXPECT_EQ(entries[2].message.requirement.level.value, hop::Level::clear);
}

// A session may have taken its recipient before; a bounce of what it still has is its own.
TEST_F(CustodyTest, ATenantThatIsBeingRemovedTakesNothingButItsReports) {
  const Mail mail;
  auto begun = reception_of(mail);
  ASSERT_TRUE(wait(operations.remove_account(test::at("bob@birch.example"), "test")));
  ASSERT_TRUE(
      wait(operations.remove_domain(address::Domain::parse("birch.example").value(), "test")));
  const auto still = [](store::Transaction&, base::TenantId) -> net::ResultTask<std::string> {
    co_return "something";
  };
  EXPECT_EQ(wait(operations.remove_tenant("birch.example", still, "test")).error().kind,
            base::ErrorKind::denied);
  auto report = begun;
  const auto refused = accept(std::move(begun), mail.octets);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, base::ErrorKind::not_found);
  EXPECT_TRUE(queued(birch).empty());
  report.owner = birch;
  report.is_report = true;
  EXPECT_TRUE(accept(std::move(report), mail.octets));
  EXPECT_EQ(queued(birch).size(), 1U);
}

TEST_F(CustodyTest, ASubmissionIsTheSendersForEveryRecipient) {
  Mail mail;
  mail.to = {"bob@birch.example", "carol@modern.example"};
  mail.owner = acorn;
  mail.account = alice.id;
  accept(mail);
  EXPECT_TRUE(queued(birch).empty());
  const auto entries = queued(acorn);
  ASSERT_EQ(entries.size(), 1U);
  ASSERT_EQ(entries[0].recipients.size(), 2U);
  EXPECT_EQ(entries[0].recipients[0].lane, queue::Lane::local);
  EXPECT_EQ(entries[0].recipients[1].lane, queue::Lane::remote);
  EXPECT_EQ(entries[0].recipients[1].destination, "modern.example");
}

TEST_F(CustodyTest, ARecipientOfNobodyHereNeedsAnOwner) {
  Mail mail;
  mail.to = {"carol@modern.example"};
  const auto outcome = accept(reception_of(mail), mail.octets);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, base::ErrorKind::invalid);
}

TEST_F(CustodyTest, TheNullReversePathHasTheReportsLifetime) {
  Mail mail;
  mail.mail_from = "";
  accept(mail);
  const auto message = queued(birch).at(0).message;
  EXPECT_EQ(message.expires, message.accepted + 2 * 24h);
}

TEST_F(CustodyTest, WhoMayNotSendSoMuchGetsNothingQueued) {
  directory::TenantChange change;
  change.limits = {.per_hour = 2, .per_day = 3, .failed_per_day = 10};
  ASSERT_TRUE(wait(operations.set_tenant("acorn.example", change, "test")));
  Mail mail;
  mail.owner = acorn;
  mail.account = alice.id;
  accept(mail);
  accept(mail);
  const auto third = accept(reception_of(mail), mail.octets);
  ASSERT_TRUE(third);
  EXPECT_EQ(std::get<NotAllowed>(*third).outcome.kind, directory::SendingOutcome::Kind::over_hour);
  EXPECT_EQ(reply_for(third, {}).code, 452);
  EXPECT_EQ(queued(acorn).size(), 2U);
  EXPECT_EQ(store.unheld_blob_count(), 0U) << "what isn't taken takes no room";
  world.advance(61min);
  accept(mail);
  world.advance(61min);
  const auto over = accept(reception_of(mail), mail.octets);
  ASSERT_TRUE(over);
  EXPECT_TRUE(std::get<NotAllowed>(*over).outcome.stopped_now);
  EXPECT_EQ(reply_for(over, {}).code, 550);
  const auto stopped = wait(operations.show_account(test::at("alice@acorn.example"))).value();
  EXPECT_EQ(stopped.sending.state, directory::Sending::State::stopped);
  EXPECT_EQ(queued(acorn).size(), 3U);
}

TEST(Custody, Replies) {
  EXPECT_EQ(reply_for(base::Error{base::ErrorKind::full, ""}).code, 452);
  EXPECT_EQ(reply_for(base::Error{base::ErrorKind::full, ""}).status, (dsn::Status{4, 3, 1}));
  EXPECT_EQ(reply_for(base::Error{base::ErrorKind::io, "a secret"}).code, 451);
  EXPECT_EQ(reply_for(base::Error{base::ErrorKind::io, "a secret"}).text().find("secret"),
            std::string::npos);
  EXPECT_EQ(reply_for(queue::Refused{dsn::status::too_big, "x"}).code, 552);
  EXPECT_EQ(reply_for(queue::Refused{dsn::status::routing_loop, "x"}).code, 554);
  const auto id = base::TraceId::parse("01JD8X4K7QZ3M9000000000000").value();
  EXPECT_EQ(reply_for(Outcome(Accepted()), id).text(), "250 2.0.0 taken, trace " + id.text());
}

}  // namespace
}  // namespace letterlock::custody

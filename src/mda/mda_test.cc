// From the queue into mailboxes, in a simulated world.
#include "mda/fixture.h"
#include "queue/keys.h"

namespace letterlock::mda {
namespace {

using namespace std::chrono_literals;
using custody::test::at;
using queue::Notice;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MdaTest : public test::MdaTest {
 protected:
  static net::ResultTask<> put_dangling(store::Transaction& tx, base::TenantId tenant,
                                        address::Address address) {
    tx.put(directory::keys::entry(tenant, address),
           directory::encode(directory::Entry{directory::Entry::Kind::alias, {}}));
    co_return base::Result<>();
  }
  static net::ResultTask<> put_message(store::Transaction& tx, queue::Message message,
                                       std::vector<queue::Recipient> recipients) {
    tx.put(queue::keys::message(message.tenant, message.id), queue::pack(message, recipients));
    co_return base::Result<>();
  }
  // Its lifetime is over in an hour.
  void ends_soon(queue::Entry entry) {
    entry.message.expires = world.clock().now() + 1h;
    ASSERT_TRUE(wait(store.transact(store::Scope::tenant(entry.message.tenant), [&](auto& tx) {
      return put_message(tx, entry.message, entry.recipients);
    })));
  }
};

TEST_F(MdaTest, IntoTheMailbox) {
  Mail mail;
  mail.mail_from = "carol@modern.example";
  const auto id = accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), ElementsAre("Return-Path: <carol@modern.example>\r\n"
                                      "Delivered-To: bob@birch.example\r\n" +
                                      mail.octets));
  EXPECT_THAT(queued(birch), IsEmpty());
  const auto trace = trace_of(birch, id).value();
  ASSERT_THAT(trace.hops, SizeIs(2));
  EXPECT_EQ(trace.hops[1].kind, hop::Kind::delivery);
  EXPECT_EQ(trace.hops[1].protection.level, hop::Level::local);
  EXPECT_EQ(trace.hops[1].digest_in, trace.hops[0].digest_out);
  // Of the content behind the lines that the delivery has put in front of it.
  EXPECT_EQ(trace.hops[1].digest_out, base::to_hex(base::sha256(mail.octets)));
  EXPECT_EQ(trace.hops[1].changes, std::vector{hop::Change::trace_fields_added});
  EXPECT_EQ(events.count("mda.delivered"), 1U);
  EXPECT_TRUE(noticed.empty());
}

TEST_F(MdaTest, IntoAnotherTenantsMailboxTouchesNothingElseOfIt) {
  const auto before = store.contents();
  accept(from_alice("bob@birch.example"));
  settle();
  ASSERT_THAT(inbox(bob), SizeIs(1));
  std::set<std::string> rooms;
  for (const auto& [key, value] : store.contents()) {
    const auto was = before.find(key);
    if (was != before.end() && was->second == value) continue;
    if (key.starts_with("s/")) continue;  // leases
    const auto prefix = store::tenant_prefix(birch);
    if (key.starts_with(prefix)) rooms.insert(key.substr(prefix.size(), 1));
  }
  EXPECT_THAT(rooms, ElementsAre("m", "x")) << "the mailbox, and the trace that its fetches go on";
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_THAT(queued(birch), IsEmpty());
}

TEST_F(MdaTest, TheCopyInAnotherTenantNamesNobodyElse) {
  auto mail = from_alice("bob@birch.example");
  mail.to = {"alice@acorn.example", "bob@birch.example", "carol@modern.example"};
  const auto id = accept(mail);
  settle();
  const auto copy = trace_of(birch, id).value();
  ASSERT_THAT(copy.trace.recipients, SizeIs(1));
  EXPECT_EQ(copy.trace.recipients[0].address, "bob@birch.example");
  EXPECT_EQ(copy.trace.recipients[0].index, 1U);
  ASSERT_THAT(copy.hops, SizeIs(2)) << "the way in, without names, and the delivery";
  EXPECT_EQ(copy.hops[0].from.who, "");
  EXPECT_THAT(inbox(alice), SizeIs(1));
  EXPECT_THAT(addresses(queued(acorn).at(0)), testing::Contains("carol@modern.example"));
}

// An account gets a message once, however often the envelope names it.
TEST_F(MdaTest, Attack14OneDeliveryServesAllAddressesOfAnAccount) {
  set_account("bob@birch.example", {.add_addresses = {at("robert@birch.example")}});
  add_account("bob+x@birch.example");  // a name of its own, whatever it looks like
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"bob@birch.example",      "Bob@birch.example",   "bob+1@birch.example",
             "ROBERT+2@birch.example", "bob+x@birch.example", "nobody@birch.example"};
  auto reception = reception_of(mail);
  const auto id = reception.trace;
  ASSERT_TRUE(accept(std::move(reception), mail.octets));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(events.count("mda.delivered"), 2U);
  const auto trace = trace_of(birch, id).value();
  // The reception, bob's delivery and that of bob+x.
  ASSERT_THAT(trace.hops, SizeIs(3));
  EXPECT_THAT(trace.hops[1].recipients, ElementsAre(0U, 1U, 2U, 3U));
  EXPECT_THAT(trace.hops[2].recipients, ElementsAre(4U));
  for (const auto& way : trace.ways) EXPECT_THAT(way.hops, SizeIs(way.ending ? 1 : 2));
  const auto messages = ask<std::vector<mailbox::Message>>(
      birch, [&](store::Transaction& tx) { return inbox_in(tx, {birch, bob.id}); });
  EXPECT_THAT(messages->at(0).recipients, ElementsAre(0U, 1U, 2U, 3U));
  for (const auto& entry : queued(birch)) {
    for (const auto& one : entry.recipients)
      EXPECT_EQ(one.state,
                one.address.starts_with("nobody") ? queue::State::failed : queue::State::delivered);
  }
}

// Work, not only its result: a thousand addresses of one account are one read of the message.
TEST_F(MdaTest, AThousandAddressesAreOneDelivery) {
  Mail mail;
  mail.to.clear();
  for (int i = 0; i < 1000; ++i) mail.to.push_back("bob+" + std::to_string(i) + "@birch.example");
  accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(events.count("mda.delivered"), 1U);
  EXPECT_EQ(events.count("mda.delivered_before"), 0U);
  EXPECT_THAT(queued(birch), IsEmpty());
}

// Their own wishes make their records long: more than one transaction holds.
TEST_F(MdaTest, AThousandLongRecipientsAreOneDeliveryInParts) {
  auto reception = reception_of(Mail());
  reception.recipients.clear();
  for (int i = 0; i < 1000; ++i) {
    custody::Recipient one{at("bob+" + std::to_string(i) + "@birch.example"), {}, birch};
    one.params.original_recipient = "rfc822;" + std::string(450, 'b');
    one.params.notify = {.given = true, .success = true};
    reception.recipients.push_back(std::move(one));
  }
  ASSERT_TRUE(accept(std::move(reception), "Subject: x\r\n\r\nx\r\n"));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(events.count("mda.failed"), 0U);
  const auto entries = queued(birch);
  ASSERT_THAT(entries, SizeIs(1));
  for (const auto& one : entries[0].recipients) EXPECT_EQ(one.notice, Notice::delivered);
}

// Whatever one transaction reads of a message doesn't grow with its recipients.
TEST_F(MdaTest, TheWorkOfAMessageGrowsAsItsRecipientsDo) {
  Mail mail;
  mail.to.clear();
  for (int i = 0; i < 150; ++i) {
    mail.to.push_back("m" + std::to_string(i) + "@birch.example");
    add_account(mail.to.back());
  }
  accept(mail);
  count_work();
  settle();
  EXPECT_EQ(events.count("mda.delivered"), 150U);
  EXPECT_EQ(events.count("mda.failed"), 0U);
  EXPECT_LE(work.messages_read, 2U) << "once a job";
  EXPECT_LE(work.keys_read, 150U * 30);
  EXPECT_LE(work.transactions, 150U + 20);
}

// A directory that leads to what isn't there: it doesn't pass by itself.
TEST_F(MdaTest, AnErrorThatLastsIsOneRecipientsAloneAndIsTold) {
  ASSERT_TRUE(wait(store.transact(store::Scope::tenant(birch), [&](store::Transaction& tx) {
    return put_dangling(tx, birch, at("broken@birch.example"));
  })));
  auto mail = from_alice("broken@birch.example");
  mail.to.emplace_back("bob@birch.example");
  mail.notify = {.given = true, .failure = true, .delay = true};
  const auto id = accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1)) << "her neighbour's trouble isn't his";
  EXPECT_GE(events.count("mda.failed"), 1U);
  world.advance(5h);
  auto broken = queued(acorn).at(0).recipients.at(0);
  EXPECT_EQ(broken.state, queue::State::waiting);
  EXPECT_GT(broken.attempts, 5U);
  EXPECT_LT(broken.attempts, 20U);
  EXPECT_EQ(broken.notice, Notice::delayed);
  ends_soon(queued(acorn).at(0));
  world.advance(5h);
  broken = queued(acorn).at(0).recipients.at(0);
  EXPECT_EQ(broken.state, queue::State::failed);
  EXPECT_EQ(broken.status, "4.4.7");
  EXPECT_EQ(broken.notice, Notice::failed);
  EXPECT_THAT(broken.reply, HasSubstr("trouble on this platform"));
  EXPECT_TRUE(noticed.contains(acorn));
  const auto trace = trace_of(acorn, id).value();
  ASSERT_TRUE(trace.ways.at(0).ending);
  EXPECT_EQ(trace.ways[0].ending->status, "4.4.7");
}

TEST_F(MdaTest, AFullMailboxComesBack) {
  add_account("eve@birch.example", directory::Accepts::any, 100);
  const auto id = accept(from_alice("eve@birch.example"));
  settle();
  const auto recipient = failed(acorn);
  EXPECT_EQ(recipient.status, "5.2.2");
  EXPECT_TRUE(noticed.contains(acorn));
  const auto trace = trace_of(acorn, id).value();
  ASSERT_TRUE(trace.ways.at(0).ending);
  EXPECT_EQ(trace.ways[0].ending->kind, trace::Ending::Kind::bounced);
  EXPECT_EQ(events.count("mda.mailbox_full"), 1U);
}

TEST_F(MdaTest, AnAccountThatWasRemovedComesBack) {
  auto mail = from_alice("bob@birch.example");
  auto reception = reception_of(mail);
  ASSERT_TRUE(wait(operations.remove_account(at("bob@birch.example"), "test")));
  ASSERT_TRUE(accept(std::move(reception), mail.octets));
  settle();
  EXPECT_EQ(failed(acorn).status, "5.1.1");
}

TEST_F(MdaTest, AnAccountBeingRemovedIsTriedAgain) {
  mailbox::Owner owner{bob.tenant, bob.id};
  accept(from_alice("bob@birch.example"));
  settle();
  // The first batch of a removal: from then on the mailbox takes nothing.
  EXPECT_TRUE(wait(store.transact(store::Scope::tenant(birch),
                                  [&](store::Transaction& tx) { return remove_some(tx, owner); })));
  accept(from_alice("bob@birch.example"));
  settle();
  EXPECT_GE(events.count("mda.failed"), 1U);
  EXPECT_THAT(queued(acorn), SizeIs(1));
  ASSERT_TRUE(wait(operations.remove_account(at("bob@birch.example"), "test")));
  world.advance(5min);
  EXPECT_EQ(failed(acorn).status, "5.1.1");
}

TEST_F(MdaTest, AStoreThatFailsCostsNothing) {
  store.fail_next_commit(base::ErrorKind::io);
  // The first commit is the acceptance's.
  EXPECT_FALSE(accept(reception_of(Mail()), "\r\nx\r\n"));
  accept(Mail());
  store.fail_next_commit(base::ErrorKind::io);
  settle();
  world.advance(2min);
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(queued(birch), IsEmpty());
}

TEST_F(MdaTest, SuccessIsToldToWhomAskedForIt) {
  auto mail = from_alice("bob@birch.example");
  mail.notify = {.given = true, .success = true};
  accept(mail);
  settle();
  const auto entries = queued(acorn);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].recipients.at(0).notice, Notice::delivered);
  EXPECT_TRUE(noticed.contains(acorn));
}

}  // namespace
}  // namespace letterlock::mda

// From the queue into mailboxes, in a simulated world.
#include "mda/mda.h"

#include "custody/fixture.h"
#include "mailbox/mailbox.h"

namespace letterlock::mda {
namespace {

using namespace std::chrono_literals;
using custody::test::at;
using queue::Notice;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class MdaTest : public custody::test::Fixture {
 protected:
  MdaTest() {
    mda.emplace(
        Ports{store, directory, dispatcher, leases, world.loop(), world.timers(), world.clock(),
              world.random(), events, [this](base::TenantId tenant) { noticed.insert(tenant); }},
        Options{"dublin-1", {}});
    run_queue();
    run(mda->run());
  }
  ~MdaTest() override { stop(); }

  void add_alias(std::string_view address, const std::vector<std::string>& targets) {
    directory::Alias alias{at(address), {}, {}};
    for (const auto& target : targets) alias.targets.push_back(at(target));
    ASSERT_TRUE(wait(operations.add_alias(std::move(alias), "test")));
  }
  void add_group(std::string_view address, const std::vector<std::string>& members) {
    directory::Group group{at(address), {}, "All", {}};
    for (const auto& member : members) group.members.push_back(at(member));
    ASSERT_TRUE(wait(operations.add_group(std::move(group), "test")));
  }
  // What lies in an account's INBOX, prefix and blob.
  static net::ResultTask<std::vector<mailbox::Message>> inbox_in(store::Transaction& tx,
                                                                 mailbox::Owner owner) {
    CO_TRY(const auto inbox, co_await mailbox::find(tx, owner, std::string(mailbox::inbox)));
    co_return co_await mailbox::list(tx, inbox.place, 1, mailbox::page_max);
  }
  std::vector<std::string> inbox(const directory::Account& account) {
    const auto messages = ask<std::vector<mailbox::Message>>(
        account.tenant,
        [&](store::Transaction& tx) { return inbox_in(tx, {account.tenant, account.id}); });
    std::vector<std::string> out;
    if (!messages) return out;
    for (const auto& message : *messages) out.push_back(message.prefix + octets_of(message.blob));
    return out;
  }
  // Whatever is to happen within a minute has happened.
  void settle() { world.advance(1min); }

  // Of alice's, as a submission of hers.
  Mail from_alice(const std::string& to) {
    Mail mail;
    mail.to = {to};
    mail.owner = acorn;
    mail.account = alice.id;
    return mail;
  }
  static std::vector<std::string> addresses(const queue::Entry& entry) {
    std::vector<std::string> out;
    for (const auto& recipient : entry.recipients) out.push_back(recipient.address);
    return out;
  }
  // The one recipient that waits to be told of in this tenant.
  queue::Recipient failed(const base::TenantId& tenant) {
    const auto entries = queued(tenant);
    EXPECT_THAT(entries, SizeIs(1));
    if (entries.size() != 1 || entries[0].recipients.size() != 1) return {};
    EXPECT_EQ(entries[0].recipients[0].notice, Notice::failed);
    EXPECT_EQ(entries[0].recipients[0].state, queue::State::failed);
    return entries[0].recipients[0];
  }

  static net::ResultTask<> remove_some(store::Transaction& tx, mailbox::Owner owner) {
    CO_TRY(const auto left, co_await mailbox::remove_account(tx, owner, 1));
    EXPECT_EQ(left, mailbox::Left::more);
    co_return base::Result<>();
  }

  std::optional<Mda> mda;
  std::set<base::TenantId> noticed;
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
  EXPECT_EQ(trace.hops[1].digest_out, base::to_hex(base::sha256(inbox(bob)[0])));
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
  ASSERT_THAT(copy.hops, SizeIs(1));
  EXPECT_THAT(inbox(alice), SizeIs(1));
  EXPECT_THAT(addresses(queued(acorn).at(0)), testing::Contains("carol@modern.example"));
}

TEST_F(MdaTest, AnAliasToOne) {
  add_alias("sales@birch.example", {"bob@birch.example"});
  const auto id = accept(from_alice("sales@birch.example"));
  settle();
  ASSERT_THAT(inbox(bob), SizeIs(1));
  EXPECT_TRUE(inbox(bob)[0].starts_with("Return-Path: <alice@acorn.example>\r\n"));
  EXPECT_THAT(queued(acorn), IsEmpty());
  const auto trace = trace_of(acorn, id).value();
  ASSERT_THAT(trace.hops, SizeIs(3));
  EXPECT_EQ(trace.hops[1].changes, std::vector{hop::Change::expanded});
  EXPECT_EQ(trace.hops[2].kind, hop::Kind::delivery);
}

TEST_F(MdaTest, AnAliasToManyHereAndElsewhere) {
  add_alias("sales@birch.example",
            {"bob@birch.example", "alice@acorn.example", "dave@old.example"});
  accept(from_alice("sales@birch.example"));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(inbox(alice), SizeIs(1));
  const auto entries = queued(acorn);
  ASSERT_THAT(entries, SizeIs(1));
  const auto waiting =
      std::ranges::find(entries[0].recipients, "dave@old.example", &queue::Recipient::address);
  ASSERT_NE(waiting, entries[0].recipients.end());
  EXPECT_EQ(waiting->state, queue::State::waiting);
  EXPECT_EQ(waiting->lane, queue::Lane::remote);
  EXPECT_EQ(waiting->destination, "old.example");
}

TEST_F(MdaTest, AnAliasWithATargetThatIsGoneStillSaysSo) {
  add_account("gone@birch.example");
  add_alias("sales@birch.example", {"bob@birch.example", "gone@birch.example"});
  ASSERT_TRUE(wait(operations.remove_account(at("gone@birch.example"), "test")));
  accept(from_alice("sales@birch.example"));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  const auto entries = queued(acorn);
  ASSERT_THAT(entries, SizeIs(1));
  const auto lost =
      std::ranges::find(entries[0].recipients, "gone@birch.example", &queue::Recipient::address);
  ASSERT_NE(lost, entries[0].recipients.end());
  EXPECT_EQ(lost->notice, Notice::failed);
  EXPECT_EQ(lost->status, "5.1.1");
}

TEST_F(MdaTest, AliasesThatLeadToEachOtherEnd) {
  add_alias("one@birch.example", {"two@birch.example"});
  add_alias("two@birch.example", {"one@birch.example"});
  accept(from_alice("one@birch.example"));
  settle();
  EXPECT_EQ(failed(acorn).status, "5.4.6");
  EXPECT_EQ(events.count("mda.undeliverable"), 1U);
}

TEST_F(MdaTest, MembersOfAGroupAreNobodysBusiness) {
  add_account("eve@birch.example");
  add_group("all@birch.example", {"bob@birch.example", "eve@birch.example", "dave@old.example"});
  auto mail = from_alice("all@birch.example");
  mail.params.envid = "alice's own";
  mail.notify = dsn::Notify::never();
  const auto id = accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(inbox(bob)[0], HasSubstr("Return-Path: <postmaster@birch.example>"));
  // The sender's trace ends at the group.
  const auto sent = trace_of(acorn, id).value();
  ASSERT_THAT(sent.hops, SizeIs(2));
  EXPECT_EQ(sent.hops[1].changes, std::vector{hop::Change::expanded});
  for (const auto& [key, value] : store.contents()) {
    if (!key.starts_with(store::tenant_prefix(acorn))) continue;
    for (const auto* member : {"bob@", "eve@", "dave@"}) EXPECT_FALSE(value.contains(member));
  }
  EXPECT_THAT(queued(acorn), IsEmpty());
  // What is left to do is birch's, and what fails is told to whoever keeps the list.
  const auto entries = queued(birch);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].message.mail_from, "postmaster@birch.example");
  EXPECT_TRUE(entries[0].message.account.is_nil());
  // RFC 3461 §5.2.7.3: what the writer wishes to hear is not what the list's keeper does.
  EXPECT_EQ(entries[0].message.params, dsn::MailParams());
  ASSERT_FALSE(entries[0].recipients.empty());
  for (const auto& recipient : entries[0].recipients)
    EXPECT_EQ(recipient.params, dsn::RcptParams());
  EXPECT_NE(entries[0].message.trace, id);
  const auto inside = trace_of(birch, entries[0].message.trace).value();
  EXPECT_THAT(inside.trace.recipients, SizeIs(3));
}

// A group of another tenant, with members there alone: once they have it, nobody else holds the
// content any more, the sender's tenant and the group's queue included.
TEST_F(MdaTest, AGroupOfAnotherTenantLeavesNoContentBehind) {
  add_group("all@birch.example", {"bob@birch.example"});
  accept(from_alice("all@birch.example"));
  settle();
  EXPECT_TRUE(queued(acorn).empty());
  EXPECT_TRUE(queued(birch).empty());
  ASSERT_EQ(inbox(bob).size(), 1U);
  ASSERT_EQ(store.blob_count(), 1U);
  const auto kept = ask<std::vector<mailbox::Message>>(
      birch, [&](store::Transaction& tx) { return inbox_in(tx, {birch, bob.id}); });
  EXPECT_EQ(store.holders(kept->front().blob).size(), 1U);
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
  world.advance(2min);
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

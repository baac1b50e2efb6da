// Aliases and groups: to whom mail goes on, whose it is then, what is required of it, who is told.
#include "mda/fixture.h"

namespace letterlock::mda {
namespace {

using namespace std::chrono_literals;
using custody::test::at;
using queue::Notice;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

class ExpandTest : public test::MdaTest {
 protected:
  // From outside, of nobody here.
  Mail from_outside(const std::vector<std::string>& to) {
    Mail mail;
    mail.mail_from = "carol@modern.example";
    mail.to = to;
    return mail;
  }
  // The one message that waits in this tenant.
  queue::Entry only(const base::TenantId& tenant) {
    const auto entries = queued(tenant);
    EXPECT_THAT(entries, SizeIs(1));
    return entries.empty() ? queue::Entry() : entries[0];
  }
  static const queue::Recipient& recipient(const queue::Entry& entry, std::string_view address) {
    static const queue::Recipient none;
    const auto at = std::ranges::find(entry.recipients, address, &queue::Recipient::address);
    EXPECT_NE(at, entry.recipients.end()) << address;
    return at == entry.recipients.end() ? none : *at;
  }
  // Nothing of a tenant's rows names any of these.
  void names_nobody_of(const base::TenantId& tenant, std::initializer_list<std::string_view> who) {
    for (const auto& [key, value] : store.contents()) {
      const auto prefix = store::tenant_prefix(tenant);
      if (!key.starts_with(prefix) || key.substr(prefix.size()).starts_with("d/")) continue;
      for (const auto name : who) {
        EXPECT_THAT(value, Not(HasSubstr(std::string(name)))) << key.substr(prefix.size(), 4);
        EXPECT_THAT(key, Not(HasSubstr(std::string(name))));
      }
    }
  }
};

// ---- aliases ----

TEST_F(ExpandTest, AnAliasOfTheSameTenantGoesOnUnderItsTrace) {
  add_alias("sales@birch.example", {"bob@birch.example"});
  const auto id = accept(from_outside({"sales@birch.example"}));
  settle();
  ASSERT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(
      inbox(bob)[0],
      StartsWith("Return-Path: <carol@modern.example>\r\nDelivered-To: bob@birch.example\r\n"
                 "Delivered-To: sales@birch.example\r\n"));
  EXPECT_THAT(queued(birch), IsEmpty());
  const auto trace = trace_of(birch, id).value();
  ASSERT_THAT(trace.hops, SizeIs(3));
  EXPECT_EQ(trace.hops[1].kind, hop::Kind::expansion);
  EXPECT_EQ(trace.hops[1].to.role, hop::End::Role::alias);
  EXPECT_THAT(trace.hops[1].changes,
              ElementsAre(hop::Change::expanded, hop::Change::trace_fields_added));
  EXPECT_EQ(trace.hops[2].kind, hop::Kind::delivery);
  // Neighbours' digests meet, and the last is of what lies there.
  EXPECT_EQ(trace.hops[1].digest_in, trace.hops[0].digest_out);
  EXPECT_EQ(trace.hops[2].digest_in, trace.hops[1].digest_out);
  const auto content = inbox(bob)[0].substr(inbox(bob)[0].find("Delivered-To: sales"));
  EXPECT_EQ(trace.hops[2].digest_out, base::to_hex(base::sha256(content)));
}

// Where it leads is its owner's business: beyond it there is another message, in its tenant.
TEST_F(ExpandTest, AnAliasOfAnotherTenantShowsNobodyWhereItLeads) {
  add_account("eve@birch.example");
  add_alias("sales@birch.example", {"eve@birch.example", "dave@old.example"});
  auto mail = from_alice("sales@birch.example");
  mail.params.envid = "alice's own";
  const auto id = accept(mail);
  settle();
  EXPECT_THAT(queued(acorn), IsEmpty());
  const auto sent = trace_of(acorn, id).value();
  ASSERT_THAT(sent.hops, SizeIs(2));
  EXPECT_EQ(sent.hops[1].changes.front(), hop::Change::expanded);
  names_nobody_of(acorn, {"eve@", "dave@", "old.example"});
  const auto entry = only(birch);
  EXPECT_EQ(entry.message.mail_from, "alice@acorn.example") << "failures are told to who wrote";
  EXPECT_EQ(entry.message.params.envid, "alice's own");
  EXPECT_TRUE(entry.message.account.is_nil());
  EXPECT_NE(entry.message.trace, id);
  const auto& dave = recipient(entry, "dave@old.example");
  EXPECT_EQ(dave.state, queue::State::waiting);
  EXPECT_EQ(dave.lane, queue::Lane::remote);
  EXPECT_EQ(dave.destination, "old.example");
  EXPECT_EQ(dave.written_to, "sales@birch.example");
  EXPECT_FALSE(dave.is_alone);
  EXPECT_EQ(dave.params.original_recipient, "rfc822;sales@birch.example");
  // Each trace knows the other, and the inner one how the message came, without names.
  EXPECT_EQ(sent.hops[1].to.role, hop::End::Role::list);
  ASSERT_THAT(sent.links, SizeIs(1));
  EXPECT_EQ(sent.links[0].relation, trace::Link::Relation::expanded_into);
  EXPECT_EQ(sent.links[0].trace, entry.message.trace);
  EXPECT_EQ(sent.links[0].name, "sales@birch.example");
  const auto inside = trace_of(birch, entry.message.trace).value();
  EXPECT_THAT(inside.trace.recipients, SizeIs(2));
  ASSERT_THAT(inside.links, SizeIs(1));
  EXPECT_EQ(inside.links[0].relation, trace::Link::Relation::expanded_from);
  EXPECT_EQ(inside.links[0].trace, id);
  ASSERT_GE(inside.hops.size(), 2U);
  EXPECT_EQ(inside.hops[0].kind, hop::Kind::relay);
  EXPECT_EQ(inside.hops[0].protection.level, hop::Level::encrypted);
  EXPECT_EQ(inside.hops[0].from.address, "");
  EXPECT_EQ(inside.hops[1].kind, hop::Kind::expansion);
  EXPECT_EQ(inside.hops[1].to.role, hop::End::Role::alias);
}

TEST_F(ExpandTest, WhatTheWriterNamedStaysThroughAChain) {
  add_alias("second@birch.example", {"dave@old.example"});
  add_alias("first@birch.example", {"second@birch.example"});
  auto reception = reception_of(from_outside({"first@birch.example"}));
  reception.recipients[0].params.original_recipient = "rfc822;carols-friend@modern.example";
  reception.recipients[0].params.notify = {.given = true, .success = true, .failure = true};
  ASSERT_TRUE(accept(std::move(reception), "Subject: x\r\n\r\nx\r\n"));
  settle();
  std::vector<Notice> notices;
  for (const auto& entry : queued(birch)) {
    for (const auto& one : entry.recipients) {
      notices.push_back(one.notice);
      if (one.address != "dave@old.example") continue;
      EXPECT_EQ(one.written_to, "first@birch.example");
      EXPECT_TRUE(one.is_alone);
      EXPECT_EQ(one.params.original_recipient, "rfc822;carols-friend@modern.example");
      // RFC 3461 §5.2.7.1: the success was told at the first alias, of its address.
      EXPECT_FALSE(one.params.notify.success);
      EXPECT_TRUE(one.params.notify.failure);
    }
  }
  EXPECT_THAT(notices, UnorderedElementsAre(Notice::expanded, Notice::none));
}

TEST_F(ExpandTest, AnAliasWithATargetThatIsGoneStillSaysSo) {
  add_account("gone@birch.example");
  add_alias("sales@birch.example", {"bob@birch.example", "gone@birch.example"});
  ASSERT_TRUE(wait(operations.remove_account(at("gone@birch.example"), "test")));
  accept(from_alice("sales@birch.example"));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  const auto lost = recipient(only(birch), "gone@birch.example");
  EXPECT_EQ(lost.notice, Notice::failed);
  EXPECT_EQ(lost.status, "5.1.1");
  EXPECT_EQ(lost.written_to, "sales@birch.example");
  EXPECT_TRUE(noticed.contains(birch));
}

TEST_F(ExpandTest, AliasesThatLeadToEachOtherEnd) {
  put_list(List::alias, "one@birch.example", {"two@birch.example"});
  put_list(List::alias, "two@birch.example", {"one@birch.example"});
  accept(from_alice("one@birch.example"));
  settle();
  EXPECT_EQ(failed(acorn).status, "5.4.6");
  EXPECT_EQ(events.count("mda.undeliverable"), 1U);
}

// Nobody is forgotten: those in the circle have it once, and it ends.
TEST_F(ExpandTest, ACircleWithSomebodyInItServesEachOnce) {
  put_list(List::alias, "one@birch.example", {"two@acorn.example", "bob@birch.example"});
  put_list(List::group, "two@acorn.example", {"three@birch.example", "alice@acorn.example"});
  put_list(List::alias, "three@birch.example", {"one@birch.example", "bob+3@birch.example"});
  accept(from_outside({"one@birch.example"}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(inbox(alice), SizeIs(1));
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_THAT(queued(birch), IsEmpty());
  EXPECT_EQ(events.count("mda.undeliverable"), 0U);
}

std::string chained(int i) {
  return "c" + std::to_string(i) + "@birch.example";
}

// Behind ten steps the rest was dropped, and log and trace said success.
TEST_F(ExpandTest, WhatLiesTooDeepIsToldBesideWhatArrives) {
  put_list(List::alias, chained(1), {"bob@birch.example"});
  for (int i = 2; i <= 11; ++i) put_list(List::alias, chained(i), {chained(i - 1)});
  put_list(List::alias, "mixed@birch.example", {chained(10), "bob+side@birch.example"});
  accept(from_outside({"mixed@birch.example"}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  const auto entry = only(birch);
  ASSERT_THAT(entry.recipients, SizeIs(1));
  EXPECT_EQ(entry.recipients[0].address, chained(1));
  EXPECT_EQ(entry.recipients[0].status, "5.4.6");
  EXPECT_EQ(entry.recipients[0].notice, Notice::failed);
  EXPECT_EQ(entry.recipients[0].address_written_to(), "mixed@birch.example");
}

TEST_F(ExpandTest, TenStepsAreTakenAndElevenFail) {
  put_list(List::alias, chained(1), {"bob@birch.example"});
  for (int i = 2; i <= 11; ++i) put_list(List::alias, chained(i), {chained(i - 1)});
  accept(from_outside({chained(10)}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(queued(birch), IsEmpty());
  accept(from_outside({chained(11)}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  const auto entry = only(birch);
  EXPECT_EQ(entry.recipients[0].status, "5.4.6");
  EXPECT_EQ(entry.recipients[0].notice, Notice::failed);
}

// Mail that leaves by an alias and comes back: known by the line that the alias has put in front.
TEST_F(ExpandTest, Attack14WhatComesBackToAnAliasEnds) {
  add_alias("away@birch.example", {"dave@old.example", "dora@old.example"});
  accept(from_outside({"away@birch.example"}));
  settle();
  const auto out = only(birch);
  EXPECT_EQ(out.message.prefix, "Delivered-To: away@birch.example\r\n");
  Mail again = from_outside({"away@birch.example"});
  again.octets = "Received: from old.example\r\nDelivered-To: dave@old.example\r\n" +
                 out.message.prefix + octets_of(out.message.blob);
  const auto id = accept(again);
  settle();
  const auto entries = queued(birch);
  const auto back =
      std::ranges::find_if(entries, [&](const auto& entry) { return entry.message.trace == id; });
  ASSERT_NE(back, entries.end());
  EXPECT_EQ(back->recipients[0].state, queue::State::failed);
  EXPECT_EQ(back->recipients[0].status, "5.4.6");
  EXPECT_EQ(back->recipients[0].notice, Notice::failed);
  EXPECT_THAT(entries, SizeIs(2)) << "nothing went out a second time";
}

// ---- groups ----

TEST_F(ExpandTest, MembersOfAGroupAreNobodysBusiness) {
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
  EXPECT_EQ(sent.hops[1].changes.front(), hop::Change::expanded);
  names_nobody_of(acorn, {"bob@", "eve@", "dave@"});
  EXPECT_THAT(queued(acorn), IsEmpty());
  // What is left to do is birch's, and what fails is told to whoever keeps the list.
  const auto entry = only(birch);
  EXPECT_EQ(entry.message.mail_from, "postmaster@birch.example");
  EXPECT_TRUE(entry.message.account.is_nil());
  // RFC 3461 §5.2.7.3: what the writer wishes to hear is not what the list's keeper does.
  EXPECT_EQ(entry.message.params, dsn::MailParams());
  for (const auto& one : entry.recipients) EXPECT_EQ(one.params, dsn::RcptParams());
  EXPECT_NE(entry.message.trace, id);
  EXPECT_THAT(trace_of(birch, entry.message.trace)->trace.recipients, SizeIs(3));
}

// A group of another tenant, with members there alone: once they have it, nobody else holds the
// content any more, the sender's tenant and the group's queue included.
TEST_F(ExpandTest, AGroupOfAnotherTenantLeavesNoContentBehind) {
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

// acorn's alias leads to birch's group, which has one of cedar's in it.
TEST_F(ExpandTest, EachListsMembersStandInItsOwnTenantAlone) {
  const auto cedar = add_tenant("cedar.example");
  add_account("cora@cedar.example");
  add_group("all@cedar.example", {"cora@cedar.example", "dave@old.example"});
  add_group("all@birch.example", {"bob@birch.example", "all@cedar.example", "dora@old.example"});
  add_alias("friends@acorn.example", {"all@birch.example"});
  accept(from_alice("friends@acorn.example"));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  names_nobody_of(acorn, {"bob@", "cora@", "dave@", "dora@", "cedar"});
  names_nobody_of(birch, {"cora@", "dave@"});
  names_nobody_of(cedar, {"bob@", "dora@"});
  EXPECT_EQ(only(birch).message.mail_from, "postmaster@birch.example");
  EXPECT_EQ(only(cedar).message.mail_from, "postmaster@cedar.example");
  // Each of them begins with the way in, however many lists lie between.
  for (const auto& tenant : {birch, cedar}) {
    const auto trace = trace_of(tenant, only(tenant).message.trace).value();
    ASSERT_FALSE(trace.hops.empty());
    EXPECT_EQ(trace.hops[0].kind, hop::Kind::relay);
    EXPECT_EQ(trace.hops[0].protection.level, hop::Level::encrypted);
  }
}

TEST_F(ExpandTest, Attack14TheNullReversePathStaysNull) {
  add_account("gone@birch.example");
  set_account("gone@birch.example", {.state = directory::Account::State::suspended});
  add_group("inner@birch.example", {"gone@birch.example", "bob@birch.example"});
  add_alias("way@acorn.example", {"inner@birch.example"});
  add_group("postmaster@birch.example", {"gone@birch.example", "way@acorn.example"});
  auto mail = from_outside({"postmaster@birch.example"});
  mail.mail_from = "";
  accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(inbox(bob)[0], StartsWith("Return-Path: <>\r\n"));
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_THAT(queued(birch), IsEmpty()) << "nobody is told of what came from nobody";
  EXPECT_TRUE(noticed.empty());
  EXPECT_EQ(events.count("mda.undeliverable"), 2U) << "the log says it all the same";
}

TEST_F(ExpandTest, AReportThatAGroupTakesOnStaysAReport) {
  add_group("all@birch.example", {"dave@old.example"});
  auto reception = reception_of(from_outside({"all@birch.example"}));
  reception.mail_from = "";
  reception.is_report = true;
  ASSERT_TRUE(accept(std::move(reception), "Subject: x\r\n\r\nx\r\n"));
  settle();
  EXPECT_TRUE(only(birch).message.is_report);
  EXPECT_EQ(only(birch).message.mail_from, "");
}

// ---- once ----

TEST_F(ExpandTest, AnAccountHasItOnceHoweverManyWaysLeadToIt) {
  add_alias("sales@birch.example", {"bob@birch.example"});
  add_group("all@birch.example", {"bob+list@birch.example", "sales@birch.example"});
  add_alias("friends@acorn.example", {"bob@birch.example", "alice@acorn.example"});
  accept(from_outside(
      {"bob@birch.example", "sales@birch.example", "all@birch.example", "friends@acorn.example"}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(inbox(alice), SizeIs(1));
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_THAT(queued(birch), IsEmpty());
  // Another message is another one, with the same content.
  accept(from_outside({"sales@birch.example"}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(2));
}

// What this way ends in isn't told by its trace: like a list, beyond which it sees nothing.
TEST_F(ExpandTest, TheOtherWayIsNamedAsOne) {
  add_group("all@birch.example", {"bob@birch.example"});
  const auto id = accept(from_outside({"all@birch.example", "bob@birch.example"}));
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(events.count("mda.delivered_before"), 1U);
  EXPECT_TRUE(trace_of(birch, id));
}

// Full for one copy, the mailbox has room for the next: what wasn't kept doesn't count as kept.
TEST_F(ExpandTest, AMailboxThatWasFullIsNotServed) {
  const auto eve = add_account("eve@birch.example", directory::Accepts::any, 100);
  add_alias("sales@birch.example", {"eve@birch.example"});
  accept(from_outside({"eve@birch.example", "sales@birch.example"}));
  settle();
  EXPECT_THAT(inbox(eve), IsEmpty());
  EXPECT_EQ(events.count("mda.mailbox_full"), 2U);
  EXPECT_EQ(events.count("mda.delivered_before"), 0U);
}

// ---- requirements ----

constexpr auto sentence = "level=encrypted";

// Of the copy that goes to dave: who asks that it be encrypted; empty: nobody.
std::string asked_by(const queue::Entry& entry) {
  const auto& level = entry.message.requirement.level;
  if (level.value == hop::Level::clear) return "";
  EXPECT_EQ(level.value, hop::Level::encrypted);
  return level.source.name + ": " + level.source.reason;
}

TEST_F(ExpandTest, WhatLeavesByAnAliasLeavesAsItsTenantRequires) {
  require("birch.example", sentence, "the contract");
  add_alias("away@birch.example", {"dave@old.example"});
  accept(from_outside({"away@birch.example"}));
  settle();
  EXPECT_EQ(asked_by(only(birch)), "birch.example: the contract");
}

TEST_F(ExpandTest, WhatLeavesByAnotherTenantsAliasLeavesAsBothRequire) {
  require("birch.example", "level=encrypted", "the contract");
  require("acorn.example", "tls=1.3", "the law");
  add_alias("away@birch.example", {"dave@old.example"});
  accept(from_alice("away@birch.example"));
  settle();
  const auto entry = only(birch);
  EXPECT_EQ(asked_by(entry), "birch.example: the contract");
  EXPECT_EQ(entry.message.requirement.tls_version.value, hop::TlsVersion::tls1_3);
  EXPECT_EQ(entry.message.requirement.tls_version.source.name, "acorn.example");
  EXPECT_EQ(entry.message.requirement.tls_version.source.reason, "") << "that is acorn's own";
}

TEST_F(ExpandTest, WhatLeavesByAGroupLeavesAsItsTenantRequires) {
  require("birch.example", sentence, "the contract");
  add_group("all@birch.example", {"dave@old.example"});
  accept(from_alice("all@birch.example"));
  settle();
  EXPECT_EQ(asked_by(only(birch)), "birch.example: the contract");
}

// What another tenant's list asks is asked of its own copy alone.
TEST_F(ExpandTest, AListRequiresNothingOfWhatWentOtherWays) {
  require("birch.example", sentence);
  add_group("all@birch.example", {"dave@old.example"});
  auto mail = from_alice("all@birch.example");
  mail.to.emplace_back("dora@old.example");
  accept(mail);
  settle();
  EXPECT_EQ(asked_by(only(acorn)), "");
  EXPECT_EQ(asked_by(only(birch)), "birch.example: ");
}

// Taken before a requirement was made it keeps what it had; a list that it comes to then asks its
// own all the same.
TEST_F(ExpandTest, TakenBeforeItKeepsWhatItHad) {
  Mail mail = from_alice("dave@old.example");
  accept(mail);
  settle();
  require("acorn.example", sentence);
  EXPECT_EQ(asked_by(only(acorn)), "");
}

}  // namespace
}  // namespace letterlock::mda

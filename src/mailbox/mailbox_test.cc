#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mailbox/content.h"
#include "mailbox/fixture.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using test::flags_of;
using testing::ElementsAre;

struct MailboxTest : testing::Test, test::Fixture {
  base::Result<void> rename(const std::string& from, const std::string& to) {
    return wait<void>(store.transact(store::Scope::tenant(owner.tenant), [&](auto& tx) {
      return mailbox::rename(tx, owner, from, to, now);
    }));
  }
  base::Result<void> remove(const std::string& name) {
    return wait<void>(store.transact(store::Scope::tenant(owner.tenant),
                                     [&](auto& tx) { return mailbox::remove(tx, owner, name); }));
  }
  Left purge(std::size_t count_max) {
    return change<Left>([=, this](auto& tx) { return mailbox::purge(tx, owner.tenant, count_max); })
        .value();
  }
  Left remove_account(std::size_t count_max) {
    return change<Left>(
               [=, this](auto& tx) { return mailbox::remove_account(tx, owner, count_max); })
        .value();
  }
  CopyOutcome copy(Place from, std::vector<Uid> uids, Place to, std::uint64_t quota = 0) {
    return change<CopyOutcome>(
               [=](auto& tx) { return mailbox::copy(tx, from, uids, to, {.quota_octets = quota}); })
        .value();
  }
  Copied move(Place from, std::vector<Uid> uids, Place to) {
    return change<Copied>([=](auto& tx) { return mailbox::move(tx, from, uids, to); }).value();
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    const auto found = change<std::vector<Mailbox>>(
        [this](auto& tx) { return list_mailboxes(tx, owner, "", 1000); });
    for (const auto& mailbox : found.value()) all.push_back(mailbox.name);
    return all;
  }
};

TEST_F(MailboxTest, TheFirstDeliveryMakesTheMailboxes) {
  const auto stored = deliver_ok("Subject: hello\r\n\r\nhi\r\n");
  EXPECT_EQ(stored.uid, 1U);
  EXPECT_EQ(stored.uid_validity, 1'795'000'000U);
  EXPECT_THAT(names(), ElementsAre("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"));
  EXPECT_EQ(find("sent").error().kind, ErrorKind::not_found);  // only INBOX knows no case
  EXPECT_EQ(name(find("Sent")->record.special_use), "\\Sent");
  const auto inbox_now = find("iNbOx").value();
  EXPECT_EQ(inbox_now.place, stored.place);
  EXPECT_EQ(inbox_now.record.messages, 1U);
  EXPECT_EQ(inbox_now.record.unseen, 1U);
  EXPECT_EQ(inbox_now.record.uid_next, 2U);
  const auto message = list(stored.place).value().at(0);
  EXPECT_EQ(message.octets(), message.prefix.size() + 22);
  EXPECT_EQ(totals().octets, message.octets());
  EXPECT_EQ(message.trace_owner, tenant_of(3));
  EXPECT_EQ(unique_id(stored.uid_validity, stored.uid), "1795000000.1");
}

TEST_F(MailboxTest, TwoDeliveriesAtOnceGetDifferentUids) {
  std::vector<NewMessage> letters;
  for (int i = 0; i < 8; ++i) letters.push_back(letter("body " + std::to_string(i)));
  std::vector<std::optional<base::Result<void>>> done(letters.size());
  std::vector<base::Result<Delivery>> answers(letters.size(), base::fail(ErrorKind::cancelled, ""));
  std::vector<test::Call<Delivery>> calls;
  for (const auto& one : letters) {
    calls.emplace_back(
        [this, one](auto& tx) { return mailbox::deliver(tx, owner, one, {.now = now}); });
  }
  for (std::size_t i = 0; i < letters.size(); ++i) {
    auto task = store.transact(store::Scope::tenant(owner.tenant), [&, i](auto& tx) {
      return test::keep<Delivery>(tx, calls[i], answers[i]);
    });
    loop.spawn(test::keep_task<void>(std::move(task), done[i]));
  }
  while (!std::ranges::all_of(done, [](const auto& one) { return one.has_value(); }))
    ASSERT_GT(loop.poll(), 0U) << "they wait for what never comes";
  std::set<Uid> uids;
  for (const auto& answer : answers) uids.insert(std::get<Stored>(answer.value()).uid);
  EXPECT_THAT(uids, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(find("INBOX")->record.messages, 8U);
}

TEST(Attack24, UidsAreNeverUsedTwice) {
  test::Fixture world;
  const auto first = world.deliver_ok("one");
  const auto second = world.deliver_ok("two");
  EXPECT_THAT(world.expunge(first.place, {first.uid, second.uid}).value(), ElementsAre(1, 2));
  EXPECT_EQ(world.deliver_ok("three").uid, 3U);
  world.store.crash(7, store::Unsynced::dropped);
  EXPECT_EQ(world.deliver_ok("four").uid, 4U);
}

TEST(Attack24, ARolledBackDeliveryLeavesNoTrace) {
  test::Fixture world;
  const auto first = world.deliver_ok("one");
  world.store.fail_next_commit(ErrorKind::io);
  EXPECT_EQ(world.deliver(world.letter("lost")).error().kind, ErrorKind::io);
  EXPECT_EQ(world.find("INBOX")->record.uid_next, 2U);
  EXPECT_EQ(world.list(first.place)->size(), 1U);
}

TEST(Attack24, UidValidityRisesWhenTheClockGoesBack) {
  test::Fixture world;
  ASSERT_TRUE(world.create("Work"));
  const auto before = world.find("Work")->record.uid_validity;
  auto& store = world.store;
  ASSERT_TRUE(
      world.wait<void>(store.transact(store::Scope::tenant(world.owner.tenant),
                                      [&](auto& tx) { return remove(tx, world.owner, "Work"); })));
  world.now -= std::chrono::hours(24 * 365);
  ASSERT_TRUE(world.create("Work"));
  EXPECT_GT(world.find("Work")->record.uid_validity, before);
}

TEST_F(MailboxTest, UidsEndInsteadOfWrapping) {
  const auto stored = deliver_ok("one");
  auto record = find("INBOX")->record;
  record.uid_next = std::numeric_limits<Uid>::max();
  ASSERT_TRUE(wait<void>(store.transact(store::Scope::tenant(owner.tenant), [&](auto& tx) {
    tx.put(mailbox_key(stored.place), encode(record));
    return subscribe(tx, owner, "INBOX", Subscription::on);
  })));
  EXPECT_EQ(deliver(letter("more")).error().kind, ErrorKind::full);
}

TEST_F(MailboxTest, QuotaIsExactToTheOctet) {
  auto one = letter("12345");
  const auto size = one.prefix.size() + 5;
  ASSERT_TRUE(std::holds_alternative<Stored>(deliver(one, {.quota_octets = size}).value()));
  const auto refused = deliver(letter(""), {.quota_octets = 2 * size - 6}).value();
  const auto* over = std::get_if<OverQuota>(&refused);
  ASSERT_NE(over, nullptr);
  EXPECT_EQ(over->used_octets, size);
  EXPECT_EQ(over->needed_octets, size - 5);
  EXPECT_TRUE(
      std::holds_alternative<Stored>(deliver(letter(""), {.quota_octets = 2 * size - 5}).value()));
  EXPECT_TRUE(std::holds_alternative<OverQuota>(deliver(letter(""), {.quota_octets = 1}).value()));
  auto huge = letter("x");
  huge.blob_octets = std::numeric_limits<std::uint64_t>::max() - 2000;
  EXPECT_TRUE(std::holds_alternative<OverQuota>(deliver(huge, {.quota_octets = 1000}).value()));
}

TEST_F(MailboxTest, FlagsCountAndSequence) {
  const auto stored = deliver_ok("one");
  deliver_ok("two");
  const auto before = find("INBOX")->record.modseq_highest;
  const auto outcome = set_flags(stored.place, {1, 2, 2, 77},
                                 {FlagMode::add, flags_of({"\\seen", "$Forwarded"}), {}})
                           .value();
  ASSERT_EQ(outcome.messages.size(), 2U);
  EXPECT_THAT(outcome.messages[0].flags.names(), ElementsAre("\\Seen", "$Forwarded"));
  auto record = find("INBOX")->record;
  EXPECT_EQ(record.unseen, 0U);
  EXPECT_EQ(record.modseq_highest, before + 1);
  EXPECT_THAT(record.keywords, ElementsAre("$Forwarded"));
  // Nothing changes, so no new sequence.
  ASSERT_TRUE(set_flags(stored.place, {1}, {FlagMode::add, flags_of({"$forwarded"}), {}}));
  EXPECT_EQ(find("INBOX")->record.modseq_highest, before + 1);
  const auto refused = set_flags(stored.place, {1, 2}, {FlagMode::replace, {}, before}).value();
  EXPECT_THAT(refused.modified, ElementsAre(1, 2));
  EXPECT_TRUE(refused.messages.empty());
  ASSERT_TRUE(
      set_flags(stored.place, {2}, {FlagMode::replace, flags_of({"\\Deleted"}), before + 1}));
  record = find("INBOX")->record;
  EXPECT_EQ(record.unseen, 1U);
  EXPECT_EQ(record.deleted, 1U);
}

TEST_F(MailboxTest, KeywordsAreBounded) {
  const auto stored = deliver_ok("one");
  for (std::size_t i = 0; i < keywords_per_mailbox_max; ++i) {
    ASSERT_TRUE(
        set_flags(stored.place, {1}, {FlagMode::replace, flags_of({"k" + std::to_string(i)}), {}}));
  }
  const auto last = set_flags(stored.place, {1}, {FlagMode::replace, flags_of({"onemore"}), {}});
  EXPECT_EQ(last.error().kind, ErrorKind::full);
  Flags flags;
  for (const auto bad : {"", "a b", "a(b", "\\Nonsense", "a\r\nb", "k\x80", "a%"}) {
    EXPECT_EQ(flags.add(bad).error().kind, ErrorKind::invalid) << bad;
  }
  EXPECT_FALSE(flags.add(std::string(keyword_octets_max + 1, 'k')));
}

// Whatever its owner does with it: as long as it is on the disk, the trace finds it.
TEST_F(MailboxTest, AMessageIsFoundByItsTrace) {
  const auto trace = base::TraceId(octets_of(9));
  const auto found = [&](base::TraceId id) {
    return change<std::vector<base::AccountId>>(
               [=, this](auto& tx) { return accounts_with(tx, owner.tenant, id, 10); })
        .value();
  };
  EXPECT_TRUE(found(trace).empty());
  const auto stored = deliver_ok("one");
  ASSERT_TRUE(create("Kept"));
  const auto kept = find("Kept")->place;
  EXPECT_THAT(found(trace), ElementsAre(owner.account));
  EXPECT_TRUE(found(base::TraceId(octets_of(8))).empty());
  ASSERT_TRUE(std::holds_alternative<Copied>(copy(stored.place, {1}, kept)));
  EXPECT_THAT(found(trace), ElementsAre(owner.account)) << "twice there, it is one account";
  ASSERT_TRUE(expunge(stored.place, {1}));
  EXPECT_THAT(found(trace), ElementsAre(owner.account));
  ASSERT_TRUE(set_flags(kept, {1}, {FlagMode::add, flags_of({"\\Seen"}), {}}));
  ASSERT_TRUE(change<Copied>([=](auto& tx) { return mailbox::move(tx, kept, {1}, stored.place); }));
  EXPECT_THAT(found(trace), ElementsAre(owner.account));
  ASSERT_TRUE(change<Copied>([=](auto& tx) { return mailbox::move(tx, stored.place, {2}, kept); }));
  // Its mailbox is removed, but the disk still has it.
  ASSERT_TRUE(change<void>([this](auto& tx) { return mailbox::remove(tx, owner, "Kept"); }));
  EXPECT_THAT(found(trace), ElementsAre(owner.account));
  while (change<Left>([this](auto& tx) { return mailbox::purge(tx, owner.tenant, 100); }).value() ==
         Left::more) {
  }
  EXPECT_TRUE(found(trace).empty());
}

TEST_F(MailboxTest, ExpungeLetsGoOfTheBlob) {
  const auto stored = deliver_ok("one");
  EXPECT_EQ(store.blob_count(), 1U);
  const auto copied = std::get<Copied>(copy(stored.place, {1}, find("Sent")->place));
  EXPECT_THAT(copied.uids, ElementsAre(std::pair<Uid, Uid>(1, 1)));
  EXPECT_THAT(expunge(stored.place, {1, 5}).value(), ElementsAre(1));
  EXPECT_EQ(store.blob_count(), 1U);
  EXPECT_THAT(expunge(find("Sent")->place, {1}).value(), ElementsAre(1));
  EXPECT_EQ(store.blob_count(), 0U);
  EXPECT_EQ(totals().octets, 0U);
  EXPECT_EQ(totals().messages, 0U);
}

TEST_F(MailboxTest, MoveKeepsTheQuotaAndTombstonesTheSource) {
  const auto stored = deliver_ok("one");
  deliver_ok("two");
  const auto octets = totals().octets;
  const auto sent = find("Sent")->place;
  const auto moved = move(stored.place, {2, 9}, sent);
  EXPECT_THAT(moved.uids, ElementsAre(std::pair<Uid, Uid>(2, 1)));
  EXPECT_EQ(totals().octets, octets);
  const auto gone = change<Vanished>([&](auto& tx) {
                      return vanished_since(tx, stored.place, after(1), 10);
                    }).value();
  ASSERT_EQ(gone.expunged.size(), 1U);
  EXPECT_EQ(gone.expunged[0].uid, 2U);
  EXPECT_TRUE(gone.complete);
  // Onto itself: a new UID.
  EXPECT_THAT(move(sent, {1}, sent).uids, ElementsAre(std::pair<Uid, Uid>(1, 2)));
  Place other = sent;
  other.owner.account = base::AccountId(octets_of(99));
  const auto across =
      change<CopyOutcome>([&](auto& tx) { return mailbox::copy(tx, sent, {2}, other, {}); });
  EXPECT_EQ(across.error().kind, ErrorKind::invalid);
}

TEST_F(MailboxTest, CopyOverQuotaCopiesNothing) {
  const auto stored = deliver_ok("one");
  deliver_ok("two");
  const auto octets = totals().octets;
  const auto outcome = copy(stored.place, {1, 2}, find("Sent")->place, octets * 2 - 1);
  EXPECT_TRUE(std::holds_alternative<OverQuota>(outcome));
  EXPECT_EQ(find("Sent")->record.messages, 0U);
  EXPECT_TRUE(
      std::holds_alternative<Copied>(copy(stored.place, {1, 2}, find("Sent")->place, octets * 2)));
}

TEST_F(MailboxTest, ChangesComeInPages) {
  const auto stored = deliver_ok("0");
  for (int i = 1; i < 7; ++i) deliver_ok(std::to_string(i));
  ASSERT_TRUE(set_flags(stored.place, {1, 2, 3}, {FlagMode::add, flags_of({"\\Flagged"}), {}}));
  std::vector<Uid> seen;
  ChangeKey at = after(0);
  for (;;) {
    const auto page = change<std::vector<Message>>([&](auto& tx) {
                        return changed_since(tx, stored.place, at, 2);
                      }).value();
    if (page.empty()) break;
    for (const auto& message : page) seen.push_back(message.uid);
    at = {page.back().modseq, page.back().uid};
  }
  EXPECT_THAT(seen, ElementsAre(4, 5, 6, 7, 1, 2, 3));
}

TEST_F(MailboxTest, TombstonesAreBounded) {
  const auto stored = deliver_ok("one");
  auto record = find("INBOX")->record;
  record.tombstones = tombstones_max - 1;  // as if so many had gone before
  ASSERT_TRUE(wait<void>(store.transact(store::Scope::tenant(owner.tenant), [&](auto& tx) {
    tx.put(mailbox_key(stored.place), encode(record));
    tx.put(tombstone_key(stored.place, 1, 4'000'000), "\x01");
    return subscribe(tx, owner, "INBOX", Subscription::on);
  })));
  deliver_ok("two");
  EXPECT_THAT(expunge(stored.place, {1, 2}).value(), ElementsAre(1, 2));
  EXPECT_EQ(find("INBOX")->record.tombstones, tombstones_max);
  EXPECT_EQ(find("INBOX")->record.tombstones_forgotten, 1U);
  const auto old = change<Vanished>([&](auto& tx) {
                     return vanished_since(tx, stored.place, after(0), 10);
                   }).value();
  EXPECT_FALSE(old.complete);
  EXPECT_EQ(old.expunged.size(), 2U);
}

TEST_F(MailboxTest, NamesAreCheckedAndCanonical) {
  for (const auto bad : {"", "/a", "a/", "a//b", "a*", "a%b", "a\nb", "\xff", "a\xc2\x85z",
                         "1/2/3/4/5/6/7/8/9/10/11"}) {
    EXPECT_EQ(canonical_name(bad).error().kind, ErrorKind::invalid) << bad;
  }
  EXPECT_FALSE(canonical_name(std::string(256, 'a')));
  EXPECT_EQ(canonical_name("inbox/Bills").value(), "INBOX/Bills");
  EXPECT_EQ(canonical_name("Inboxes").value(), "Inboxes");
  EXPECT_EQ(canonical_name("Entw\xc3\xbcrfe").value(), "Entw\xc3\xbcrfe");
}

TEST_F(MailboxTest, CreateMakesThoseAbove) {
  ASSERT_TRUE(create("Work/2026/Q3"));
  EXPECT_TRUE(find("Work/2026"));
  EXPECT_EQ(create("Work").error().kind, ErrorKind::exists);
  EXPECT_EQ(create("inbox").error().kind, ErrorKind::exists);
  std::set<UidValidity> validities;
  for (const auto& name : names()) validities.insert(find(name)->record.uid_validity);
  EXPECT_EQ(validities.size(), names().size());
}

TEST_F(MailboxTest, MailboxesAreBounded) {
  for (std::size_t i = 6; i < mailboxes_max; ++i) ASSERT_TRUE(create("m" + std::to_string(i)));
  EXPECT_EQ(create("one more").error().kind, ErrorKind::full);
  ASSERT_TRUE(remove("m6"));
  EXPECT_TRUE(create("one more"));
}

TEST_F(MailboxTest, RenameTakesThoseBelowWithIt) {
  ASSERT_TRUE(create("Work/2026"));
  ASSERT_TRUE(create("Work-old"));
  const auto place = find("Work/2026")->place;
  EXPECT_EQ(rename("Work", "Work/2027").error().kind, ErrorKind::invalid);
  EXPECT_EQ(rename("Work", "Sent").error().kind, ErrorKind::exists);
  EXPECT_EQ(rename("Nowhere", "x").error().kind, ErrorKind::not_found);
  ASSERT_TRUE(rename("Work", "Past/Work"));
  EXPECT_EQ(find("Past/Work/2026")->place, place);
  EXPECT_FALSE(find("Work/2026"));
  EXPECT_TRUE(find("Past"));
  EXPECT_TRUE(find("Work-old"));
  EXPECT_EQ(totals().mailboxes, names().size());
}

TEST_F(MailboxTest, RenamingInboxLeavesANewOne) {
  const auto stored = deliver_ok("one");
  ASSERT_TRUE(rename("INBOX", "Old mail"));
  EXPECT_EQ(find("Old mail")->place, stored.place);
  const auto fresh = deliver_ok("two");
  EXPECT_EQ(fresh.uid, 1U);
  EXPECT_GT(fresh.uid_validity, stored.uid_validity);
}

TEST_F(MailboxTest, RemovedMailboxesLeaveTheQuotaAtOnceAndTheDiskLater) {
  ASSERT_TRUE(create("Work"));
  const auto stored = deliver_ok("stays");
  const auto kept = totals().octets;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(deliver(letter("goes"), {.name = "Work"}));
  const auto work = find("Work")->place;
  EXPECT_EQ(remove("inbox").error().kind, ErrorKind::denied);
  EXPECT_EQ(remove("Nowhere").error().kind, ErrorKind::not_found);
  ASSERT_TRUE(remove("Work"));
  EXPECT_EQ(totals().octets, kept);
  EXPECT_EQ(list(work).error().kind, ErrorKind::not_found);
  EXPECT_EQ(store.blob_count(), 6U);
  int batches = 0;
  while (purge(2) == Left::more) ASSERT_LT(++batches, 100);
  EXPECT_GE(batches, 3);
  EXPECT_EQ(store.blob_count(), 1U);
  EXPECT_EQ(list(stored.place)->size(), 1U);
}

TEST_F(MailboxTest, RemovingAnAccountLeavesNothing) {
  ASSERT_TRUE(create("Work"));
  for (int i = 0; i < 7; ++i) deliver_ok("x");
  ASSERT_TRUE(expunge(find("INBOX")->place, {2}));
  ASSERT_TRUE(deliver(letter("y"), {.name = "Work"}));
  ASSERT_TRUE(remove("Work"));
  ASSERT_EQ(remove_account(3), Left::more);
  EXPECT_EQ(deliver(letter("late")).error().kind, ErrorKind::not_found);
  for (int batches = 0; remove_account(3) == Left::more; ++batches) ASSERT_LT(batches, 100);
  EXPECT_TRUE(store.contents().empty());
  EXPECT_EQ(purge(10), Left::nothing);
  store.sweep();
  EXPECT_EQ(store.blob_count(), 0U);
}

TEST_F(MailboxTest, SubscriptionsOutliveTheirMailbox) {
  ASSERT_TRUE(create("Work"));
  const auto set = [&](const std::string& name, Subscription on) {
    return wait<void>(store.transact(store::Scope::tenant(owner.tenant),
                                     [&](auto& tx) { return subscribe(tx, owner, name, on); }));
  };
  ASSERT_TRUE(set("Work", Subscription::on));
  ASSERT_TRUE(set("Work", Subscription::on));
  ASSERT_TRUE(remove("Work"));
  const auto names = change<std::vector<std::string>>(
      [&](auto& tx) { return list_subscriptions(tx, owner, "", 10); });
  EXPECT_THAT(names.value(), ElementsAre("Work"));
  ASSERT_TRUE(set("Work", Subscription::off));
  EXPECT_EQ(totals().subscriptions, 0U);
}

TEST_F(MailboxTest, DeliveryBetweenTenantsHoldsInTheirs) {
  const auto message = letter("from acorn");
  const auto from = tenant_of(3);
  ASSERT_TRUE(wait<void>(store.transact(store::Scope::delivery(from, owner.tenant), [&](auto& tx) {
    static base::Result<Delivery> answer = Delivery();
    static test::Call<Delivery> call;
    call = [&](auto& inner) { return mailbox::deliver(inner, owner, message, {.now = now}); };
    return test::keep<Delivery>(tx, call, answer);
  })));
  EXPECT_THAT(store.holders(message.blob), ElementsAre(message_key(find("INBOX")->place, 1)));
  ASSERT_TRUE(expunge(find("INBOX")->place, {1}));
  EXPECT_EQ(store.blob_count(), 0U);
}

TEST_F(MailboxTest, ContentComesPrefixFirstInChunks) {
  const std::string body(150'000, 'b');
  const auto stored = deliver_ok(body);
  const auto message = list(stored.place)->at(0);
  ContentReader reader(store, message);
  EXPECT_EQ(reader.octets(), message.prefix.size() + body.size());
  std::string all;
  for (;;) {
    const auto piece = wait<base::Bytes>(reader.next()).value();
    if (piece.empty()) break;
    EXPECT_LE(piece.size(), base::limits::chunk_octets);
    all += piece;
  }
  EXPECT_EQ(all, message.prefix + body);
  EXPECT_EQ(wait<base::Bytes>(reader.read(7, 4)).value(), message.prefix.substr(7, 4));
  EXPECT_EQ(wait<base::Bytes>(reader.read(reader.octets() - 3, 100)).value(), "bbb");
  EXPECT_EQ(wait<base::Bytes>(reader.read(reader.octets() + 5, 100)).value(), "");
  ASSERT_TRUE(expunge(stored.place, {1}));
  EXPECT_EQ(wait<base::Bytes>(reader.read(message.prefix.size(), 4)).error().kind,
            ErrorKind::not_found);
}

TEST_F(MailboxTest, ABlobShorterThanSaidIsCorrupt) {
  auto message = letter("short");
  message.blob_octets = 500;
  const auto stored = std::get<Stored>(deliver(message).value());
  ContentReader reader(store, list(stored.place)->at(0));
  ASSERT_TRUE(wait<base::Bytes>(reader.next()));
  EXPECT_EQ(wait<base::Bytes>(reader.next()).error().kind, ErrorKind::corrupt);
}

TEST_F(MailboxTest, ALongPrefixAndTooManyUidsAreInvalid) {
  auto message = letter("x");
  message.prefix.assign(prefix_octets_max + 1, 'p');
  EXPECT_EQ(deliver(message).error().kind, ErrorKind::invalid);
  const auto stored = deliver_ok("one");
  EXPECT_EQ(expunge(stored.place, std::vector<Uid>(uids_max + 1, 1)).error().kind,
            ErrorKind::invalid);
}

// A full transaction stays below the store's limit.
TEST_F(MailboxTest, TheLargestCopyFits) {
  const auto inbox_place = deliver_ok("0").place;
  Flags flags;
  for (std::size_t i = 0; i < keywords_per_message_max; ++i) {
    ASSERT_TRUE(flags.add(std::string(keyword_octets_max - 3, 'k') + std::to_string(100 + i)));
  }
  std::vector<Uid> uids;
  for (std::size_t i = 0; i < uids_max; ++i) {
    auto message = letter("x", flags);
    message.prefix.assign(prefix_octets_max, 'p');
    message.recipients.assign(1000, 999);
    uids.push_back(std::get<Stored>(deliver(message).value()).uid);
  }
  EXPECT_EQ(move(inbox_place, uids, find("Sent")->place).uids.size(), uids_max);
}

}  // namespace
}  // namespace letterlock::mailbox

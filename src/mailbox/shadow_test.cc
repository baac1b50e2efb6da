// Random operations against a shadow model, by seed: after every step the store and the model
// agree, no UID comes twice and no sequence goes back.
#include <map>

#include <gtest/gtest.h>

#include "mailbox/fixture.h"

namespace letterlock::mailbox {
namespace {

struct ShadowMessage {
  std::uint64_t octets = 0;
  Flags flags;
  bool operator==(const ShadowMessage&) const = default;
};
struct ShadowMailbox {
  Place place;
  UidValidity validity = 0;
  Uid uid_last = 0;
  Modseq modseq_seen = 0;
  std::map<Uid, ShadowMessage> messages;
  std::set<Uid> expunged;
};

class Shadow : public test::Fixture {
 public:
  explicit Shadow(unsigned seed) : state_(seed) {
    deliver_to("INBOX");
    for (const auto name : {"Sent", "Trash"}) remember(name);
  }

  void step() {
    switch (pick(9)) {
      case 0:
      case 1:
      case 2:
        return deliver_to(any_name());
      case 3:
        return expunge_some();
      case 4:
      case 5:
        return flag_some();
      case 6:
        return transfer_some();
      case 7:
        return change_names();
      default:
        now += base::Milliseconds(static_cast<std::int64_t>(pick(5000)) - 2500);
    }
  }

  void check() {
    std::uint64_t octets = 0;
    std::uint64_t messages = 0;
    for (auto& [name, shadow] : mailboxes_) {
      check_one(name, shadow);
      messages += shadow.messages.size();
      for (const auto& [uid, message] : shadow.messages) octets += message.octets;
    }
    const auto account = totals();
    ASSERT_EQ(account.octets, octets);
    ASSERT_EQ(account.messages, messages);
    ASSERT_EQ(account.mailboxes, mailboxes_.size() + 3);  // Archive, Drafts and Junk stay aside
    // Every message that is on the disk is found by its trace, and nothing else is.
    ASSERT_EQ(rows("m/T"), rows("m/M"));
  }

  void take_all_away() {
    const auto one = [this] {
      return change<Left>([this](auto& tx) { return remove_account(tx, owner, 50); }).value();
    };
    for (int batches = 0; one() == Left::more; ++batches) ASSERT_LT(batches, 10'000);
    ASSERT_TRUE(store.contents().empty());
    ASSERT_EQ(store.blob_count(), store.unheld_blob_count());
  }

 private:
  std::size_t rows(std::string_view area) {
    const auto prefix = store::tenant_prefix(owner.tenant) + std::string(area);
    std::size_t count = 0;
    for (const auto& [key, value] : store.contents()) count += key.starts_with(prefix) ? 1U : 0U;
    return count;
  }
  // Knuth's MMIX generator: what a seed decides is the same everywhere.
  std::uint64_t pick(std::uint64_t below) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state_ >> 33) % below;
  }
  std::string any_name() {
    return std::next(mailboxes_.begin(), static_cast<long>(pick(mailboxes_.size())))->first;
  }

  void remember(const std::string& name) {
    const auto mailbox = find(name).value();
    ASSERT_TRUE(validities_.insert(mailbox.record.uid_validity).second) << "UIDVALIDITY used twice";
    ShadowMailbox shadow;
    shadow.place = mailbox.place;
    shadow.validity = mailbox.record.uid_validity;
    mailboxes_[name] = shadow;
  }

  void deliver_to(const std::string& name) {
    auto message =
        letter(std::string(pick(40), 'x'), pick(2) ? test::flags_of({"\\Seen"}) : Flags());
    const auto stored = std::get<Stored>(deliver(message, {.name = name}).value());
    if (!mailboxes_.contains(name)) remember(name);
    put(mailboxes_[name], stored.uid, {message.prefix.size() + message.blob_octets, message.flags});
  }
  void put(ShadowMailbox& shadow, Uid uid, ShadowMessage message) {
    ASSERT_GT(uid, shadow.uid_last);
    shadow.uid_last = uid;
    shadow.messages[uid] = std::move(message);
  }

  std::vector<Uid> some_uids(const ShadowMailbox& shadow) {
    std::vector<Uid> uids;
    for (const auto& [uid, message] : shadow.messages) {
      if (pick(3) == 0) uids.push_back(uid);
    }
    if (pick(4) == 0) uids.push_back(shadow.uid_last + 5);
    return uids;
  }

  void expunge_some() {
    auto& shadow = mailboxes_[any_name()];
    for (const auto uid : expunge(shadow.place, some_uids(shadow)).value()) take(shadow, uid);
  }
  void take(ShadowMailbox& shadow, Uid uid) {
    ASSERT_EQ(shadow.messages.erase(uid), 1U);
    shadow.expunged.insert(uid);
  }

  void flag_some() {
    auto& shadow = mailboxes_[any_name()];
    const Flags flags =
        test::flags_of({pick(2) ? "\\Deleted" : "\\Seen", pick(2) ? "$Later" : "\\Flagged"});
    const auto mode = static_cast<FlagMode>(pick(3));
    const auto uids = some_uids(shadow);
    const auto outcome = set_flags(shadow.place, uids, {mode, flags, {}}).value();
    for (const auto uid : uids) {
      const auto at = shadow.messages.find(uid);
      if (at == shadow.messages.end()) continue;
      at->second.flags = changed(at->second.flags, mode, flags).value();
    }
  }

  void transfer_some() {
    auto& from = mailboxes_[any_name()];
    auto& to = mailboxes_[any_name()];
    const bool moved = pick(2) == 0;
    const auto uids = some_uids(from);
    Copied copied;
    if (moved) {
      copied =
          change<Copied>([&](auto& tx) { return move(tx, from.place, uids, to.place); }).value();
    } else {
      copied = std::get<Copied>(change<CopyOutcome>([&](auto& tx) {
                                  return copy(tx, from.place, uids, to.place, {});
                                }).value());
    }
    ASSERT_EQ(copied.uid_validity, to.validity);
    for (const auto& [there, here] : copied.uids) put(to, here, from.messages.at(there));
    if (!moved) return;
    for (const auto& [there, here] : copied.uids) take(from, there);
  }

  void change_names() {
    const std::string name = "folder" + std::to_string(pick(4));
    const auto scope = store::Scope::tenant(owner.tenant);
    if (!mailboxes_.contains(name)) {
      ASSERT_TRUE(create(name));
      return remember(name);
    }
    const std::string other = "folder" + std::to_string(pick(4));
    if (mailboxes_.contains(other)) {
      ASSERT_TRUE(
          wait<void>(store.transact(scope, [&](auto& tx) { return remove(tx, owner, name); })));
      mailboxes_.erase(name);
      ASSERT_TRUE(change<Left>([this](auto& tx) { return purge(tx, owner.tenant, 3); }));
      return;
    }
    ASSERT_TRUE(wait<void>(
        store.transact(scope, [&](auto& tx) { return rename(tx, owner, name, other, now); })));
    mailboxes_[other] = mailboxes_[name];
    mailboxes_.erase(name);
  }

  void check_one(const std::string& name, ShadowMailbox& shadow) {
    const auto mailbox = find(name).value();
    const auto& record = mailbox.record;
    ASSERT_EQ(mailbox.place, shadow.place);
    ASSERT_EQ(record.uid_validity, shadow.validity);
    ASSERT_GT(record.uid_next, shadow.uid_last);
    ASSERT_GE(record.modseq_highest, shadow.modseq_seen);
    std::map<Uid, ShadowMessage> stored;
    std::uint64_t octets = 0, unseen = 0, deleted = 0;
    std::set<Uid> changed;
    const auto messages = list(shadow.place).value();
    for (const auto& message : messages) {
      stored[message.uid] = {message.octets(), message.flags};
      ASSERT_LE(message.modseq, record.modseq_highest);
      octets += message.octets();
      unseen += message.flags.has(SystemFlag::seen) ? 0 : 1;
      deleted += message.flags.has(SystemFlag::deleted) ? 1 : 0;
      if (message.modseq > shadow.modseq_seen) changed.insert(message.uid);
    }
    ASSERT_EQ(stored, shadow.messages);
    ASSERT_EQ(record.messages, stored.size());
    ASSERT_EQ(record.octets, octets);
    ASSERT_EQ(record.unseen, unseen);
    ASSERT_EQ(record.deleted, deleted);
    check_changes(shadow, changed);
    shadow.modseq_seen = record.modseq_highest;
  }

  void check_changes(const ShadowMailbox& shadow, const std::set<Uid>& expected) {
    const auto since = after(shadow.modseq_seen);
    const auto messages = change<std::vector<Message>>([&](auto& tx) {
                            return changed_since(tx, shadow.place, since, 1000);
                          }).value();
    std::set<Uid> uids;
    for (const auto& message : messages) uids.insert(message.uid);
    ASSERT_EQ(uids, expected);
    const auto gone = change<Vanished>([&](auto& tx) {
                        return vanished_since(tx, shadow.place, after(0), 1000);
                      }).value();
    std::set<Uid> vanished;
    for (const auto& one : gone.expunged) vanished.insert(one.uid);
    ASSERT_EQ(vanished, shadow.expunged);
  }

  std::uint64_t state_;
  std::map<std::string, ShadowMailbox> mailboxes_;
  std::set<UidValidity> validities_;
};

class ShadowTest : public testing::TestWithParam<unsigned> {};

TEST_P(ShadowTest, StoreAndModelAgree) {
  Shadow shadow(GetParam());
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    shadow.step();
    shadow.check();
    if (HasFatalFailure()) return;
  }
  shadow.take_all_away();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ShadowTest, testing::Range(1U, 13U));

}  // namespace
}  // namespace letterlock::mailbox

// What aliases and groups cost: the work of a message grows as its recipients do, and a list that
// no transaction holds goes on in parts.
#include <algorithm>

#include "mda/fixture.h"

namespace letterlock::mda {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

class ListWorkTest : public test::MdaTest {
 protected:
  static Mail from_outside(const std::vector<std::string>& to) {
    Mail mail;
    mail.mail_from = "carol@modern.example";
    mail.to = to;
    return mail;
  }
};

// Content isn't read again for each who gets it.
TEST_F(ListWorkTest, AGroupReadsTheContentOnce) {
  std::vector<std::string> members;
  for (int i = 0; i < 20; ++i) {
    members.push_back("m" + std::to_string(i) + "@birch.example");
    add_account(members.back());
  }
  add_group("all@birch.example", members);
  auto mail = from_outside({"all@birch.example"});
  mail.octets += std::string(100'000, 'x') + "\r\n";
  const auto before = store.blob_reads();
  accept(mail);
  settle();
  EXPECT_EQ(events.count("mda.delivered"), 20U);
  EXPECT_EQ(store.blob_reads() - before, 2U) << "of 64 KiB each";
}

// A stranger names one group a thousand times.
TEST_F(ListWorkTest, AListIsFollowedOnceForAllThatLeadToIt) {
  add_group("team@birch.example", {"bob@birch.example"});
  add_account("eve@birch.example");
  add_alias("team+eve@birch.example", {"eve@birch.example"});  // an address of its own
  std::vector<std::string> to{"team+eve@birch.example", "TEAM@birch.example"};
  while (to.size() < 1000) to.push_back("team+" + std::to_string(to.size()) + "@birch.example");
  const auto before = store.blob_reads();
  count_work();
  const auto id = accept(from_outside(to));
  settle();
  EXPECT_EQ(store.blob_reads() - before, 2U) << "one for each of the two lists";
  EXPECT_LE(work.transactions, 20U);
  EXPECT_LE(work.messages_read, 10U) << "once a job";
  EXPECT_EQ(events.count("mda.expanded"), 2U);
  EXPECT_EQ(events.count("mda.failed"), 0U);
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(queued(birch), IsEmpty());
  // Every way goes as far as the list.
  const auto trace = trace_of(birch, id).value();
  for (const auto& way : trace.ways) {
    ASSERT_GE(way.hops.size(), 2U);
    EXPECT_EQ(trace.hops[way.hops[1]].kind, hop::Kind::expansion);
  }
}

// Ten lists of the same ten: what comes to a list again isn't read again.
TEST_F(ListWorkTest, ListsOfTheSameListsReadTheContentOnceEach) {
  std::vector<std::string> inner;
  std::vector<std::string> outer;
  for (int i = 0; i < 10; ++i) {
    inner.push_back("z" + std::to_string(i) + "@birch.example");
    put_list(List::group, inner.back(), {"bob@birch.example"});
  }
  for (int i = 0; i < 10; ++i) {
    outer.push_back("y" + std::to_string(i) + "@birch.example");
    put_list(List::group, outer.back(), inner);
  }
  put_list(List::group, "top@birch.example", outer);
  const auto before = store.blob_reads();
  accept(from_outside({"top@birch.example"}));
  settle();
  EXPECT_EQ(store.blob_reads() - before, 21U);
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_THAT(queued(birch), IsEmpty());
  EXPECT_EQ(events.count("mda.failed"), 0U);
}

// ---- lists that no transaction holds ----

class LongListTest : public ListWorkTest {
 protected:
  LongListTest() {
    for (int i = 0; i < 1000; ++i)
      members.push_back("m" + std::to_string(1000 + i) + std::string(45, 'm') + "@" +
                        std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                        std::string(40, 'c') + ".example");
  }
  // Everybody to whom a copy waits to go, sorted.
  std::vector<std::string> on_their_way() {
    std::vector<std::string> out;
    for (const auto& entry : queued(birch)) {
      for (const auto& one : addresses(entry)) out.push_back(one);
    }
    std::ranges::sort(out);
    return out;
  }

  std::vector<std::string> members;
};

TEST_F(LongListTest, GoesOnInParts) {
  put_list(List::group, "all@birch.example", members);
  auto mail = from_alice("all@birch.example");
  mail.to.emplace_back("bob@birch.example");
  const auto id = accept(mail);
  settle();
  EXPECT_THAT(inbox(bob), SizeIs(1));
  EXPECT_EQ(events.count("mda.failed"), 0U);
  EXPECT_THAT(queued(acorn), IsEmpty());
  EXPECT_EQ(on_their_way(), members);
  const auto parts = queued(birch);
  EXPECT_GT(parts.size(), 1U);
  // Each part is a message with a trace of its own, and the sender's knows them all.
  const auto sent = trace_of(acorn, id).value();
  EXPECT_EQ(sent.links.size(), parts.size());
  for (const auto& part : parts)
    EXPECT_THAT(trace_of(birch, part.message.trace)->trace.recipients,
                SizeIs(part.recipients.size()));
}

// What was given before the trouble isn't given again, though the list has changed meanwhile.
TEST_F(LongListTest, IsBegunAgainWhereItEnded) {
  put_list(List::group, "all@birch.example", members);
  bool has_failed = false;
  store.observe([&](const store::Reads&, const store::Changes& changes) {
    const auto is_part = [](const auto& change) {
      return change.first.find("/q/c/") != std::string::npos && change.second;
    };
    if (has_failed || !std::ranges::any_of(changes.keys, is_part)) return;
    has_failed = true;
    store.fail_next_commit(base::ErrorKind::io);
  });
  accept(from_outside({"all@birch.example"}));
  world.advance(1s);
  ASSERT_EQ(events.count("mda.failed"), 1U);
  EXPECT_EQ((*events.last("mda.failed"))["reason"], "a commit fails as ordered");
  const auto given = on_their_way();
  EXPECT_LT(given.size(), members.size());
  EXPECT_GT(given.size(), 2U) << "the first part, and the group, which waits";
  auto changed = members;
  changed.front() = "a-new@modern.example";  // before all of them; the first has it
  put_list(List::group, "all@birch.example", changed);
  world.advance(2min);
  EXPECT_EQ(on_their_way(), members);
}

}  // namespace
}  // namespace letterlock::mda

// What is said of an address that stands for others, in words: why it leads
// nowhere, and for how many it stands.
#include "mda/fixture.h"

namespace letterlock::mda {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class ExpandReasons : public test::MdaTest {
 protected:
  // Of mail to an address that leads nowhere: the status, and the reply's
  // words.
  std::pair<std::string, std::string> why_not(const std::string& address) {
    accept(from_alice(address));
    settle();
    const auto recipient = failed(acorn);
    return {recipient.status, recipient.reply};
  }
  // What the sender's trace says of the step into the list.
  std::string told_of(const base::TenantId& tenant, const std::string& address) {
    Mail mail;
    mail.mail_from = "carol@modern.example";
    mail.to = {address};
    const auto id = accept(mail);
    settle();
    const auto trace = trace_of(tenant, id).value();
    const auto step = std::ranges::find(trace.hops, hop::Kind::expansion, &hop::Hop::kind);
    EXPECT_NE(step, trace.hops.end());
    return step == trace.hops.end() ? std::string() : step->reason;
  }
};

TEST_F(ExpandReasons, NobodyStandsBehindIt) {
  put_list(List::alias, "empty@birch.example", {});
  const auto [status, words] = why_not("empty@birch.example");
  EXPECT_EQ(status, "5.1.1");
  EXPECT_THAT(words, HasSubstr("the address leads to nobody"));
}

TEST_F(ExpandReasons, NoSuchRecipientBehindIt) {
  put_list(List::alias, "lost@birch.example", {"nobody@birch.example"});
  const auto [status, words] = why_not("lost@birch.example");
  EXPECT_EQ(status, "5.1.1");
  EXPECT_THAT(words, HasSubstr("no such recipient here"));
}

TEST_F(ExpandReasons, WhoIsBehindItTakesNoMail) {
  add_account("gone@birch.example");
  set_account("gone@birch.example", {.state = directory::Account::State::suspended});
  put_list(List::alias, "away@birch.example", {"gone@birch.example"});
  const auto [status, words] = why_not("away@birch.example");
  EXPECT_EQ(status, "5.2.1");
  EXPECT_THAT(words, HasSubstr("this mailbox takes no mail"));
}

TEST_F(ExpandReasons, ItLeadsBackToItself) {
  put_list(List::alias, "one@birch.example", {"two@birch.example"});
  put_list(List::alias, "two@birch.example", {"one@birch.example"});
  const auto [status, words] = why_not("one@birch.example");
  EXPECT_EQ(status, "5.4.6");
  EXPECT_THAT(words, HasSubstr("the address leads back to itself"));
}

// A thousand are as many as there may be, a thousand and one too many: nobody
// gets it then.
TEST_F(ExpandReasons, TooManyStandBehindIt) {
  std::vector<std::string> members;
  for (std::size_t i = 0; i < directory::group_members_max; ++i)
    members.push_back("r" + std::to_string(i) + "@old.example");
  put_list(List::group, "most@birch.example", members);
  put_list(List::group, "more@birch.example", {"most@birch.example", "dave@old.example"});
  const auto [status, words] = why_not("more@birch.example");
  EXPECT_EQ(status, "5.5.3");
  EXPECT_THAT(words, HasSubstr("the address leads to too many others"));
  EXPECT_TRUE(queued(birch).empty());
}

TEST_F(ExpandReasons, ForHowManyItStands) {
  add_alias("one@birch.example", {"dave@old.example"});
  add_alias("two@birch.example", {"dave@old.example", "dora@old.example"});
  EXPECT_EQ(told_of(birch, "one@birch.example"), "the address stands for 1 other");
  EXPECT_EQ(told_of(birch, "two@birch.example"), "the address stands for 2 others");
}

// Another tenant's: not how many.
TEST_F(ExpandReasons, AnotherTenantsListHasNoNumber) {
  add_alias("two@birch.example", {"dave@old.example", "dora@old.example"});
  const auto id = accept(from_alice("two@birch.example"));
  settle();
  const auto trace = trace_of(acorn, id).value();
  ASSERT_THAT(trace.hops, SizeIs(2));
  EXPECT_EQ(trace.hops[1].reason, "the address stands for others");
  EXPECT_EQ(trace.hops[1].to.who, "two@birch.example");
}

// It went on by another way: the second one to the list ends there, and says
// so.
TEST_F(ExpandReasons, TheSecondWayToAListEndsThere) {
  add_alias("two@birch.example", {"dave@old.example", "dora@old.example"});
  add_alias("way@birch.example", {"two@birch.example"});
  Mail mail;
  mail.mail_from = "carol@modern.example";
  mail.to = {"two@birch.example", "way@birch.example"};
  const auto id = accept(mail);
  settle();
  std::vector<std::string> reasons;
  for (const auto& hop : trace_of(birch, id)->hops)
    if (hop.kind == hop::Kind::expansion) reasons.push_back(hop.reason);
  EXPECT_THAT(reasons, testing::UnorderedElementsAre(
                           "the address stands for 2 others", "the address stands for 1 other",
                           "the message went on from this address already, by "
                           "another way to it"));
}

}  // namespace
}  // namespace letterlock::mda

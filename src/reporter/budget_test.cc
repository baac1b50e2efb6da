// How many reports there are, and to whom.
#include "reporter/fixture.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ReportsTest : public test::Fixture {};

TEST_F(ReportsTest, Attack14AHundredAddressesAreOneReport) {
  start();
  Mail mail;
  mail.mail_from = "victim@old.example";
  mail.notify = {.given = true, .success = true};
  mail.params.ret = dsn::Return::full;
  mail.to.clear();
  for (int i = 0; i < 100; ++i) mail.to.push_back("bob+" + std::to_string(i) + "@birch.example");
  accept(mail);
  const auto id = queued(birch).at(0).message.id;
  for (unsigned i = 0; i < 100; ++i) {
    becomes(birch, id, delivered(i));
    world.advance(30ms);
  }
  world.advance(1min);
  const auto all = reports(birch);
  ASSERT_THAT(all, SizeIs(1));
  const auto octets = octets_of(all[0].message.blob);
  EXPECT_EQ(count(octets, "Final-Recipient:"), 100U);
  // RFC 3461 §4.3 leaves it to us; nothing says that it was the victim who asked.
  EXPECT_THAT(octets, Not(HasSubstr("The figures.")));
  world.advance(1h);
  EXPECT_THAT(reports(birch), SizeIs(1));
  EXPECT_EQ(events.count("report.made"), 1U);
}

TEST_F(ReportsTest, RecipientsThatEndOneByOneAreFewReports) {
  options.look = 10min;
  start();
  auto mail = to_dave();
  for (int i = 0; i < 9; ++i) mail.to.push_back("d" + std::to_string(i) + "@old.example");
  accept(mail);
  const auto id = queued(acorn).at(0).message.id;
  const auto fails = [&](unsigned index) {
    auto outcome = no_such_user();
    outcome.index = index;
    becomes(acorn, id, outcome);
    world.advance(20s);
  };
  fails(0);
  EXPECT_THAT(reports(), SizeIs(1)) << "the first is told at once";
  world.advance(10min);
  fails(1);
  fails(2);
  EXPECT_THAT(reports(), SizeIs(1));
  world.advance(4h);
  ASSERT_THAT(reports(), SizeIs(2));
  EXPECT_EQ(count(octets_of(reports()[1].message.blob), "Final-Recipient:"), 2U);
  for (unsigned i = 3; i < 9; ++i) fails(i);
  EXPECT_THAT(reports(), SizeIs(2));
  fails(9);
  ASSERT_THAT(reports(), SizeIs(3)) << "none waits any more: the rest is told at once";
  EXPECT_EQ(count(octets_of(reports()[2].message.blob), "Final-Recipient:"), 7U);
  EXPECT_THAT(originals(acorn), IsEmpty());
}

TEST_F(ReportsTest, OneReportOfADelayNamesAllThatAreLate) {
  options.look = 10min;
  start();
  auto mail = to_dave();
  mail.to = {"dave@old.example", "erin@old.example", "frank@modern.example"};
  accept(mail);
  const auto id = queued(acorn).at(0).message.id;
  for (unsigned i : {0U, 1U, 2U}) becomes(acorn, id, later(i));
  world.advance(5h);
  becomes(acorn, id, later(1));
  world.advance(20s);
  ASSERT_THAT(reports(), SizeIs(1));
  EXPECT_EQ(count(octets_of(reports()[0].message.blob), "Action: delayed"), 3U);
  for (int round = 0; round < 3; ++round) {
    world.advance(5h);
    for (unsigned i : {0U, 1U, 2U}) becomes(acorn, id, later(i));
  }
  world.advance(1h);
  EXPECT_THAT(reports(), SizeIs(1)) << "it was told, of each of them";
}

TEST(Rounds, AreAtMostFive) {
  const auto accepted = base::from_milliseconds(1'795'428'131'000);
  const base::Time end = accepted + std::chrono::days(5);
  std::size_t rounds = 0;
  std::optional<base::Time> at = accepted + gather_wait;
  for (; at && *at < end; ++rounds) at = next_round(accepted, *at);
  EXPECT_EQ(rounds + 1, 5U) << "and the one at its end";
}

TEST_F(ReportsTest, Attack14AThousandForgedMailsAreTenReportsAnHour) {
  options.look = 10min;
  start();
  Mail mail;
  mail.mail_from = "Victim@old.example";
  for (int i = 0; i < 1000; ++i) {
    mail.mail_from[0] = i % 2 == 0 ? 'V' : 'v';  // it is one address
    accept(mail);
  }
  auto other = mail;
  other.mail_from = "carol@modern.example";
  accept(other);
  auto none = no_such_user();
  for (const auto& entry : originals(birch)) becomes(birch, entry.message.id, none);
  world.advance(30min);
  std::size_t to_carol = 0;
  for (const auto& report : reports(birch))
    to_carol += report.recipients[0].address == "carol@modern.example" ? 1 : 0;
  EXPECT_EQ(to_carol, 1U) << "somebody else isn't thinned out for it";
  EXPECT_THAT(reports(birch), SizeIs(11));
  EXPECT_THAT(originals(birch), SizeIs(100)) << "so many failures wait, no more";
  EXPECT_EQ((*events.last("report.over_budget"))["peer"].substr(1), "ictim@old.example");
  const auto is_dropped = [&](const char* outcome) {
    return (*events.last("report.over_budget"))["outcome"] == outcome;
  };
  EXPECT_TRUE(is_dropped("dropped") || is_dropped("waits"));
  world.advance(1h);
  EXPECT_THAT(reports(birch), SizeIs(21));
  // They don't wait for ever: in a day they are told, or it is over.
  world.advance(26h);
  EXPECT_THAT(originals(birch), IsEmpty());
  EXPECT_LE(reports(birch).size(), 111U);
}

TEST_F(ReportsTest, Attack14SuccessesLeaveHalfOfTheBudgetToFailures) {
  start();
  Mail mail;
  mail.mail_from = "victim@old.example";
  mail.notify = {.given = true, .success = true, .failure = true};
  for (int i = 0; i < 40; ++i) accept(mail);
  const auto all = originals(birch);
  for (std::size_t i = 0; i < 20; ++i) becomes(birch, all[i].message.id, delivered(0));
  world.advance(1min);
  EXPECT_THAT(reports(birch), SizeIs(5));
  EXPECT_THAT(originals(birch), SizeIs(20)) << "what succeeded doesn't wait to be told";
  for (std::size_t i = 20; i < 40; ++i) becomes(birch, all[i].message.id, no_such_user());
  world.advance(1min);
  EXPECT_THAT(reports(birch), SizeIs(10));
  EXPECT_THAT(originals(birch), SizeIs(15)) << "what failed does";
}

TEST_F(ReportsTest, WhoSignedInHasNoBudgetOfReports) {
  start();
  for (int i = 0; i < 30; ++i) accept(to_dave());
  for (const auto& entry : originals(acorn)) becomes(acorn, entry.message.id, no_such_user());
  world.advance(1min);
  EXPECT_THAT(reports(), SizeIs(30));
}

// Whoever forges the senders has a name for each letter.
TEST_F(ReportsTest, Attack14SuccessesToAnyNumberOfForgedDomainsEnd) {
  start();
  Mail mail;
  mail.notify = {.given = true, .success = true, .failure = true};
  for (int i = 0; i < 130; ++i) {
    mail.mail_from = fmt::format("v@forged{}.example", i);
    accept(mail);
  }
  auto all = originals(birch);
  const auto failing = all.back();
  all.pop_back();
  for (const auto& entry : all) becomes(birch, entry.message.id, delivered(0));
  world.advance(5min);
  EXPECT_THAT(reports(birch), SizeIs(100));
  EXPECT_THAT(originals(birch), SizeIs(1)) << "what succeeded doesn't wait to be told";
  EXPECT_EQ(events.count("report.over_budget"), 29U);
  EXPECT_EQ((*events.last("report.over_budget"))["outcome"], "dropped");
  becomes(birch, failing.message.id, no_such_user());
  world.advance(1min);
  EXPECT_THAT(reports(birch), SizeIs(101)) << "failures have their own";
}

TEST_F(ReportsTest, Attack14FailuresToAnyNumberOfForgedDomainsWait) {
  options.budget.of_tenant = 10;
  start();
  Mail mail;
  for (int i = 0; i < 15; ++i) {
    mail.mail_from = fmt::format("v@forged{}.example", i);
    accept(mail);
  }
  for (const auto& entry : originals(birch)) becomes(birch, entry.message.id, no_such_user());
  world.advance(5min);
  EXPECT_THAT(reports(birch), SizeIs(10));
  EXPECT_THAT(originals(birch), SizeIs(5));
  EXPECT_EQ((*events.last("report.over_budget"))["outcome"], "waits");
  world.advance(1h);
  EXPECT_THAT(reports(birch), SizeIs(15));
  EXPECT_THAT(originals(birch), IsEmpty());
}

const auto now = base::from_milliseconds(1'795'428'131'000);
base::TenantId tenant(unsigned number) {
  base::IdOctets octets{};
  octets[14] = static_cast<std::uint8_t>(number / 256);
  octets[15] = static_cast<std::uint8_t>(number % 256);
  return base::TenantId(octets);
}
address::Address at(const std::string& text) {
  return address::Address::parse(text).value();
}
// Whether it was refused.
bool spent(Budget& budget, unsigned who, const std::string& to,
           Budget::For what = Budget::For::failure) {
  return budget.spend(tenant(who), at(to), what, now).has_value();
}
// How many of so many were granted.
std::size_t granted(Budget& budget, unsigned who, std::size_t tries, const std::string& to,
                    Budget::For what = Budget::For::failure) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < tries; ++i) count += spent(budget, who, to, what) ? 0 : 1;
  return count;
}

TEST(BudgetTest, Attack14ThreeTenantsSilenceNobodyElsesFailures) {
  Budget budget{BudgetLimits()};
  for (const unsigned hostile : {1U, 2U, 3U})
    EXPECT_EQ(granted(budget, hostile, 50, "v@gmail.example"), 10U);
  EXPECT_EQ(granted(budget, 4, 50, "v@gmail.example"), 2U) << "its first ones";
  EXPECT_EQ(granted(budget, 5, 50, "v@gmail.example", Budget::For::success), 0U);
  EXPECT_EQ(granted(budget, 5, 50, "v@gmail.example", Budget::For::delay), 0U);
  EXPECT_EQ(granted(budget, 5, 50, "v@gmail.example"), 2U);
  for (const unsigned hostile : {1U, 2U, 3U}) {
    for (int i = 0; i < 20; ++i)
      granted(budget, hostile, 10, fmt::format("v{}-{}@old.example", hostile, i));
  }
  EXPECT_EQ(granted(budget, 6, 50, "w@old.example"), 2U) << "nor by a domain";
  // What went to it before all was spent counts; a report that wasn't made doesn't.
  EXPECT_EQ(granted(budget, 6, 50, "x@old.example"), 0U);
  budget.give_back(tenant(6), at("w@old.example"), Budget::For::failure);
  EXPECT_EQ(granted(budget, 6, 50, "x@old.example"), 1U);
}

TEST(BudgetTest, Attack14AThousandTenantsMakeNoFlood) {
  Budget budget{BudgetLimits()};
  std::size_t to_one = 0;
  std::size_t tenants = 0;
  for (unsigned who = 0; who < 1000; ++who) {
    const auto some = granted(budget, who, 20, "v@old.example");
    to_one += some;
    tenants += some > 0 ? 1 : 0;
  }
  EXPECT_EQ(to_one, 60U) << "twice three times ten";
  EXPECT_EQ(tenants, 3U + 15U);
  std::size_t to_domain = to_one;
  for (unsigned who = 0; who < 1000; ++who)
    to_domain += granted(budget, who, 20, fmt::format("v{}@old.example", who));
  EXPECT_EQ(to_domain, 600U);
}

TEST(BudgetTest, ATenantsMailHasATotal) {
  using For = Budget::For;
  Budget budget({.of_tenant = 10, .successes_of_tenant = 4});
  std::size_t names = 0;
  const auto tells = [&](unsigned who, For what) {
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i)
      count += granted(budget, who, 1, fmt::format("v@forged{}.example", ++names), what);
    return count;
  };
  EXPECT_EQ(tells(1, For::success), 4U);
  EXPECT_EQ(tells(1, For::delay), 5U) << "half, and failures have the rest";
  EXPECT_EQ(tells(1, For::failure), 5U);
  EXPECT_EQ(tells(1, For::delay), 0U);
  EXPECT_EQ(tells(2, For::failure), 10U) << "another tenant has its own";
  budget.give_back(tenant(1), at("v@forged1.example"), For::success);
  EXPECT_EQ(tells(1, For::failure), 0U);
  EXPECT_EQ(tells(1, For::success), 1U);
  const auto until = budget.spend(tenant(1), at("v@late.example"), For::failure, now + 1min);
  ASSERT_TRUE(until);
  EXPECT_EQ(*until, now + 1h);
  EXPECT_FALSE(budget.spend(tenant(1), at("v@late.example"), For::failure, *until));
}

TEST(BudgetTest, CountsAddressesDomainsAndTenants) {
  Budget of_address({.of_address = 2, .of_domain = 100});
  EXPECT_FALSE(spent(of_address, 1, "v@old.example"));
  EXPECT_FALSE(spent(of_address, 1, "V@OLD.example"));
  EXPECT_TRUE(spent(of_address, 1, "v@old.example"));
  EXPECT_FALSE(spent(of_address, 1, "w@old.example"));
  EXPECT_FALSE(spent(of_address, 2, "v@old.example")) << "another tenant's mail has its own";
  for (std::uint8_t who = 3; who < 20; ++who) spent(of_address, who, "v@old.example");
  EXPECT_TRUE(spent(of_address, 20, "v@old.example")) << "all tenants' together has an end, too";

  Budget of_domain({.of_address = 100, .of_domain = 3});
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(spent(of_domain, 1, fmt::format("v{0}@s{0}.old.example", i)))
        << "names below it cost nothing";
  EXPECT_TRUE(spent(of_domain, 1, "v4@old.example"));
  EXPECT_FALSE(spent(of_domain, 1, "v4@modern.example"));
  of_domain.give_back(tenant(1), at("v2@s2.old.example"), Budget::For::failure);
  EXPECT_FALSE(spent(of_domain, 1, "v4@old.example"));
  const auto until = of_domain.spend(tenant(1), at("v5@old.example"), Budget::For::failure, now);
  ASSERT_TRUE(until);
  EXPECT_EQ(*until, now + 1h);
  EXPECT_FALSE(of_domain.spend(tenant(1), at("v5@old.example"), Budget::For::failure, *until));
}

// What fails for one is that one's: the others are told in the same round.
TEST_F(ReportsTest, NobodyWaitsBehindATenantInTrouble) {
  accept(to_dave());
  Mail mail;
  mail.mail_from = "carol@modern.example";
  accept(mail);
  becomes(acorn, originals(acorn).at(0).message.id, no_such_user());
  becomes(birch, originals(birch).at(0).message.id, no_such_user());
  store.fail_next_commit(base::ErrorKind::io);
  start();
  world.advance(1s);
  EXPECT_EQ(events.count("reporter.failed"), 1U);
  EXPECT_EQ(reports(acorn).size() + reports(birch).size(), 1U);
  world.advance(15s);
  EXPECT_EQ(reports(acorn).size() + reports(birch).size(), 2U);
}

}  // namespace
}  // namespace letterlock::reporter

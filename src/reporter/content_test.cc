// What comes back of a message, over which way, and what its report claims.
#include "reporter/fixture.h"
#include "reporter/refusal.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class ReturnedContent : public test::Fixture {
 protected:
  // The report about a message of this sender's that failed, and asked for RET=FULL.
  queue::Entry report_to(const std::string& sender, base::AccountId account) {
    auto mail = to_dave();
    mail.mail_from = sender;
    mail.account = account;
    mail.params.ret = dsn::Return::full;
    original = accept(mail);
    becomes(no_such_user());
    world.advance(15s);
    auto all = reports();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? queue::Entry() : std::move(all[0]);
  }
  bool has_content(const queue::Entry& report) {
    return octets_of(report.message.blob).find("The figures.") != std::string::npos;
  }
  // How the two traces name each other.
  void expect_links(const queue::Entry& report, bool with_content) {
    using Relation = trace::Link::Relation;
    const auto links = trace_of(acorn, original).value().links;
    ASSERT_THAT(links, SizeIs(1));
    EXPECT_EQ(links[0].relation, Relation::reported_in);
    EXPECT_EQ(links[0].trace, report.message.trace);
    EXPECT_EQ(links[0].tenant, acorn);
    EXPECT_EQ(links[0].has_content, with_content);
    const auto back = trace_of(acorn, report.message.trace).value().links;
    ASSERT_THAT(back, SizeIs(1));
    EXPECT_EQ(back[0].relation, Relation::report_about);
    EXPECT_EQ(back[0].trace, original);
    EXPECT_EQ(back[0].has_content, with_content);
  }
  void add_alias(const char* name, const char* target) {
    ASSERT_TRUE(wait(operations.add_alias({.address = custody::test::at(name),
                                           .tenant = acorn,
                                           .targets = {custody::test::at(target)}},
                                          "test")));
  }

  base::TraceId original;
};

TEST_F(ReturnedContent, IntoAMailboxHereItComesWhole) {
  start();
  const auto report = report_to("alice@acorn.example", alice.id);
  EXPECT_TRUE(has_content(report));
  // Should the address lead elsewhere by then, its hops are as good as the first one was.
  EXPECT_EQ(report.message.requirement.level.value, hop::Level::encrypted);
  expect_links(report, true);
}

TEST_F(ReturnedContent, FromOutsideNobodySaysWhoAsked) {
  start();
  const auto report = report_to("alice@acorn.example", {});
  EXPECT_FALSE(has_content(report));
  EXPECT_EQ(report.message.requirement.level.value, hop::Level::clear);
  expect_links(report, false);
}

TEST_F(ReturnedContent, OutOfTheHouseItsHeaderAlone) {
  start();
  add_alias("boss@acorn.example", "dave@old.example");
  EXPECT_FALSE(has_content(report_to("boss@acorn.example", alice.id)));
}

TEST_F(ReturnedContent, IntoAnotherTenantsMailboxItsHeaderAlone) {
  start();
  add_alias("boss@acorn.example", "bob@birch.example");
  EXPECT_FALSE(has_content(report_to("boss@acorn.example", alice.id)));
}

TEST_F(ReturnedContent, ByAnAliasWithinTheTenantItComesWhole) {
  start();
  add_alias("boss@acorn.example", "alice@acorn.example");
  EXPECT_TRUE(has_content(report_to("boss@acorn.example", alice.id)));
}

trace::Attempts refused_attempts() {
  const auto noon = base::from_milliseconds(1'795'428'131'000);
  trace::Attempts attempts;
  attempts.required = "level >= authenticated";
  attempts.by = "set by acorn.example";
  attempts.why = "the auditors ask for it";
  attempts.offers = {{"mx1.bank.example", "no STARTTLS", noon, noon + 1h, 2},
                     {"mx2.bank.example", "certificate expired", noon, noon, 1}};
  attempts.others = 4;
  return attempts;
}

TEST(Refusal, SaysWhatWasRequiredAndWhatEachHostOffered) {
  queue::Recipient recipient;
  recipient.destination = "bank.example";
  recipient.status = "5.7.4";
  const auto refusal = refusal_of(refused_attempts(), Left::nothing, recipient);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->by, "acorn.example");
  EXPECT_EQ(refusal->required, "level >= authenticated");
  EXPECT_EQ(refusal->source, "set by acorn.example: the auditors ask for it");
  ASSERT_THAT(refusal->offers, SizeIs(2));
  EXPECT_EQ(refusal->offers[0].attempts, 2U);
  EXPECT_EQ(refusal->others, 4U);
  EXPECT_THAT(refusal->kept_safe, StartsWith("no content left"));
  // An attempt that gave the content away is not passed over in silence, nor is what isn't known.
  EXPECT_THAT(refusal_of(refused_attempts(), Left::content, recipient)->kept_safe,
              StartsWith("content left the platform"));
  EXPECT_THAT(refusal_of(refused_attempts(), Left::unknown, recipient)->kept_safe,
              StartsWith("whether content left"));
}

TEST(Refusal, IsNoneWhereTheJudgementHadNoPart) {
  queue::Recipient recipient;
  recipient.status = "5.1.1";
  EXPECT_FALSE(refusal_of(trace::Attempts(), Left::nothing, recipient));
}

TEST(Refusal, ClaimsNothingOfWhatIsNotSeen) {
  trace::ForReport known;
  known.first = hop::Hop();
  queue::Entry entry;
  entry.recipients.resize(2);
  entry.recipients[1].index = 1;
  entry.recipients[1].trace_index = 1;
  const auto left = [&](const trace::Attempts& attempts) {
    return left_by(known, attempts, entry, entry.recipients[0]);
  };
  EXPECT_EQ(left({}), Left::nothing);
  EXPECT_EQ(left({.given = hop::Given::envelope}), Left::nothing);
  EXPECT_EQ(left({.given = hop::Given::content}), Left::content);
  known.is_open = true;
  EXPECT_EQ(left({}), Left::unknown) << "an attempt is under way";
  known.is_open = false;
  known.first.reset();
  EXPECT_EQ(left({}), Left::unknown) << "the trace was begun again";
  known.first = hop::Hop();
  entry.recipients[1].trace_index = 0;
  EXPECT_EQ(left({}), Left::unknown) << "an alias's other target may have it";
}

}  // namespace
}  // namespace letterlock::reporter

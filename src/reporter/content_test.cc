// What comes back of a message, over which way, and what its report claims.
#include "reporter/fixture.h"
#include "reporter/refusal.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
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
  void add_alias(const char* name, const char* target) { add_alias(name, {{target}}); }
  void add_alias(const char* name, const std::vector<std::string>& targets) {
    directory::Alias alias{.address = custody::test::at(name), .tenant = acorn};
    for (const auto& target : targets) alias.targets.push_back(custody::test::at(target));
    ASSERT_TRUE(wait(operations.add_alias(std::move(alias), "test")));
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

// It was read by whoever could read it on its way here: the report's trace says so.
TEST_F(ReturnedContent, ItsTraceBeginsWithTheWayThatItCame) {
  start();
  const auto report = report_to("alice@acorn.example", alice.id);
  const auto hops = trace_of(acorn, report.message.trace).value().hops;
  ASSERT_THAT(hops, SizeIs(2));
  EXPECT_EQ(hops[0].from, trace_of(acorn, original).value().hops.at(0).from);
  EXPECT_EQ(hops[0].protection.level, hop::Level::encrypted);
  EXPECT_EQ(hops[1].from.role, hop::End::Role::node);
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

// A tenant's reason goes to its own people alone: an alias may make readers of others.
class ReasonTold : public ReturnedContent {
 protected:
  static net::ResultTask<> record_in(store::Transaction& tx, base::TenantId tenant, hop::Hop hop) {
    CO_TRY(const auto ref, co_await trace::record(tx, tenant, std::move(hop)));
    (void)ref;
    co_return base::Result<>();
  }
  // The report to this sender, of whose message acorn's requirement refused the only host.
  std::string refusal_told_to(const std::string& sender) {
    auto mail = to_dave();
    mail.mail_from = sender;
    mail.account = alice.id;
    hop::Hop refused;
    refused.trace = accept(mail);
    refused.from = {hop::End::Role::node, "dublin-1", {}, {}};
    refused.to = {hop::End::Role::mta, "mx1.old.example", {}, {}};
    refused.recipients = {0};
    refused.required = {{"level >= authenticated", who, why}};
    refused.answer = hop::Answer::refuse;
    refused.reason = "mx1.old.example has no STARTTLS";
    refused.outcome = hop::Outcome::failed;
    refused.given = hop::Given::nothing;
    refused.time = refused.finished = world.clock().now();
    EXPECT_TRUE(wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& tx) {
      return record_in(tx, acorn, refused);
    })));
    becomes({.index = 0, .step = queue::Step::fail, .status = "5.7.4", .reply = "no STARTTLS"});
    world.advance(15s);
    const auto all = reports();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? "" : octets_of(all[0].message.blob);
  }
  static constexpr const char* who = "set by acorn.example";
  static constexpr const char* why = "audit";  // one word: lines are folded
};

TEST_F(ReasonTold, ToThePeopleOfItsTenant) {
  start();
  add_alias("boss@acorn.example", "alice@acorn.example");
  EXPECT_THAT(refusal_told_to("boss@acorn.example"), AllOf(HasSubstr(who), HasSubstr(why)));
}

TEST_F(ReasonTold, NotInAnotherTenantsMailboxThatAnAliasLeadsTo) {
  start();
  add_alias("boss@acorn.example", "bob@birch.example");
  EXPECT_THAT(refusal_told_to("boss@acorn.example"), AllOf(HasSubstr(who), Not(HasSubstr(why))));
}

TEST_F(ReasonTold, NorWhereOneOfSeveralIsAnothers) {
  start();
  add_alias("far@acorn.example", "bob@birch.example");
  add_alias("boss@acorn.example", {"alice@acorn.example", "far@acorn.example"});
  EXPECT_THAT(refusal_told_to("boss@acorn.example"), Not(HasSubstr(why)));
}

TEST_F(ReasonTold, NorOutOfTheHouse) {
  start();
  add_alias("boss@acorn.example", {"alice@acorn.example", "dave@old.example"});
  EXPECT_THAT(refusal_told_to("boss@acorn.example"), Not(HasSubstr(why)));
}

TEST_F(ReasonTold, NorWhereTheAddressLeadsToNobody) {
  start();
  EXPECT_THAT(refusal_told_to("gone@acorn.example"), Not(HasSubstr(why)));
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
  EXPECT_EQ(left({}), Left::this_copy_stayed) << "an alias's other target may have it";
  EXPECT_FALSE(is_whole(entry, entry.recipients[0]));
}

// Behind an alias nobody knows who else has it, but where it stands for one alone.
TEST(Refusal, ClaimsNothingOfAnAliassOtherTargets) {
  trace::ForReport known;
  known.first = hop::Hop();
  queue::Entry entry;
  entry.recipients.resize(2);
  entry.recipients[1].index = entry.recipients[1].trace_index = 1;  // the list's own trace
  for (auto& recipient : entry.recipients) recipient.written_to = "info@birch.example";
  const auto left = [&] { return left_by(known, {}, entry, entry.recipients[0]); };
  EXPECT_EQ(left(), Left::this_copy_stayed);
  EXPECT_FALSE(is_whole(entry, entry.recipients[0]));
  entry.recipients.pop_back();
  EXPECT_EQ(left(), Left::this_copy_stayed) << "the alias before stands for several";
  entry.recipients[0].is_alone = true;
  EXPECT_EQ(left(), Left::nothing) << "each stands for one";
  EXPECT_TRUE(is_whole(entry, entry.recipients[0]));
  entry.recipients[0].is_alone = false;
  entry.recipients[0].written_to.clear();
  EXPECT_EQ(left(), Left::nothing) << "a group's member is told of by his own address";
  known.is_open = true;
  entry.recipients[0].written_to = "info@birch.example";
  EXPECT_EQ(left(), Left::unknown);
  EXPECT_THAT(
      refusal_of(refused_attempts(), Left::this_copy_stayed, entry.recipients[0])->kept_safe,
      StartsWith("this copy did not leave the platform; whether another one did"));
}

// A tenant's reason is its own people's; what is published, anybody's.
TEST(Refusal, KeepsATenantsReasonFromOthers) {
  const auto why = [](std::string by, const Reader& reader) {
    auto attempts = refused_attempts();
    attempts.by = std::move(by);
    return without_others_reason(std::move(attempts), reader).why;
  };
  const Reader alice{"acorn.example", "birch.example"};
  EXPECT_NE(why("set by acorn.example", alice), "");
  EXPECT_EQ(why("set by birch.example", alice), "");
  EXPECT_EQ(why("set by acorn.example", {}), "");
  EXPECT_EQ(why("connector \"bank\"", alice), "");
  EXPECT_NE(why("published by bank.example", alice), "");
  EXPECT_NE(why("set by the platform", {}), "");
}

TEST(Refusal, NamesNobodyBehindAnAlias) {
  const auto told = [](std::string by) {
    auto attempts = refused_attempts();
    attempts.by = std::move(by);
    queue::Recipient recipient;
    recipient.status = "5.7.4";
    return without_next_holder(*refusal_of(attempts, Left::nothing, recipient),
                               {"acorn.example", "birch.example"});
  };
  EXPECT_EQ(told("set by acorn.example").by, "acorn.example");
  EXPECT_EQ(told("set by birch.example").by, "birch.example") << "the address is its own";
  EXPECT_EQ(told("the message (REQUIRETLS)").by, "the message (REQUIRETLS)");
  for (const auto* by :
       {"set by oak.example", "published by bank.example", "what bank.example has proved before"}) {
    const auto refusal = told(by);
    EXPECT_EQ(refusal.by, "the rest of its way");
    EXPECT_EQ(refusal.source, "");
    EXPECT_TRUE(refusal.offers.empty());
    EXPECT_EQ(refusal.others, 0U);
  }
}

}  // namespace
}  // namespace letterlock::reporter

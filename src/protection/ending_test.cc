// How a verdict says where the message is: by the last hop, the queue, and fetches that took a
// part.
#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

TEST(Ending, WhereNothingHappenedYetTheQueueSays) {
  const auto said = [](std::vector<Hop> hops, AtRest::InQueue in_queue) {
    return verdict_of(std::move(hops), Fate::going_on, {.in_queue = in_queue});
  };
  using enum AtRest::InQueue;
  for (const auto& hops :
       {std::vector{submission()}, std::vector{reception()},
        std::vector{submission(), expansion(2, End::Role::mailbox, "info@birch.example")}}) {
    EXPECT_THAT(said(hops, yes), HasSubstr("t waits in the queue"));
    EXPECT_THAT(said(hops, no), HasSubstr("t is in no queue here any more"));
    EXPECT_THAT(said(hops, unknown), HasSubstr("hether it waits in the queue is not shown here"));
  }
  const auto to_a_list = said({submission(), expansion(2, End::Role::list, "team@a.example")}, yes);
  EXPECT_THAT(to_a_list, Not(HasSubstr("queue")));
}

TEST(Ending, ATransferThatIsUnderWay) {
  auto now = relay(2, Level::encrypted);
  now.outcome = Outcome::intended;
  EXPECT_THAT(verdict_of({submission(), now}), HasSubstr("t is being given to mx.old.example"));
}

TEST(Ending, AFetchThatTookNothingOrAPartSaysNothingOfWhereItIs) {
  const auto said = [](Outcome outcome, Given given) {
    auto some = fetch(3, Level::encrypted);
    some.outcome = outcome;
    some.given = given;
    return verdict_of({submission(), delivery(2), some});
  };
  EXPECT_THAT(said(Outcome::partial, Given::content), HasSubstr("ot fetched as a whole yet"));
  EXPECT_THAT(said(Outcome::failed, Given::content), HasSubstr("ot fetched as a whole yet"));
  EXPECT_THAT(said(Outcome::failed, Given::nothing), HasSubstr("ot fetched yet"));
  EXPECT_THAT(said(Outcome::completed, Given::content), Not(HasSubstr("fetched")));
  // Its delivery isn't shown: all there is are such fetches.
  auto some = fetch(3, Level::encrypted);
  some.outcome = Outcome::failed;
  some.given = Given::nothing;
  EXPECT_EQ(verdict_of({some}), "how it came here is not recorded.");
}

// An alias of several: one has fetched it while a later one was still being delivered.
TEST(Ending, WhereOneOfSeveralHasFetchedItTheOthersAreNamed) {
  const auto into = [](unsigned number, const std::string& who) {
    auto hop = delivery(number);
    hop.to.who = who;
    return hop;
  };
  const auto out_of = [](unsigned number, const std::string& who) {
    auto hop = fetch(number, Level::encrypted);
    hop.from.who = who;
    return hop;
  };
  const auto said = [](std::vector<Hop> hops) {
    hops.insert(hops.begin(), submission());
    AtRest at_rest = in_mailbox();
    at_rest.mailboxes = {{.account = "a@birch.example"}, {.account = "b@birch.example"}};
    return verdict_of(std::move(hops), Fate::going_on, at_rest);
  };
  const auto a = into(2, "a@birch.example");
  const auto b = into(4, "b@birch.example");
  const auto by_a = out_of(3, "A@birch.example");
  EXPECT_THAT(said({a, b}), HasSubstr("Not fetched yet"));
  EXPECT_THAT(said({a, by_a, b}), HasSubstr("Not fetched from b's mailbox yet"));
  EXPECT_THAT(said({a, by_a, out_of(5, "b@birch.example"), b}), Not(HasSubstr("fetched")));
  // Told by another tenant, of the address that was written to: which mailbox it was isn't shown.
  EXPECT_THAT(said({a, out_of(3, "both@birch.example"), b}), Not(HasSubstr("ot fetched")));
  auto nothing = by_a;
  nothing.outcome = Outcome::failed;
  nothing.given = Given::nothing;
  EXPECT_THAT(said({a, nothing, b}), HasSubstr("Not fetched yet"));
}

}  // namespace
}  // namespace letterlock::protection

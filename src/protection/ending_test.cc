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

}  // namespace
}  // namespace letterlock::protection

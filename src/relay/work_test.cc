#include "relay/work.h"

#include <gtest/gtest.h>

namespace letterlock::relay {
namespace {

// A host that has no fitting service for one message has given it a session: no sign of a crowd.
TEST(Conclusion, NoSessionIsOneThatNoHostGave) {
  Conclusion none;
  EXPECT_FALSE(none.found_no_session()) << "nobody was asked";
  none.attempts.resize(2);
  for (auto& attempt : none.attempts) attempt.given = hop::Given::nothing;
  none.attempts.front().to.protocol = "ESMTPS";
  EXPECT_TRUE(none.found_no_session()) << "the last host that was asked";
  auto other = none;
  other.attempts.back().to.protocol = "ESMTPS";
  EXPECT_FALSE(other.found_no_session());
  other = none;
  other.attempts.back().given = hop::Given::envelope;
  EXPECT_FALSE(other.found_no_session());
  other = none;
  other.judgement.emplace();
  EXPECT_FALSE(other.found_no_session());
  other = none;
  other.intent.emplace();
  EXPECT_FALSE(other.found_no_session());
}

}  // namespace
}  // namespace letterlock::relay

// What a store that was restored can't say any more, and copies of it that somebody may have.
#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"

namespace letterlock::protection::test {
namespace {

// The store was restored: nobody knows what happened to what was here, nor who saw a password.
TEST(Exposure, WhatARestoreLostIsUnknown) {
  const std::vector<Hop> hops{submission(Level::mutual), delivery(2)};
  Evidence evidence{hops, {}, true, in_mailbox()};
  const auto could = [&](Party party) { return of(exposure(evidence), party).could; };
  const auto reason = [&](Party party) { return of(exposure(evidence), party).reason; };
  const Lost lost{at("2026-11-20T10:00:00Z"), at("2026-11-25T10:00:00Z")};
  evidence.at_rest.mailboxes[0].openings = {{.how = Opening::How::unrecorded,
                                             .network = Network::public_,
                                             .first = lost.from,
                                             .last = lost.to}};
  EXPECT_EQ(could(Party::listener), Could::unknown);
  EXPECT_EQ(could(Party::interferer), Could::unknown);
  // A fetch by somebody else would be recorded.
  EXPECT_TRUE(reason(Party::others).starts_with("it went to no other operator's mail server"));
  EXPECT_EQ(reason(Party::listener),
            "TLS on hop 1; sign-ins to bob's mailbox between the backup of 2026-11-20 and the "
            "restore on 2026-11-25 are not recorded: whoever saw the password then can read it "
            "until it is changed (not yet)");
  evidence.at_rest.mailboxes[0].openings[0].closed = at("2026-11-26T10:00:00Z");
  EXPECT_THAT(reason(Party::listener),
              testing::HasSubstr("could read it until it was changed on 2026-11-26"));
  EXPECT_THAT(verdict(evidence), testing::HasSubstr("Not fetched yet. Sign-ins to bob's mailbox"));

  evidence.lost = {lost};
  for (const auto party : {Party::listener, Party::interferer, Party::others})
    EXPECT_EQ(could(party), Could::unknown);
  EXPECT_TRUE(reason(Party::others)
                  .starts_with("what happened between the backup of 2026-11-20 and the restore on "
                               "2026-11-25 is not recorded"));
  EXPECT_THAT(reason(Party::devices), testing::Not(testing::HasSubstr("nobody has fetched it")));
  EXPECT_EQ(verdict(evidence),
            "protected on the hops shown here. What happened between the backup of 2026-11-20 and "
            "the restore on 2026-11-25 is not recorded.");
  EXPECT_EQ(of_way(evidence, hops).lost, evidence.lost);
}

// Others may have had it, out of sight: each "no" is unknown, and nobody says "every hop".
TEST(Exposure, WhatOthersMayHaveHadElsewhereIsUnknown) {
  Evidence evidence{{submission(Level::mutual), delivery(2), fetch(3, Level::mutual)},
                    {},
                    true,
                    in_mailbox(false)};
  EXPECT_EQ(of(exposure(evidence), Party::listener).could, Could::no);
  evidence.elsewhere = {"whether it went to others, too, is not shown here"};
  for (const auto party : {Party::listener, Party::interferer, Party::others})
    EXPECT_EQ(of(exposure(evidence), party).could, Could::unknown);
  EXPECT_THAT(of(exposure(evidence), Party::others).reason,
              testing::Not(testing::HasSubstr("no other operator")));
  EXPECT_EQ(verdict(evidence),
            "protected on the hops shown here. Whether it went to others, too, is not shown here.");
  EXPECT_EQ(of_way(evidence, evidence.hops).elsewhere, evidence.elsewhere);
}

// A webmail signed in, and fetched nothing of this: the way to it isn't seen.
TEST(Exposure, SignInsByAProgramOnThisMachineAreAWayThatIsNotSeen) {
  Evidence evidence{{submission(Level::mutual), delivery(2)}, {}, true, in_mailbox()};
  const auto could = [&](Party party) { return of(exposure(evidence), party).could; };
  EXPECT_EQ(could(Party::listener), Could::no);
  auto& openings = evidence.at_rest.mailboxes[0].openings;
  openings = {{.how = Opening::How::by_program,
               .network = Network::local,
               .first = at("2026-11-20T10:00:00Z"),
               .last = at("2026-11-25T10:00:00Z")}};
  for (const auto party : {Party::listener, Party::interferer})
    EXPECT_EQ(could(party), Could::unknown);
  EXPECT_EQ(of(exposure(evidence), Party::listener).reason,
            "TLS on hop 1; a program on this machine signs in to bob's mailbox, and how the "
            "password comes to it is not seen: whoever saw it there can read it until it is "
            "changed (not yet)");
  openings[0].closed = at("2026-11-26T10:00:00Z");
  EXPECT_EQ(could(Party::listener), Could::unknown);
  EXPECT_THAT(of(exposure(evidence), Party::listener).reason,
              testing::HasSubstr("could read it until it was changed on 2026-11-26"));
  // It came after that password was another one.
  evidence.hops[1].time = at("2026-11-10T10:00:00Z");
  openings[0].first = openings[0].last = at("2026-11-01T10:00:00Z");
  openings[0].closed = at("2026-11-02T10:00:00Z");
  EXPECT_EQ(could(Party::listener), Could::no);
  // The fetch over that way says it itself.
  openings[0].closed.reset();
  Hop fetched = fetch(3, Level::local);
  fetched.protection.network = Network::local;
  evidence.hops.push_back(fetched);
  EXPECT_EQ(could(Party::listener), Could::unknown);
  EXPECT_THAT(of(exposure(evidence), Party::listener).reason,
              testing::Not(testing::HasSubstr("a program on this machine signs in")));
}

// Nobody has said that it is destroyed, and none goes by itself.
TEST(Exposure, ABackupWhoseTimeIsOver) {
  AtRest at_rest = in_mailbox(false);
  at_rest.backups = {{at("2026-11-23T02:00:00Z"), at("2026-11-24T02:00:00Z"), true}};
  const std::vector<Hop> hops{submission(), delivery(2), fetch(3, Level::mutual)};
  EXPECT_EQ(
      of(exposure_of(hops, at_rest), Party::legal_order).reason,
      "now: the backup of 2026-11-23 (was to be kept until 2026-11-24; nobody has said that it "
      "is destroyed); from now on: an order can keep it there");
}

}  // namespace
}  // namespace letterlock::protection::test

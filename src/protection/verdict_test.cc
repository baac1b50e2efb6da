#include "protection/exposure_fixture.h"

namespace letterlock::protection::test {
namespace {

TEST(Verdict, SaysHowFarAndWhatIsNotKnown) {
  const Hop in_time = delivery(2);
  EXPECT_EQ(verdict_of({}), "nothing is recorded: who could have read it is unknown.");
  EXPECT_EQ(verdict_of({submission(), in_time}),
            "protected on every hop that this platform saw. Not fetched yet.");
  EXPECT_EQ(verdict_of({submission(Level::encrypted), in_time, fetch(3, Level::encrypted)}),
            "nobody who only listened could read it; somebody interfering could have on hops 1 and "
            "3, where identities were not proved.");
  EXPECT_EQ(verdict_of({submission(Level::encrypted), in_time, fetch(3, Level::clear)}),
            "protected against listeners as far as bob's mailbox; between there and bob's client "
            "anyone could read it.");
  EXPECT_EQ(
      verdict_of({submission(), relay(2, Level::authenticated, Proof::dane_ee)}),
      "protected on every hop that this platform saw. Beyond mx.old.example: unknown from here.");
  EXPECT_EQ(verdict_of({submission(), relay(2, Level::clear)}),
            "protected as far as dublin-1; between there and mx.old.example anyone could read it. "
            "Beyond mx.old.example: unknown from here.");
  EXPECT_EQ(
      verdict_of({submission(), relay(2, Level::encrypted)}),
      "nobody who only listened could read it; somebody interfering could have on hop 2, "
      "where nothing proved mx.old.example's identity. Beyond mx.old.example: unknown from here.");
  EXPECT_EQ(verdict_of({submission(Level::clear), delivery(2), fetch(3, Level::clear)}),
            "not protected between alice's client and dublin-1: anyone could read it there, and on "
            "hop 3.");
  const Hop in = hop_of(1, Kind::relay, {End::Role::mta, "mail.outside.example", "", ""}, dublin,
                        Level::clear);
  EXPECT_EQ(verdict_of({in, delivery(2)}),
            "not protected between mail.outside.example and dublin-1: anyone could read it there. "
            "Not fetched yet. Before mail.outside.example: unknown from here.");
}

// A trace that was forgotten, and begun again, lacks hops that the platform did see: nothing is
// said of those.
TEST(Verdict, OfWhatIsStillRecorded) {
  EXPECT_EQ(verdict_of({delivery(2), fetch(3, Level::authenticated)}),
            "protected on the hops that are still recorded. How it came here is not recorded.");
  EXPECT_EQ(
      verdict_of({delivery(2), fetch(3, Level::encrypted)}),
      "nobody who only listened could read it on the hops that are still recorded; somebody "
      "interfering could have on hop 3, where bob's client may not have checked who answered. "
      "How it came here is not recorded.");
}

TEST(Verdict, OfMailThatDidNotGoOn) {
  using enum hop::Answer;
  EXPECT_EQ(verdict_of({submission(), failed(relay(2, Level::clear), Given::nothing, hold)}),
            "it waits, until it can be protected as required; no content has left the platform, in "
            "none of the attempts. So far: protected on every hop that this platform saw.");
  EXPECT_EQ(verdict_of({submission(), failed(relay(2, Level::clear), Given::nothing, refuse)}),
            "not sent on, because it could not be protected as required; no content has left the "
            "platform, in none of the attempts. So far: protected on every hop that this platform "
            "saw.");
  // A host that didn't answer was held, too, and nothing was asked of its protection.
  Hop silent = failed(relay(2, Level::clear), Given::nothing, hold);
  silent.required.clear();
  EXPECT_TRUE(verdict_of({submission(), silent})
                  .starts_with("it waits, until mx.old.example takes it; no content has left"));
  const auto held = failed(relay(2, Level::clear), Given::nothing, hold);
  EXPECT_TRUE(verdict_of({submission(), held}, Fate::came_back)
                  .starts_with("not sent on, because it could not be protected as required;"));
  Hop no_such_user = failed(relay(2, Level::encrypted), Given::envelope);
  no_such_user.reply = "550 5.1.1 no such user";
  EXPECT_TRUE(verdict_of({submission(), no_such_user})
                  .starts_with("mx.old.example did not accept it; no content has left"));
  // Content that was given in an attempt that failed has left.
  const auto gave = failed(relay(2, Level::clear), Given::content);
  EXPECT_EQ(
      verdict_of({submission(), gave}),
      "it waits, until mx.old.example takes it. So far: protected as far as dublin-1; between "
      "there and mx.old.example anyone could read it. Beyond mx.old.example: unknown from here.");
  Hop unknown = relay(2, Level::encrypted);
  unknown.outcome = Outcome::unknown;
  EXPECT_NE(verdict_of({submission(), unknown})
                .find("Whether mx.old.example has it is unknown: it is counted as given."),
            std::string::npos);
}

TEST(HopWords, ListsAreBounded) {
  EXPECT_EQ(hop_list({4}), "hop 4");
  EXPECT_EQ(hop_list({1, 2}), "hops 1 and 2");
  EXPECT_EQ(hop_list({1, 2, 5}), "hops 1, 2 and 5");
  EXPECT_EQ(hop_list({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), "hops 1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
  EXPECT_EQ(short_name({End::Role::client, "", "", ""}), "a client");
  EXPECT_EQ(short_name({End::Role::mta, "mx\r\n.example", "", ""}), "mx\\x0d\\x0a.example");
  std::vector<Hop> many;
  for (unsigned i = 1; i <= 5000; ++i) {
    Hop hop = relay(i, Level::clear);
    hop.to.who = "mx" + std::to_string(i) + ".old.example";
    many.push_back(hop);
  }
  for (const auto& party : exposure_of(many).parties) EXPECT_LT(party.reason.size(), 2000U);
  EXPECT_LT(verdict_of(many).size(), 1000U);
}

}  // namespace
}  // namespace letterlock::protection::test

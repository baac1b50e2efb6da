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
      "nobody who only listened could read it on the hops that this platform saw; somebody "
      "interfering could have on hop 2, where nothing proved mx.old.example's identity. Beyond "
      "mx.old.example: unknown from here.");
  EXPECT_EQ(verdict_of({submission(Level::clear), delivery(2), fetch(3, Level::clear)}),
            "not protected between alice's client and dublin-1: anyone could read it there, and on "
            "hop 3.");
  const Hop in = hop_of(1, Kind::relay, {End::Role::mta, "mail.outside.example", "", ""}, dublin,
                        Level::clear);
  EXPECT_EQ(verdict_of({in, delivery(2)}),
            "not protected between mail.outside.example and dublin-1: anyone could read it there. "
            "Not fetched yet. Before mail.outside.example: unknown from here.");
}

// Hops that the platform saw, and that this reader doesn't see, are not called protected: of a
// trace that was forgotten and begun again, of another tenant's mailbox, of a view of a part.
TEST(Verdict, OfTheHopsThatAreShown) {
  EXPECT_EQ(verdict_of({delivery(2), fetch(3, Level::authenticated)}),
            "protected on the hops shown here. How it came here is not recorded.");
  EXPECT_EQ(
      verdict_of({delivery(2), fetch(3, Level::encrypted)}),
      "nobody who only listened could read it on the hops shown here; somebody interfering could "
      "have on hop 3, where bob's client may not have checked who answered. How it came here is "
      "not recorded.");
  EXPECT_EQ(verdict_of({delivery(2), fetch(3, Level::mutual), fetch(4, Level::clear)}),
            "protected on the hops shown here as far as bob's mailbox; between there and bob's "
            "client anyone could read it. How it came here is not recorded.");
}
TEST(Verdict, OfWhatIsHiddenNothingIsCalledProtected) {
  const std::vector<Hop> hops{submission(), delivery(2)};
  EXPECT_EQ(verdict_of(hops, Fate::going_on, {.in_queue = AtRest::InQueue::no}),
            "protected on the hops shown here. What happens in bob's mailbox is not shown here.");
  EXPECT_EQ(verdict({hops, {}, false, in_mailbox()}),
            "protected on the hops shown here. Not fetched yet. Not all of its hops are shown.");
  EXPECT_EQ(verdict_of({submission(), expansion(2, End::Role::list, "team@birch.example")}),
            "protected on the hops shown here. Beyond team@birch.example: unknown from here.");
}

Opening opening_of(Opening::How how, Network network = Network::public_) {
  return {.how = how,
          .network = network,
          .first = at("2026-11-24T08:00:00Z"),
          .last = at("2026-11-24T08:00:00Z")};
}

// An opening comes first: nothing that reassures stands before it. What a fetch tells isn't said
// twice.
TEST(Verdict, SignInsThatOpenedTheMailboxComeFirst) {
  AtRest at_rest = in_mailbox();
  auto& openings = at_rest.mailboxes[0].openings;
  const auto said = [&](std::vector<Hop> hops) {
    return verdict_of(std::move(hops), Fate::going_on, at_rest);
  };
  const std::string in_clear = "sign-ins in clear opened bob's mailbox: anyone could read it there";
  const std::string unbound =
      "ign-ins that were not bound to their connection opened bob's mailbox: somebody interfering "
      "could have read it there. ";
  openings = {opening_of(Opening::How::in_clear)};
  EXPECT_EQ(said({submission(Level::encrypted), delivery(2)}),
            in_clear +
                ". Nobody who only listened could read it on its way; somebody interfering could "
                "have on hop 1, where alice's client may not have checked who answered. Not "
                "fetched yet.");
  openings = {opening_of(Opening::How::unbound)};
  EXPECT_EQ(said({submission(), delivery(2)}),
            "s" + unbound + "Protected on its way. Not fetched yet.");
  const Hop open = fetch(3, Level::encrypted);
  EXPECT_TRUE(said({submission(), delivery(2), open}).starts_with("nobody who only listened"));
  // What the fetch tells is less: on a private road, or not in clear.
  Hop inside = open;
  inside.protection.network = Network::private_;
  EXPECT_TRUE(said({submission(), delivery(2), inside}).starts_with("s" + unbound));
  openings.push_back(opening_of(Opening::How::in_clear, Network::private_));
  EXPECT_TRUE(said({submission(), delivery(2), open})
                  .starts_with(in_clear.substr(0, in_clear.find("anyone")) +
                               "anyone on that private network could"));
  EXPECT_TRUE(said({submission(), delivery(2), inside})
                  .starts_with(in_clear.substr(0, in_clear.find("anyone")) +
                               "anyone on that private network could read it there. S" + unbound));
  openings = {opening_of(Opening::How::unbound), opening_of(Opening::How::in_clear)};
  EXPECT_TRUE(said({submission(), delivery(2)}).starts_with(in_clear + ". Protected on its way"));
}

// Whoever interfered with a member's fetch could read it, too.
TEST(Verdict, ChildrenAddThoseWhoInterfere) {
  const Child team{
      .what = Child::What::expanded,
      .name = "team@birch.example",
      .trace = "",
      .exposure = exposure_of({submission(), delivery(2), fetch(3, Level::encrypted)})};
  EXPECT_EQ(verdict_of({submission(), expansion(2, End::Role::list, "team@birch.example")},
                       Fate::going_on, in_mailbox(), {team}),
            "protected before it went on. By way of team@birch.example, interfering on the "
            "network: YES.");
}

// A program on this machine is no end: a webmail's people are elsewhere.
TEST(Verdict, BehindAProgramOnThisMachineNothingIsKnown) {
  Hop in = submission(Level::encrypted);
  Hop out = fetch(3, Level::encrypted);
  in.protection.network = out.protection.network = Network::local;
  const std::string came = "ow alice's client on this machine came by it: unknown from here";
  const std::string shows = "here bob's client on this machine shows it: unknown from here";
  EXPECT_EQ(verdict_of({in, delivery(2), out}), "h" + came + "; w" + shows + ".");
  const auto who = exposure_of({in, delivery(2), out});
  for (const auto party : {Party::listener, Party::interferer, Party::recorder}) {
    EXPECT_EQ(of(who, party).could, Could::unknown);
    EXPECT_EQ(of(who, party).reason, "h" + came + "; w" + shows);
  }
  EXPECT_EQ(verdict_of({submission(), delivery(2), out}),
            "protected on every hop that this platform saw. W" + shows + ".");
  // Nothing was given to it; and within the node there is no such program.
  EXPECT_EQ(
      of(exposure_of({submission(), delivery(2), failed(out, Given::nothing)}), Party::listener)
          .could,
      Could::no);
  const Hop made =
      hop_of(1, Kind::submission, dublin, dublin, Level::local, Proof::none, Network::local);
  EXPECT_EQ(of(exposure_of({made, delivery(2)}), Party::listener).could, Could::no);
}

// Of an alias's targets one has it, and another doesn't.
TEST(Verdict, SaysWhatDidNotGoOnInPart) {
  const auto held = failed(relay(3, Level::clear), Given::nothing, hop::Answer::hold);
  EXPECT_EQ(verdict_of({submission(), delivery(2), held}),
            "in part it waits, until it can be protected as required; no content has left the "
            "platform, in none of the attempts. So far: protected on every hop that this platform "
            "saw.");
  // Its client has it: that is not "no content has left".
  const auto fetched = fetch(2, Level::authenticated);
  EXPECT_EQ(verdict_of({submission(), delivery(2), fetched, held}, Fate::came_back),
            "in part not sent on, because it could not be protected as required. So far: protected "
            "on every hop that this platform saw.");
  EXPECT_EQ(verdict_of({submission(), held, delivery(4), fetch(5, Level::authenticated)},
                       Fate::came_back),
            "protected on every hop that this platform saw. In part not sent on.");
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

// Its header is read as a part of it; in the words that say so.
TEST(Exposure, AReportsHeaderCounts) {
  const auto beyond = exposure_of({submission(), relay(2, Level::clear)}, {});
  Child report{.what = Child::What::header, .name = "01JD", .trace = "01JD", .exposure = beyond};
  const auto returned = exposure_of({submission(), delivery(2)}, in_mailbox(), {report});
  EXPECT_EQ(of(returned, Party::listener).could, Could::anyone);
  EXPECT_NE(of(returned, Party::listener).reason.find("its header, by way of report 01JD: hop 2: "),
            std::string::npos);
  const auto failure = failed(relay(2, Level::clear), Given::nothing, hop::Answer::refuse);
  const auto way = of_way({{submission(), failure}, {report}}, {submission(), failure});
  const auto said = verdict(way, Fate::came_back);
  EXPECT_TRUE(
      said.starts_with("not sent on, because it could not be protected as required; no "
                       "attempt has given content away."))
      << said;
  EXPECT_NE(said.find("Its header, by way of report 01JD, listening on the network: YES"),
            std::string::npos)
      << said;
  report.exposure.reset();
  EXPECT_NE(verdict_of({submission(), delivery(2)}, Fate::going_on, in_mailbox(), {report})
                .find("the report that returned its header is not shown here (01JD)"),
            std::string::npos);
}

TEST(HopWords, ListsAreBounded) {
  EXPECT_EQ(hop_list({4}), "hop 4");
  EXPECT_EQ(hop_list({1, 2}), "hops 1 and 2");
  EXPECT_EQ(hop_list({1, 2, 5}), "hops 1, 2 and 5");
  EXPECT_EQ(hop_list({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}), "hops 1, 2, 3, 4, 5, 6, 7, 8 and 2 more");
  EXPECT_EQ(short_name({End::Role::client, "", "", ""}), "a client");
  EXPECT_EQ(short_name({End::Role::mta, "mx\r\n.example", "", ""}), "mx\\x0d\\x0a.example");
  EXPECT_EQ(short_name({End::Role::client, "\"it is protected\"@x.example", "", ""}),
            "\"it\\x20is\\x20protected\"'s client");
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

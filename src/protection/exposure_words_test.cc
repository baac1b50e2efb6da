// What exposures are made of, each part alone: names, clauses, gaps, children.
#include <gmock/gmock.h>

#include "base/bytes.h"
#include "protection/clauses.h"
#include "protection/exposure_fixture.h"
#include "protection/unseen.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Words, OfPartiesAndAnswers) {
  const std::vector<std::tuple<Party, std::string, std::string>> all{
      {Party::listener, "listener", "on the network, listening"},
      {Party::interferer, "interferer", "on the network, interfering"},
      {Party::operator_, "operator", "the platform's operator"},
      {Party::others, "others", "other operators"},
      {Party::legal_order, "legal-order", "a legal order to the operator"},
      {Party::recorder, "recorder", "a recorder with a quantum computer"},
      {Party::devices, "devices", "the devices at both ends"}};
  for (const auto& [party, short_one, long_one] : all) {
    EXPECT_EQ(name(party), short_one);
    EXPECT_EQ(title(party), long_one);
  }
  const std::vector<Could> answers{Could::no, Could::unknown, Could::yes, Could::anyone};
  std::vector<std::string_view> said;
  for (const auto could : answers) said.push_back(name(could));
  EXPECT_THAT(said, ElementsAre("no", "unknown", "yes", "YES"));
  EXPECT_TRUE(std::ranges::is_sorted(answers));
}

TEST(Words, OfChildrenAreBounded) {
  const std::string long_name(300, 'a');
  for (const auto& [what, before] : {std::pair{Child::What::expanded, "by way of "},
                                     {Child::What::report, "by way of report "},
                                     {Child::What::header, "its header, by way of report "}}) {
    EXPECT_EQ(by_way_of({.what = what, .name = "x@a.example"}),
              before + std::string("x@a.example"));
    const auto said = by_way_of({.what = what, .name = long_name});
    EXPECT_EQ(said, before + base::printable(long_name, 255));
  }
}

TEST(Clauses, SixAreSaidAndTheOthersCounted) {
  Clauses clauses;
  for (int i = 1; i <= 6; ++i) clauses.add(std::to_string(i));
  EXPECT_EQ(clauses.text(), "1; 2; 3; 4; 5; 6");
  clauses.add("7");
  EXPECT_EQ(clauses.text(), "1; 2; 3; 4; 5; 6; 1 more");
  clauses.add("8");
  EXPECT_EQ(clauses.text(), "1; 2; 3; 4; 5; 6; 2 more");
}

// ---- children ----

Exposure of_child(Could could) {
  Exposure all;
  for (int party = 0; party <= static_cast<int>(Party::devices); ++party)
    all.parties.push_back({static_cast<Party>(party), could, "there", {}});
  return all;
}

TEST(Exposure, AChildAddsWhatItAnswersAndNothingWhereThatIsNo) {
  const auto with = [](Could could) {
    const Child child{Child::What::report, "01R", "01R", of_child(could)};
    return of(exposure_of({submission(Level::mutual), delivery(2)}, in_mailbox(), {child}),
              Party::listener);
  };
  EXPECT_EQ(with(Could::no).could, Could::no);
  EXPECT_THAT(with(Could::no).reason, Not(HasSubstr("by way of")));
  for (const auto could : {Could::unknown, Could::yes, Could::anyone}) {
    EXPECT_EQ(with(could).could, could);
    EXPECT_THAT(with(could).reason, HasSubstr("by way of report 01R: there"));
  }
}

// ---- gaps ----

std::vector<std::string> clauses_of(std::vector<Hop> hops, std::vector<Child> children = {}) {
  std::vector<std::string> all;
  for (const auto& gap :
       gaps_of({std::move(hops), std::move(children), true, in_mailbox(), base::Order()}))
    all.push_back(gap.clause);
  return all;
}

Hop out_to(const std::string& host, unsigned number) {
  return hop_of(number, Kind::relay, dublin, {End::Role::mta, host, "", "ESMTP"}, Level::encrypted);
}

TEST(Gaps, EachIsSaidOnceAndFourAreNamed) {
  auto from = reception();
  EXPECT_THAT(clauses_of({from, from, out_to("mx.a.example", 2), out_to("mx.a.example", 3)}),
              ElementsAre("before mail.outside.example: unknown from here",
                          "beyond mx.a.example: unknown from here"));
  // The same host on both sides hides two roads.
  EXPECT_THAT(clauses_of({from, out_to("mail.outside.example", 2)}),
              ElementsAre("before mail.outside.example: unknown from here",
                          "beyond mail.outside.example: unknown from here"));
  std::vector<Hop> hops{submission()};
  for (unsigned i = 1; i <= 4; ++i) hops.push_back(out_to(fmt::format("mx{}.a.example", i), i + 1));
  EXPECT_THAT(clauses_of(hops),
              ElementsAre("beyond mx1.a.example, mx2.a.example, mx3.a.example and mx4.a.example: "
                          "unknown from here"));
  hops.push_back(out_to("mx5.a.example", 6));
  EXPECT_THAT(clauses_of(hops), ElementsAre(HasSubstr("mx4.a.example and 1 more: unknown")));
}

TEST(Gaps, AListIsSeenOnlyThroughItsOwnCopy) {
  const std::string team = "team@birch.example";
  const std::vector<Hop> hops{submission(), expansion(2, End::Role::list, team),
                              expansion(3, End::Role::list, "TEAM@birch.example")};
  const auto unseen = ElementsAre("beyond team@birch.example: unknown from here");
  EXPECT_THAT(clauses_of(hops), unseen);
  EXPECT_THAT(
      clauses_of(hops, {{Child::What::expanded, "Team@Birch.example", "01A", of_child(Could::no)}}),
      testing::IsEmpty());
  // Another list's copy, or a report, isn't it.
  EXPECT_THAT(
      clauses_of(hops, {{Child::What::expanded, "all@birch.example", "01A", of_child(Could::no)}}),
      unseen);
  EXPECT_THAT(clauses_of(hops, {{Child::What::report, team, "01A", of_child(Could::no)}}), unseen);
}

// ---- openings ----

// Delivered twice, or tried twice: the earliest that may be meant, and when it began.
TEST(Openings, CountFromTheFirstDeliveryOn) {
  auto at_rest = in_mailbox();
  at_rest.mailboxes[0].openings = {{.how = Opening::How::in_clear,
                                    .network = Network::public_,
                                    .first = at("2026-11-23T10:30:00Z"),
                                    .last = at("2026-11-23T10:30:00Z"),
                                    .closed = at("2026-11-23T11:00:00Z")}};
  Hop early = delivery(2);
  early.time = at("2026-11-23T10:00:00Z");
  early.finished = at("2026-11-23T13:00:00Z");
  Hop late = delivery(3);
  late.time = late.finished = at("2026-11-23T12:00:00Z");
  const auto open = [&](std::vector<Hop> hops) {
    return openings_of({std::move(hops), {}, true, at_rest, base::Order()}).size();
  };
  EXPECT_EQ(open({early, late}), 1U);
  EXPECT_EQ(open({late, early}), 1U);
  EXPECT_EQ(open({early}), 1U);
  EXPECT_EQ(open({late}), 0U);
}

// ---- verdicts of what didn't go on ----

Hop in_vain() {
  return failed(relay(2, Level::clear), Given::nothing, hop::Answer::hold);
}

TEST(Verdict, ClaimsThatNothingLeftOnlyWhereNoChildDid) {
  const auto said = [](std::vector<Child> children) {
    return verdict_of({submission(Level::mutual), in_vain()}, Fate::came_back, {},
                      std::move(children));
  };
  const std::string none = "no content has left the platform, in none of the attempts";
  const std::string by_no_attempt = "no attempt has given content away";
  const auto child = [](Child::What what, Could could, Party party = Party::others) {
    Child made{what, "x", "01A", of_child(Could::no)};
    made.exposure->parties.at(static_cast<std::size_t>(Party::devices)).could = Could::no;
    made.exposure->parties.at(static_cast<std::size_t>(party)).could = could;
    return made;
  };
  using enum Child::What;
  EXPECT_THAT(said({}), HasSubstr(none));
  for (const auto what : {expanded, report, header})
    EXPECT_THAT(said({child(what, Could::no)}), HasSubstr(none));
  for (const auto could : {Could::unknown, Could::yes}) {
    for (const auto party : {Party::others, Party::devices}) {
      EXPECT_THAT(said({child(report, could, party)}), HasSubstr(by_no_attempt));
      EXPECT_THAT(said({child(header, could, party)}), HasSubstr(by_no_attempt));
      const auto of_list = said({child(expanded, could, party), child(report, could)});
      EXPECT_THAT(of_list, Not(HasSubstr(none)));
      EXPECT_THAT(of_list, Not(HasSubstr(by_no_attempt)));
    }
  }
  for (const auto what : {expanded, report, header}) {
    const auto out_of_sight = said({{what, "x", ""}});
    EXPECT_THAT(out_of_sight, Not(HasSubstr(none)));
    EXPECT_THAT(out_of_sight, Not(HasSubstr(by_no_attempt)));
  }
}

TEST(Verdict, IsInPartWhereOneEndWasReached) {
  const auto said = [](Hop before) {
    return verdict_of({submission(Level::mutual), std::move(before), in_vain()}, Fate::came_back,
                      in_mailbox());
  };
  const auto in_part = HasSubstr("in part not sent on");
  EXPECT_THAT(said(delivery(2)), in_part);
  EXPECT_THAT(said(fetch(2, Level::mutual)), in_part);
  EXPECT_THAT(said(relay(2, Level::mutual)), in_part);
  EXPECT_THAT(said(expansion(2, End::Role::list, "team@birch.example")), in_part);
  EXPECT_THAT(said(submission()), Not(in_part));
  EXPECT_THAT(said(expansion(2, End::Role::mailbox, "info@birch.example")), Not(in_part));
  auto unknown = relay(2, Level::mutual);
  unknown.outcome = Outcome::failed;
  unknown.given = Given::nothing;
  EXPECT_THAT(said(unknown), Not(in_part));
}

TEST(Verdict, TheHopsInClearAreNamedOnce) {
  auto again = relay(2, Level::clear);
  again.attempt = 2;
  const auto said = verdict_of({submission(Level::mutual), relay(2, Level::clear), again,
                                relay(3, Level::encrypted), relay(4, Level::clear)});
  EXPECT_THAT(said, HasSubstr("could read it, and on hop 4"));
}

TEST(Verdict, TheJudgementIsBlamedOnlyForWhatItAskedFor) {
  const auto said = [](Hop last) {
    return verdict_of({submission(Level::mutual), std::move(last)}, Fate::going_on, {});
  };
  for (const auto answer : {hop::Answer::try_next, hop::Answer::hold}) {
    auto asked = failed(relay(2, Level::clear), Given::nothing, answer);
    EXPECT_THAT(said(asked), HasSubstr("until it can be protected as required"));
    asked.required.clear();
    EXPECT_THAT(said(asked), HasSubstr("until mx.old.example takes it"));
  }
  auto taken = failed(relay(2, Level::clear), Given::nothing);
  taken.required = {{"level >= encrypted", "acorn.example", ""}};
  EXPECT_THAT(said(taken), HasSubstr("until mx.old.example takes it"));
}

}  // namespace
}  // namespace letterlock::protection

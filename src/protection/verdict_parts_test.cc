// What a verdict is put together of, each part alone: openings, children, capital letters, what
// counts as given away.
#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using How = Opening::How;

Mailbox opened(const std::string& person, std::vector<std::pair<How, Network>> by) {
  Mailbox made{.account = person + "@birch.example"};
  for (const auto& [how, network] : by) {
    made.openings.push_back({.how = how,
                             .network = network,
                             .first = at("2026-11-24T08:00:00Z"),
                             .last = at("2026-11-24T08:00:00Z")});
  }
  return made;
}
std::string said_of(std::vector<Mailbox> mailboxes, std::vector<Hop> more = {}) {
  std::vector<Hop> hops{submission(), delivery(2)};
  hops.insert(hops.end(), more.begin(), more.end());
  return verdict_of(std::move(hops), Fate::going_on,
                    {.in_queue = AtRest::InQueue::no, .mailboxes = std::move(mailboxes)});
}

const std::pair in_clear{How::in_clear, Network::public_};
const std::pair unbound{How::unbound, Network::public_};

TEST(VerdictOpenings, FourMailboxesAreNamed) {
  for (const auto& [how, before, after] :
       {std::tuple{in_clear, "sign-ins in clear opened ", ": anyone could read it there. "},
        std::tuple{unbound, "sign-ins that were not bound to their connection opened ",
                   ": somebody interfering could have read it there. "}}) {
    std::vector<Mailbox> mailboxes;
    for (const char* person : {"ann", "bob", "cid", "dan"})
      mailboxes.push_back(opened(person, {how}));
    EXPECT_THAT(
        said_of(mailboxes),
        StartsWith(std::string(before) +
                   "ann's mailbox, bob's mailbox, cid's mailbox and dan's mailbox" + after));
    mailboxes.push_back(opened("eve", {how}));
    EXPECT_THAT(said_of(mailboxes),
                HasSubstr(std::string("cid's mailbox, dan's mailbox and 1 more") + after));
  }
}

TEST(VerdictOpenings, OnAPrivateRoad) {
  EXPECT_THAT(
      said_of({opened("bob", {{How::unbound, Network::private_}})}),
      StartsWith("sign-ins that were not bound to their connection opened bob's mailbox: "
                 "somebody interfering on that private network could have read it there. "));
  EXPECT_THAT(said_of({opened("bob", {{How::in_clear, Network::private_}})}),
              StartsWith("sign-ins in clear opened bob's mailbox: anyone on that private network "
                         "could read it there. "));
}

// One that says less of the same mailbox isn't said beside it; of another mailbox it is.
TEST(VerdictOpenings, EachMailboxByItsWorst) {
  const std::string clear = "sign-ins in clear opened ann's mailbox: anyone could read it there. ";
  const std::string rest = "Protected on its way. Not fetched yet.";
  EXPECT_EQ(
      said_of({opened("ann", {in_clear}), opened("bob", {in_clear, unbound})}),
      "sign-ins in clear opened ann's mailbox and bob's mailbox: anyone could read it there. " +
          rest);
  EXPECT_EQ(said_of({opened("ann", {in_clear}), opened("bob", {unbound})}),
            clear +
                "Sign-ins that were not bound to their connection opened bob's mailbox: somebody "
                "interfering could have read it there. " +
                rest);
  // Who records for later is not of those of whom the verdict speaks.
  EXPECT_EQ(said_of({opened("bob", {{How::recordable, Network::public_}})}),
            "protected on every hop that this platform saw. Not fetched yet.");
}

// Only a fetch by the mailbox's owner tells of it, and only where the fetch shows as much.
TEST(VerdictOpenings, AreToldByFetchesAlone) {
  const std::string sign_ins = "sign-ins ";
  auto proved = fetch(3, Level::authenticated);
  EXPECT_THAT(said_of({opened("bob", {unbound})}, {proved}), StartsWith(sign_ins));
  EXPECT_THAT(said_of({opened("bob", {unbound})}, {fetch(3, Level::encrypted)}),
              Not(HasSubstr("ign-ins ")));
  EXPECT_THAT(said_of({opened("bob", {in_clear})}, {fetch(3, Level::encrypted)}),
              StartsWith(sign_ins));
  EXPECT_THAT(said_of({opened("bob", {in_clear})}, {fetch(3, Level::clear)}),
              Not(HasSubstr("ign-ins ")));
  auto of_another = fetch(3, Level::clear);
  of_another.from.who = "erin@birch.example";
  EXPECT_THAT(said_of({opened("bob", {in_clear})}, {of_another}), StartsWith(sign_ins));
  of_another.from.who = "bob@birch.example";
  of_another.to.who = "erin@birch.example";
  EXPECT_THAT(said_of({opened("bob", {in_clear})}, {of_another}), Not(HasSubstr("ign-ins ")));
  // Bob's own submission, and a hop of another kind that begins at his mailbox.
  for (const auto kind : {Kind::submission, Kind::relay, Kind::site_link}) {
    auto sent = fetch(3, Level::clear);
    sent.kind = kind;
    EXPECT_THAT(said_of({opened("bob", {in_clear})}, {sent}), StartsWith(sign_ins));
  }
}

// ---- children ----

Child with(Could listening, Could interfering, std::string name = "team@birch.example") {
  Child made{Child::What::expanded, std::move(name), "01A", Exposure()};
  for (int party = 0; party <= static_cast<int>(Party::devices); ++party)
    made.exposure->parties.push_back({static_cast<Party>(party), Could::yes, "there", {}});
  made.exposure->parties[static_cast<std::size_t>(Party::listener)].could = listening;
  made.exposure->parties[static_cast<std::size_t>(Party::interferer)].could = interfering;
  return made;
}
std::string said_with(std::vector<Child> children) {
  return verdict_of({submission(), expansion(2, End::Role::list, "team@birch.example")},
                    Fate::going_on, in_mailbox(), std::move(children));
}

TEST(VerdictChildren, AddThoseOnTheNetwork) {
  using enum Could;
  const std::string whole = "protected on every hop that this platform saw.";
  const std::string before = "protected before it went on. By way of team@birch.example, ";
  const std::string listens = "listening on the network: ";
  const std::string interferes = "interfering on the network: ";
  const std::string both = "; by way of team@birch.example, ";
  EXPECT_EQ(said_with({with(no, no)}), whole);
  EXPECT_EQ(said_with({with(no, unknown)}), before + interferes + "unknown.");
  EXPECT_EQ(said_with({with(unknown, no)}), before + listens + "unknown.");
  EXPECT_EQ(said_with({with(unknown, unknown)}), before + listens + "unknown.");
  EXPECT_EQ(said_with({with(unknown, yes)}),
            before + listens + "unknown" + both + interferes + "yes.");
  EXPECT_EQ(said_with({with(yes, yes)}), before + listens + "yes.");
  // One of two is enough, whichever it is.
  const auto quiet = with(no, no, "all@birch.example");
  EXPECT_EQ(said_with({with(yes, yes), quiet}), before + listens + "yes.");
  EXPECT_EQ(said_with({quiet, with(yes, yes)}), before + listens + "yes.");
  // Out of sight: a gap, and what is seen of the next stands beside it.
  EXPECT_EQ(said_with({{Child::What::report, "01R"}, with(yes, yes)}),
            "protected on the hops shown here. What became of the report that returned it is not "
            "shown here (01R); by way of team@birch.example, listening on the network: yes.");
}

// ---- how it is written ----

TEST(VerdictText, SentencesAfterTheFirstBeginWithACapital) {
  const auto said = [](const std::string& host) {
    auto refused = failed(relay(3, Level::clear), Given::nothing);
    refused.to.who = host;
    refused.reply = "550 no";
    return said_of({opened("bob", {in_clear})}, {refused});
  };
  const std::string opening =
      "sign-ins in clear opened bob's mailbox: anyone could read it there. ";
  for (const auto& [host, written] : {std::pair{"a.example", "A.example"},
                                      {"b.example", "B.example"},
                                      {"y.example", "Y.example"},
                                      {"z.example", "Z.example"},
                                      {"1.example", "1.example"},
                                      {"A.example", "A.example"},
                                      {"_.example", "_.example"},
                                      {"~.example", "~.example"}}) {
    EXPECT_THAT(said(host), StartsWith(opening + written + " did not accept it"));
  }
}

TEST(VerdictText, OfWhatNeverLeftTheNode) {
  const Hop made =
      hop_of(1, Kind::submission, dublin, dublin, Level::local, Proof::none, Network::local);
  using enum Could;
  EXPECT_EQ(verdict_of({made, expansion(2, End::Role::list, "team@birch.example")}, Fate::going_on,
                       in_mailbox(), {with(no, no)}),
            "it never left the node.");
  // Nothing crossed a network so far: that isn't called protected.
  EXPECT_EQ(verdict_of({made, failed(relay(2, Level::clear), Given::nothing)}),
            "it waits, until mx.old.example takes it; no content has left the platform, in none of "
            "the attempts.");
}

// ---- what counts as given away ----

TEST(VerdictLeft, ASignInAloneTakesNoContentAway) {
  const auto held = failed(relay(4, Level::clear), Given::nothing, hop::Answer::hold);
  const std::string none = "no content has left the platform, in none of the attempts";
  const auto said = [&](Hop hop) { return said_of({bobs()}, {std::move(hop), held}); };
  auto sign_in = failed(fetch(3, Level::clear), Given::nothing);
  EXPECT_THAT(said(sign_in), HasSubstr(none));
  EXPECT_THAT(said(sign_in), Not(HasSubstr("could read it")));
  sign_in.password_in_clear = true;
  EXPECT_THAT(said(sign_in), HasSubstr(none));
  EXPECT_THAT(said(sign_in), HasSubstr("anyone could read it"));
  sign_in.given = Given::content;
  EXPECT_THAT(said(sign_in), Not(HasSubstr(none)));
  // Told by another tenant is another matter, and so is a sign-in within TLS.
  auto told = failed(fetch(3, Level::clear), Given::nothing);
  told.told = true;
  EXPECT_THAT(said(told), Not(HasSubstr("could read it")));
  auto within = failed(fetch(3, Level::encrypted), Given::nothing);
  within.password_in_clear = true;
  EXPECT_THAT(said(within), Not(HasSubstr("interfering")));
  EXPECT_THAT(said(relay(3, Level::mutual)), Not(HasSubstr(none)));
  auto gave_nothing = failed(relay(3, Level::mutual), Given::envelope);
  EXPECT_THAT(said(gave_nothing), HasSubstr(none));
}

TEST(VerdictLeft, WhereAMailboxIsNotSeenNothingIsClaimed) {
  const auto held = failed(relay(3, Level::clear), Given::nothing, hop::Answer::hold);
  const std::string none = "no content has left";
  const AtRest unseen{.in_queue = AtRest::InQueue::no};
  EXPECT_THAT(verdict_of({submission(), delivery(2), held}, Fate::going_on, unseen),
              Not(HasSubstr(none)));
  EXPECT_THAT(verdict_of({reception(), delivery(2), held}, Fate::going_on, unseen),
              Not(HasSubstr(none)));
  // Before it came here is another road.
  EXPECT_THAT(verdict_of({reception(), delivery(2), held}), HasSubstr(none));
}

}  // namespace
}  // namespace letterlock::protection

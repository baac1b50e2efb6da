#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"

namespace letterlock::protection::test {
namespace {

// Two sites, a proved link between them, and a fetch in clear at the end.
TEST(Exposure, OfTheExample) {
  Hop site =
      hop_of(2, Kind::site_link, dublin, amsterdam, Level::mutual, Proof::site, Network::private_);
  site.protection.confirmed = true;
  Hop open = fetch(4, Level::clear);
  open.password_in_clear = true;
  open.time = at("2026-11-23T10:05:40Z");
  AtRest at_rest = in_mailbox();
  at_rest.mailboxes[0].openings = {{.how = Opening::How::in_clear,
                                    .network = Network::public_,
                                    .first = at("2026-11-23T10:05:40Z"),
                                    .last = at("2026-11-23T10:05:40Z")}};
  at_rest.mailboxes.push_back({.account = "alice@acorn.example", .holds = true});
  at_rest.backups = {{at("2026-11-23T02:00:00Z"), at("2026-12-23T00:00:00Z")}};
  const std::vector<Hop> hops{submission(), site, delivery(3), open};
  const Exposure who = exposure_of(hops, at_rest);

  const auto& listener = of(who, Party::listener);
  EXPECT_EQ(listener.could, Could::anyone);
  EXPECT_EQ(listener.hops, std::vector<unsigned>{4});
  EXPECT_EQ(listener.reason,
            "hop 4: bob's client fetched over POP3 in clear, password included: all of bob's "
            "mailbox lies open until the password is changed (not yet)");
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_EQ(of(who, Party::interferer).reason,
            "hop 4, in clear; not on hop 1, unless alice's client gives its password to a server "
            "that it has not checked; not on hop 2, where both ends saw one and the same channel");
  EXPECT_EQ(of(who, Party::operator_).could, Could::yes);
  EXPECT_EQ(of(who, Party::operator_).reason,
            "in memory, in the queue, in bob's mailbox and in alice's mailbox");
  EXPECT_EQ(of(who, Party::others).could, Could::unknown);
  EXPECT_EQ(of(who, Party::legal_order).reason,
            "now: bob's mailbox, alice's mailbox and the backup of 2026-11-23 (kept until "
            "2026-12-23); from now on: an order can keep it there");
  EXPECT_EQ(of(who, Party::recorder).could, Could::anyone);
  EXPECT_EQ(of(who, Party::recorder).reason,
            "hop 4 at once; hops 1 and 2 later: X25519 alone does not resist it");
  EXPECT_EQ(of(who, Party::devices).reason,
            "alice's client, which sent it; bob's client, which fetched it");
  EXPECT_EQ(verdict_of(hops),
            "protected as far as bob's mailbox; between there and bob's client anyone could read "
            "it.");
}

// Where all is seen and all is protected, the answer is no: it isn't unknown for the sake of it.
TEST(Exposure, SaysNoWhereAllIsSeen) {
  const auto who = exposure_of({submission(), delivery(2), fetch(3, Level::authenticated)});
  EXPECT_EQ(of(who, Party::listener).could, Could::no);
  EXPECT_EQ(of(who, Party::listener).reason, "TLS on hops 1 and 3");
  EXPECT_EQ(of(who, Party::interferer).could, Could::no);
}

// A client that was given the beginning alone has not fetched it; the most that it was given
// counts.
TEST(Exposure, WhatTheClientWasGiven) {
  const auto broken_off = failed(fetch(3, Level::encrypted), Given::content);
  Hop part = fetch(3, Level::encrypted);
  part.outcome = Outcome::partial;
  Hop unknown = fetch(4, Level::encrypted);
  unknown.outcome = Outcome::unknown;
  const auto reason = [](std::vector<Hop> fetches) {
    std::vector<Hop> hops{submission(), delivery(2)};
    hops.insert(hops.end(), fetches.begin(), fetches.end());
    return of(exposure_of(hops), Party::devices).reason;
  };
  const std::string alices = "alice's client, which sent it; bob's client, ";
  EXPECT_EQ(reason({part}), alices + "which was given some of it");
  EXPECT_EQ(reason({broken_off}), alices + "which was given some of it");
  EXPECT_EQ(reason({part, unknown, broken_off}), alices + "which may have fetched it");
  EXPECT_EQ(reason({part, fetch(4, Level::encrypted), unknown}), alices + "which fetched it");
  // A part of it crossed the network, too.
  part.protection.level = Level::clear;
  EXPECT_EQ(of(exposure_of({submission(), delivery(2), part}), Party::listener).could,
            Could::anyone);
}

// What was deleted isn't gone from the disk yet, and stays in the backups that had it.
TEST(Exposure, DeletedIsNotGone) {
  const std::vector<Hop> hops{submission(), delivery(2), fetch(3, Level::mutual)};
  const auto legal = [&](const AtRest& at_rest) {
    return of(exposure_of(hops, at_rest), Party::legal_order);
  };
  EXPECT_EQ(legal(in_mailbox(false)).could, Could::yes);
  EXPECT_EQ(legal(in_mailbox(false)).reason,
            "no queue, mailbox or known backup here has it any more; what was deleted can be found "
            "on the disk until its place is used again");
  AtRest backed_up = in_mailbox(false);
  backed_up.backups = {{at("2026-11-23T02:00:00Z"), std::nullopt}};
  EXPECT_EQ(legal(backed_up).reason,
            "now: the backup of 2026-11-23 (until somebody says that it is destroyed); from now "
            "on: an order can keep it there");
  EXPECT_EQ(legal({}).reason, "whether it lies in the queue and bob's mailbox is not shown here");
}

// Of a message that gave its password away: how long the mailbox lay open.
TEST(Exposure, PasswordChangedOrNotKnown) {
  Hop open = fetch(3, Level::clear);
  open.password_in_clear = true;
  open.time = at("2026-11-24T08:00:00Z");
  AtRest at_rest = in_mailbox();
  const auto reason = [&] {
    return of(exposure_of({submission(), delivery(2), open}, at_rest), Party::listener).reason;
  };
  EXPECT_NE(reason().find("(whether it was is not known)"), std::string::npos);
  at_rest.mailboxes[0].account = "BOB@birch.example";
  at_rest.mailboxes[0].openings = {{.how = Opening::How::in_clear,
                                    .network = Network::public_,
                                    .first = at("2026-11-24T07:00:00Z"),
                                    .last = at("2026-11-24T08:00:00Z"),
                                    .closed = at("2026-11-24T09:00:00Z")}};
  EXPECT_NE(reason().find("was open until the password was changed on 2026-11-24"),
            std::string::npos);
  // Shown after that change: another password, of which nothing is known.
  open.time = at("2026-11-24T09:00:00Z");
  EXPECT_NE(reason().find("(whether it was is not known)"), std::string::npos);
}

// A sign-in opens the mailbox with everything that lies in it, whatever it then asked for.
TEST(Exposure, SignInsOpenTheMailbox) {
  Hop in = delivery(2);
  in.time = at("2026-11-23T10:00:00Z");
  const std::vector<Hop> hops{submission(), in};
  AtRest at_rest = in_mailbox();
  auto& mailbox = at_rest.mailboxes[0];
  mailbox.openings = {{.how = Opening::How::in_clear,
                       .network = Network::public_,
                       .first = at("2026-11-20T09:00:00Z"),
                       .last = at("2026-11-22T09:00:00Z")}};
  const auto could = [&](Party party) { return of(exposure_of(hops, at_rest), party).could; };
  EXPECT_EQ(could(Party::listener), Could::anyone);
  EXPECT_EQ(could(Party::interferer), Could::anyone);
  EXPECT_EQ(could(Party::recorder), Could::anyone);
  EXPECT_EQ(of(exposure_of(hops, at_rest), Party::listener).reason,
            "sign-ins to bob's mailbox in clear (2026-11-20 to 2026-11-22): all of it lies open "
            "until the password is changed (not yet)");
  EXPECT_EQ(verdict_of(hops, Fate::going_on, at_rest),
            "sign-ins in clear opened bob's mailbox: anyone could read it there. Protected on its "
            "way. Not fetched yet.");
  mailbox.openings[0].network = Network::private_;
  EXPECT_EQ(could(Party::listener), Could::yes);
  mailbox.openings[0].network = Network::public_;

  // Closed before the message came; within a moment of it nobody can tell.
  mailbox.openings[0].closed = at("2026-11-23T09:59:59.980Z");
  EXPECT_EQ(could(Party::listener), Could::no);
  mailbox.openings[0].closed = at("2026-11-23T09:59:59.981Z");
  EXPECT_EQ(could(Party::listener), Could::anyone);
  // The message was gone before the first of them.
  mailbox.openings[0] = {.how = Opening::How::in_clear,
                         .network = Network::public_,
                         .first = at("2026-11-25T09:00:00Z"),
                         .last = at("2026-11-25T09:00:00Z")};
  mailbox.left = at("2026-11-25T08:59:59.980Z");
  EXPECT_EQ(could(Party::listener), Could::no);
  mailbox.left = at("2026-11-25T08:59:59.981Z");
  EXPECT_EQ(could(Party::listener), Could::anyone);
  mailbox.left.reset();
  EXPECT_EQ(could(Party::listener), Could::anyone);

  // Unbound over TLS: who interfered, not who listened. Recordable: who records, alone.
  mailbox.openings[0].how = Opening::How::unbound;
  EXPECT_EQ(could(Party::listener), Could::no);
  EXPECT_EQ(could(Party::interferer), Could::anyone);
  mailbox.openings[0].how = Opening::How::recordable;
  EXPECT_EQ(could(Party::listener), Could::no);
  EXPECT_EQ(could(Party::interferer), Could::no);
  EXPECT_EQ(could(Party::recorder), Could::anyone);
  // Somebody else's mailbox.
  mailbox.openings.clear();
  at_rest.mailboxes.push_back({.account = "erin@birch.example"});
  EXPECT_EQ(could(Party::listener), Could::no);
}

// What bears a later time may have come first: then it counts, and no end of it is claimed.
TEST(Exposure, WhereTheCalendarWasSetBackNoOrderIsTaken) {
  Hop in = delivery(2);
  in.time = at("2026-11-23T10:00:00Z");
  AtRest at_rest = in_mailbox();
  auto& mailbox = at_rest.mailboxes[0];
  mailbox.openings = {{.how = Opening::How::in_clear,
                       .network = Network::public_,
                       .first = at("2026-11-23T08:00:00Z"),
                       .last = at("2026-11-23T08:00:00Z"),
                       .closed = at("2026-11-23T09:00:00Z")}};
  std::vector<Hop> hops{submission(), in};
  const auto listener = [&](base::Order order) {
    return of(exposure({hops, {}, true, at_rest, std::move(order)}), Party::listener);
  };
  const auto back = [](const char* to, const char* from) {
    return base::Order({{at(to), at(from)}});
  };
  EXPECT_EQ(listener({}).could, Could::no);
  EXPECT_EQ(listener(back("2026-11-23T08:59:00Z", "2026-11-23T10:00:00Z")).could, Could::anyone);
  EXPECT_EQ(listener(back("2026-11-23T09:00:01Z", "2026-11-23T11:00:00Z")).could, Could::no);
  // It left before the mailbox was opened, or afterwards.
  mailbox.openings[0] = {.how = Opening::How::in_clear,
                         .network = Network::public_,
                         .first = at("2026-11-25T09:00:00Z"),
                         .last = at("2026-11-25T09:00:00Z")};
  mailbox.left = at("2026-11-25T08:00:00Z");
  EXPECT_EQ(listener({}).could, Could::no);
  EXPECT_EQ(listener(back("2026-11-25T07:30:00Z", "2026-11-25T09:10:00Z")).could, Could::anyone);
  // The password that this fetch showed may have been the next one.
  Hop open = fetch(3, Level::clear);
  open.password_in_clear = true;
  open.time = at("2026-11-25T09:00:00Z");
  hops.push_back(open);
  mailbox.openings[0].closed = at("2026-11-25T09:30:00Z");
  const std::string until = "until the password was changed on 2026-11-25";
  EXPECT_NE(listener({}).reason.find(until), std::string::npos);
  const auto unsure = listener(back("2026-11-25T08:59:00Z", "2026-11-25T09:40:00Z"));
  EXPECT_NE(unsure.reason.find("(whether it was is not known)"), std::string::npos)
      << unsure.reason;
}

// A sign-in in clear on a hop that gave nothing still opens the mailbox.
TEST(Exposure, PasswordAloneCounts) {
  Hop hop = failed(fetch(3, Level::clear), Given::nothing);
  hop.password_in_clear = true;
  const auto who = exposure_of({submission(), delivery(2), hop});
  EXPECT_EQ(of(who, Party::listener).could, Could::anyone);
  EXPECT_EQ(of(who, Party::listener).hops, std::vector<unsigned>{3});
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_TRUE(of(who, Party::interferer).reason.starts_with("as who listened could; not on hop 1"));
  EXPECT_EQ(of(who, Party::recorder).could, Could::anyone);
  // Without it nothing was given, and so nothing could be read.
  hop.password_in_clear = false;
  EXPECT_EQ(of(exposure_of({submission(), delivery(2), hop}), Party::listener).could, Could::no);
  hop.password_in_clear = true;
  EXPECT_EQ(verdict_of({submission(), delivery(2), hop}),
            "protected as far as bob's mailbox; between there and bob's client anyone could read "
            "it. Not fetched yet.");
}

// What isn't seen is unknown, for each party whom it could add.
TEST(Exposure, WhatIsNotSeenIsUnknown) {
  using enum Party;
  struct Row {
    const char* what;
    Evidence evidence;
    std::vector<Party> unknown;
    std::string clause;
  };
  const AtRest seen = in_mailbox();
  const std::vector<Hop> inside{submission(), delivery(2)};
  const End team{End::Role::list, "team@birch.example", "", ""};
  const Hop to_list = expansion(2, End::Role::list, "team@birch.example");
  const std::vector<Party> roads{listener, interferer, recorder};
  const std::vector<Party> everybody{listener, interferer, others, recorder};
  const Row rows[] = {
      {"a reception: what was before",
       {{reception(Level::authenticated), delivery(2)}, {}, true, seen},
       roads,
       "before mail.outside.example: unknown from here"},
      {"relayed: what is beyond",
       {{submission(), relay(2, Level::authenticated, Proof::dane_ee)}, {}, true, seen},
       roads,
       "beyond mx.old.example: unknown from here"},
      {"no first hop",
       {{delivery(2)}, {}, true, seen},
       everybody,
       "how it came here is not recorded"},
      {"nothing recorded", {{}, {}, true, seen}, everybody, "how it came here is not recorded"},
      {"a first hop that gave nothing",
       {{failed(submission(), Given::nothing), delivery(2)}, {}, true, seen},
       everybody,
       "how it came here is not recorded"},
      {"another's mailbox",
       {inside, {}, true, {.in_queue = AtRest::InQueue::no}},
       roads,
       "what happens in bob's mailbox is not shown here"},
      {"a list out of sight",
       {{submission(), to_list}, {}, true, seen},
       everybody,
       "beyond team@birch.example: unknown from here"},
      {"a list's child out of sight",
       {{submission(), to_list}, {{Child::What::expanded, "team@birch.example"}}, true, seen},
       everybody,
       "beyond team@birch.example: unknown from here"},
      {"a report out of sight",
       {inside, {{Child::What::report, "01JD8X4K7QZ3M9ABCDEFGHJKMN"}}, true, seen},
       everybody,
       "what became of the report that returned it is not shown here (01JD8X4K7QZ3M9ABCDEFGHJKMN)"},
      {"more hops than these",
       {inside, {}, false, seen},
       everybody,
       "not all of its hops are shown"},
  };
  for (const Row& row : rows) {
    const auto who = exposure(row.evidence);
    for (const Party party : row.unknown) {
      const auto& found = of(who, party);
      EXPECT_NE(found.could, Could::no) << row.what << ": " << title(party);
      EXPECT_NE(found.reason.find(row.clause), std::string::npos) << row.what << found.reason;
      EXPECT_EQ(found.reason.find("no content has"), std::string::npos) << row.what;
    }
    EXPECT_EQ(of(who, listener).could, Could::unknown) << row.what;
    const std::string said = verdict(row.evidence);
    if (!row.evidence.hops.empty()) {
      // The sentence begins with a capital letter.
      EXPECT_NE(said.find(row.clause.substr(1)), std::string::npos) << row.what << ": " << said;
    }
    EXPECT_EQ(said.find("no content has left"), std::string::npos) << row.what;
  }
  EXPECT_EQ(verdict({{}, {}, true, seen}),
            "nothing is recorded: who could have read it is unknown.");
}

// The content of a child counts in its parent, under the child's name.
TEST(Exposure, ChildrenCount) {
  const auto beyond = exposure_of({submission(), relay(2, Level::clear)}, {});
  const Child list{.what = Child::What::expanded,
                   .name = "team@birch.example",
                   .trace = "01JD8X4K7QZ3M9ABCDEFGHJKMN",
                   .exposure = beyond};
  const std::vector<Hop> hops{submission(), expansion(2, End::Role::list, "Team@birch.example")};
  const auto who = exposure_of(hops, in_mailbox(), {list});
  EXPECT_EQ(of(who, Party::listener).could, Could::anyone);
  EXPECT_EQ(
      of(who, Party::listener).reason,
      "TLS on hop 1; by way of team@birch.example: hop 2: relayed to mx.old.example in clear; "
      "beyond mx.old.example: unknown from here");
  EXPECT_EQ(of(who, Party::others).could, Could::yes);
  EXPECT_EQ(verdict_of(hops, Fate::going_on, in_mailbox(), {list}),
            "protected before it went on. By way of team@birch.example, "
            "listening on the network: YES.");
  // All members within, and all of them seen.
  const auto within = exposure_of({submission(), delivery(2)});
  const Child inside{
      .what = Child::What::expanded, .name = "team@birch.example", .trace = "", .exposure = within};
  EXPECT_EQ(of(exposure_of(hops, in_mailbox(), {inside}), Party::listener).could, Could::no);
  EXPECT_LT(of(exposure_of(hops, in_mailbox(), {inside}), Party::others).could, Could::yes);
  // A report that returned the content over a clear way.
  const Child report{
      .what = Child::What::report, .name = "01JD", .trace = "01JD", .exposure = beyond};
  const auto returned = exposure_of({submission(), delivery(2)}, in_mailbox(), {report});
  EXPECT_EQ(of(returned, Party::listener).could, Could::anyone);
  EXPECT_NE(of(returned, Party::listener).reason.find("by way of report 01JD: hop 2: relayed"),
            std::string::npos);
}

// An alias stands for others in the same trace: it is not a delivery, and hides nothing.
TEST(Exposure, AnAliasIsNoDelivery) {
  const std::vector<Hop> hops{submission(), expansion(2, End::Role::alias, "sales@acorn.example")};
  AtRest waits{.in_queue = AtRest::InQueue::yes, .mailboxes = {}, .backups = {}};
  const auto who = exposure_of(hops, waits);
  EXPECT_EQ(of(who, Party::listener).could, Could::no);
  EXPECT_EQ(of(who, Party::legal_order).reason,
            "now: the queue; from now on: an order can keep it there");
  EXPECT_EQ(of(who, Party::devices).reason, "alice's client, which sent it");
  EXPECT_EQ(verdict_of(hops, Fate::going_on, waits),
            "protected on every hop that this platform saw. It waits in the queue.");
}

// A report is made here: no device sent it. Mail from outside has a device at its beginning.
TEST(Exposure, DevicesAtTheBeginning) {
  Hop made = hop_of(1, Kind::submission, dublin, dublin, Level::local, Proof::none, Network::local);
  EXPECT_EQ(of(exposure_of({made}), Party::devices).reason, "no device is recorded that had it");
  EXPECT_EQ(of(exposure_of({made}), Party::devices).could, Could::no);
  const auto in = exposure_of({reception(), delivery(2)});
  EXPECT_EQ(of(in, Party::devices).could, Could::yes);
  EXPECT_EQ(of(in, Party::devices).reason,
            "the sender's, wherever it was written; nobody has fetched it from bob's mailbox yet");
}

// A client may be another operator's: a collector, or a service that sends for its user.
TEST(Exposure, WhoRunsAClientIsNotKnown) {
  const auto others = [](std::vector<Hop> hops) {
    return of(exposure_of(std::move(hops)), Party::others);
  };
  EXPECT_EQ(others({submission(), delivery(2)}).could, Could::unknown);
  EXPECT_EQ(others({submission(), delivery(2)}).reason,
            "it went to no other operator's mail server; who runs the machine of alice's client is "
            "unknown from here");
  EXPECT_EQ(others({submission(), delivery(2), fetch(3, Level::mutual)}).reason,
            "it went to no other operator's mail server; who runs the machines of alice's client "
            "and bob's client is unknown from here");
  // It may have gone to one.
  EXPECT_EQ(others({fetch(3, Level::mutual)}).reason,
            "how it came here is not recorded; who runs the machine of bob's client is unknown "
            "from here");
  EXPECT_EQ(others({submission(), relay(2, Level::mutual)}).could, Could::yes);
  EXPECT_EQ(others({submission(), relay(2, Level::mutual)}).reason,
            "mx.old.example's, from hop 2 on: unknown from here");
  // Made here, and with no client.
  const Hop made =
      hop_of(1, Kind::submission, dublin, dublin, Level::local, Proof::none, Network::local);
  const auto unread = failed(fetch(3, Level::clear), Given::nothing);
  EXPECT_EQ(others({made, delivery(2), unread}).could, Could::no);
  EXPECT_EQ(others({made, delivery(2), unread}).reason, "no content has left this platform");
}

TEST(Exposure, CountsEveryAttempt) {
  const auto could = [](const Hop& attempt) {
    return of(exposure_of({submission(), attempt}), Party::listener).could;
  };
  EXPECT_EQ(could(relay(2, Level::clear)), Could::anyone);
  EXPECT_EQ(could(failed(relay(2, Level::clear), Given::content)), Could::anyone);
  EXPECT_EQ(could(failed(relay(2, Level::clear), Given::envelope)), Could::no);
  EXPECT_EQ(could(failed(relay(2, Level::clear), Given::nothing)), Could::no);
  Hop unknown = relay(2, Level::clear);
  unknown.outcome = Outcome::unknown;
  unknown.given = Given::nothing;  // whatever was last written: it isn't known
  EXPECT_EQ(could(unknown), Could::anyone);
  unknown.outcome = Outcome::intended;
  EXPECT_EQ(could(unknown), Could::anyone);

  const auto who = exposure_of({submission(), failed(relay(2, Level::clear), Given::envelope)});
  EXPECT_EQ(of(who, Party::listener).reason, "TLS on hop 1; the addresses alone on hop 2");
  EXPECT_LT(of(who, Party::others).could, Could::yes);
  const auto gave = exposure_of({submission(), failed(relay(2, Level::clear), Given::content)});
  EXPECT_EQ(of(gave, Party::others).could, Could::yes);
  EXPECT_TRUE(
      of(gave, Party::listener)
          .reason.starts_with("hop 2: an attempt that failed gave it to mx.old.example in clear"));
}

TEST(Exposure, InterferingIsPossibleWhereNothingWasProved) {
  const auto who = exposure_of({reception(), delivery(2), fetch(3, Level::encrypted)});
  EXPECT_EQ(of(who, Party::listener).could, Could::unknown);  // before it came here
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_EQ(of(who, Party::interferer).reason,
            "hop 1: mail.outside.example may not have checked who answered; hop 3: bob's client "
            "may not have checked who answered; before mail.outside.example: unknown from here");
  EXPECT_EQ(of(who, Party::others).reason,
            "those of mail.outside.example, before hop 1, and whoever had it before: unknown from "
            "here");

  const auto proved = exposure_of({submission(), relay(2, Level::authenticated, Proof::dane_ee)});
  EXPECT_EQ(of(proved, Party::interferer).could, Could::unknown);  // beyond the MX
  EXPECT_EQ(of(proved, Party::interferer).reason,
            "not on hop 1, unless alice's client gives its password to a server that it has not "
            "checked; not on hop 2, unless somebody above that name in the DNS helped; beyond "
            "mx.old.example: unknown from here");
}

TEST(Exposure, PrivateRoadsAreForThoseOnThem) {
  Hop inside = relay(2, Level::clear);
  inside.protection.network = Network::private_;
  EXPECT_EQ(of(exposure_of({submission(), inside}), Party::listener).could, Could::yes);
  inside.protection.network = Network::local;
  EXPECT_EQ(of(exposure_of({submission(), inside}), Party::listener).could, Could::unknown);
}

// Whatever happened besides, one more hop never makes anybody's exposure smaller, and a weaker
// level never does either.
TEST(Exposure, OnlyGrows) {
  std::vector<Hop> choices;
  for (const auto level : {Level::clear, Level::encrypted, Level::authenticated, Level::mutual}) {
    for (const auto network : {Network::local, Network::private_, Network::public_}) {
      for (const auto given : {Given::nothing, Given::envelope, Given::content}) {
        for (const auto outcome : {Outcome::completed, Outcome::failed, Outcome::unknown}) {
          Hop hop = relay(2, level);
          hop.protection.network = network;
          hop.given = given;
          hop.outcome = outcome;
          choices.push_back(hop);
        }
      }
    }
  }
  for (const Hop& a : choices) {
    const auto before = exposure_of({submission(), a});
    for (const Hop& b : choices) {
      const auto after = exposure_of({submission(), a, b});
      for (std::size_t i = 0; i < before.parties.size(); ++i) {
        EXPECT_GE(after.parties[i].could, before.parties[i].could);
      }
    }
    Hop weaker = a;
    weaker.protection.level = Level::clear;
    weaker.protection.tls = {};
    const auto worse = exposure_of({submission(), weaker});
    for (std::size_t i = 0; i < before.parties.size(); ++i) {
      EXPECT_GE(worse.parties[i].could, before.parties[i].could);
    }
  }
}

TEST(Exposure, HasAnAnswerForEachParty) {
  for (const std::vector<Hop>& hops : {std::vector<Hop>{}, {submission()}}) {
    const auto who = exposure_of(hops);
    ASSERT_EQ(who.parties.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(who.parties[i].party, static_cast<Party>(i));
      EXPECT_FALSE(who.parties[i].reason.empty());
    }
  }
}

}  // namespace
}  // namespace letterlock::protection::test

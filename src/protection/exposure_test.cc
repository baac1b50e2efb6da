#include "protection/exposure.h"

#include <gtest/gtest.h>

#include "protection/hop_words.h"

namespace letterlock::protection {
namespace {

using hop::End;
using hop::Given;
using hop::Hop;
using hop::Kind;
using hop::Level;
using hop::Network;
using hop::Outcome;
using hop::Proof;

const End alice{End::Role::client, "alice@acorn.example", "", "ESMTPSA"};
const End dublin{End::Role::node, "dublin-1", "", ""};
const End amsterdam{End::Role::node, "amsterdam-2", "", ""};
const End mailbox{End::Role::mailbox, "bob@birch.example", "", ""};
const End bob{End::Role::client, "bob@birch.example", "", "POP3"};
const End old_mx{End::Role::mta, "mx.old.example", "", "ESMTP"};

Hop hop_of(unsigned number, Kind kind, const End& from, const End& to, Level level,
           Proof proof = Proof::none, Network network = Network::public_) {
  Hop hop;
  hop.number = number;
  hop.kind = kind;
  hop.from = from;
  hop.to = to;
  hop.protection.level = level;
  hop.protection.proved_by = proof;
  hop.protection.network = network;
  if (level != Level::clear && level != Level::local) {
    hop.protection.tls = {.version = hop::TlsVersion::tls1_3,
                          .cipher = "TLS_AES_256_GCM_SHA384",
                          .group = "X25519",
                          .post_quantum = false,
                          .exporter_digest = ""};
  }
  return hop;
}

Hop submission(Level level = Level::mutual) {
  return hop_of(1, Kind::submission, alice, dublin, level,
                level == Level::mutual ? Proof::scram_plus : Proof::none);
}
Hop delivery(unsigned number) {
  return hop_of(number, Kind::delivery, dublin, mailbox, Level::local, Proof::none, Network::local);
}
Hop fetch(unsigned number, Level level) {
  return hop_of(number, Kind::fetch, mailbox, bob, level);
}
Hop relay(unsigned number, Level level, Proof proof = Proof::none) {
  return hop_of(number, Kind::relay, dublin, old_mx, level, proof);
}
Hop failed(Hop hop, Given given, hop::Answer answer = hop::Answer::take) {
  hop.outcome = Outcome::failed;
  hop.given = given;
  hop.answer = answer;
  return hop;
}

const PartyExposure& of(const Exposure& exposure, Party party) {
  return exposure.parties.at(static_cast<std::size_t>(party));
}

// Two sites, a proved link between them, and a fetch in clear at the end.
TEST(Exposure, OfTheExample) {
  Hop site =
      hop_of(2, Kind::site_link, dublin, amsterdam, Level::mutual, Proof::site, Network::private_);
  site.protection.confirmed = true;
  Hop open = fetch(4, Level::clear);
  open.password_in_clear = true;
  const std::vector<Hop> hops{submission(), site, delivery(3), open};
  AtRest at_rest;
  at_rest.copies = {"bob's mailbox", "alice's Sent"};
  at_rest.backups_until = base::from_rfc3339("2026-12-23T00:00:00Z").value();
  at_rest.passwords = {{"bob@birch.example", std::nullopt, std::nullopt}};
  const Exposure who = exposure(hops, at_rest);

  const auto& listener = of(who, Party::listener);
  EXPECT_EQ(listener.could, Could::anyone);
  EXPECT_EQ(listener.hops, std::vector<unsigned>{4});
  EXPECT_EQ(listener.reason,
            "hop 4: bob's client fetched over POP3 in clear, password included: all of bob's "
            "mailbox lies open until it is changed (not yet)");
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_EQ(of(who, Party::interferer).reason,
            "hop 4, in clear; not on hops 1 and 2, where both ends saw one and the same channel");
  EXPECT_EQ(of(who, Party::operator_).could, Could::yes);
  EXPECT_EQ(of(who, Party::operator_).reason, "in memory, in the queue and in bob's mailbox");
  EXPECT_EQ(of(who, Party::others).could, Could::no);
  EXPECT_EQ(of(who, Party::legal_order).reason,
            "now: bob's mailbox, alice's Sent and backups until 2026-12-23; from now on: an order "
            "can keep it there");
  EXPECT_EQ(of(who, Party::recorder).could, Could::anyone);
  EXPECT_EQ(of(who, Party::recorder).reason,
            "hop 4 at once; hops 1 and 2 later: X25519 alone does not resist it");
  EXPECT_EQ(of(who, Party::devices).reason,
            "alice's client, which sent it; bob's client, which fetched it");
  EXPECT_EQ(verdict(hops),
            "protected as far as bob's mailbox; between there and bob's client anyone could read "
            "it.");
}

// A client that was given the beginning alone has not fetched it; the most that it was given
// counts.
TEST(Exposure, WhatTheClientWasGiven) {
  const auto part = failed(fetch(3, Level::encrypted), Given::content);
  Hop unknown = fetch(4, Level::encrypted);
  unknown.outcome = Outcome::unknown;
  const auto reason = [](std::vector<Hop> fetches) {
    std::vector<Hop> hops{submission(), delivery(2)};
    hops.insert(hops.end(), fetches.begin(), fetches.end());
    return of(exposure(hops, {}), Party::devices).reason;
  };
  const std::string alices = "alice's client, which sent it; bob's client, ";
  EXPECT_EQ(reason({part}), alices + "which was given some of it");
  EXPECT_EQ(reason({part, unknown, part}), alices + "which may have fetched it");
  EXPECT_EQ(reason({part, fetch(4, Level::encrypted), unknown}), alices + "which fetched it");
}

// What was deleted isn't gone from the disk yet; what never came can't be asked for.
TEST(Exposure, DeletedIsNotGone) {
  const auto deleted =
      of(exposure({submission(), delivery(2), fetch(3, Level::mutual)}, {}), Party::legal_order);
  EXPECT_EQ(deleted.could, Could::yes);
  EXPECT_EQ(
      deleted.reason,
      "deleted; the disk may hold it until it is written over, and so may backups made meanwhile");
  const auto never = of(exposure({}, {}), Party::legal_order);
  EXPECT_EQ(never.could, Could::no);
  EXPECT_EQ(never.reason, "it has not been here");
}

TEST(Exposure, PasswordChangedOrNotKnown) {
  Hop open = fetch(3, Level::clear);
  open.password_in_clear = true;
  AtRest at_rest;
  const auto reason = [&] {
    return of(exposure({submission(), delivery(2), open}, at_rest), Party::listener).reason;
  };
  EXPECT_NE(reason().find("whether it was is not known"), std::string::npos);
  at_rest.passwords = {
      {"BOB@birch.example", base::from_rfc3339("2026-11-24T09:00:00Z").value(), std::nullopt}};
  open.time = base::from_rfc3339("2026-11-24T08:00:00Z").value();
  EXPECT_NE(reason().find("was open until it was changed on 2026-11-24"), std::string::npos);
  // Told as a day, or not at all: it may have been shown after the change.
  open.time = base::from_rfc3339("2026-11-24T00:00:00Z").value();
  EXPECT_NE(reason().find("whether it was is not known"), std::string::npos);
  open.time = {};
  EXPECT_NE(reason().find("whether it was is not known"), std::string::npos);
}

// A password seen at some other sign-in opens the mailbox with everything that lies in it then.
TEST(Exposure, PasswordSeenElsewhereOpensTheMailbox) {
  const auto time = [](const char* text) { return base::from_rfc3339(text).value(); };
  Hop in = delivery(2);
  in.time = time("2026-11-23T10:00:00Z");
  const std::vector<Hop> hops{submission(), in, fetch(3, Level::encrypted)};
  AtRest at_rest;
  at_rest.passwords = {{"bob@birch.example", std::nullopt, time("2026-11-20T09:00:00Z")}};
  const auto listener = [&] { return of(exposure(hops, at_rest), Party::listener); };
  EXPECT_EQ(listener().could, Could::anyone);
  EXPECT_EQ(
      listener().reason,
      "a sign-in of bob@birch.example on 2026-11-20 showed the password: all of bob's mailbox "
      "lies open until it is changed (not yet)");
  at_rest.passwords[0].changed = time("2026-11-24T09:00:00Z");
  EXPECT_EQ(listener().could, Could::anyone);
  at_rest.passwords[0].changed = time("2026-11-21T09:00:00Z");  // before the message came
  EXPECT_EQ(listener().could, Could::no);
  at_rest.passwords = {{"erin@birch.example", std::nullopt, time("2026-11-20T09:00:00Z")}};
  EXPECT_EQ(listener().could, Could::no);
}

// A sign-in in clear that fetched nothing still opens the mailbox, and the message in it.
TEST(Exposure, PasswordAloneCounts) {
  Hop open = failed(fetch(3, Level::clear), Given::nothing);
  open.password_in_clear = true;
  const auto who = exposure({submission(), delivery(2), open}, {});
  EXPECT_EQ(of(who, Party::listener).could, Could::anyone);
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_TRUE(of(who, Party::interferer).reason.starts_with("as who listened could; not on hop 1"));
  EXPECT_EQ(of(who, Party::recorder).could, Could::anyone);
  EXPECT_EQ(verdict({submission(), delivery(2), open}),
            "protected as far as bob's mailbox; between there and bob's client anyone could read "
            "it. Not fetched yet.");
}

TEST(Exposure, CountsEveryAttempt) {
  const auto could = [](const Hop& attempt) {
    return of(exposure({submission(), attempt}, {}), Party::listener).could;
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

  const auto who = exposure({submission(), failed(relay(2, Level::clear), Given::envelope)}, {});
  EXPECT_EQ(of(who, Party::listener).reason, "TLS on hop 1; the addresses alone on hop 2");
  EXPECT_EQ(of(who, Party::others).could, Could::no);
  const auto gave = exposure({submission(), failed(relay(2, Level::clear), Given::content)}, {});
  EXPECT_EQ(of(gave, Party::others).could, Could::yes);
  EXPECT_EQ(of(gave, Party::listener).reason,
            "hop 2: an attempt that failed gave it to mx.old.example in clear");
}

TEST(Exposure, InterferingIsPossibleWhereNothingWasProved) {
  Hop in = hop_of(1, Kind::relay, {End::Role::mta, "mail.outside.example", "", ""}, dublin,
                  Level::encrypted);
  const auto who = exposure({in, delivery(2), fetch(3, Level::encrypted)}, {});
  EXPECT_EQ(of(who, Party::listener).could, Could::no);
  EXPECT_EQ(of(who, Party::interferer).could, Could::anyone);
  EXPECT_EQ(of(who, Party::interferer).reason,
            "hop 1: mail.outside.example may not have checked who answered; hop 3: bob's client "
            "may not have checked who answered");
  EXPECT_EQ(of(who, Party::others).reason,
            "mail.outside.example's, before hop 1: unknown from here");

  const auto proved = exposure({submission(), relay(2, Level::authenticated, Proof::dane_ee)}, {});
  EXPECT_EQ(of(proved, Party::interferer).could, Could::no);
  EXPECT_EQ(of(proved, Party::interferer).reason,
            "not on hop 1, where both ends saw one and the same channel; not on hop 2, unless "
            "somebody above that name in the DNS helped");
}

TEST(Exposure, PrivateRoadsAreForThoseOnThem) {
  Hop inside = relay(2, Level::clear);
  inside.protection.network = Network::private_;
  EXPECT_EQ(of(exposure({submission(), inside}, {}), Party::listener).could, Could::yes);
  inside.protection.network = Network::local;
  EXPECT_EQ(of(exposure({submission(), inside}, {}), Party::listener).could, Could::no);
}

TEST(Exposure, SealedShowsCiphertextOnly) {
  AtRest at_rest;
  at_rest.sealed = true;
  at_rest.copies = {"bob's mailbox"};
  const auto who = exposure({submission(), relay(2, Level::clear)}, at_rest);
  for (const auto& party : who.parties) {
    EXPECT_EQ(party.could, party.party == Party::devices ? Could::yes : Could::no)
        << title(party.party);
  }
  EXPECT_TRUE(of(who, Party::listener).reason.starts_with("the ciphertext only"));
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
    const auto before = exposure({submission(), a}, {});
    for (const Hop& b : choices) {
      const auto after = exposure({submission(), a, b}, {});
      for (std::size_t i = 0; i < before.parties.size(); ++i) {
        EXPECT_GE(after.parties[i].could, before.parties[i].could);
      }
    }
    Hop weaker = a;
    weaker.protection.level = Level::clear;
    weaker.protection.tls = {};
    const auto worse = exposure({submission(), weaker}, {});
    for (std::size_t i = 0; i < before.parties.size(); ++i) {
      EXPECT_GE(worse.parties[i].could, before.parties[i].could);
    }
  }
}

TEST(Exposure, HasAnAnswerForEachParty) {
  for (const std::vector<Hop>& hops : {std::vector<Hop>{}, {submission()}}) {
    const auto who = exposure(hops, {});
    ASSERT_EQ(who.parties.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(who.parties[i].party, static_cast<Party>(i));
      EXPECT_FALSE(who.parties[i].reason.empty());
    }
  }
}

TEST(Verdict, SaysHowFarAndWhatIsNotKnown) {
  const Hop in_time = delivery(2);
  EXPECT_EQ(verdict({}), "nothing is recorded.");
  EXPECT_EQ(verdict({submission(), in_time}),
            "protected on every hop that this platform saw. Not fetched yet.");
  EXPECT_EQ(verdict({submission(Level::encrypted), in_time, fetch(3, Level::encrypted)}),
            "nobody who only listened could read it; somebody interfering could have on hops 1 and "
            "3, where identities were not proved.");
  EXPECT_EQ(verdict({submission(Level::encrypted), in_time, fetch(3, Level::clear)}),
            "protected against listeners as far as bob's mailbox; between there and bob's client "
            "anyone could read it.");
  EXPECT_EQ(verdict({submission(), relay(2, Level::authenticated, Proof::dane_ee)}),
            "protected on every hop that this platform saw. Beyond mx.old.example: unknown.");
  EXPECT_EQ(verdict({submission(), relay(2, Level::clear)}),
            "protected as far as dublin-1; between there and mx.old.example anyone could read it. "
            "Beyond mx.old.example: unknown.");
  EXPECT_EQ(verdict({submission(), relay(2, Level::encrypted)}),
            "nobody who only listened could read it; somebody interfering could have on hop 2, "
            "where nothing proved mx.old.example's identity. Beyond mx.old.example: unknown.");
  EXPECT_EQ(verdict({submission(Level::clear), delivery(2), fetch(3, Level::clear)}),
            "not protected between alice's client and dublin-1: anyone could read it there, and on "
            "hop 3.");
  const Hop in = hop_of(1, Kind::relay, {End::Role::mta, "mail.outside.example", "", ""}, dublin,
                        Level::clear);
  EXPECT_EQ(verdict({in, delivery(2)}),
            "not protected between mail.outside.example and dublin-1: anyone could read it there; "
            "before mail.outside.example: unknown. Not fetched yet.");
}

TEST(Verdict, OfMailThatDidNotGoOn) {
  using enum hop::Answer;
  EXPECT_EQ(verdict({submission(), failed(relay(2, Level::clear), Given::nothing, hold)}),
            "it waits, until it can be protected as required; no content has left the platform, in "
            "none of the attempts. So far: protected on every hop that this platform saw.");
  EXPECT_EQ(verdict({submission(), failed(relay(2, Level::clear), Given::nothing, refuse)}),
            "not sent on, because it could not be protected as required; no content has left the "
            "platform, in none of the attempts. So far: protected on every hop that this platform "
            "saw.");
  const auto held = failed(relay(2, Level::clear), Given::nothing, hold);
  EXPECT_TRUE(verdict({submission(), held}, Fate::came_back)
                  .starts_with("not sent on, because it could not be protected as required;"));
  Hop no_such_user = failed(relay(2, Level::encrypted), Given::envelope);
  no_such_user.reply = "550 5.1.1 no such user";
  EXPECT_TRUE(verdict({submission(), no_such_user})
                  .starts_with("mx.old.example did not accept it; no content has left"));
  // Content that was given in an attempt that failed has left.
  const auto gave = failed(relay(2, Level::clear), Given::content);
  EXPECT_EQ(
      verdict({submission(), gave}),
      "it waits, until mx.old.example takes it. So far: protected as far as dublin-1; between "
      "there and mx.old.example anyone could read it.");
  Hop unknown = relay(2, Level::encrypted);
  unknown.outcome = Outcome::unknown;
  EXPECT_NE(verdict({submission(), unknown})
                .find("Whether mx.old.example has it is unknown, for the node stopped in between: "
                      "it is counted as given."),
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
  for (const auto& party : exposure(many, {}).parties) EXPECT_LT(party.reason.size(), 2000U);
  EXPECT_LT(verdict(many).size(), 1000U);
}

}  // namespace
}  // namespace letterlock::protection

// Hops in words, each case alone: ends, kinds, lists, and why a hop could be read or not.
#include "protection/hop_words.h"

#include <gmock/gmock.h>

#include "protection/exposure_fixture.h"

namespace letterlock::protection {
namespace {

using namespace test;
using testing::ElementsAre;

End end(End::Role role, std::string who) {
  return {role, std::move(who), "", ""};
}

TEST(ShortName, OfEachRole) {
  using enum End::Role;
  EXPECT_EQ(short_name(end(client, "alice@acorn.example")), "alice's client");
  EXPECT_EQ(short_name(end(mailbox, "bob@birch.example")), "bob's mailbox");
  EXPECT_EQ(short_name(end(node, "dublin-1")), "dublin-1");
  EXPECT_EQ(short_name(end(mta, "mx.a.example")), "mx.a.example");
  EXPECT_EQ(short_name(end(alias, "sales@a.example")), "sales@a.example");
  EXPECT_EQ(short_name(end(list, "team@a.example")), "team@a.example");
  EXPECT_EQ(short_name(end(client, "")), "a client");
  EXPECT_EQ(short_name(end(mailbox, "")), "a mailbox");
  EXPECT_EQ(short_name(end(node, "")), "this node");
  EXPECT_EQ(short_name(end(mta, "")), "another MTA");
  EXPECT_EQ(short_name(end(alias, "")), "a list");
  EXPECT_EQ(short_name(end(list, "")), "a list");
  EXPECT_EQ(mailbox_of("bob@birch.example"), "bob's mailbox");
}

TEST(ShortName, IsOneWordAndBounded) {
  using enum End::Role;
  EXPECT_EQ(short_name(end(client, "\"a@b\"@acorn.example")), "\"a@b\"'s client");
  EXPECT_EQ(short_name(end(client, "alice")), "alice's client");
  for (const auto role : {node, mta, alias, list}) {
    EXPECT_EQ(short_name(end(role, "it is safe")), "it\\x20is\\x20safe");
    EXPECT_EQ(short_name(end(role, std::string(255, 'a'))), std::string(255, 'a'));
    EXPECT_EQ(short_name(end(role, std::string(256, 'a'))), std::string(255, 'a') + "…");
  }
  const std::string long_name(64, 'a');
  EXPECT_EQ(short_name(end(client, long_name + "@a.example")), long_name + "'s client");
  EXPECT_EQ(short_name(end(client, long_name + "a@a.example")), long_name + "…'s client");
}

TEST(Hops, GaveContentUnlessTheyFailedBefore) {
  auto hop = relay(2, Level::encrypted);
  for (const auto given : {Given::nothing, Given::envelope, Given::content}) {
    hop.given = given;
    for (const auto outcome :
         {Outcome::completed, Outcome::partial, Outcome::intended, Outcome::unknown}) {
      hop.outcome = outcome;
      EXPECT_TRUE(gave_content(hop));
    }
    hop.outcome = Outcome::failed;
    EXPECT_EQ(gave_content(hop), given == Given::content);
  }
}

TEST(Hops, CrossANetworkUnlessEitherSaysThatTheyDoNot) {
  for (const auto network : {Network::local, Network::private_, Network::public_}) {
    for (const auto level :
         {Level::clear, Level::encrypted, Level::authenticated, Level::mutual, Level::local}) {
      auto hop = relay(2, level);
      hop.protection.network = network;
      EXPECT_EQ(crosses_network(hop), level != Level::local && network != Network::local);
    }
  }
}

TEST(Hops, WhoseEndsAreClientsAndOthers) {
  const Hop sent = submission();
  const Hop fetched = fetch(3, Level::encrypted);
  ASSERT_NE(client_of(sent), nullptr);
  EXPECT_EQ(*client_of(sent), alice);
  ASSERT_NE(client_of(fetched), nullptr);
  EXPECT_EQ(*client_of(fetched), bob);
  EXPECT_EQ(client_of(hop_of(1, Kind::submission, dublin, dublin, Level::local)), nullptr);
  EXPECT_EQ(client_of(hop_of(1, Kind::relay, alice, dublin, Level::local)), nullptr);
  EXPECT_EQ(client_of(delivery(2)), nullptr);

  EXPECT_FALSE(ends_at_program_here(sent));
  EXPECT_FALSE(ends_at_program_here(delivery(2)));
  auto here = submission();
  here.protection.network = Network::local;
  EXPECT_TRUE(ends_at_program_here(here));

  EXPECT_TRUE(goes_out(relay(2, Level::clear)));
  EXPECT_FALSE(comes_in(relay(2, Level::clear)));
  EXPECT_TRUE(comes_in(reception()));
  EXPECT_FALSE(goes_out(reception()));
  auto between = relay(2, Level::clear);
  between.kind = Kind::site_link;
  EXPECT_FALSE(goes_out(between));
  between = reception();
  between.kind = Kind::site_link;
  EXPECT_FALSE(comes_in(between));

  EXPECT_TRUE(goes_to_list(expansion(2, End::Role::list, "team@a.example")));
  EXPECT_FALSE(goes_to_list(expansion(2, End::Role::alias, "sales@a.example")));
  auto other = expansion(2, End::Role::list, "team@a.example");
  other.kind = Kind::delivery;
  EXPECT_FALSE(goes_to_list(other));
}

TEST(HopLists, AreInOrderAndEachOnce) {
  const Hop one = submission();
  const Hop two = delivery(2);
  const Hop three = fetch(3, Level::clear);
  EXPECT_THAT(numbers_of({&three, &one, &three, &two, &one}), ElementsAre(1U, 2U, 3U));
  EXPECT_THAT(numbers_of({}), ElementsAre());
  EXPECT_EQ(and_list({}), "");
  EXPECT_EQ(and_list({"a"}), "a");
  EXPECT_EQ(and_list({"a", "b"}, 2), "a and b");
  EXPECT_EQ(and_list({"a", "b", "c"}, 2), "a, b and 1 more");
  EXPECT_EQ(and_list({"a", "b", "c", "d"}, 2), "a, b and 2 more");
  EXPECT_EQ(hop_list({1, 2, 3, 4, 5, 6, 7, 8}), "hops 1, 2, 3, 4, 5, 6, 7 and 8");
  EXPECT_EQ(hop_list({1, 2, 3, 4, 5, 6, 7, 8, 9}), "hops 1, 2, 3, 4, 5, 6, 7, 8 and 1 more");
  EXPECT_EQ(day(at("2026-11-23T10:05:40Z")), "2026-11-23");
}

TEST(Clear, IsSaidOfEachKind) {
  EXPECT_EQ(clear_clause(submission()), "alice's client submitted in clear");
  EXPECT_EQ(clear_clause(delivery(2)), "delivered in clear to bob's mailbox");
  EXPECT_EQ(clear_clause(expansion(2, End::Role::list, "team@a.example")),
            "delivered in clear to team@a.example");
  EXPECT_EQ(clear_clause(reception()), "it came from mail.outside.example in clear");
  auto out = relay(2, Level::clear);
  for (const auto kind : {Kind::relay, Kind::site_link}) {
    out.kind = kind;
    for (const auto& [outcome, words] :
         {std::pair{Outcome::completed, "relayed to mx.old.example in clear"},
          {Outcome::partial, "relayed to mx.old.example in clear"},
          {Outcome::intended, "it is being given to mx.old.example in clear"},
          {Outcome::failed, "an attempt that failed gave it to mx.old.example in clear"},
          {Outcome::unknown,
           "it may have been given to mx.old.example in clear: no answer is known"}}) {
      out.outcome = outcome;
      EXPECT_EQ(clear_clause(out), words);
    }
  }
}

TEST(Clear, NamesTheProtocolOfAFetch) {
  const auto said = [](const std::string& from, const std::string& to) {
    auto hop = fetch(3, Level::clear);
    hop.from.protocol = from;
    hop.to.protocol = to;
    return clear_clause(hop);
  };
  const std::string twenty(20, 'P');
  EXPECT_EQ(said("", ""), "bob's client fetched in clear");
  EXPECT_EQ(said("", "POP3"), "bob's client fetched over POP3 in clear");
  EXPECT_EQ(said("IMAP", ""), "bob's client fetched over IMAP in clear");
  EXPECT_EQ(said("IMAP", "POP3"), "bob's client fetched over POP3 in clear");
  for (const bool is_to : {false, true}) {
    const auto of = [&](const std::string& protocol) {
      return is_to ? said("", protocol) : said(protocol, "");
    };
    EXPECT_EQ(of(twenty), "bob's client fetched over " + twenty + " in clear");
    EXPECT_EQ(of(twenty + "P"), "bob's client fetched over " + twenty + "… in clear");
  }
}

TEST(Unproved, NamesWhoCouldHaveLooked) {
  EXPECT_EQ(unproved_clause(relay(2, Level::encrypted)),
            "nothing proved mx.old.example's identity");
  EXPECT_EQ(unproved_clause(reception()), "mail.outside.example may not have checked who answered");
  EXPECT_EQ(unproved_clause(submission()), "alice's client may not have checked who answered");
  EXPECT_EQ(unproved_clause(fetch(3, Level::encrypted)),
            "bob's client may not have checked who answered");
}

TEST(Proved, SaysByWhomItCouldStillBeBroken) {
  const std::string holder = "unless a holder of the proved key helped";
  const std::string ca = "unless the CA that vouched helped";
  const std::string dns = "unless somebody above that name in the DNS helped";
  for (const auto& [proof, words] : {std::pair{Proof::dane_ee, dns},
                                     {Proof::dane_ta, dns},
                                     {Proof::mta_sts, ca},
                                     {Proof::connector, ca},
                                     {Proof::none, holder},
                                     {Proof::pin, holder},
                                     {Proof::site, holder},
                                     {Proof::client_certificate, holder},
                                     {Proof::channel_proof, holder}}) {
    auto hop = relay(2, Level::authenticated, proof);
    EXPECT_EQ(proved_clause(hop), words);
    hop.protection.level = Level::mutual;
    EXPECT_EQ(proved_clause(hop), "where both ends proved who they are");
    hop.protection.confirmed = true;
    EXPECT_EQ(proved_clause(hop), "where both ends saw one and the same channel");
  }
  const std::string unchecked = " gives its password to a server that it has not checked";
  EXPECT_EQ(proved_clause(submission()), "unless alice's client" + unchecked);
  auto fetched = fetch(3, Level::authenticated);
  fetched.protection.proved_by = Proof::scram_plus;
  EXPECT_EQ(proved_clause(fetched), "unless bob's client" + unchecked);
  fetched.protection.level = Level::mutual;
  EXPECT_EQ(proved_clause(fetched), "unless bob's client" + unchecked);
  fetched.protection.confirmed = true;
  EXPECT_EQ(proved_clause(fetched), "where both ends saw one and the same channel");
}

}  // namespace
}  // namespace letterlock::protection

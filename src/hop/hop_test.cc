#include "hop/hop.h"

#include <gtest/gtest.h>

#include "hop/requirement.h"
#include "hop/text.h"

namespace letterlock::hop {
namespace {

Hop full_hop() {
  Hop hop;
  hop.trace = base::TraceId::parse("01JD8X4K7QZ3M9ABCDEFGHJKMN").value();
  hop.number = 2;
  hop.attempt = 3;
  hop.kind = Kind::relay;
  hop.from = {End::Role::node, "dublin-1", "192.0.2.1", ""};
  hop.to = {End::Role::mta, "mx1.modern.example", "198.51.100.7", "ESMTPS", "mx.bank.example"};
  hop.sign_in = SignIn::scram_plus;
  hop.told = true;
  hop.recipients = {0, 2};
  hop.protection = {.level = Level::authenticated,
                    .tls = {.version = TlsVersion::tls1_3,
                            .cipher = "TLS_AES_256_GCM_SHA384",
                            .group = "X25519",
                            .post_quantum = false,
                            .exporter_digest = "ab12"},
                    .proved_by = Proof::dane_ee,
                    .network = Network::public_,
                    .confirmed = true};
  hop.required = {{"level >= authenticated", "set by acorn.example", "contract"}};
  hop.reason = "mx1.modern.example's certificate matches its TLSA record";
  hop.outcome = Outcome::completed;
  hop.reply = "250 2.0.0 Ok: queued as \"4F1\"";
  hop.digest_in = std::string(64, 'a');
  hop.digest_out = std::string(64, 'b');
  hop.changes = {Change::trace_fields_added, Change::bcc_removed};
  hop.time = base::from_milliseconds(1'795'401'164'120);
  hop.finished = base::from_milliseconds(1'795'401'164'999);
  hop.sign_in = SignIn::scram_plus;
  return hop;
}

TEST(HopWords, GoBothWays) {
  for (const auto level :
       {Level::clear, Level::encrypted, Level::authenticated, Level::mutual, Level::local}) {
    EXPECT_EQ(level_from(name(level)), level);
  }
  for (const auto proof :
       {Proof::none, Proof::dane_ee, Proof::dane_ta, Proof::mta_sts, Proof::connector, Proof::pin,
        Proof::site, Proof::scram_plus, Proof::client_certificate, Proof::channel_proof}) {
    EXPECT_EQ(proof_from(name(proof)), proof);
  }
  for (const auto sign_in : {SignIn::none, SignIn::password, SignIn::scram, SignIn::scram_plus,
                             SignIn::client_certificate}) {
    EXPECT_EQ(sign_in_from(name(sign_in)), sign_in);
  }
  for (const auto kind : {Kind::submission, Kind::relay, Kind::site_link, Kind::delivery,
                          Kind::fetch, Kind::expansion}) {
    EXPECT_EQ(kind_from(name(kind)), kind);
  }
  for (const auto sign_in : {SignIn::none, SignIn::password, SignIn::scram, SignIn::scram_plus,
                             SignIn::client_certificate}) {
    EXPECT_EQ(sign_in_from(name(sign_in)), sign_in);
  }
  for (const auto role : {End::Role::client, End::Role::node, End::Role::mailbox, End::Role::mta,
                          End::Role::alias, End::Role::list}) {
    EXPECT_EQ(role_from(name(role)), role);
  }
  for (const auto outcome : {Outcome::intended, Outcome::completed, Outcome::failed,
                             Outcome::unknown, Outcome::partial}) {
    EXPECT_EQ(outcome_from(name(outcome)), outcome);
  }
  EXPECT_EQ(name(TlsVersion::none), "-");
  EXPECT_EQ(name(Network::private_), "private");
  EXPECT_EQ(level_from("Clear"), std::nullopt);
  EXPECT_EQ(network_from(""), std::nullopt);
}

TEST(HopLevels, AreInOrder) {
  EXPECT_LT(Level::clear, Level::encrypted);
  EXPECT_LT(Level::encrypted, Level::authenticated);
  EXPECT_LT(Level::authenticated, Level::mutual);
  EXPECT_LT(Level::mutual, Level::local);
}

TEST(HopRecord, GoesBothWays) {
  const Hop hop = full_hop();
  const std::string text = to_json(hop);
  EXPECT_EQ(text.find('\n'), text.npos);
  EXPECT_TRUE(text.starts_with(R"({"version":1,"trace":"01JD8X4K7QZ3M9ABCDEFGHJKMN","number":2,)"))
      << text;
  EXPECT_EQ(hop_from_json(text), hop);

  Hop open = hop;
  open.finished = {};
  open.outcome = Outcome::intended;
  EXPECT_NE(to_json(open).find(R"("finished":null)"), std::string::npos);
  EXPECT_EQ(hop_from_json(to_json(open)), open);
}

// Every one-octet change of a record is either refused or reads as a different hop: no two texts
// mean the same.
TEST(HopRecord, NoTwoTextsMeanTheSame) {
  const std::string text = to_json(full_hop());
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const unsigned bit : {0x01U, 0x04U, 0x20U, 0x80U}) {
      std::string changed = text;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ bit);
      const auto hop = hop_from_json(changed);
      if (hop) {
        EXPECT_NE(*hop, full_hop()) << changed;
        EXPECT_EQ(to_json(*hop), changed);
      } else {
        EXPECT_EQ(hop.error().kind, base::ErrorKind::corrupt);
      }
    }
    EXPECT_FALSE(hop_from_json(text.substr(0, i)));
  }
}

TEST(HopRecord, RefusesWhatItDoesNotWrite) {
  const std::string text = to_json(full_hop());
  const auto with = [&text](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return changed;
  };
  const std::string wrong[] = {
      "",
      "null",
      "[]",
      "{}",
      text + " ",
      with(R"("number":2)", R"("number":-2)"),
      with(R"("number":2)", R"("number":2.0)"),
      with(R"("number":2)", R"("number":4294967296)"),
      with(R"("number":2)", R"("number":2,"number":2)"),
      with(R"("number":2)", R"("number":2,"more":1)"),
      with(R"("version":1)", R"("version":2)"),
      with(R"("level":"authenticated")", R"("level":"safe")"),
      with(R"("confirmed":true)", R"("confirmed":1)"),
      with(R"("recipients":[0,2])", R"("recipients":[0,"2"])"),
      with(R"("recipients":[0,2])", R"("recipients":[[[[[[0]]]]]])"),
      with(R"("changes":["trace-fields-added")", R"("changes":["forgotten")"),
      with("dublin-1", "dublin\\u002d1"),
      with("dublin-1", "dublin\xff"),
      with("dublin-1", std::string(600, 'd')),
      std::string(record_octets_max + 1, ' '),
      std::string(100'000, '['),
  };
  for (const std::string& record : wrong) {
    EXPECT_FALSE(hop_from_json(record)) << record.substr(0, 300);
  }
}

// Attack 9 asks that no octet of a stranger's breaks a record.
TEST(Attack09, StrangersWordsStayInTheirPlace) {
  Hop hop = full_hop();
  using namespace std::string_literals;
  hop.reply = "250 ok\r\n\0\"},\"level\":\"mutual\" \xff\xc3("s;
  hop.to.who = std::string(2000, 'x');
  const auto again = hop_from_json(to_json(hop));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->protection.level, Level::authenticated);
  EXPECT_TRUE(again->reply.starts_with(std::string_view("250 ok\r\n\0\"}", 11)));
  EXPECT_EQ(again->to.who.size(), who_octets_max);
  EXPECT_EQ(*again, bounded(hop));
}

// However much a hop holds, and however much escaping it needs, its record can be read.
TEST(HopRecord, TheLargestCanBeRead) {
  const std::string controls(5000, '\x01');
  Hop hop = full_hop();
  hop.from = {End::Role::node, controls, controls, controls, controls};
  hop.to = hop.from;
  hop.recipients.assign(5000, 4'294'967'295U);
  hop.required.assign(100, {controls, controls, controls});
  hop.changes.assign(100, Change::message_id_added);
  hop.reason = hop.reply = hop.digest_in = hop.digest_out = controls;
  hop.protection.tls = {TlsVersion::tls1_3, controls, controls, true, controls};
  const std::string text = to_json(hop);
  EXPECT_LE(text.size(), record_octets_max);
  EXPECT_EQ(hop_from_json(text), bounded(hop));
}

TEST(HopText, IsCutAtACharactersEnd) {
  EXPECT_EQ(bounded_text("abcdef", 6), "abcdef");
  EXPECT_EQ(bounded_text("abcdefg", 6), "abc…");
  EXPECT_EQ(bounded_text("aüüüü", 6), "aü…");
  EXPECT_EQ(bounded_text("a\xff", 10), "a\xEF\xBF\xBD");
  EXPECT_EQ(bounded_text("\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf", 100).size(), 9U * 3U);
  for (std::size_t max = 3; max < 40; ++max) {
    const auto once = bounded_text("grüße \xff und 日本語 bis ans Ende", max);
    EXPECT_LE(once.size(), max);
    EXPECT_EQ(bounded_text(once, max), once);
  }
}

TEST(RequirementText, GoesBothWays) {
  const Source source{Source::Kind::sending_tenant, "acorn.example", ""};
  const std::string all =
      "level=authenticated tls=1.3 network=private sealing=required fetch=protected pq=required";
  const auto requirement = requirement_from(all, source);
  ASSERT_TRUE(requirement) << requirement.error().what;
  EXPECT_EQ(requirement->level.value, Level::authenticated);
  EXPECT_EQ(requirement->fetch.value, Fetch::protected_);
  EXPECT_EQ(requirement->post_quantum.source, source);
  EXPECT_EQ(to_text(*requirement), all);
  EXPECT_EQ(to_text(Requirement{}), "");
  EXPECT_EQ(requirement_from("  ", source), Requirement{});

  const auto one = requirement_from(" tls=1.2\t level=clear ", source);
  ASSERT_TRUE(one);
  EXPECT_EQ(to_text(*one), "tls=1.2");
  EXPECT_EQ(one->level.source, source);  // it was asked for, though it asks for nothing
  EXPECT_EQ(one->fetch.source.kind, Source::Kind::nobody);
}

TEST(RequirementText, SaysWhatIsNotKnown) {
  const auto error = [](std::string_view text) {
    const auto requirement = requirement_from(text, {});
    return requirement ? "accepted: " + std::string(text) : requirement.error().what;
  };
  EXPECT_EQ(error("level=local"),
            "level=\"local\" is not known; known are clear, encrypted, authenticated, mutual");
  EXPECT_EQ(error("tls=1.1"), "tls=\"1.1\" is not known; known are any, 1.2, 1.3");
  EXPECT_EQ(error("levels=clear"),
            "\"levels\" is not part of a requirement; its parts are level, tls, network, sealing, "
            "fetch, pq");
  EXPECT_EQ(error("level=clear level=mutual"), "level is said twice");
  EXPECT_EQ(error("level"),
            "\"level\" has no value; a requirement is written as \"level=authenticated tls=1.3\"");
  EXPECT_EQ(error("level=\x1b[2J"),
            "level=\"\\x1b[2J\" is not known; known are clear, encrypted, authenticated, mutual");
  EXPECT_EQ(error(std::string(1025, ' ')), "a requirement is at most 1024 octets long");
}

TEST(RequirementSource, AreDescribed) {
  using enum Source::Kind;
  EXPECT_EQ(describe({sending_tenant, "acorn.example", ""}), "set by acorn.example");
  EXPECT_EQ(describe({connector, "bank", ""}), "connector \"bank\"");
  EXPECT_EQ(describe({message, "REQUIRETLS", ""}), "the message (REQUIRETLS)");
  EXPECT_EQ(describe({published_policy, "modern.example", ""}), "published by modern.example");
  EXPECT_EQ(describe({ratchet, "modern.example", ""}), "what modern.example has proved before");
  EXPECT_EQ(describe({}), "nobody");
  EXPECT_EQ(source_kind_from(name(receiving_tenant)), receiving_tenant);
}

}  // namespace
}  // namespace letterlock::hop

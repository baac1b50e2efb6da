// Each cause alone: everything else is as good as it can be, so that nothing beside it asks for the
// same. The oracle is text in testdata/alone.txt, never the code under test.
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "protection/judge.h"

namespace letterlock::protection {
namespace {

using hop::Answer;
using hop::Level;
using hop::Source;
using hop::TlsVersion;

// Nothing is asked, nothing is published; TLS 1.3 with a valid certificate, REQUIRETLS offered.
struct Case {
  Demand demand;
  HostFacts host;
  SessionFacts session;
};

Case usual() {
  Case out;
  out.host.domain = "modern.example";
  out.host.host = "mx1.modern.example";
  out.host.connector = "bank";
  out.session.start = SessionFacts::Tls::done;
  out.session.tls = {.version = TlsVersion::tls1_3,
                     .cipher = "TLS_AES_256_GCM_SHA384",
                     .group = "X25519",
                     .post_quantum = false,
                     .exporter_digest = "e0"};
  out.session.verified = true;
  out.session.failure = "expired";
  out.session.requiretls_offered = true;
  return out;
}

hop::Requirement asking(std::string_view text, std::string name = "acorn.example") {
  return hop::requirement_from(text, {Source::Kind::sending_tenant, std::move(name), ""}).value();
}

void fail_handshake(SessionFacts& session) {
  session = {};
  session.start = SessionFacts::Tls::failed;
  session.failure = "no shared cipher";
}

using Change = std::function<void(Case&)>;
const std::map<std::string, Change, std::less<>> changes = {
    {"requiretls", [](Case& c) { c.demand.requiretls = true; }},
    {"tls-required-no", [](Case& c) { c.demand.tls_required_no = true; }},
    {"sealed", [](Case& c) { c.demand.sealed = true; }},
    {"clear", [](Case& c) { c.session = {}; }},
    {"failed", [](Case& c) { fail_handshake(c.session); }},
    {"start-failed", [](Case& c) { c.session.start = SessionFacts::Tls::failed; }},
    {"unverified", [](Case& c) { c.session.verified = false; }},
    {"no-reason", [](Case& c) { c.session.failure.clear(); }},
    {"old-tls", [](Case& c) { c.session.tls.version = TlsVersion::tls1_2; }},
    {"no-version", [](Case& c) { c.session.tls.version = TlsVersion::none; }},
    {"resistant", [](Case& c) { c.session.tls.post_quantum = true; }},
    {"dane-ee", [](Case& c) { c.session.dane_ee = true; }},
    {"no-requiretls-offered", [](Case& c) { c.session.requiretls_offered = false; }},
    {"host=", [](Case& c) { c.host.host.clear(); }},
    {"host=[192.0.2.1]", [](Case& c) { c.host.host = "[192.0.2.1]"; }},
    {"names=secure", [](Case& c) { c.host.names = Names::secure; }},
    {"names=bogus", [](Case& c) { c.host.names = Names::bogus; }},
    {"names=failing", [](Case& c) { c.host.names = Names::failing; }},
    {"tlsa=usable", [](Case& c) { c.host.tlsa = Tlsa::usable; }},
    {"tlsa=unusable", [](Case& c) { c.host.tlsa = Tlsa::unusable; }},
    {"tlsa=bogus", [](Case& c) { c.host.tlsa = Tlsa::bogus; }},
    {"tlsa=failing", [](Case& c) { c.host.tlsa = Tlsa::failing; }},
    {"known=ca", [](Case& c) { c.host.known = Known::ca; }},
    {"known=name", [](Case& c) { c.host.known = Known::name; }},
    {"known=pin", [](Case& c) { c.host.known = Known::pin; }},
    {"known=site", [](Case& c) { c.host.known = Known::site; }},
    {"sts=testing", [](Case& c) { c.host.mta_sts = MtaSts::testing; }},
    {"sts=enforce-without-host", [](Case& c) { c.host.mta_sts = MtaSts::enforce; }},
    {"road=private", [](Case& c) { c.host.network = hop::Network::private_; }},
    {"road=local", [](Case& c) { c.host.network = hop::Network::local; }},
};

// One word of a row: a change of the table above, two of them in one, a floor, or what is asked.
void apply_word(std::string_view word, Case& c) {
  if (word.starts_with("dane=")) {
    c.host.names = Names::secure;
    if (word != "dane=none") changes.at("tlsa=" + std::string(word.substr(5)))(c);
  } else if (word == "sts=enforce") {
    changes.at("sts=enforce-without-host")(c);
    c.host.in_mta_sts_policy = true;
  } else if (word.starts_with("ratchet=")) {
    const auto level = hop::level_from(word.substr(8));
    ASSERT_TRUE(level) << word;
    c.host.ratchet.emplace().level = {*level,
                                      {Source::Kind::ratchet, "modern.example", "three days"}};
  } else if (const auto found = changes.find(word); found != changes.end()) {
    found->second(c);
  } else {
    c.demand.requirement = asking(word);
  }
}

struct Row {
  std::string words;
  Answer answer;  // where this was the last host, and all were asked
  std::string status;
  std::string sentence;
  Case facts;
};

std::vector<Row> read_rows() {
  std::ifstream file(std::string(LETTERLOCK_SOURCE_DIR) + "/src/protection/testdata/alone.txt");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    Row row{line, Answer::take, "", "", usual()};
    std::istringstream words(line);
    for (std::string word; words >> word;) apply_word(word, row.facts);
    std::getline(file, line);
    std::istringstream judgement(line);
    std::string answer;
    judgement >> answer >> row.status >> std::ws;
    std::getline(judgement, row.sentence);
    const auto found = hop::answer_from(answer);
    EXPECT_TRUE(found) << answer << " in " << line;
    row.answer = found.value_or(Answer::take);
    rows.push_back(std::move(row));
  }
  EXPECT_GE(rows.size(), 84U);
  return rows;
}

constexpr auto take = Answer::take;
constexpr auto hold = Answer::hold;

TEST(Alone, EachCauseIsJudgedAndNamed) {
  for (const Row& row : read_rows()) {
    const auto& [demand, host, session] = row.facts;
    const auto last = judge(demand, host, session, Others::none);
    EXPECT_EQ(last.answer, row.answer) << row.words << ": " << last.sentence;
    EXPECT_EQ(last.status.text(), row.status) << row.words;
    EXPECT_EQ(last.sentence, row.sentence) << row.words;
    const auto more = judge(demand, host, session, Others::more);
    const auto unreached = judge(demand, host, session, Others::unreached);
    const auto& status = row.status;
    const bool waits = row.answer == hold || status == "5.7.30";
    EXPECT_EQ(more.answer, waits ? Answer::try_next : row.answer) << row.words;
    EXPECT_EQ(unreached.answer, waits ? hold : row.answer) << row.words;
    EXPECT_EQ(more.status.text(), status == "5.7.30" ? "4.7.30" : status);
    EXPECT_EQ(unreached.status.text(), status == "5.7.30" ? "4.7.30" : status);
  }
}

// Connecting is worth it wherever a session could bring a `take`, and only there.
TEST(Alone, ThePlanSeesWhatNoSessionCouldChange) {
  for (const Row& row : read_rows()) {
    const auto& [demand, host, session] = row.facts;
    const auto made = plan(demand, host, Others::none).judgement;
    auto best = usual().session;
    best.tls.post_quantum = true;
    const bool could = judge(demand, host, best, Others::none).answer == take;
    EXPECT_EQ(made.answer == take, could) << row.words << ": " << made.sentence;
    if (!could) EXPECT_EQ(made.sentence, row.sentence) << row.words;
    if (could) {
      EXPECT_EQ(made.status.text(), "2.0.0");
      EXPECT_EQ(made.sentence, host.host + " is worth a try");
    }
    EXPECT_EQ(made.protection.network, host.network);
    EXPECT_EQ(made.protection.level, Level::clear);
  }
}

// Of two parts that ask for TLS the level is named; each with its own source.
TEST(Alone, WhoAskedIsNamedBesideOthers) {
  auto all = usual();
  all.demand.requirement.level = asking("level=encrypted", "level.example").level;
  all.demand.requirement.tls_version = asking("tls=1.3", "version.example").tls_version;
  all.demand.requirement.post_quantum = asking("pq=required", "quantum.example").post_quantum;
  all.demand.requirement.network = asking("network=private", "network.example").network;
  all.demand.requirement.sealing = asking("sealing=required", "sealing.example").sealing;
  const auto judged = [&] {
    return judge(all.demand, all.host, all.session, Others::none).sentence;
  };
  EXPECT_EQ(judged(), "the message is not sealed; required is sealing (set by sealing.example)");
  all.demand.sealed = true;
  EXPECT_EQ(judged(),
            "the way to mx1.modern.example is public; required is a private network (set by "
            "network.example)");
  all.host.network = hop::Network::private_;
  const auto tls = all.session;
  all.session = {};
  EXPECT_EQ(judged(),
            "mx1.modern.example offers no STARTTLS; required is encrypted (set by level.example)");
  all.demand.requirement.level = {};
  EXPECT_EQ(judged(),
            "mx1.modern.example offers no STARTTLS; required is TLS 1.3 (set by version.example)");
  all.demand.requirement.tls_version = {};
  EXPECT_EQ(judged(),
            "mx1.modern.example offers no STARTTLS; required is a post-quantum key exchange (set "
            "by quantum.example)");
  all.session = tls;
  EXPECT_EQ(judged(),
            "mx1.modern.example's key exchange does not resist a quantum computer; required is one "
            "that does (set by quantum.example)");
  all.demand.requirement.tls_version = asking("tls=1.3", "version.example").tls_version;
  all.session.tls.version = TlsVersion::tls1_2;
  EXPECT_EQ(judged(),
            "mx1.modern.example speaks only TLS 1.2; required is TLS 1.3 (set by version.example)");
  all.demand.requirement.level = asking("level=authenticated", "level.example").level;
  EXPECT_EQ(judged(),
            "nothing proves mx1.modern.example's identity: modern.example publishes no MTA-STS, "
            "and its DNS is not signed; required is authenticated (set by level.example)");
}

// A connection's end that was asked for twice says the same, and what guarded the hop so far.
TEST(Alone, AFailedHandshakeIsJudgedAsWhatItIs) {
  for (const auto others : {Others::more, Others::none, Others::unreached}) {
    for (const std::string word : {"", "dane=usable", "level=encrypted", "requiretls"}) {
      auto facts = usual();
      if (!word.empty()) apply_word(word, facts);
      const auto judged =
          after_failed_handshake(facts.demand, facts.host, "no shared cipher", others);
      fail_handshake(facts.session);
      EXPECT_EQ(judged, judge(facts.demand, facts.host, facts.session, others));
      EXPECT_EQ(judged.answer == take, word.empty());
    }
  }
}

}  // namespace
}  // namespace letterlock::protection

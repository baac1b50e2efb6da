// The table, whole screens at once. testdata/*.txt are the screens; a change of words shows as a
// difference of texts. LETTERLOCK_WRITE_GOLDEN=1 writes them anew, for somebody to read.
#include "trace/table.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "trace/fixture.h"
#include "trace/layout.h"
#include "trace/words.h"

namespace letterlock::trace {
namespace {

using hop::Answer;
using hop::Given;
using hop::Hop;
using hop::Level;
using hop::Outcome;
using hop::Proof;
using protection::AtRest;

struct TraceTable : test::Fixture {
  std::string screen(const Trace& trace, const AtRest& at_rest, TableOptions options = {}) {
    const LoadedTrace all = loaded(trace.id);
    return to_table(all, {all.hops, {}, all.complete, at_rest}, options);
  }

  // The screen is as it stands in testdata, and fits.
  void expect_screen(const std::string& name, const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(columns_of(line), 100U) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
    const std::string path =
        std::string(LETTERLOCK_SOURCE_DIR) + "/src/trace/testdata/" + name + ".txt";
    if (std::getenv("LETTERLOCK_WRITE_GOLDEN") != nullptr) std::ofstream(path) << text;
    std::ifstream file(path);
    ASSERT_TRUE(file) << path;
    std::ostringstream wanted;
    wanted << file.rdbuf();
    EXPECT_EQ(text, wanted.str()) << "in " << path;
  }

  void relayed(Hop hop, const std::string& reason, const std::string& reply = "250 2.0.0 Ok") {
    hop.reason = reason;
    const HopRef ref = intended(hop);
    EXPECT_TRUE(close_it(ref, {.outcome = Outcome::completed,
                               .given = Given::content,
                               .answer = Answer::take,
                               .reason = "",
                               .reply = reply,
                               .finished = test::at("10:02:12")}));
  }
  static AtRest in_mailbox() {
    AtRest at_rest;
    at_rest.in_queue = AtRest::InQueue::no;
    at_rest.mailboxes = {{.account = "bob@birch.example", .holds = true}};
    return at_rest;
  }
};

TEST_F(TraceTable, ClearRelay) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace, Level::authenticated));
  relayed(relay(trace, Level::clear, 0, "mx.old.example"),
          "in clear: mx.old.example offers no STARTTLS, and nobody requires more");
  expect_screen("clear_relay", screen(trace, {}));
}

TEST_F(TraceTable, TlsRelayOpportunistic) {
  const Trace trace = begun(1, {"carol@modern.example"});
  recorded(submission(trace));
  recorded(failed(relay(trace, Level::clear, 0, "mx1.modern.example"), Given::nothing, Answer::take,
                  "mx1.modern.example does not answer: timeout"));
  relayed(relay(trace, Level::encrypted, 0, "mx2.modern.example"),
          "nothing proves mx2.modern.example's identity: modern.example publishes no MTA-STS, and "
          "its DNS is not signed");
  expect_screen("tls_relay", screen(trace, {}));
}

TEST_F(TraceTable, LocalDeliveryAndFetchOverTls) {
  const Trace trace = begun(1, {"bob@birch.example"});
  recorded(submission(trace, Level::authenticated));
  recorded(delivery(trace, 0));
  recorded(fetch(trace, Level::encrypted, 0, "POP3S"));
  expect_screen("fetch_tls", screen(trace, in_mailbox()));
}

TEST_F(TraceTable, FetchInClearWithPassword) {
  const Trace trace = begun(1, {"bob@birch.example"});
  recorded(submission(trace, Level::authenticated));
  recorded(delivery(trace, 0));
  Hop open = fetch(trace, Level::clear, 0, "POP3");
  open.password_in_clear = true;
  open.reason =
      "fetched in clear, which is allowed (set by birch.example: 2026-11-02 by "
      "admin@birch.example)";
  recorded(open);
  AtRest at_rest = in_mailbox();
  at_rest.mailboxes[0].openings = {{.how = protection::Opening::How::in_clear,
                                    .network = hop::Network::public_,
                                    .first = open.time,
                                    .last = open.time}};
  at_rest.backups = {{test::at("02:00:00"), test::at("00:00:00") + std::chrono::days(30)}};
  expect_screen("fetch_clear", screen(trace, at_rest));
}

TEST_F(TraceTable, Held) {
  const Trace trace = begun(1, {"dave@bank.example"});
  recorded(submission(trace, Level::authenticated));
  for (int i = 0; i < 6; ++i) {
    for (const auto* host : {"mx1", "mx2"}) {
      Hop hop = relay(trace, Level::clear, 0, std::string(host) + ".bank.example");
      hop.time = test::at("14:02:11") + std::chrono::minutes(15 * i);
      const bool is_first = host == std::string("mx1");
      recorded(failed(hop, Given::nothing, is_first ? Answer::try_next : Answer::hold,
                      is_first ? "mx1.bank.example offers no STARTTLS; required is authenticated "
                                 "(connector \"bank\")"
                               : "mx2.bank.example's certificate is not what connector \"bank\" "
                                 "names: expired on 2026-11-20; required is authenticated "
                                 "(connector \"bank\")"));
    }
  }
  AtRest at_rest;
  at_rest.in_queue = AtRest::InQueue::yes;
  expect_screen("held", screen(trace, at_rest));
}

TEST_F(TraceTable, CameBack) {
  const Trace trace = begun(1, {"nobody@modern.example"});
  recorded(submission(trace, Level::authenticated));
  Hop hop = failed(relay(trace, Level::encrypted, 0, "mx1.modern.example"), Given::envelope,
                   Answer::take, "");
  hop.reply = "550 5.1.1 <nobody@modern.example>: Recipient address rejected: User unknown";
  recorded(hop);
  EXPECT_TRUE(in<void>(acorn, [&, this](auto& tx) {
    return end(tx, acorn, trace.id, {0}, {Ending::Kind::bounced, "5.1.1", test::at("10:02:13")});
  }));
  expect_screen("bounced", screen(trace, {}));
}

TEST_F(TraceTable, CrashInBetween) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace, Level::authenticated));
  intended(relay(trace, Level::clear, 0, "mx.old.example"));
  EXPECT_EQ(left_unknown("dublin-1", test::at("10:09:00")), 1U);
  AtRest at_rest;
  at_rest.in_queue = AtRest::InQueue::yes;
  expect_screen("crash_unknown", screen(trace, at_rest));
}

TEST_F(TraceTable, SeveralRecipientsFromOutside) {
  const Trace trace = begun(1, {"bob@birch.example", "erin@acorn.example", "list@acorn.example"});
  Hop in =
      hop_of(trace, hop::Kind::relay, mta("mail.outside.example"), node(), Level::encrypted, {});
  recorded(in);
  recorded(delivery(trace, 0));
  Hop confirmed = fetch(trace, Level::authenticated, 0, "POP3S");
  confirmed.protection.proved_by = Proof::scram_plus;
  confirmed.protection.confirmed = true;
  recorded(confirmed);
  recorded(delivery(trace, 1));
  Hop proved = relay(trace, Level::authenticated, 2, "mx1.modern.example");
  proved.protection.proved_by = Proof::dane_ee;
  relayed(proved, "");
  expect_screen("several", screen(trace, in_mailbox()));
}

// A group leads out of sight: nothing of it is called delivered, or safe.
TEST_F(TraceTable, Expanded) {
  const Trace trace = begun(1, {"team@birch.example", "sales@acorn.example"});
  recorded(submission(trace, Level::authenticated));
  const auto expanded = [&](unsigned recipient, End::Role role) {
    Hop hop =
        hop_of(trace, hop::Kind::expansion, node(),
               {role, trace.recipients[recipient].address, "", ""}, Level::local, {recipient});
    hop.reason = "the address stands for 3 others";
    recorded(hop);
  };
  expanded(0, End::Role::list);
  expanded(1, End::Role::alias);
  AtRest at_rest;
  at_rest.in_queue = AtRest::InQueue::yes;
  const std::string text = screen(trace, at_rest);
  EXPECT_EQ(text.find("delivered"), text.npos);
  EXPECT_EQ(text.find("no content has left"), text.npos);
  expect_screen("expanded", text);
}

// A transfer whose outcome nobody knows has its line, beside the one that was taken; and a peer's
// own name for itself is no fact.
TEST_F(TraceTable, UnknownOutcomesAndStrangersNames) {
  const Trace trace = begun(1, {"dave@old.example"});
  Hop in = hop_of(trace, hop::Kind::relay, mta("[198.51.100.7]"), node(), Level::encrypted, {});
  in.from.calls_itself = "mx.bank.example";
  recorded(in);
  const HopRef lost = intended(relay(trace, Level::clear, 0, "mx1.old.example"));
  EXPECT_TRUE(close_it(lost, {.outcome = Outcome::unknown,
                              .given = Given::content,
                              .answer = Answer::take,
                              .reason = "in clear, and nobody requires more; then it ended after "
                                        "the content, before its answer: timeout",
                              .reply = "",
                              .finished = test::at("10:02:12")}));
  relayed(relay(trace, Level::encrypted, 0, "mx2.old.example"), "");
  const std::string text = screen(trace, in_mailbox());
  EXPECT_NE(text.find("not known whether it arrived"), text.npos);
  EXPECT_EQ(text.find("mx.bank.example's"), text.npos);
  expect_screen("unknown_outcome", text);
}

// An alias's targets are served at once: no hop hides another, and each has its number.
TEST_F(TraceTable, TwoTargetsAtOnce) {
  const Trace trace = begun(1, {"both@acorn.example"});
  recorded(submission(trace, Level::authenticated));
  recorded(hop_of(trace, hop::Kind::expansion, node(),
                  {End::Role::alias, "both@acorn.example", "", ""}, Level::local, {0}));
  const HopRef old = intended(relay(trace, Level::clear, 0, "mx.old.example"));
  const HopRef modern = intended(relay(trace, Level::encrypted, 0, "mx.modern.example"));
  EXPECT_EQ(old.number, 3U);
  EXPECT_EQ(modern.number, 4U);
  for (const HopRef& ref : {old, modern}) {
    Closing closing;
    closing.finished = test::at("10:02:12");
    EXPECT_TRUE(close_it(ref, closing));
  }
  LoadedTrace all = loaded(trace.id);
  const auto rows = [&] {
    const auto text = to_table(all, {all.hops, {}, all.complete, {}}, {});
    return std::pair(text.contains("dublin-1 -> mx.old.example      clear"),
                     text.contains("dublin-1 -> mx.modern.example   encrypted"));
  };
  EXPECT_EQ(rows(), std::pair(true, true));
  // Also where they share a number.
  for (Hop& hop : all.hops) hop.number = std::min(hop.number, 3U);
  lay_out_ways(all);
  EXPECT_EQ(rows(), std::pair(true, true));
  // An attempt at one that has ended is followed by the next at it.
  const HopRef again = recorded(
      failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing, Answer::take, ""));
  EXPECT_EQ(intended(relay(trace, Level::clear, 0, "mx.old.example")).number, again.number);
}

// Where an alias's targets stand, each kind of end is told.
TEST_F(TraceTable, AnAliasStandsInParts) {
  const Trace trace = begun(1, {"mix@acorn.example"});
  recorded(submission(trace, Level::authenticated));
  recorded(hop_of(trace, hop::Kind::expansion, node(),
                  {End::Role::alias, "mix@acorn.example", "", ""}, Level::local, {0}));
  const auto standing = [&](AtRest::InQueue in_queue = AtRest::InQueue::no) {
    const LoadedTrace all = loaded(trace.id);
    AtRest at_rest = in_mailbox();
    at_rest.in_queue = in_queue;
    return standing_of(all, all.ways[0], {all.hops, {}, all.complete, at_rest});
  };
  const auto mail = [&](hop::Kind kind, const std::string& account) {
    Hop hop = delivery(trace, 0);
    hop.to = mailbox(account);
    if (kind == hop::Kind::fetch) {
      hop = fetch(trace, Level::encrypted, 0, "POP3S");
      hop.from = mailbox(account);
    }
    recorded(hop);
  };
  mail(hop::Kind::delivery, "bob@birch.example");
  EXPECT_EQ(standing(), "delivered 10:02:10, not fetched yet");
  EXPECT_EQ(standing(AtRest::InQueue::yes),
            "in part delivered 10:02:10, not fetched yet; in part waits");
  recorded(
      failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing, Answer::hold, ""));
  EXPECT_EQ(standing(), "in part delivered 10:02:10, not fetched yet; in part waits");
  mail(hop::Kind::fetch, "BOB@birch.example");
  EXPECT_EQ(standing(), "in part fetched 10:05:40; in part waits");
  mail(hop::Kind::delivery, "erin@acorn.example");
  EXPECT_TRUE(standing().starts_with("in part fetched 10:05:40; in part delivered 10:02:10, no "));
  EXPECT_TRUE(in<void>(acorn, [&, this](auto& tx) {
    return end(tx, acorn, trace.id, {0}, {Ending::Kind::bounced, "5.7.4", test::at("10:12:13")});
  }));
  EXPECT_TRUE(standing().starts_with("in part fetched 10:05:40; in part delivered"));
  EXPECT_TRUE(standing().ends_with("; in part came back 10:12:13 (5.7.4)"));
}

// One target, of which one attempt's outcome isn't known.
TEST_F(TraceTable, CameBackAndMayHaveArrived) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace, Level::authenticated));
  intended(relay(trace, Level::clear, 0, "mx.old.example"));
  EXPECT_EQ(left_unknown("dublin-1", test::at("10:09:00")), 1U);
  EXPECT_TRUE(in<void>(acorn, [&, this](auto& tx) {
    return end(tx, acorn, trace.id, {0}, {Ending::Kind::bounced, "4.4.7", test::at("10:12:13")});
  }));
  EXPECT_NE(
      screen(trace, {}).find("came back 10:12:13 (4.4.7); an attempt before may have arrived"),
      std::string::npos);
}

TEST_F(TraceTable, ColoursOnlyWhereAsked) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace, Level::authenticated));
  relayed(relay(trace, Level::clear, 0, "mx.old.example"), "");
  EXPECT_EQ(screen(trace, {}).find('\x1b'), std::string::npos);
  const std::string colourful = screen(trace, {}, {.colour = Colour::levels});
  EXPECT_NE(colourful.find("\x1b[1;31mclear\x1b[0m"), std::string::npos);
  EXPECT_NE(colourful.find("\x1b[32mauthenticated\x1b[0m"), std::string::npos);
  EXPECT_NE(colourful.find("\x1b[1;31mYES\x1b[0m"), std::string::npos);
}

// Nothing that a stranger says moves the cursor, turns the writing or breaks a line.
TEST_F(TraceTable, StrangersWordsStayInTheirCell) {
  Trace trace = trace_of(1, {"da\x1b[2Jve@\u202Eold.example"});
  trace.subject = "Figures\r\n  Verdict: protected\u202E\x1b]0;x\x07";
  trace.mail_from = "\xff\x9b@evil.example";
  EXPECT_TRUE(begin_in(acorn, trace));
  Hop hop = failed(relay(trace, Level::clear, 0, "mx\n\x1b[31m.old.example"), Given::nothing,
                   Answer::take, "");
  hop.reply = "550 \r\n\x1b[2J\u200B" + std::string(5000, 'x');
  recorded(hop);
  const std::string text = screen(trace, {});
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ');
  EXPECT_EQ(text.find("\u202E"), std::string::npos);
  EXPECT_EQ(text.find("\u200B"), std::string::npos);
  EXPECT_EQ(text.find("\n  Verdict: protected"), std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), 100U);
}

// Nor does it say anything in our words: a stranger's sentence stays in its quotation marks, and a
// name is one word.
TEST_F(TraceTable, StrangersDontSpeakForUs) {
  Trace trace = trace_of(1, {"\"eve   protected\"@x.example"});
  trace.subject = "Offer\"   ceo@bank.example -> you \u2003  \"protected\\";
  trace.mail_from = "\"a -> b\"@evil.example";
  trace.message_id = "<x@y.example>  " + std::string(60, 'z') + " Verdict: protected on every hop.";
  EXPECT_TRUE(begin_in(acorn, trace));
  Hop hop =
      failed(relay(trace, Level::clear, 0, "mx.old.example"), Given::nothing, Answer::take, "");
  hop.reply = "550 no\"; the content was never given. \"";
  recorded(hop);
  const std::string text = screen(trace, {});
  for (const auto* part :
       {R"(  "Offer\" ceo@bank.example -> you \"protected\\" "a\x20->\x20b"@evil.example ->)",
        R"("eve\x20\x20\x20protected"@x.example)", "Message-ID <x@y.example>\n",
        R"(said "550 no\"; the content was never given. \"")"}) {
    EXPECT_NE(text.find(part), text.npos) << part << text;
  }
  EXPECT_EQ(text.find("zzz"), text.npos);
  // A long one doesn't begin a line.
  trace.id = base::TraceId::make(test::at("10:02:10"), {2});
  trace.message_id = std::string(150, 'x') + "Verdict:protected";
  EXPECT_TRUE(begin_in(acorn, trace));
  EXPECT_EQ(screen(trace, {}).find("protected"), screen(trace, {}).find("protected\\"));
}

// Whom the screen has no room for isn't the one who was read.
TEST_F(TraceTable, TheWorstIsShown) {
  std::vector<std::string> recipients;
  for (int i = 0; i < 22; ++i) recipients.push_back("r" + std::to_string(i) + "@old.example");
  const Trace trace = begun(1, recipients);
  Hop in = submission(trace, Level::authenticated);
  in.protection.tls.post_quantum = true;
  recorded(in);
  AtRest at_rest;
  at_rest.in_queue = AtRest::InQueue::no;
  for (unsigned i = 0; i < 21; ++i) {
    recorded(delivery(trace, i));
    at_rest.mailboxes.push_back({.account = recipients[i], .holds = true});
  }
  relayed(relay(trace, Level::clear, 21, "mx.old.example"), "");
  const std::string text = screen(trace, at_rest);
  EXPECT_NE(text.find("  to r21@old.example: relayed"), text.npos);
  EXPECT_NE(
      text.find("\n  Verdict for r21@old.example: protected as far as dublin-1; between there"),
      text.npos);
  EXPECT_LT(text.find("Verdict for r21@"), text.find("Verdict for r0@"));
  EXPECT_NE(text.find("Verdict for 2 recipients more, at worst: listening on the network: no; "
                      "interfering: no."),
            text.npos)
      << text;
}

TEST_F(TraceTable, ACrowdIsBounded) {
  std::vector<std::string> recipients;
  for (int i = 0; i < 1000; ++i) recipients.push_back("r" + std::to_string(i) + "@old.example");
  const Trace trace = begun(1, recipients);
  recorded(submission(trace));
  for (unsigned i = 0; i < 100; ++i) recorded(delivery(trace, i));
  const std::string text = screen(trace, {});
  EXPECT_NE(text.find("and 980 recipients more"), std::string::npos);
  EXPECT_LT(text.size(), 20'000U);
  // The narrowest terminal too gets all of it.
  std::istringstream lines(screen(trace, {}, {.width = 10}));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(columns_of(line), 80U) << line;
}

TEST_F(TraceTable, JsonHasEverything) {
  const Trace trace = begun(1, {"dave@old.example"});
  recorded(submission(trace));
  relayed(relay(trace, Level::clear, 0, "mx.old.example"), "in clear: \"because\"\n");
  const LoadedTrace all = loaded(trace.id);
  const std::string text = to_json(all, {all.hops, {}, all.complete, {}});
  EXPECT_EQ(text.find('\n'), text.npos);
  for (const Hop& hop : all.hops) EXPECT_NE(text.find(hop::to_json(hop)), text.npos);
  for (const auto* part :
       {R"("subject":"Figures for Q3")", R"("address":"dave@old.example")", R"("could":"YES")",
        R"("party":"recorder")", R"("verdict":")", R"("ending":null)", R"("complete":true)"}) {
    EXPECT_NE(text.find(part), text.npos) << part;
  }
}

TEST(TraceLayout, WrapsAndPads) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("", 10), Lines{""});
  EXPECT_EQ(wrapped("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("abcdefghij kl", 4), (Lines{"abcd", "efgh", "ij", "kl"}));
  EXPECT_EQ(wrapped("日本語", 4), (Lines{"日本", "語"}));
  EXPECT_EQ(wrapped("日本", 1), (Lines{"日", "本"}));
  EXPECT_EQ(columns_of("grün"), 4U);
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("e\u0301"), 1U);
  EXPECT_EQ(padded("ab", 4), "ab  ");
  EXPECT_EQ(padded("abcde", 4), "abcde");
  Table table({{"a", 2}, {"b", 4}});
  table.row({{"x"}, {"some longer words"}});
  EXPECT_EQ(table.text(14, 1), " a  b\n x  some\n    longer\n    words\n");
}

}  // namespace
}  // namespace letterlock::trace

// Whole sessions of the state machine.
#include "pop/session.h"

#include <gtest/gtest.h>

namespace letterlock::pop {
namespace {

SessionOptions over_tls() {
  return {.tls = true, .mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256_plus}};
}
SessionOptions in_clear() {
  return {.tls = false,
          .stls_offered = true,
          .clear_sign_in = true,
          .mechanisms = {sasl::Mechanism::plain}};
}

Action say(ServerSession& session, std::string text) {
  return session.line({std::move(text), Line::Fault::none});
}

// The text of whatever says one.
std::string text_of(const Action& action) {
  if (const auto* a = std::get_if<Say>(&action)) return a->text;
  if (const auto* a = std::get_if<Close>(&action)) return "closed: " + a->text;
  if (const auto* a = std::get_if<SendListing>(&action)) return a->head;
  if (const auto* a = std::get_if<SendContent>(&action)) return a->head;
  if (const auto* a = std::get_if<StartTls>(&action)) return a->text;
  if (const auto* a = std::get_if<PasswordShown>(&action))
    return std::visit([](const auto& then) { return text_of(then); }, a->then);
  return "something else";
}

std::string ask(ServerSession& session, std::string text) {
  return text_of(say(session, std::move(text)));
}

Maildrop two_messages() {
  Maildrop maildrop("17");
  maildrop.add(5, 120);
  maildrop.add(9, 200);
  return maildrop;
}

ServerSession signed_in() {
  ServerSession session(over_tls());
  EXPECT_EQ(text_of(session.signed_in(two_messages())), "+OK 2 messages, 320 octets\r\n");
  return session;
}

TEST(Session, UserAndPassOverTls) {
  ServerSession session(over_tls());
  EXPECT_EQ(session.greeting(), "+OK Letterlock POP3 ready\r\n");
  EXPECT_EQ(ask(session, "USER bob"), "+OK password?\r\n");
  const auto action = say(session, "PASS tree house");
  const auto* check = std::get_if<CheckPassword>(&action);
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->user, "bob");
  EXPECT_EQ(check->password, "tree house");
  session.signed_in(two_messages());
  EXPECT_TRUE(session.is_signed_in());
}

TEST(Session, CommandsKeepToTheirState) {
  ServerSession session(over_tls());
  for (const auto* command :
       {"STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP"}) {
    EXPECT_EQ(ask(session, command), "-ERR sign in first\r\n") << command;
  }
  EXPECT_EQ(ask(session, "PASS tree"), "-ERR USER first\r\n");
  session.signed_in(two_messages());
  for (const auto* command : {"USER bob", "PASS tree", "AUTH PLAIN", "STLS"}) {
    EXPECT_EQ(ask(session, command), "-ERR signed in already\r\n") << command;
  }
}

TEST(Session, PassOnlyDirectlyAfterUser) {
  ServerSession session(over_tls());
  ask(session, "USER bob");
  ask(session, "PASS wrong");
  EXPECT_EQ(text_of(session.refused(Refusal::credentials)), "-ERR [AUTH] sign-in failed\r\n");
  EXPECT_EQ(ask(session, "PASS again"), "-ERR USER first\r\n");
}

TEST(Session, MessagesAreListedAndMarked) {
  auto session = signed_in();
  EXPECT_EQ(ask(session, "STAT"), "+OK 2 320\r\n");
  EXPECT_EQ(ask(session, "LIST 2"), "+OK 2 200\r\n");
  EXPECT_EQ(ask(session, "LIST 3"), "-ERR no such message\r\n");
  EXPECT_EQ(ask(session, "UIDL 2"), "+OK 2 17.9\r\n");
  EXPECT_EQ(ask(session, "DELE 1"), "+OK marked\r\n");
  EXPECT_EQ(ask(session, "DELE 1"), "-ERR no such message\r\n");
  EXPECT_EQ(ask(session, "RETR 1"), "-ERR no such message\r\n");
  EXPECT_EQ(ask(session, "TOP 1 0"), "-ERR no such message\r\n");
  EXPECT_EQ(ask(session, "STAT"), "+OK 1 200\r\n");
  EXPECT_EQ(ask(session, "LIST"), "+OK 1 messages\r\n");
  EXPECT_EQ(session.next_listing(1000), "2 200\r\n.\r\n");
  EXPECT_EQ(session.next_listing(1000), "");
  EXPECT_EQ(ask(session, "RSET"), "+OK 2 messages\r\n");
  EXPECT_EQ(ask(session, "UIDL"), "+OK 2 messages\r\n");
  EXPECT_EQ(session.next_listing(1), "1 17.5\r\n");
  EXPECT_EQ(session.next_listing(1), "2 17.9\r\n.\r\n");
  EXPECT_EQ(session.next_listing(1), "");
  EXPECT_EQ(ask(session, "NOOP"), "+OK \r\n");
}

TEST(Session, EmptyMaildropListsNothing) {
  ServerSession session(over_tls());
  session.signed_in(Maildrop("17"));
  EXPECT_EQ(ask(session, "LIST"), "+OK 0 messages\r\n");
  EXPECT_EQ(session.next_listing(1000), ".\r\n");
  EXPECT_EQ(session.next_listing(1000), "");
}

TEST(Session, ContentIsAskedForByUid) {
  auto session = signed_in();
  auto action = say(session, "RETR 2");
  const auto* whole = std::get_if<SendContent>(&action);
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->head, "+OK 200 octets\r\n");
  EXPECT_EQ(whole->uid, 9U);
  EXPECT_FALSE(whole->lines);
  action = say(session, "TOP 1 3");
  EXPECT_EQ(std::get<SendContent>(action).lines, 3U);
  EXPECT_EQ(text_of(session.content_missing(ServerSession::Missing::gone)),
            "-ERR message is gone\r\n");
}

TEST(Session, OnlyQuitAfterSignInDeletes) {
  auto session = signed_in();
  ask(session, "DELE 2");
  auto action = say(session, "QUIT");
  ASSERT_TRUE(std::holds_alternative<Commit>(action));
  EXPECT_EQ(std::get<Commit>(action).uids, std::vector<std::uint32_t>{9});
  EXPECT_EQ(text_of(session.committed(false)), "closed: -ERR [SYS/TEMP] not all was deleted\r\n");

  auto nothing_marked = signed_in();
  EXPECT_EQ(ask(nothing_marked, "QUIT"), "closed: +OK bye\r\n");
  ServerSession unknown(over_tls());
  EXPECT_EQ(ask(unknown, "QUIT"), "closed: +OK bye\r\n");
  EXPECT_EQ(ask(unknown, "CAPA"), "closed: ");
}

TEST(Session, CapabilitiesSayWhatWorks) {
  ServerSession protected_session(over_tls());
  const auto protected_capa = ask(protected_session, "CAPA");
  EXPECT_NE(protected_capa.find("SASL PLAIN SCRAM-SHA-256-PLUS\r\n"), std::string::npos);
  EXPECT_NE(protected_capa.find("USER\r\n"), std::string::npos);
  EXPECT_EQ(protected_capa.find("STLS"), std::string::npos);
  ServerSession clear_session(in_clear());
  const auto clear_capa = ask(clear_session, "CAPA");
  EXPECT_NE(clear_capa.find("STLS\r\n"), std::string::npos);
  EXPECT_EQ(clear_capa.find("SASL"), std::string::npos);
  EXPECT_NE(clear_capa.find("USER\r\n"), std::string::npos);
  auto never = in_clear();
  never.clear_sign_in = false;
  ServerSession strict(never);
  EXPECT_EQ(ask(strict, "CAPA").find("USER"), std::string::npos);
  EXPECT_EQ(ask(strict, "USER bob"), "-ERR [AUTH] signing in needs TLS here\r\n");
}

TEST(Session, ClearSignInIsAskedBeforeThePassword) {
  ServerSession session(in_clear());
  auto action = say(session, "USER bob");
  ASSERT_TRUE(std::holds_alternative<AllowClear>(action));
  EXPECT_EQ(text_of(session.clear_allowed(false)), "-ERR [AUTH] signing in needs TLS here\r\n");
  EXPECT_EQ(ask(session, "PASS tree"), "-ERR USER first\r\n");
  say(session, "USER bob");
  EXPECT_EQ(text_of(session.clear_allowed(true)), "+OK password?\r\n");
  EXPECT_TRUE(std::holds_alternative<CheckPassword>(say(session, "PASS tree")));
  ServerSession other(in_clear());
  EXPECT_EQ(ask(other, "AUTH PLAIN AGJvYgB0cmVl"), "-ERR [AUTH] signing in needs TLS here\r\n");
  EXPECT_TRUE(std::holds_alternative<StartTls>(say(other, "STLS")));
}

// A password that comes where none is taken was shown all the same.
TEST(Session, APasswordOutOfPlaceIsTold) {
  const auto shown = [](const Action& action) {
    const auto* a = std::get_if<PasswordShown>(&action);
    return a != nullptr ? a->shown.user + " " + a->shown.password : "nothing";
  };
  ServerSession session(in_clear());
  EXPECT_EQ(shown(say(session, "PASS tree")), "nothing") << "nobody's";
  say(session, "USER bob");
  session.clear_allowed(false);
  EXPECT_EQ(shown(say(session, "PASS tree house")), "bob tree house");
  EXPECT_EQ(shown(say(session, "AUTH PLAIN AGJvYgB0cmVl")), "bob tree");
  EXPECT_EQ(shown(say(session, "AUTH PLAIN")), "nothing");
  auto never = in_clear();
  never.clear_sign_in = false;
  ServerSession strict(never);
  say(strict, "USER bob");
  EXPECT_EQ(shown(say(strict, "PASS tree")), "bob tree");
}

// Sends these lines; the passwords that were told, each with the text that was said.
std::vector<std::string> told_by(ServerSession& session, const std::vector<std::string>& lines) {
  std::vector<std::string> told;
  for (const auto& line : lines) {
    const auto action = say(session, line);
    if (std::holds_alternative<AllowClear>(action)) session.clear_allowed(false);
    if (std::holds_alternative<Exchange>(action)) session.refused(Refusal::malformed);
    if (const auto* a = std::get_if<PasswordShown>(&action))
      told.push_back(a->shown.user + " " + a->shown.password + ": " + text_of(action));
  }
  return told;
}
using Told = std::vector<std::string>;

TEST(Session, PasswordsBehindARefusalAreTold) {
  const std::string plain = "AGJvYgB0cmVl", user = "Ym9i", password = "dHJlZQ==";
  const std::string unknown = "-ERR no such command\r\n";
  const std::vector<std::pair<std::vector<std::string>, Told>> talks = {
      {{"USER bob", "PASS bush", "PASS tree"},
       {"bob bush: -ERR USER first\r\n", "bob tree: -ERR USER first\r\n"}},
      {{"USER bob", "CAPA", "AUTH PLAIN", "PASS tree"}, {"bob tree: -ERR USER first\r\n"}},
      {{"USER bob", "USER eve", "PASS tree"}, {"eve tree: -ERR USER first\r\n"}},
      {{"USER bob", "PASS " + std::string(300, 'x')},
       {"bob " + std::string(300, 'x') + ": -ERR line too long\r\n"}},
      {{"AUTH PLAIN", plain}, {"bob tree: " + unknown}},
      {{"AUTH=PLAIN " + plain}, {"bob tree: " + unknown}},
      {{"AUTH PLAIN AGJvYgB0cmVlcw"}, {"bob trees: -ERR initial response is not base64\r\n"}},
      {{"AUTH LOGIN", user, password}, {"bob tree: " + unknown}},
      {{"AUTH LOGIN " + user, password}, {"bob tree: " + unknown}},
      {{"AUTH LOGIN", user, password, password}, {"bob tree: " + unknown}},
  };
  for (const auto& [lines, told] : talks) {
    ServerSession session(in_clear());
    EXPECT_EQ(told_by(session, lines), told) << lines.front();
  }
}

// Also in another's session, and over TLS where LOGIN isn't offered.
TEST(Session, PasswordsOfAnotherAccountAreTold) {
  auto session = signed_in();
  EXPECT_EQ(told_by(session, {"USER eve", "PASS tree", "AUTH PLAIN AGJvYgB0cmVl", "NOOP"}),
            (Told{"eve tree: -ERR signed in already\r\n", "bob tree: -ERR signed in already\r\n"}));
  EXPECT_TRUE(session.is_signed_in());
  ServerSession protected_session(over_tls());
  EXPECT_EQ(told_by(protected_session, {"AUTH LOGIN", "Ym9i", "dHJlZQ=="}),
            Told{"bob tree: -ERR no such command\r\n"});
}

// A command in the answer's place is run, and the last line of a session is read like the others.
TEST(Session, CommandsStayCommands) {
  ServerSession session(in_clear());
  EXPECT_EQ(ask(session, "AUTH LOGIN"), "-ERR [AUTH] signing in needs TLS here\r\n");
  EXPECT_EQ(ask(session, "NOOP"), "-ERR sign in first\r\n");
  EXPECT_TRUE(std::holds_alternative<StartTls>(say(session, "STLS")));
  for (int i = 0; i < 19; ++i) ask(session, "XYZZY");
  ask(session, "USER bob");
  session.clear_allowed(false);
  EXPECT_EQ(told_by(session, {"PASS tree"}), Told{"bob tree: closed: -ERR too many errors\r\n"});
  EXPECT_EQ(ask(session, "QUIT"), "closed: ");
}

// What isn't run shows its password all the same; a name is known behind STLS, and good for no
// more.
TEST(Session, WhatIsNotRunIsReadForPasswords) {
  ServerSession session(in_clear());
  EXPECT_EQ(session.unread({"USER bob", Line::Fault::none}), std::nullopt);
  EXPECT_EQ(session.unread({"PASS tree", Line::Fault::bare_lf}),
            (sasl::ShownPassword{"bob", "tree"}));
  const auto by_lf = session.line({"PASS tree", Line::Fault::bare_lf});
  EXPECT_EQ(std::get<PasswordShown>(by_lf).shown.password, "tree");
  ServerSession over(over_tls(), session.passwords());
  EXPECT_EQ(told_by(over, {"PASS tree"}), Told{"bob tree: -ERR USER first\r\n"});
}

TEST(Session, OnlyOfferedMechanisms) {
  ServerSession session(over_tls());
  EXPECT_EQ(ask(session, "AUTH SCRAM-SHA-256"), "-ERR no such mechanism\r\n");
  EXPECT_EQ(ask(session, "AUTH CRAM-MD5"), "-ERR no such mechanism\r\n");
  const auto action = say(session, "auth plain AGJvYgB0cmVl");
  EXPECT_EQ(std::get<Exchange>(action).mechanism, sasl::Mechanism::plain);
  EXPECT_EQ(std::get<Exchange>(action).initial, std::string("\0bob\0tree", 9));
}

TEST(Attack26, RefusalsAreOneSentenceAndFew) {
  ServerSession session(over_tls());
  EXPECT_EQ(text_of(session.refused(Refusal::credentials)), "-ERR [AUTH] sign-in failed\r\n");
  EXPECT_EQ(text_of(session.refused(Refusal::credentials)), "-ERR [AUTH] sign-in failed\r\n");
  EXPECT_EQ(text_of(session.refused(Refusal::credentials)),
            "closed: -ERR [AUTH] sign-in failed, too often\r\n");
  EXPECT_EQ(ask(session, "USER bob"), "closed: ");
}

TEST(Attack17, ErrorsAndCommandsBeforeSignInAreCounted) {
  ServerSession nonsense(over_tls());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(nonsense, "XYZZY"), "-ERR no such command\r\n");
  EXPECT_EQ(ask(nonsense, "XYZZY"), "closed: -ERR too many errors\r\n");
  ServerSession idle(over_tls());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ask(idle, "USER bob"), "+OK password?\r\n");
  EXPECT_EQ(ask(idle, "USER bob"), "closed: -ERR too many commands\r\n");
  ServerSession faults(over_tls());
  EXPECT_EQ(text_of(faults.line({"", Line::Fault::too_long})), "-ERR line too long\r\n");
  EXPECT_EQ(text_of(faults.line({"", Line::Fault::bare_lf})), "-ERR lines end with CRLF\r\n");
}

TEST(Attack40, AnotherProtocolEndsTheSession) {
  for (const auto* line : {"GET / HTTP/1.1", "EHLO mx.example"}) {
    ServerSession session(over_tls());
    EXPECT_EQ(ask(session, line), "closed: -ERR this is POP3\r\n");
  }
}

TEST(Maildrop, IsBounded) {
  Maildrop maildrop("17");
  for (std::size_t i = 0; i < messages_max; ++i)
    ASSERT_TRUE(maildrop.add(static_cast<std::uint32_t>(i + 1), 5'000'000'000));
  EXPECT_FALSE(maildrop.add(99999, 1));
  EXPECT_EQ(maildrop.octets(1), 4'294'967'295U);
  EXPECT_EQ(maildrop.octets(), 4'294'967'295U * messages_max);
}

}  // namespace
}  // namespace letterlock::pop

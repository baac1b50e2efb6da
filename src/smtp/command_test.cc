#include "smtp/command.h"

#include <gtest/gtest.h>

#include "smtp/client.h"

namespace letterlock::smtp {
namespace {

using namespace std::string_literals;

CommandContext everything() {
  return {.utf8 = CommandContext::Utf8::accepted,
          .own_domain = *address::Domain::parse("mx.acorn.example"),
          .offers_require_tls = true,
          .offers_auth = true};
}

// The code and status of a refusal, or "ok".
std::string verdict(const std::string& line, const CommandContext& context = everything()) {
  const auto parsed = parse_command(line, context);
  const auto* refused = std::get_if<Refused>(&parsed);
  if (refused == nullptr) return "ok";
  const std::string then = refused->then == Refused::Then::close ? " close" : "";
  return std::to_string(refused->reply.code) + " " + refused->reply.status->text() + then;
}

template <class T>
T parsed(const std::string& line) {
  auto result = parse_command(line, everything());
  return std::get<T>(std::get<Command>(std::move(result)));
}

TEST(Command, Mail) {
  const Mail mail = parsed<Mail>(
      "mail from:<alice@acorn.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ+2B1 "
      "REQUIRETLS AUTH=<>  ");
  EXPECT_EQ(mail.from.text(), "alice@acorn.example");
  EXPECT_EQ(mail.size_octets, 1000U);
  EXPECT_EQ(mail.body, Body::eight_bit_mime);
  EXPECT_TRUE(mail.smtputf8);
  EXPECT_TRUE(mail.require_tls);
  EXPECT_EQ(mail.dsn.ret, dsn::Return::headers);
  EXPECT_EQ(mail.dsn.envid, "QQ+1");
  EXPECT_EQ(mail.auth, "<>");
  EXPECT_TRUE(parsed<Mail>("MAIL FROM:<>").from.is_null());
  EXPECT_EQ(parsed<Mail>("MAIL FROM: <a@b.example>").from.text(), "a@b.example");
  EXPECT_EQ(parsed<Mail>("MAIL FROM:<\"a> b\"@b.example>").from.text(), "\"a> b\"@b.example");
}

TEST(Command, Rcpt) {
  const Rcpt rcpt = parsed<Rcpt>(
      "RCPT TO:<bob@birch.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob@birch.example");
  EXPECT_EQ(rcpt.to.text(), "bob@birch.example");
  EXPECT_TRUE(rcpt.dsn.notify.success && rcpt.dsn.notify.delay && !rcpt.dsn.notify.failure);
  EXPECT_EQ(rcpt.dsn.original_recipient, "rfc822;bob@birch.example");
  EXPECT_EQ(parsed<Rcpt>("RCPT TO:<Postmaster>").to.domain().text(), "mx.acorn.example");
}

TEST(Command, Others) {
  EXPECT_EQ(parsed<Hello>("EHLO a.example"), (Hello{true, "a.example"}));
  EXPECT_EQ(parsed<Hello>("HELO [192.0.2.1]"), (Hello{false, "[192.0.2.1]"}));
  EXPECT_EQ(parsed<Bdat>("BDAT 100 last"), (Bdat{100, true}));
  EXPECT_EQ(parsed<Bdat>("BDAT 0"), (Bdat{0, false}));
  EXPECT_EQ(parsed<Auth>("AUTH plain AGEAYg=="), (Auth{sasl::Mechanism::plain, "\0a\0b"s}));
  EXPECT_EQ(parsed<Auth>("AUTH PLAIN ="), (Auth{sasl::Mechanism::plain, ""}));
  EXPECT_EQ(parsed<Auth>("AUTH SCRAM-SHA-256"),
            (Auth{sasl::Mechanism::scram_sha_256, std::nullopt}));
  parsed<Data>("data");
  parsed<StartTls>("STARTTLS ");
  parsed<Noop>("NOOP whatever");
  parsed<Quit>("QUIT");
}

TEST(Command, Refusals) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "500 5.5.1"},
      {"FROB", "500 5.5.1"},
      {"EXPN list", "502 5.5.1"},
      {"EHLO", "501 5.5.4"},
      {"EHLO a b", "501 5.5.4"},
      {"EHLO \"x\"", "501 5.5.4"},
      {"HELO gr\xC3\xBC", "501 5.5.4"},
      {"MAIL", "501 5.5.4"},
      {"MAIL FROM", "501 5.5.4"},
      {"MAIL FROM:a@b.example", "501 5.1.7"},
      {"MAIL FROM:<a@b.example", "501 5.1.7"},
      {"MAIL FROM:<a b@b.example>", "501 5.1.7"},
      {"MAIL FROM:<a@b.example>SIZE=1", "501 5.5.4"},
      {"MAIL FROM:<> SIZE", "501 5.5.4"},
      {"MAIL FROM:<> SIZE=", "501 5.5.4"},
      {"MAIL FROM:<> SIZE=-1", "501 5.5.4"},
      {"MAIL FROM:<> SIZE=18446744073709551616", "501 5.5.4"},
      {"MAIL FROM:<> SIZE=1 SIZE=1", "501 5.5.4"},
      {"MAIL FROM:<> BODY=BINARYMIME", "501 5.5.4"},
      {"MAIL FROM:<> SMTPUTF8=1", "501 5.5.4"},
      {"MAIL FROM:<> FROB=1", "555 5.5.4"},
      {"MAIL FROM:<> AUTH=x", "501 5.5.4"},
      {"RCPT TO:<>", "501 5.1.3"},
      {"RCPT TO:bob@birch.example", "501 5.1.3"},
      {"RCPT TO:<b@b.example> NOTIFY=NEVER,SUCCESS", "501 5.5.4"},
      {"RCPT TO:<b@b.example> NOTIFY=NEVER NOTIFY=NEVER", "501 5.5.4"},
      {"RCPT TO:<b@b.example> NOTIFY", "501 5.5.4"},
      {"RCPT TO:<b@b.example> RET=FULL", "555 5.5.4"},
      {"DATA x", "501 5.5.4"},
      {"BDAT", "501 5.5.4 close"},
      {"BDAT x", "501 5.5.4 close"},
      {"BDAT 99999999999999999999", "501 5.5.4 close"},
      {"BDAT 1 FIRST", "501 5.5.4 close"},
      {"AUTH", "501 5.5.4"},
      {"AUTH NTLM", "504 5.5.4"},
      {"AUTH PLAIN !", "501 5.5.2"},
      {"STARTTLS x", "501 5.5.4"},
      {"QUIT x", "501 5.5.4"},
      {"VRFY", "501 5.5.4"},
  };
  for (const auto& [line, expected] : cases) EXPECT_EQ(verdict(line), expected) << line;
}

TEST(Command, WhatIsntOfferedIsntKnown) {
  const CommandContext bare{.own_domain = {}, .offers_smtputf8 = false, .offers_dsn = false};
  for (const auto* parameter : {"SMTPUTF8", "RET=FULL", "ENVID=x", "REQUIRETLS", "AUTH=<>"}) {
    EXPECT_EQ(verdict("MAIL FROM:<> "s + parameter, bare), "555 5.5.4") << parameter;
  }
  EXPECT_EQ(verdict("RCPT TO:<a@b.example> NOTIFY=NEVER", bare), "555 5.5.4");
}

TEST(Attack09, ControlsNeverReachAnEnvelope) {
  for (const char control : "\0\x01\t\r\n\x1f\x7f"s) {
    const std::string c(1, control);
    EXPECT_EQ(verdict("MAIL FROM:<a" + c + "b@c.example>"), "500 5.5.2");
    EXPECT_EQ(verdict("RCPT TO:<a@c.example" + c + ">"), "500 5.5.2");
    EXPECT_EQ(verdict("MAIL FROM:<> ENVID=a" + c), "500 5.5.2");
    EXPECT_EQ(verdict("NOOP " + c), "500 5.5.2");
    EXPECT_EQ(verdict("EHLO " + c), "500 5.5.2");
  }
  // Encoded ones neither.
  EXPECT_EQ(verdict("MAIL FROM:<> ENVID=a+0D+0Ab"), "501 5.5.4");
  EXPECT_EQ(verdict("MAIL FROM:<> AUTH=a+0A@b.example"), "501 5.5.4");
  EXPECT_EQ(verdict("RCPT TO:<a@c.example> ORCPT=rfc822;a+0Ab@c.example"), "501 5.5.4");
}

TEST(Attack10, Utf8OnlyWithSmtputf8) {
  CommandContext without = everything();
  without.utf8 = CommandContext::Utf8::refused;
  EXPECT_EQ(verdict("MAIL FROM:<gr\xC3\xBC@c.example>", without), "553 5.6.7");
  EXPECT_EQ(verdict("RCPT TO:<gr\xC3\xBC@c.example>", without), "553 5.6.7");
  EXPECT_EQ(verdict("VRFY gr\xC3\xBC", without), "553 5.6.7");
  EXPECT_EQ(verdict("MAIL FROM:<gr\xC3\xBC@c.example> SMTPUTF8", without), "ok");
  EXPECT_EQ(verdict("RCPT TO:<gr\xC3\xBC@c.example>"), "ok");
  // Neither ASCII nor UTF-8: refused wherever it stands.
  for (const auto* octets :
       {"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\x80"}) {
    EXPECT_EQ(verdict("MAIL FROM:<a"s + octets + "@c.example> SMTPUTF8"), "500 5.5.2");
    EXPECT_EQ(verdict("RCPT TO:<a"s + octets + "@c.example>"), "500 5.5.2");
  }
}

TEST(Attack11, ParameterParserStaysInBounds) {
  const std::string spaces(10000, ' ');
  EXPECT_EQ(verdict("MAIL FROM:<>" + spaces + "SIZE=1"), "ok");
  EXPECT_EQ(verdict("MAIL FROM:<>" + spaces), "ok");
  for (const auto* bad :
       {"=", "==", "=1", "SIZE==1", "SIZE=1=2", "\"", "\"SIZE=1\"", "SIZE=\"1\"", "-", "S\"=1"}) {
    const std::string said = verdict("MAIL FROM:<> "s + bad);
    EXPECT_TRUE(said == "501 5.5.4" || said == "555 5.5.4") << bad << said;
  }
  std::string many = "MAIL FROM:<>";
  for (int i = 0; i < 40; ++i) many += " SIZE=1";
  EXPECT_EQ(verdict(many), "501 5.5.4");
}

TEST(Attack40, OtherProtocolsAreSeen) {
  for (const auto& line :
       {"GET / HTTP/1.1"s, "post / HTTP/1.0"s, "CONNECT a:25"s, "Host: a.example"s, "\x16\x03\x01"s,
        "PRI * HTTP/2.0"s, "OPTIONS / RTSP/1.0"s, "PROXY TCP4 1 2 3 4"s, "<html>"s, "{}"s}) {
    EXPECT_TRUE(is_foreign_protocol(line)) << line;
  }
  for (const auto& line : {"EHLO get"s, "MAIL FROM:<a@b>"s, "frob"s, ""s, " EHLO"s}) {
    EXPECT_FALSE(is_foreign_protocol(line)) << line;
  }
}

TEST(Command, IsWrittenAsItIsRead) {
  for (const auto* line :
       {"EHLO a.example", "HELO b", "MAIL FROM:<>",
        "MAIL FROM:<a@b.example> SIZE=5 BODY=7BIT RET=FULL ENVID=a+2Bb AUTH=c@d.example",
        "MAIL FROM:<gr\xC3\xBC@b.example> BODY=8BITMIME SMTPUTF8 REQUIRETLS",
        "RCPT TO:<\"a b\"@c.example> NOTIFY=NEVER",
        "RCPT TO:<a@c.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;x@y.example", "DATA",
        "BDAT 5", "BDAT 0 LAST", "AUTH PLAIN", "AUTH PLAIN =", "AUTH PLAIN AGEAYg==", "STARTTLS",
        "RSET", "NOOP", "HELP", "QUIT"}) {
    const auto first = parse_command(line, everything());
    ASSERT_TRUE(std::holds_alternative<Command>(first)) << line;
    EXPECT_EQ(to_line(std::get<Command>(first)), line + "\r\n"s);
  }
}

}  // namespace
}  // namespace letterlock::smtp

#include "dsn/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "dsn/delivery_status.h"
#include "dsn/report_fixture.h"
#include "dsn/report_text.h"
#include "message/header_parser.h"

namespace letterlock::dsn {
namespace {

using namespace std::string_literals;
using test::at;
using test::empty_report;
using test::noon;
using testing::HasSubstr;
using testing::Not;

Report report_of(RecipientReport recipient) {
  auto report = empty_report();
  report.trace_id = "01JD8X4K7QZ3M9";
  report.recipients = {std::move(recipient)};
  report.envid = "QQ314159";
  report.arrival = noon;
  report.original_message_id = "<q3@acorn.example>";
  report.original_subject = "Figures for Q3";
  report.original_header = "From: alice@acorn.example\r\nSubject: Figures for Q3\r\n\r\n";
  return report;
}

RecipientReport user_unknown() {
  return {.final_recipient = at("bob@birch.example"),
          .original_recipient = "rfc822;Bob+x@birch.example",
          .action = Action::failed,
          .status = status::bad_mailbox,
          .remote_mta = "mx.birch.example",
          .diagnostic = "550 5.1.1 no such user",
          .last_attempt = noon};
}

RecipientReport refused() {
  Refusal refusal{
      .by = "acorn.example",
      .required = "authenticated TLS to bank.example",
      .source = "connector \"bank\", set by acorn.example",
      .offers = {{"mx1.bank.example", "no STARTTLS", noon, noon + std::chrono::hours(3), 12},
                 {"mx2.bank.example", "certificate expired on 2026-11-20", noon, noon, 1}},
      .kept_safe = "no content left acorn.example's platform, in none of the attempts.",
      .what_to_do = "ask bank.example's administrator, or ask yours about connector \"bank\"."};
  return {.final_recipient = at("dave@bank.example"),
          .original_recipient = {},
          .action = Action::failed,
          .status = status::security_not_offered.as_temporary(),
          .remote_mta = {},
          .diagnostic = "mx1.bank.example offers no STARTTLS",
          .diagnostic_is_reply = false,
          .refusal = std::move(refusal)};
}

TEST(ReportText, ARefusal) {
  EXPECT_EQ(report_text(report_of(refused())),
            "Your message to dave@bank.example was not sent, because it could not be\r\n"
            "protected as acorn.example requires.\r\n"
            "\r\n"
            "  What was required   authenticated TLS to bank.example (connector \"bank\", set\r\n"
            "                      by acorn.example)\r\n"
            "  What was offered    mx1.bank.example: no STARTTLS\r\n"
            "                        2026-11-23 10:02:11 to 13:02:11, 12 attempts\r\n"
            "                      mx2.bank.example: certificate expired on 2026-11-20\r\n"
            "                        2026-11-23 10:02:11\r\n"
            "  What was kept safe  no content left acorn.example's platform, in none of the\r\n"
            "                      attempts.\r\n"
            "  What you can do     ask bank.example's administrator, or ask yours about\r\n"
            "                      connector \"bank\".\r\n"
            "\r\n"
            "  5.7.4   trace 01JD8X4K7QZ3M9\r\n"
            "\r\n"
            "  Your subject        Figures for Q3\r\n"
            "  You sent it         2026-11-23 10:02:11\r\n"
            "\r\n"
            "Times are UTC. This report was written by dublin-1.acorn.example.\r\n");
  EXPECT_EQ(report_subject(report_of(refused())), "Not sent: your message to dave@bank.example");
}

// An alias's other targets may have it: nothing is said of the message, only of this copy.
TEST(ReportText, ACopyAmongSeveral) {
  auto copy = refused();
  copy.is_of_a_copy = true;
  EXPECT_TRUE(
      report_text(report_of(copy))
          .starts_with("A copy of your message to dave@bank.example was not sent on, because "
                       "it could\r\nnot be protected as acorn.example requires.\r\n"))
      << report_text(report_of(copy));
  EXPECT_EQ(report_subject(report_of(copy)),
            "Not sent on: a copy of your message to dave@bank.example");
  copy.refusal.reset();
  copy.status = status::bad_mailbox;
  EXPECT_TRUE(report_text(report_of(copy))
                  .starts_with("A copy of your message to dave@bank.example "
                               "was not delivered: "));
  copy.action = Action::delayed;
  EXPECT_TRUE(report_text(report_of(copy))
                  .starts_with("A copy of your message to dave@bank.example "
                               "is not delivered yet: "));
}

std::string on_one_line(std::string text) {
  for (auto end = text.find("\r\n"); end != std::string::npos; end = text.find("\r\n"))
    text.replace(end, 2, " ");
  return text;
}

TEST(ReportText, OrdinaryFailures) {
  const std::pair<Status, const char*> cases[] = {{status::bad_mailbox, "there is no such user"},
                                                  {status::mailbox_full, "mailbox is full"},
                                                  {status::expired, "in the time given"},
                                                  {status::null_mx, "takes no mail at all"},
                                                  {status::routing_loop, "in a loop"},
                                                  {Status{5, 99, 9}, "did not take it"}};
  for (const auto& [status, words] : cases) {
    auto recipient = user_unknown();
    recipient.status = status;
    const auto text = report_text(report_of(recipient));
    EXPECT_THAT(on_one_line(text), HasSubstr(words));
    EXPECT_THAT(text, HasSubstr("mx.birch.example answered: 550 5.1.1 no such user"));
    EXPECT_THAT(text, HasSubstr("What you can do"));
  }
}

TEST(ReportText, OtherActions) {
  auto recipient = user_unknown();
  recipient.diagnostic.clear();
  recipient.action = Action::delayed;
  recipient.status = status::no_answer;
  recipient.retry_until = noon + std::chrono::hours(24 * 5);
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("is not delivered yet"));
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("until 2026-11-28 10:02:11"));
  EXPECT_EQ(report_subject(report_of(recipient)), "Delayed: your message to bob@birch.example");
  recipient.action = Action::delivered;
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("was delivered into the mailbox"));
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("  2.4.1   trace"));
  recipient.action = Action::relayed;
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("handed to mx.birch.example"));
  recipient.action = Action::expanded;
  EXPECT_THAT(report_text(report_of(recipient)), HasSubstr("to that list"));
  auto held = refused();
  held.action = Action::delayed;
  EXPECT_THAT(report_text(report_of(held)), HasSubstr("is not sent yet"));
  EXPECT_THAT(report_text(report_of(held)), HasSubstr("  4.7.4   trace"));
}

TEST(ReportText, AttemptsThatAreOnlyCountedAreSaid) {
  auto recipient = refused();
  EXPECT_THAT(report_text(report_of(recipient)), Not(HasSubstr("more attempts")));
  recipient.refusal->others = 300;
  EXPECT_THAT(report_text(report_of(recipient)),
              HasSubstr("and 300 more attempts, which the trace has"));
}

TEST(ReportText, ManyRecipientsStayReadable) {
  auto report = report_of(user_unknown());
  for (int i = 0; i < 100; ++i) report.recipients.push_back(user_unknown());
  const auto text = report_text(report);
  std::size_t details = 0;
  for (auto found = text.find("What happened"); found != std::string::npos;
       found = text.find("What happened", found + 1))
    ++details;
  EXPECT_EQ(details, 20);
  EXPECT_EQ(report_subject(report),
            "Not delivered: your message to bob@birch.example and 100 others");
}

// RFC 3464 §2.2 and §2.3.
TEST(DeliveryStatus, Fields) {
  EXPECT_EQ(delivery_status(report_of(user_unknown()), Utf8::no),
            "Original-Envelope-Id: QQ314159\r\n"
            "Reporting-MTA: dns; dublin-1.acorn.example\r\n"
            "Arrival-Date: Mon, 23 Nov 2026 10:02:11 +0000\r\n"
            "\r\n"
            "Original-Recipient: rfc822; Bob+x@birch.example\r\n"
            "Final-Recipient: rfc822; bob@birch.example\r\n"
            "Action: failed\r\n"
            "Status: 5.1.1\r\n"
            "Remote-MTA: dns; mx.birch.example\r\n"
            "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
            "Last-Attempt-Date: Mon, 23 Nov 2026 10:02:11 +0000\r\n"
            "Final-Log-ID: 01JD8X4K7QZ3M9\r\n");
  EXPECT_THAT(delivery_status(report_of(refused()), Utf8::no),
              HasSubstr("Status: 5.7.4\r\nDiagnostic-Code: x-letterlock; mx1.bank.example offers "
                        "no STARTTLS\r\n"));
}

TEST(DeliveryStatus, Utf8) {
  auto recipient = user_unknown();
  recipient.final_recipient = at("grün@birch.example");
  recipient.original_recipient = "utf-8;grün+x@birch.example";
  const auto ascii = delivery_status(report_of(recipient), Utf8::no);
  EXPECT_THAT(ascii, HasSubstr("Original-Recipient: utf-8; gr\\x{FC}n\\x{2B}x@birch.example\r\n"));
  EXPECT_THAT(ascii, HasSubstr("Final-Recipient: utf-8; gr\\x{FC}n@birch.example\r\n"));
  EXPECT_THAT(delivery_status(report_of(recipient), Utf8::yes),
              HasSubstr("Final-Recipient: utf-8; grün@birch.example\r\n"));
}

message::Header header_of(const std::string& content) {
  message::HeaderParser parser;
  EXPECT_TRUE(parser.feed(content));
  EXPECT_TRUE(parser.finish());
  return parser.take_header();
}

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    longest = std::max(longest, std::min(end, text.size()));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
  }
  return longest;
}

TEST(Compose, TheWholeReport) {
  const auto parts = compose(report_of(user_unknown()));
  const auto header = header_of(parts.head + parts.tail);
  EXPECT_EQ(header.find("To")->unfolded(), "<alice@acorn.example>");
  EXPECT_EQ(header.find("From")->unfolded(), "Mail delivery <postmaster@acorn.example>");
  EXPECT_EQ(header.find("Auto-Submitted")->unfolded(), "auto-replied");
  EXPECT_EQ(header.find("In-Reply-To")->unfolded(), "<q3@acorn.example>");
  EXPECT_EQ(header.find("Content-Type")->unfolded(),
            "multipart/report; report-type=delivery-status;\tboundary=\"b0undary\"");
  EXPECT_THAT(
      parts.head,
      HasSubstr(
          "\r\n--b0undary\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nYour message"));
  EXPECT_THAT(
      parts.head,
      HasSubstr(
          "\r\n--b0undary\r\nContent-Type: message/delivery-status\r\n\r\nOriginal-Envelope-Id: "));
  EXPECT_THAT(parts.head,
              HasSubstr("\r\n--b0undary\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: alice"));
  EXPECT_EQ(parts.tail, "\r\n--b0undary--\r\n");
  EXPECT_FALSE(parts.is_8bit);
  EXPECT_FALSE(parts.needs_smtputf8);
  EXPECT_TRUE(base::is_ascii(parts.head));
  EXPECT_LE(longest_line(parts.head), 78) << "RFC 5322 §2.1.1: nothing of it is encoded";
}

// RFC 5322 §2.1.1: lines of 78 at most, where a person reads them; short words fill one to its
// last column.
TEST(Compose, TextIsWrappedAtColumn78) {
  std::size_t longest = 0;
  for (const auto* word : {"a ", "aa ", "aaa "}) {
    auto recipient = user_unknown();
    recipient.diagnostic.clear();
    for (int i = 0; i < 90; ++i) recipient.diagnostic += word;
    const auto text = report_text(report_of(recipient));
    EXPECT_LE(longest_line(text), 78) << word;
    longest = std::max(longest, longest_line(text));
  }
  EXPECT_EQ(longest, 78);
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out += text[i];
    } else if (text.substr(i, 3) == "=\r\n") {
      i += 2;
    } else {
      const auto octet = base::from_hex(text.substr(i + 1, 2));
      EXPECT_TRUE(octet) << text.substr(i, 3);
      out += octet.value_or("?");
      i += 2;
    }
  }
  return out;
}

// RFC 2045 §6.7 (5): at most 76 characters, the soft break's "=" among them.
TEST(Compose, EncodedLinesHave76CharactersAndDecodeToWhatTheyWere) {
  std::size_t longest = 0;
  for (std::size_t octets = 0; octets < 240; ++octets) {
    for (const auto* pattern : {"a", "ü", "-", "= ", "ab cd"}) {
      std::string line;
      while (line.size() < octets) line += pattern;
      auto report = report_of(user_unknown());
      report.original_header = "Subject: ü" + line + "\r\nX-Next: " + line + " \r\n";
      const auto head = compose(report).head;
      const auto part = std::string_view(head).substr(head.rfind("\r\n\r\n") + 4);
      ASSERT_LE(longest_line(part), 76U) << pattern << " " << octets;
      ASSERT_EQ(decoded(part), report.original_header) << pattern << " " << octets;
      longest = std::max(longest, longest_line(part));
    }
  }
  EXPECT_EQ(longest, 76U);
}

TEST(Compose, WhatComesBack) {
  auto report = report_of(user_unknown());
  report.returned = Returned::full;
  EXPECT_TRUE(
      compose(report).head.ends_with("\r\n--b0undary\r\nContent-Type: message/rfc822\r\n\r\n"));
  report.original_is_8bit = true;
  EXPECT_TRUE(compose(report).head.ends_with(
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"));
  EXPECT_TRUE(compose(report).is_8bit);
  EXPECT_FALSE(compose(report).needs_smtputf8);
  report.smtputf8 = true;
  EXPECT_THAT(compose(report).head, HasSubstr("Content-Type: message/global\r\n"));
  EXPECT_TRUE(compose(report).needs_smtputf8);
  report.returned = Returned::nothing;
  EXPECT_THAT(compose(report).head, Not(HasSubstr("rfc822-headers")));
  report.returned = Returned::headers;
  report.original_header = "Subject: grün\r\n\r\n";
  EXPECT_THAT(compose(report).head,
              HasSubstr("Content-Type: message/global-headers\r\nContent-Transfer-Encoding: "
                        "quoted-printable\r\n\r\nSubject: gr=C3=BCn\r\n"));
  EXPECT_FALSE(compose(report).is_8bit);
}

TEST(Compose, LongHeadersAreCutBetweenFields) {
  auto report = report_of(user_unknown());
  report.original_header.clear();
  while (report.original_header.size() < 60'000)
    report.original_header += "X-Long: a\r\n\tfolded\r\n";
  const auto head = compose(report).head;
  EXPECT_LT(head.size(), 40'000);
  EXPECT_TRUE(head.ends_with("\tfolded\r\n"));
}

TEST(Compose, Utf8Names) {
  auto recipient = user_unknown();
  recipient.final_recipient = at("grün@bücher.example");
  auto report = report_of(recipient);
  const auto parts = compose(report);
  EXPECT_TRUE(base::is_ascii(parts.head));
  EXPECT_THAT(parts.head,
              HasSubstr("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
                        "quoted-printable\r\n\r\nYour message to gr=C3=BCn@b=C3=BCcher.example"));
  EXPECT_FALSE(parts.needs_smtputf8);
  report.original_message_id = "<grün@acorn.example>";
  EXPECT_TRUE(base::is_ascii(compose(report).head));
  report.to = at("älice@acorn.example");
  EXPECT_TRUE(compose(report).needs_smtputf8);
}

// RFC 3461 §4.3.
TEST(WhatToReturn, FullOnlyForFailuresThatFit) {
  EXPECT_EQ(what_to_return(Return::full, Action::failed, 1000, 1000), Returned::full);
  EXPECT_EQ(what_to_return(Return::full, Action::failed, 1001, 1000), Returned::headers);
  EXPECT_EQ(what_to_return(Return::full, Action::delayed, 10, 1000), Returned::headers);
  EXPECT_EQ(what_to_return(Return::full, Action::relayed, 10, 1000), Returned::headers);
  EXPECT_EQ(what_to_return(Return::headers, Action::failed, 10, 1000), Returned::headers);
  EXPECT_EQ(what_to_return(Return::unspecified, Action::failed, 10, 1000), Returned::headers);
}

// Every string that a stranger chose, with a line break, a NUL and a terminal's control in it.
TEST(Attack39, NothingAPeerSaidBeginsALine) {
  const std::string evil = "x\r\nBcc: v@evil.example\r\n\r\n--b0undary\r\n\0\x1b[2J\xff"s;
  auto recipient = refused();
  recipient.remote_mta = recipient.diagnostic = recipient.original_recipient = evil;
  recipient.original_recipient = "rfc822;" + evil;
  auto& refusal = *recipient.refusal;
  refusal.by = refusal.required = refusal.source = refusal.kept_safe = refusal.what_to_do = evil;
  refusal.offers = {{evil, evil, noon, noon, 1}};
  for (const auto action :
       {Action::failed, Action::delayed, Action::delivered, Action::relayed, Action::expanded}) {
    for (const bool utf8 : {false, true}) {
      recipient.action = action;
      auto report = report_of(recipient);
      auto plain = recipient;
      plain.refusal.reset();
      report.recipients.push_back(plain);
      report.smtputf8 = utf8;
      report.envid = report.trace_id = report.reporting_mta = report.original_subject =
          report.message_id = report.original_message_id = evil;
      const auto parts = compose(report);
      EXPECT_EQ(header_of(parts.head).find("Bcc"), nullptr);
      EXPECT_THAT(parts.head, Not(HasSubstr("\r\nBcc")));
      EXPECT_EQ(parts.head.find_first_of(std::string_view("\0\x1b", 2)), std::string::npos);
      std::size_t boundaries = 0;
      for (auto found = parts.head.find("\r\n--b0undary"); found != std::string::npos;
           found = parts.head.find("\r\n--b0undary", found + 1))
        ++boundaries;
      EXPECT_EQ(boundaries, 3);
    }
  }
}

TEST(Attack39, NoLineOfThePartsBeginsLikeABoundary) {
  auto recipient = user_unknown();
  recipient.action = Action::relayed;
  for (const auto& host : {std::string(40, '-'), "--b0undary" + std::string(40, 'x'),
                           "grün" + std::string(100, '-')}) {
    recipient.remote_mta = host;
    auto report = report_of(recipient);
    EXPECT_THAT(report_text(report), Not(HasSubstr("\r\n-")));
    report.returned = Returned::nothing;
    const auto head = compose(report).head;
    EXPECT_EQ(head.find("\r\n-", head.rfind("\r\n--b0undary\r\n") + 1), std::string::npos);
    const auto text = head.substr(0, head.rfind("\r\n--b0undary\r\n"));
    EXPECT_EQ(text.find("\r\n-", text.find("\r\n--b0undary\r\n") + 1), std::string::npos);
  }
}

}  // namespace
}  // namespace letterlock::dsn

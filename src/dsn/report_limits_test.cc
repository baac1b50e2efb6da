// A report where something is just as long, or as often, as it may be, and once more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dsn/delivery_status.h"
#include "dsn/report.h"
#include "dsn/report_fixture.h"
#include "dsn/report_text.h"

namespace letterlock::dsn {
namespace {

using test::at;
using test::empty_report;
using test::noon;
using testing::HasSubstr;
using testing::Not;

// As little as there may be.
Report bare_report(std::size_t recipients = 1) {
  auto report = empty_report();
  for (std::size_t i = 0; i < recipients; ++i) {
    report.recipients.push_back({.final_recipient = at("bob@birch.example"),
                                 .action = Action::failed,
                                 .status = status::bad_mailbox});
  }
  return report;
}

std::size_t times(std::string_view words, std::string_view text) {
  std::size_t found = 0;
  for (auto where = text.find(words); where != std::string_view::npos;
       where = text.find(words, where + 1))
    ++found;
  return found;
}

std::string refusal_text(std::size_t offers, std::uint64_t others) {
  auto report = bare_report();
  Refusal refusal{.by = "acorn.example", .required = "TLS", .offers = {}};
  for (std::size_t i = 0; i < offers; ++i)
    refusal.offers.push_back({"mx.birch.example", "no STARTTLS", noon, noon});
  refusal.others = others;
  report.recipients.front().refusal = refusal;
  return report_text(report);
}

TEST(ReportLimits, OffersAndAttemptsAreCounted) {
  EXPECT_EQ(times("no STARTTLS", refusal_text(10, 0)), 10U);
  EXPECT_THAT(refusal_text(10, 0), Not(HasSubstr(" more ")));
  EXPECT_EQ(times("no STARTTLS", refusal_text(11, 0)), 10U);
  EXPECT_THAT(refusal_text(11, 0), HasSubstr(" and 1 more host\r\n"));
  EXPECT_THAT(refusal_text(12, 0), HasSubstr(" and 2 more hosts\r\n"));
  EXPECT_THAT(refusal_text(1, 1), HasSubstr(" and 1 more attempt, which the trace has\r\n"));
  EXPECT_THAT(refusal_text(1, 2), HasSubstr(" and 2 more attempts, which the trace has\r\n"));
  EXPECT_EQ(times("What was offered", refusal_text(3, 0)), 1U);
}

TEST(ReportLimits, WhenAnOfferWasMade) {
  const auto text = [](unsigned attempts, base::Milliseconds later) {
    auto report = bare_report();
    report.recipients.front().refusal =
        Refusal{.by = "acorn.example",
                .offers = {{"mx.birch.example", "no STARTTLS", noon, noon + later, attempts}}};
    return report_text(report);
  };
  EXPECT_THAT(text(1, std::chrono::hours(1)), HasSubstr("  2026-11-23 11:02:11\r\n"));
  EXPECT_THAT(text(2, std::chrono::hours(1)),
              HasSubstr("  2026-11-23 10:02:11 to 11:02:11, 2 attempts\r\n"));
  EXPECT_THAT(text(2, std::chrono::hours(24)),
              HasSubstr("  2026-11-23 10:02:11 to 2026-11-24 10:02:11, 2 attempts\r\n"));
}

TEST(ReportLimits, RecipientsInDetailAndOthersInTheSubject) {
  EXPECT_EQ(times("What you can do", report_text(bare_report(20))), 20U);
  EXPECT_EQ(times("(5.1.1)", report_text(bare_report(20))), 0U);
  EXPECT_EQ(times("What you can do", report_text(bare_report(21))), 20U);
  EXPECT_EQ(times("(5.1.1)", report_text(bare_report(21))), 1U);
  const std::string one = "Not delivered: your message to bob@birch.example";
  EXPECT_EQ(report_subject(bare_report(1)), one);
  EXPECT_EQ(report_subject(bare_report(2)), one + " and 1 other");
  EXPECT_EQ(report_subject(bare_report(3)), one + " and 2 others");
}

// RFC 3464 §2: what isn't known has no field, and no row.
TEST(ReportLimits, WhatIsNotThereHasNoField) {
  EXPECT_EQ(delivery_status(bare_report(), Utf8::no),
            "Reporting-MTA: dns; dublin-1.acorn.example\r\n"
            "\r\n"
            "Final-Recipient: rfc822; bob@birch.example\r\n"
            "Action: failed\r\n"
            "Status: 5.1.1\r\n");
  EXPECT_EQ(report_text(bare_report()),
            "Your message to bob@birch.example was not delivered: there is no such user at\r\n"
            "that domain.\r\n"
            "\r\n"
            "  What you can do     check the address for typing mistakes.\r\n"
            "\r\n"
            "  5.1.1\r\n"
            "\r\n"
            "\r\n"
            "Times are UTC. This report was written by dublin-1.acorn.example.\r\n");
}

// A type is an atom, and read as one; a field that were two is none.
TEST(Attack39, ATypeWithALineBreakIsNoField) {
  auto report = bare_report();
  report.recipients.front().original_recipient = "x\r\nBcc: v;bob";
  EXPECT_THAT(delivery_status(report, Utf8::no), Not(HasSubstr("Bcc")));
  EXPECT_THAT(delivery_status(report, Utf8::no), Not(HasSubstr("Original-Recipient")));
}

std::string diagnostic_of(std::string_view diagnostic, Utf8 utf8) {
  auto report = bare_report();
  report.recipients.front().diagnostic = diagnostic;
  auto text = delivery_status(report, utf8);
  const std::string_view start = "Diagnostic-Code: smtp;";
  return text.substr(text.find(start) + start.size());
}

// A stranger's words are cut where they are long, in ASCII where the report is.
TEST(ReportLimits, ADiagnosticIsCut) {
  const std::string longest(800, 'x');
  EXPECT_THAT(diagnostic_of(longest, Utf8::no), HasSubstr(" " + longest + "\r\n"));
  for (const auto utf8 : {Utf8::no, Utf8::yes})
    EXPECT_THAT(diagnostic_of(longest + "x", utf8), HasSubstr(" " + longest + "...\r\n"));
  EXPECT_THAT(diagnostic_of("gr\u00FCn", Utf8::no), HasSubstr(" gr??n\r\n"));
  EXPECT_THAT(diagnostic_of("gr\u00FCn", Utf8::yes), HasSubstr(" gr\u00FCn\r\n"));
}

// Folded before the 77th column where words allow, and what was folded reads as it was.
TEST(ReportLimits, StatusFieldsAreFolded) {
  std::size_t longest = 0;
  for (const auto* word : {"a ", "aa ", "aaa ", "a  b ", "aaaaaaa "}) {
    std::string said;
    while (said.size() < 400) said += word;
    said += "end";
    auto report = bare_report();
    report.recipients.front().diagnostic = said;
    const auto text = delivery_status(report, Utf8::no);
    std::string unfolded;
    for (std::size_t line = 0; line < text.size();) {
      const auto end = text.find("\r\n", line);
      EXPECT_LE(end - line, 76U) << word;
      longest = std::max(longest, end - line);
      unfolded += text.substr(line, end - line);
      line = end + 2;
    }
    EXPECT_THAT(unfolded, HasSubstr("Diagnostic-Code: smtp; " + said)) << word;
  }
  EXPECT_EQ(longest, 76U);
}

std::string returned(std::string header) {
  auto report = bare_report();
  report.original_header = std::move(header);
  const auto head = compose(report).head;
  return head.substr(head.rfind("Content-Type: "));
}

// 32 KiB come back whole; of more, the fields that fit.
TEST(ReportLimits, AHeaderIsCutBetweenFields) {
  const std::string start = "Content-Type: text/rfc822-headers\r\n\r\n";
  const auto header = [](std::size_t last_octets) {
    std::string fields;
    while (fields.size() < 32'000) fields += "X-Field: value\r\n";
    return std::pair(fields, fields + std::string(last_octets - 4, 'L') + ":v\r\n");
  };
  const std::size_t room = 32 * 1024 - header(10).first.size();
  EXPECT_EQ(returned(header(room).second), start + header(room).second);
  EXPECT_EQ(returned(header(room + 1).second), start + header(room + 1).first);
  // A folded field is one, wherever it is folded; no field may fit at all.
  const auto folded = header(room - 10).second + "\tfolded further\r\n";
  EXPECT_EQ(returned(folded), start + header(room).first);
  EXPECT_EQ(returned("X: " + std::string(40'000, 'x') + "\r\n"), start);
}

// RFC 2045 §6.7: what is encoded begins no line like a boundary, and ends none with a blank.
TEST(ReportLimits, EncodedLinesBeginAndEndSafely) {
  EXPECT_THAT(returned("S: \u00FC\r\n--b0undary: x \r\n"),
              HasSubstr("S: =C3=BC\r\n=2D-b0undary: x=20\r\n"));
  EXPECT_THAT(returned("S: \u00FC=~\x7f\x1f \r\n a\r\n"),
              HasSubstr("S: =C3=BC=3D~=7F=1F=20\r\n a\r\n"));
}

// A boundary is ours to choose.
TEST(ReportLimits, TheBoundaryIsPlain) {
  auto report = bare_report();
  report.boundary = "azAZ09" + std::string(54, 'b');
  EXPECT_THAT(compose(report).tail, HasSubstr("--" + report.boundary + "--"));
  for (const auto& wrong : {report.boundary + "b", std::string(), std::string("a b"),
                            std::string("a-b"), std::string("a\"")}) {
    report.boundary = wrong;
    EXPECT_DEATH((void)compose(report), "") << wrong;
  }
}

}  // namespace
}  // namespace letterlock::dsn

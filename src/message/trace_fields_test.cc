#include "message/trace_fields.h"

#include <set>

#include <gtest/gtest.h>

namespace letterlock::message {
namespace {

const base::Time noon = base::from_milliseconds(1'795'401'164'120);

TEST(WithKeyword, EveryCombination) {
  EXPECT_EQ(with_keyword({}), "ESMTP");
  EXPECT_EQ(with_keyword({.extended = false}), "SMTP");
  EXPECT_EQ(with_keyword({.tls = true}), "ESMTPS");
  EXPECT_EQ(with_keyword({.auth = true}), "ESMTPA");
  EXPECT_EQ(with_keyword({.tls = true, .auth = true}), "ESMTPSA");
  EXPECT_EQ(with_keyword({.smtputf8 = true}), "UTF8SMTP");
  EXPECT_EQ(with_keyword({.tls = true, .auth = true, .smtputf8 = true}), "UTF8SMTPSA");
}

TEST(Received, FromAnMta) {
  const Reception reception{
      .client = Reception::Client{"mx.modern.example", "2001:db8::1", "mx1.modern.example"},
      .by = "dublin-1.acorn.example",
      .with = {.tls = true},
      .tls_cipher = "TLS_AES_256_GCM_SHA384",
      .tls_group = "X25519",
      .id = "01JD8X4K7QZ3M90000000000AB",
      .recipient = *address::Address::parse("bob@birch.example"),
      .time = noon};
  EXPECT_EQ(received_field(reception).raw(),
            "Received: from mx.modern.example (mx1.modern.example [IPv6:2001:db8::1])\r\n"
            "\tby dublin-1.acorn.example with ESMTPS tls TLS_AES_256_GCM_SHA384\r\n"
            "\tgroup X25519 id 01JD8X4K7QZ3M90000000000AB for <bob@birch.example>;\r\n"
            "\tMon, 23 Nov 2026 02:32:44 +0000\r\n");
}

TEST(Received, SubmissionNamesNoClient) {
  const Reception reception{.client = std::nullopt,
                            .by = "dublin-1",
                            .with = {.tls = true, .auth = true},
                            .tls_cipher = "TLS_AES_128_GCM_SHA256",
                            .id = "X",
                            .time = noon};
  EXPECT_EQ(
      received_field(reception).unfolded(),
      "by dublin-1 with ESMTPSA tls TLS_AES_128_GCM_SHA256 id X;\tMon, 23 Nov 2026 02:32:44 +0000");
}

TEST(Received, Utf8RecipientsOnlyInUtf8Messages) {
  Reception reception{
      .by = "h", .recipient = *address::Address::parse("grün@birch.example"), .time = noon};
  EXPECT_EQ(received_field(reception).raw().find("for"), std::string::npos);
  reception.with.smtputf8 = true;
  EXPECT_NE(received_field(reception).raw().find("for <grün@birch.example>"), std::string::npos);
}

TEST(Attack39, AClientsWordsStayInTheirPlace) {
  const Reception reception{
      .client = Reception::Client{"evil\r\nBcc: x@y (a) by trusted; date", "192.0.2.1", "a b\nc"},
      .by = "h",
      .id = "i\r\nX: y",
      .time = noon};
  const auto field = received_field(reception);
  EXPECT_EQ(field.unfolded(),
            "from evil??Bcc:?x?y??a??by?trusted??date (a?b?c [192.0.2.1]) by h\twith ESMTP id "
            "i??X:?y;\tMon, 23 Nov 2026 02:32:44 +0000");
  const Reception long_one{.client = Reception::Client{std::string(100'000, 'a'), "192.0.2.1",
                                                       std::string(100'000, 'b')},
                           .by = "h",
                           .time = noon};
  EXPECT_LT(received_field(long_one).raw().size(), 1000);
}

Header header_of(std::string_view raw) {
  Header header;
  header.append(*Field::parse(std::string(raw)));
  return header;
}

TEST(MessageId, ReadAndMade) {
  EXPECT_EQ(make_message_id("01JD8X4K7QZ3M9", *address::Domain::parse("acorn.example")),
            "<01JD8X4K7QZ3M9@acorn.example>");
  EXPECT_EQ(message_id(header_of("Message-ID: <a@b>\r\n")), "<a@b>");
  EXPECT_EQ(message_id(header_of("message-id:\r\n <a@b> (old)\r\n")), "<a@b>");
  EXPECT_EQ(message_id(header_of("Message-ID: <no-at>\r\n")), "<no-at>");
  for (const auto* raw : {"Message-ID: a@b\r\n", "Message-ID:\r\n", "Message-ID: <a b>\r\n",
                          "Message-ID: <>\r\n", "Message-ID: <a\x01>\r\n", "Message-ID: <a<b>\r\n",
                          "Message-ID: <\xff>\r\n", "Other: <a@b>\r\n"}) {
    EXPECT_FALSE(message_id(header_of(raw))) << raw;
  }
  EXPECT_FALSE(message_id(header_of("Message-ID: <" + std::string(1000, 'a') + ">\r\n")));
}

TEST(Subject, ForPeople) {
  EXPECT_EQ(subject(header_of("Subject: =?utf-8?q?Gr=C3=BCn?=\r\n")), "Grün");
  EXPECT_EQ(subject(Header()), "");
  EXPECT_EQ(date_field(noon).raw(), "Date: Mon, 23 Nov 2026 02:32:44 +0000\r\n");
}

}  // namespace
}  // namespace letterlock::message

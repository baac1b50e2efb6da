#include "message/header.h"

#include <ctime>

#include <gtest/gtest.h>

#include "message/header_parser.h"

namespace letterlock::message {
namespace {

using namespace std::string_literals;
using base::ErrorKind;

struct Read {
  Header header;
  std::string rest;
};
base::Result<Read> read(std::string_view content, std::size_t chunk_octets,
                        HeaderParser::Options options = {}) {
  HeaderParser parser(options);
  while (!content.empty() && !parser.is_done()) {
    const auto chunk = content.substr(0, chunk_octets);
    TRY(parser.feed(chunk));
    content.remove_prefix(chunk.size());
  }
  TRY(parser.finish());
  Read read{parser.take_header(), parser.take_rest()};
  read.rest += content;
  return read;
}

TEST(HeaderParser, EveryOctetComesBackHoweverItIsCut) {
  const std::string contents[] = {
      "From: a@b.example\r\nSubject: x\r\n y\r\n\tz\r\n\r\nbody\r\n",
      "From: a@b.example\r\n\r\n",
      "From: a@b.example\r\n",
      "\r\nbody only\r\n",
      "\r\n",
      "",
      "no header here\r\nFrom: not@a.field\r\n",
      " begins with a blank\r\n",
      "no line end",
      "A:\r\nB : old style\r\nC:\r\n \r\n x\r\n\r\n\r\n\r\nbody: \r\n",
      "From: \xff\x80 raw octets\r\n\r\n\0\r\r\n"s,
  };
  for (const auto& content : contents) {
    for (const std::size_t chunk : {1U, 2U, 3U, 7U, 1000U}) {
      const auto result = read(content, chunk);
      ASSERT_TRUE(result) << content << result.error().what;
      EXPECT_EQ(result->header.text() + result->rest, content);
    }
  }
}

TEST(HeaderParser, TellsHowItEnded) {
  EXPECT_EQ(read("A: b\r\n\r\nx", 100)->header.end(), Header::End::empty_line);
  EXPECT_EQ(read("A: b\r\n", 100)->header.end(), Header::End::content_ended);
  const auto none = read("hello\r\n", 100);
  EXPECT_EQ(none->header.end(), Header::End::body_without_it);
  EXPECT_TRUE(none->header.fields().empty());
  EXPECT_EQ(none->rest, "hello\r\n");
}

TEST(HeaderParser, AddedFieldsDoNotFlowIntoABodyWithoutHeader) {
  auto none = read("hello\r\n", 100);
  none->header.prepend(*Field::make("Received", "by us"));
  EXPECT_EQ(none->header.text() + none->rest, "Received: by us\r\n\r\nhello\r\n");
}

TEST(HeaderParser, Refuses) {
  const std::string cases[] = {
      "A: b\r\nno field\r\n\r\n",
      "A: b\r\n: no name\r\n\r\n",
      "A: b\r\nB c: d\r\n\r\n",
      "A: b\r\nB\xc3\xbc: d\r\n\r\n",
      "A: b\nC: d\r\n\r\n",
      "A: b\r\rC: d\r\n\r\n",
      "A: b\rC: d\r\n\r\n",
      "A: \0b\r\n\r\n"s,
      "A: b",
      "A: b\r",
      "A: b\r\nC: d",
      "A: b\r\n\n",
      "\n",
  };
  for (const auto& content : cases) {
    for (const std::size_t chunk : {1U, 1000U}) {
      const auto result = read(content, chunk);
      ASSERT_FALSE(result) << content;
      EXPECT_EQ(result.error().kind, ErrorKind::invalid);
    }
  }
}

TEST(HeaderParser, ABadLineMayBeginTheBody) {
  const auto result =
      read("A: b\r\nno field\r\nC: d\r\n", 3, {.bad_line = HeaderParser::BadLine::begins_body});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->rest, "no field\r\nC: d\r\n");
  EXPECT_EQ(result->header.text(), "A: b\r\n\r\n");
}

TEST(HeaderParser, Limits) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "A: b\r\n";
  EXPECT_EQ(read(many + "\r\n", 100)->header.fields().size(), 1000);
  EXPECT_EQ(read(many + "A: b\r\n\r\n", 100).error().kind, ErrorKind::full);
  std::string received;
  for (int i = 0; i < 10'000; ++i) received += "Received: by x\r\n";
  EXPECT_EQ(read(received, 1000).error().kind, ErrorKind::full);
  const std::string large = "A: " + std::string(64 * 1024 - 7, 'x') + "\r\n\r\n";
  ASSERT_EQ(large.size(), 64 * 1024);
  EXPECT_TRUE(read(large, 1000));
  EXPECT_EQ(read("x" + large, 1000).error().kind, ErrorKind::full);
  // Without any line end memory stays bounded too.
  HeaderParser parser;
  const std::string endless(16 * 1024, 'x');
  int fed = 0;
  while (parser.feed(endless)) ASSERT_LT(++fed, 5);
  EXPECT_EQ(fed, 4);
}

TEST(Header, FindsAndRemovesInAnyCase) {
  auto header = read(
                    "TO: a@b\r\nBcc: x@y\r\nSubject: s\r\nbcc : z@y\r\nResent-BCC: "
                    "q@y\r\nReceived: 1\r\nreceived: 2\r\n\r\n",
                    100)
                    ->header;
  EXPECT_EQ(header.find("to")->body(), " a@b");
  EXPECT_EQ(header.find("cc"), nullptr);
  EXPECT_EQ(header.received_count(), 2);
  EXPECT_EQ(header.all("Received").size(), 2);
  EXPECT_EQ(header.remove_bcc(), 3);
  EXPECT_EQ(header.text(), "TO: a@b\r\nSubject: s\r\nReceived: 1\r\nreceived: 2\r\n\r\n");
}

TEST(Header, Unfolds) {
  const auto header = read("Subject:  a\r\n b\r\n\t c \r\n\r\n", 100)->header;
  EXPECT_EQ(header.find("Subject")->unfolded(), "a b\t c");
}

TEST(Field, MakeWritesOneField) {
  EXPECT_EQ(Field::make("X-Empty", "")->raw(), "X-Empty:\r\n");
  EXPECT_EQ(Field::make("Subject", "a\r\n b")->raw(), "Subject: a\r\n b\r\n");
}

// ATTACKS 19's rule: twice the input, less than 2.3 times the work; here with eight times, as a
// short run varies. However the octets are cut.
TEST(Attack19, HeadersTakeLinearTime) {
  const auto time = [](const std::string& content, std::size_t chunk_octets) {
    HeaderParser::Options options;
    options.octets_max = content.size() + 1;
    options.fields_max = content.size();
    const auto start = std::clock();
    for (int i = 0; i < 10; ++i) (void)read(content, chunk_octets, options);
    return static_cast<double>(std::clock() - start);
  };
  for (const auto& piece : {"A: b\r\n"s, "A: b\r\n folded\r\n"s, " folded\r\n"s, "A:\r\n"s}) {
    for (const std::size_t chunk_octets : {std::size_t{7}, std::size_t{65'536}}) {
      std::string small = "First: x\r\n";
      while (small.size() < 32'000) small += piece;
      std::string large = small;
      for (int i = 1; i < 8; ++i) large += small;
      EXPECT_LT(time(large, chunk_octets) / time(small, chunk_octets), 30) << piece << chunk_octets;
    }
  }
}

TEST(Attack39, ValuesCannotBeginAnotherField) {
  const std::string values[] = {"a\r\nBcc: x@y", "a\nBcc: x@y", "a\rBcc: x@y", "a\r\n\r\nbody",
                                "a\r\n",         "\r\n",        "a\0b"s,       "a\r\n \r\n b",
                                "a\r\n ",        "a\r\n\t\r\n"};
  for (const auto& value : values) EXPECT_FALSE(Field::make("Subject", value)) << value;
  for (const auto& name : {""s, "Sub ject"s, "Subject:"s, "Sub\r\nject"s, "S\xc3\xbc"s, "S\0"s})
    EXPECT_FALSE(Field::make(name, "x")) << name;
}

}  // namespace
}  // namespace letterlock::message

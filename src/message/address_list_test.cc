#include "message/address_list.h"

#include <ctime>

#include <gtest/gtest.h>

namespace letterlock::message {
namespace {

using namespace std::string_literals;
using State = HeaderFrom::State;

// "name <address>, …" or the error.
std::string shown(std::string_view body) {
  const auto list = parse_address_list(body);
  if (!list) return "refused";
  std::string out;
  for (const auto& mailbox : list->mailboxes) {
    if (!out.empty()) out += ", ";
    out += mailbox.display_name + "<" + mailbox.address.text() + ">";
  }
  return out;
}

// RFC 5322 appendix A among them.
TEST(AddressList, Forms) {
  const std::pair<const char*, const char*> cases[] = {
      {"alice@acorn.example", "<alice@acorn.example>"},
      {" Alice <alice@acorn.example>", "Alice<alice@acorn.example>"},
      {"\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public<john.q.public@example.com>"},
      {"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
       "Mary Smith<mary@x.test>, <jdoe@example.org>, Who?<one@y.test>"},
      {"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
       "<boss@nil.test>, Giant; \"Big\" Box<sysservices@example.net>"},
      {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
       "Ed Jones<c@a.test>, <joe@where.test>, John<jdoe@one.test>"},
      {"Undisclosed recipients:;", ""},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete<pete@silly.test>"},
      {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n     "
       "joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
       "Chris Jones<c@public.example>, <joe@example.org>, John<jdoe@one.test>"},
      {"Joe Q. Public <john.q.public@example.com>", "Joe Q. Public<john.q.public@example.com>"},
      {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
       "Mary Smith<mary@example.net>, <jdoe@test.example>"},
      {"alice@acorn.example (Alice Acorn)", "Alice Acorn<alice@acorn.example>"},
      {"\"a b\"@acorn.example", "<\"a b\"@acorn.example>"},
      {"a . b @ acorn . example", "<a.b@acorn.example>"},
      {"\"x\".y@acorn.example", "<x.y@acorn.example>"},
      {"=?utf-8?q?Gr=C3=BCn?= <g@acorn.example>", "Grün<g@acorn.example>"},
      {"Grün <grün@bücher.example>", "Grün<grün@xn--bcher-kva.example>"},
      {"a@[192.0.2.1]", "<a@[192.0.2.1]>"},
      {"", ""},
      {",,", ""},
      {" \r\n ", ""},
  };
  for (const auto& [body, expected] : cases) EXPECT_EQ(shown(body), expected) << body;
}

TEST(AddressList, Refuses) {
  const std::string cases[] = {"alice",
                               "alice@",
                               "@acorn.example",
                               "Alice <>",
                               "Alice <alice>",
                               "<alice@acorn.example",
                               "alice@acorn.example>",
                               "a b@acorn.example",
                               "a@b.example c@d.example",
                               "a@b.example <c@d.example>",
                               "<a@b.example> x",
                               "(a",
                               "a@b.example (",
                               "\"a",
                               "a@[192.0.2.1",
                               "g: a@b.example",
                               "g: h: a@b.example;;",
                               "a@b.example;",
                               ":a@b.example;",
                               "a..b@c.example",
                               ".a@c.example",
                               "a.@c.example",
                               "a@b..c",
                               "a@b.",
                               "a@.b",
                               "a\\b@c.example",
                               "a)@b.example",
                               "a@b@c.example",
                               "<@a.example alice@b.example>",
                               "a\0@b.example"s,
                               "a\x01@b.example"s,
                               "\"a\r\"b\0\"@c.example"s,
                               "a\xff@b.example"s,
                               "a@-b.example",
                               "[a]@b.example"};
  for (const auto& body : cases) EXPECT_EQ(shown(body), "refused") << body;
}

TEST(AddressList, Limits) {
  std::string many = "a@b.example";
  for (int i = 1; i < 1000; ++i) many += ",a@b.example";
  EXPECT_EQ(parse_address_list(many)->mailboxes.size(), 1000);
  EXPECT_EQ(parse_address_list(many + ",a@b.example").error().kind, base::ErrorKind::full);
  EXPECT_EQ(shown(std::string(32, '(') + std::string(32, ')') + "a@b.example"), "<a@b.example>");
  EXPECT_EQ(shown(std::string(33, '(') + std::string(33, ')') + "a@b.example"), "refused");
  EXPECT_EQ(shown(std::string(60'000, '(')), "refused");
}

Header header_of(std::initializer_list<std::pair<const char*, std::string>> fields) {
  Header header;
  for (const auto& [name, value] : fields)
    header.append(*Field::parse(std::string(name) + ":" + value + "\r\n"));
  return header;
}

TEST(HeaderFrom, States) {
  const std::string a = "a@acorn.example";
  const std::string b = "b@acorn.example";
  EXPECT_EQ(header_from(header_of({{"From", a}})).state, State::ok);
  EXPECT_EQ(header_from(header_of({{"from", a}})).authors.front().address.text(), a);
  EXPECT_EQ(header_from(header_of({{"To", a}})).state, State::missing);
  EXPECT_EQ(header_from(header_of({{"From", "nonsense"}})).state, State::malformed);
  EXPECT_EQ(header_from(header_of({{"From", ""}})).state, State::no_address);
  EXPECT_EQ(header_from(header_of({{"From", "nobody:;"}})).state, State::no_address);
  EXPECT_EQ(header_from(header_of({{"From", a + "," + b}})).state, State::no_sender);
  EXPECT_EQ(header_from(header_of({{"From", a + "," + b}, {"Sender", b}})).state, State::ok);
  EXPECT_EQ(header_from(header_of({{"From", a}, {"Sender", b}})).sender.text(), b);
  EXPECT_EQ(header_from(header_of({{"From", a}, {"Sender", b}, {"Sender", b}})).state,
            State::bad_sender);
  EXPECT_EQ(header_from(header_of({{"From", a}, {"Sender", a + "," + b}})).state,
            State::bad_sender);
  EXPECT_EQ(header_from(header_of({{"From", a}, {"Sender", "x"}})).state, State::bad_sender);
}

// Forged, doubled and encoded authors: nothing that two readers could read as two people is `ok`
// with another address than the one that an SMTP server would see.
TEST(Attack30, AuthorsThatReadersSeeDifferently) {
  const std::string alice = "alice@acorn.example";
  const std::string mallory = "mallory@evil.example";
  EXPECT_EQ(header_from(header_of({{"From", alice}, {"From", mallory}})).state,
            State::several_fields);
  EXPECT_EQ(header_from(header_of({{"From", alice}, {"FROM ", mallory}})).state,
            State::several_fields);
  EXPECT_EQ(header_from(header_of({{"From", alice}, {"fRoM\t", mallory}})).state,
            State::several_fields);
  const std::pair<std::string, std::string> one_author[] = {
      {"\"alice@acorn.example\" <mallory@evil.example>", mallory},
      {"=?utf-8?q?alice=40acorn.example?= <mallory@evil.example>", mallory},
      {"=?utf-8?q?=3Calice=40acorn.example=3E=00?= <mallory@evil.example>", mallory},
      {"(alice@acorn.example) mallory@evil.example", mallory},
      {"mallory@evil.example (alice@acorn.example)", mallory},
      {"(<alice@acorn.example>) <mallory@evil.example>", mallory},
      {"\"alice@acorn.example\\\"\" <mallory@evil.example>", mallory},
      {"<@acorn.example:mallory@evil.example>", mallory},
      {"\"alice@acorn.example,\"@evil.example", "\"alice@acorn.example,\"@evil.example"},
      {"=?utf-8?q?alice=40acorn.example?=@evil.example",
       "=?utf-8?q?alice=40acorn.example?=@evil.example"},
  };
  for (const auto& [body, author] : one_author) {
    const auto from = header_from(header_of({{"From", body}}));
    ASSERT_EQ(from.state, State::ok) << body;
    ASSERT_EQ(from.authors.size(), 1) << body;
    EXPECT_EQ(from.authors.front().address.text(), author);
    EXPECT_EQ(from.authors.front().display_name.find('\0'), std::string::npos);
  }
  for (const auto& body :
       {"alice@acorn.example <mallory@evil.example>"s, "alice@acorn.example mallory@evil.example"s,
        "<alice@acorn.example> <mallory@evil.example>"s,
        "<<alice@acorn.example>mallory@evil.example>"s, "<alice@acorn.example>@evil.example"s,
        "=?utf-8?q?alice=40acorn.example?="s, "alice@acorn.example(@evil.example"s,
        "alice@acorn.example'@evil.example"s, "alice@acorn.example)"s, "mallory@ev(il.example"s,
        "alice@acorn.example;mallory@evil.example"s, "alice@acorn.example@evil.example"s,
        "alice@acorn.example:mallory@evil.example"s}) {
    EXPECT_EQ(header_from(header_of({{"From", body}})).state, State::malformed) << body;
  }
  EXPECT_EQ(header_from(header_of({{"From", alice + "," + mallory}})).state, State::no_sender);
  EXPECT_FALSE(Field::parse("From: alice@acorn.example\0@evil.example\r\n"s));
}

// ATTACKS 19's rule for this parser: twice the input, less than 2.3 times the work, here with much
// room for noise.
TEST(Attack19, AddressesTakeLinearTime) {
  const auto time = [](const std::string& body) {
    const auto start = std::clock();
    for (int i = 0; i < 20; ++i) (void)parse_address_list(body, 1'000'000);
    return static_cast<double>(std::clock() - start);
  };
  for (const auto& piece :
       {"(()())"s, "a "s, "\"\\a\" "s, "=?utf-8?q?a?= "s, ",,"s, "=?"s, "a."s}) {
    std::string small;
    while (small.size() < 16'000) small += piece;
    const double ratio =
        time(small + small + small + small + small + small + small + small) / time(small);
    EXPECT_LT(ratio, 30) << piece;  // 8 if linear, 64 if quadratic
  }
}

}  // namespace
}  // namespace letterlock::message

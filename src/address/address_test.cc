#include "address/address.h"

#include <unordered_set>

#include <gtest/gtest.h>

namespace letterlock::address {
namespace {

using namespace std::string_literals;
using base::ErrorKind;

std::string canonical(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->text() : "refused: " + address.error().what;
}

TEST(Domain, OneCanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"Acorn.EXAMPLE", "acorn.example"},
      {"localhost", "localhost"},
      {"a.b-c.example", "a.b-c.example"},
      {"bücher.example", "xn--bcher-kva.example"},
      {"Bücher.EXAMPLE", "xn--bcher-kva.example"},
      {"bu\xcc\x88"
       "cher.example",
       "xn--bcher-kva.example"},  // u and a combining diaeresis: NFC
      {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
      {"straße.example", "xn--strae-oqa.example"},  // IDNA2008 keeps the sharp s
      {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
      {"1.example", "1.example"},
      {"[192.0.2.1]", "[192.0.2.1]"},
      {"[ipv6:2001:DB8:0:0::1]", "[IPv6:2001:db8::1]"},
  };
  for (const auto& [text, expected] : cases) {
    const auto domain = Domain::parse(text);
    ASSERT_TRUE(domain) << text << ": " << domain.error().what;
    EXPECT_EQ(domain->text(), expected);
    EXPECT_EQ(Domain::parse(domain->text()), *domain) << text;
  }
}

TEST(Domain, Refuses) {
  const std::string label63(63, 'a');
  EXPECT_TRUE(Domain::parse(label63 + ".example"));
  const std::string name255 = label63 + "." + label63 + "." + label63 + "." + label63;
  EXPECT_TRUE(Domain::parse(name255));
  const std::string cases[] = {
      "",
      ".",
      "example.",
      ".example",
      "a..example",
      "-a.example",
      "a-.example",
      "a_b.example",
      "a b.example",
      "a@example",
      "a/b.example",
      std::string(64, 'a') + ".example",
      name255 + "a",
      "192.0.2.1",
      "1",
      "a.1",
      "[192.0.2.1",
      "[",
      "[]",
      "[192.0.2]",
      "[192.0.2.256]",
      "[192.0.2.01]",
      "[2001:db8::1]",
      "[IPv6:]",
      "[IPv6:::1%lo]",
      "[IPv6:1::2::3]",
      "[x400:foo]",
      "[192.0.2.1].example",
      "bücher.example.",
      "BÜCHER.example",    // upper case is no U-label
      "ａcorn.example",    // full width
      "acorn。example",    // a dot that isn't one
      "\u0308a.example",   // begins with a combining mark
      "a\u200db.example",  // a joiner without its context
      "\xff.example",
      "b\xc3.example",
      "☃.example",
      "ü-.example",
  };
  for (const auto& text : cases) {
    const auto domain = Domain::parse(text);
    EXPECT_FALSE(domain) << text << " became " << domain->text();
    if (!domain) EXPECT_EQ(domain.error().kind, ErrorKind::invalid);
  }
}

TEST(Domain, LiteralsAreTold) {
  const auto four = *Domain::parse("[192.0.2.1]");
  EXPECT_EQ(four.kind(), Domain::Kind::ipv4_literal);
  EXPECT_EQ(four.ip_text(), "192.0.2.1");
  const auto six = *Domain::parse("[IPv6:2001:db8::1]");
  EXPECT_EQ(six.kind(), Domain::Kind::ipv6_literal);
  EXPECT_EQ(six.ip_text(), "2001:db8::1");
  EXPECT_TRUE(six.is_literal());
  EXPECT_FALSE(Domain::parse("a.example")->is_literal());
}

TEST(Domain, DisplayShowsOnlyTrueULabels) {
  EXPECT_EQ(Domain::parse("xn--bcher-kva.example")->display(), "bücher.example");
  EXPECT_EQ(Domain::parse("acorn.example")->display(), "acorn.example");
  // Decodes to "bücheR": not the canonical way to write any name.
  EXPECT_EQ(Domain::parse("xn--zzzzzzzzz.example")->display(), "xn--zzzzzzzzz.example");
  EXPECT_EQ(Domain::parse("[192.0.2.1]")->display(), "[192.0.2.1]");
}

TEST(Domain, IsWithin) {
  const auto parent = *Domain::parse("acorn.example");
  EXPECT_TRUE(parent.is_within(parent));
  EXPECT_TRUE(Domain::parse("mx.acorn.example")->is_within(parent));
  EXPECT_FALSE(Domain::parse("popacorn.example")->is_within(parent));
  EXPECT_FALSE(Domain::parse("example")->is_within(parent));
  EXPECT_FALSE(Domain::parse("[192.0.2.1]")->is_within(parent));
  EXPECT_FALSE(parent.is_within(Domain()));
}

TEST(Address, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(canonical("alice@acorn.example"), "alice@acorn.example");
  EXPECT_EQ(canonical("Alice.B+tag@ACORN.example"), "Alice.B+tag@acorn.example");
  EXPECT_EQ(canonical("\"alice\"@acorn.example"), "alice@acorn.example");
  EXPECT_EQ(canonical("\"al\\ice\"@acorn.example"), "alice@acorn.example");
  EXPECT_EQ(canonical("\"a b\"@acorn.example"), "\"a b\"@acorn.example");
  EXPECT_EQ(canonical("\"a\\\"b\\\\c\"@acorn.example"), "\"a\\\"b\\\\c\"@acorn.example");
  EXPECT_EQ(canonical("\"a@b\"@acorn.example"), "\"a@b\"@acorn.example");
  EXPECT_EQ(canonical("\".a\"@acorn.example"), "\".a\"@acorn.example");
  EXPECT_EQ(canonical("\"a..b\"@acorn.example"), "\"a..b\"@acorn.example");
  EXPECT_EQ(canonical("!#$%&'*+-/=?^_`{|}~@acorn.example"), "!#$%&'*+-/=?^_`{|}~@acorn.example");
  EXPECT_EQ(canonical("a@[IPv6:::1]"), "a@[IPv6:::1]");
  EXPECT_EQ(Address::parse("\"a b\"@acorn.example")->local_part(), "a b");
}

TEST(Address, Refuses) {
  for (const auto* text : {"",
                           "@",
                           "alice",
                           "alice@",
                           "@acorn.example",
                           "al ice@acorn.example",
                           "alice @acorn.example",
                           "alice@ acorn.example",
                           "alice@acorn.example ",
                           "a@b@acorn.example",
                           ".a@acorn.example",
                           "a.@acorn.example",
                           "a..b@acorn.example",
                           "<a@acorn.example>",
                           "a@acorn.example.",
                           "\"a@acorn.example",
                           "\"a\"b@acorn.example",
                           "\"a\\",
                           "\"\"@acorn.example",
                           "a(c)@acorn.example",
                           "a,b@acorn.example",
                           "a;b@acorn.example",
                           "a:b@acorn.example",
                           "a\\b@acorn.example",
                           "a\"b@acorn.example"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Address, Limits) {
  const std::string domain = "@acorn.example";
  EXPECT_TRUE(Address::parse(std::string(254 - domain.size(), 'a') + domain));
  EXPECT_FALSE(Address::parse(std::string(255 - domain.size(), 'a') + domain));
  // What counts is the form we write.
  std::string escaped = "\"";
  for (int i = 0; i < 200; ++i) escaped += "\\a";
  EXPECT_TRUE(Address::parse(escaped + "\"" + domain));
  std::string quotes = "\"";
  for (int i = 0; i < 120; ++i) quotes += "\\\"";
  EXPECT_FALSE(Address::parse(quotes + "\"" + domain));
  EXPECT_FALSE(Address::parse(std::string(1'000'000, 'a') + domain));
}

TEST(Address, KeyFoldsTheCaseOfAsciiAlone) {
  const auto one = *Address::parse("Alice@acorn.example");
  const auto two = *Address::parse("alice@ACORN.example");
  EXPECT_NE(one, two);
  EXPECT_EQ(one.key(), two.key());
  EXPECT_EQ(Address::parse("ÄB@acorn.example")->key(), "Äb@acorn.example");
  std::unordered_set<Address> set{one, two, one};
  EXPECT_EQ(set.size(), 2);
  EXPECT_LT(one, two);
}

TEST(Address, Utf8) {
  EXPECT_TRUE(Address::parse("grün@acorn.example")->needs_smtputf8());
  EXPECT_FALSE(Address::parse("gruen@bücher.example")->needs_smtputf8());
  EXPECT_EQ(Address::parse("grün@bücher.example")->text(), "grün@xn--bcher-kva.example");
  EXPECT_EQ(Address::parse("grün@bücher.example")->display(), "grün@bücher.example");
  EXPECT_EQ(canonical("\"grün tal\"@acorn.example"), "\"grün tal\"@acorn.example");
}

TEST(Path, SplitRespectsQuotes) {
  const auto split = split_path("<\"a> \\\"b\"@c.example> SIZE=10");
  ASSERT_TRUE(split);
  EXPECT_EQ(split->path, "<\"a> \\\"b\"@c.example>");
  EXPECT_EQ(split->rest, " SIZE=10");
  EXPECT_EQ(split_path("<>")->path, "<>");
  EXPECT_FALSE(split_path(""));
  EXPECT_FALSE(split_path("a@b>"));
  EXPECT_FALSE(split_path("<a@b"));
  EXPECT_FALSE(split_path("<\"a>"));
  EXPECT_FALSE(split_path("<\"a\\"));
}

TEST(Path, Forms) {
  EXPECT_EQ(parse_path("<alice@acorn.example>")->text(), "alice@acorn.example");
  EXPECT_TRUE(parse_reverse_path("<>")->is_null());
  EXPECT_EQ(parse_reverse_path("<>")->path(), "<>");
  EXPECT_EQ(parse_reverse_path("<a@b.example>")->path(), "<a@b.example>");
  EXPECT_FALSE(parse_path("<>"));
  EXPECT_FALSE(parse_path("< >"));
  EXPECT_FALSE(parse_path("alice@acorn.example"));
  EXPECT_FALSE(parse_path("<alice@acorn.example> "));
  EXPECT_FALSE(parse_path("<<alice@acorn.example>>"));
  const auto own = *Domain::parse("acorn.example");
  EXPECT_EQ(parse_forward_path("<POSTmaster>", own)->text(), "postmaster@acorn.example");
  EXPECT_FALSE(parse_forward_path("<alice>", own));
  EXPECT_FALSE(parse_forward_path("<>", own));
  for (const auto* text : {"", "a@b.example"})
    EXPECT_EQ(ReversePath::from_text(text)->text(), text);
  EXPECT_FALSE(ReversePath::from_text("nonsense"));
}

// RFC 5321 appendix C.
TEST(Path, SourceRoutesAreThrownAway) {
  EXPECT_EQ(parse_path("<@a.example:alice@acorn.example>")->text(), "alice@acorn.example");
  EXPECT_EQ(parse_path("<@a.example,@[IPv6:::1],@b.example:alice@acorn.example>")->text(),
            "alice@acorn.example");
  for (const auto* text : {"<@a.example alice@acorn.example>", "<@a.example:>",
                           "<@:alice@acorn.example>", "<@a.example,b.example:a@c.example>",
                           "<@a.example,:a@c.example>", "<@a.example:@b.example:a@c.example>"}) {
    EXPECT_FALSE(parse_path(text)) << text;
  }
}

// No meaning is seen in what a shell, a template or a file system would see one in.
TEST(Attack08, LocalPartsAreOpaque) {
  EXPECT_EQ(canonical("${run{x}}@d.example"), "${run{x}}@d.example");
  EXPECT_EQ(canonical("-oQ@d.example"), "-oQ@d.example");
  EXPECT_EQ(canonical("|id@d.example"), "|id@d.example");
  EXPECT_EQ(canonical("\";id;\"@d.example"), "\";id;\"@d.example");
  EXPECT_FALSE(Address::parse(";id;@d.example"));
  EXPECT_FALSE(Address::parse("../../x@d.example"));
  EXPECT_EQ(Address::parse("\"../../x\"@d.example")->local_part(), "../../x");
}

TEST(Attack09, ControlOctetsAreRefusedEverywhere) {
  for (int octet = 0; octet < 256; ++octet) {
    if (octet >= 0x20 && octet < 0x7F) continue;
    const std::string c(1, static_cast<char>(octet));
    for (const auto& text :
         {"a" + c + "b@d.example", "\"a" + c + "b\"@d.example", "\"a\\" + c + "b\"@d.example",
          "a@d" + c + ".example", "a@d.example" + c, c + "a@d.example", "a@[192.0.2.1" + c + "]",
          "a@[IPv6:::1" + c + "]", "a@ü" + c + ".example"}) {
      EXPECT_FALSE(Address::parse(text)) << octet;
    }
  }
  EXPECT_FALSE(
      Address::parse("a\xc2\x85"
                     "b@d.example"));  // NEL
  EXPECT_FALSE(
      Address::parse("\"a\xc2\x9b"
                     "b\"@d.example"));  // CSI
  EXPECT_FALSE(Address::parse("a@[192.0.2.1\0.evil]"s));
  EXPECT_FALSE(Address::make("a\0b"s, *Domain::parse("d.example")));
  EXPECT_FALSE(Address::make("a\r\nRCPT TO:<x@y>", *Domain::parse("d.example")));
}

// Unusual forms of one mailbox become one address; other mailboxes never become it.
TEST(Attack15, FormsOfRelayAttempts) {
  const auto own = *Domain::parse("acorn.example");
  const std::pair<const char*, const char*> foreign[] = {
      {"<victim%evil.example@acorn.example>", "victim%evil.example@acorn.example"},
      {"<\"victim@evil.example\"@acorn.example>", "\"victim@evil.example\"@acorn.example"},
      {"<@acorn.example:victim@evil.example>", "victim@evil.example"},
      {"<evil.example!victim@acorn.example>", "evil.example!victim@acorn.example"},
      {"<victim@[IPv6:2001:DB8::1]>", "victim@[IPv6:2001:db8::1]"},
      {"<victim@EVIL.example>", "victim@evil.example"},
  };
  for (const auto& [path, expected] : foreign) {
    const auto address = parse_forward_path(path, own);
    ASSERT_TRUE(address) << path;
    EXPECT_EQ(address->text(), expected);
  }
  for (const auto* path :
       {"<victim@evil.example@acorn.example>", "<victim@acorn.example.>",
        "<\"victim@evil.example\">", "<victim@2001:db8::1>", "<victim@[2001:db8::1]>",
        "<victim@192.0.2.1>", "<victim@acorn.example,evil.example>",
        "<victim@acorn.example evil@x.example>", "<victim@[acorn.example]>",
        "<evil.example!victim>", "<acorn.example:victim@evil.example>"}) {
    EXPECT_FALSE(parse_forward_path(path, own)) << path;
  }
}

}  // namespace
}  // namespace letterlock::address

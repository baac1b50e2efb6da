#include "dns/rdata.h"

#include <gtest/gtest.h>

#include "dns/answer.h"
#include "dns/name.h"

namespace letterlock::dns {
namespace {

using base::ErrorKind;
using namespace std::string_literals;

std::string wire(std::string_view name) {
  std::string octets;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    octets += static_cast<char>(label.size());
    octets += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return octets + '\0';
}

TEST(DnsName, Table) {
  const std::vector<std::pair<std::string, std::string>> good = {
      {"Birch.Example", "birch.example"},
      {"birch.example.", "birch.example"},
      {"_25._tcp.mx.x", "_25._tcp.mx.x"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"x", "x"},
      {std::string(63, 'a') + ".b", std::string(63, 'a') + ".b"}};
  for (const auto& [text, name] : good) EXPECT_EQ(parse_name(text), name) << text;
  for (const auto& bad : {""s, "."s, ".."s, "a..b"s, ".a"s, "a.."s, "a b"s, "a\0b"s, "a\n"s,
                          "b\xfc"
                          "cher"s,
                          "a/b"s, "*.a"s, "a@b"s, std::string(64, 'a'), "a" + std::string(253, '.'),
                          std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                              std::string(63, 'a') + "." + std::string(63, 'a')}) {
    const auto parsed = parse_name(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().kind, ErrorKind::invalid);
  }
  EXPECT_TRUE(is_within("a.b.c", "b.c"));
  EXPECT_TRUE(is_within("b.c", "b.c"));
  EXPECT_TRUE(is_within("b.c", ""));
  EXPECT_FALSE(is_within("ab.c", "b.c"));
  EXPECT_FALSE(is_within("c", "b.c"));
}

TEST(DnsRdata, ReadsWhatIsWellFormed) {
  EXPECT_EQ(parse_mx("\0\x0a"s + wire("MX.Birch.example")).value(),
            std::optional(Mx{10, "mx.birch.example"}));
  EXPECT_EQ(parse_mx("\0\0\0"s).value(), std::optional(Mx{0, ""}));  // RFC 7505
  EXPECT_EQ(parse_mx("\xff\xff\1x\0"s).value(), std::optional(Mx{65535, "x"}));
  EXPECT_EQ(parse_ptr(wire("MX.Birch.example")).value(), std::optional("mx.birch.example"s));
  EXPECT_EQ(parse_ptr("\0"s).value(), std::optional<std::string>()) << "the root is no host";
  EXPECT_FALSE(parse_ptr("\3mx"s));
  EXPECT_EQ((*parse_a("\xc0\0\2\1"s))->text(), "192.0.2.1");
  EXPECT_EQ((*parse_aaaa("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s))->text(), "2001:db8::1");
  EXPECT_EQ(parse_txt("\3abc\0\2de"s).value(), std::optional("abcde"s));
  EXPECT_EQ(parse_txt("\0"s).value(), std::optional(""s));
  EXPECT_EQ(parse_tlsa("\3\1\1\xab\xcd"s).value(), std::optional(TlsaRecord{3, 1, 1, "\xab\xcd"}));
}

// Each record malformed in each way: an error, never octets from elsewhere.
TEST(Attack34, MalformedRecordsAreErrors) {
  const auto long_name = wire(std::string(63, 'a') + "." + std::string(63, 'b') + "." +
                              std::string(63, 'c') + "." + std::string(63, 'd') + ".e");
  for (const auto& rdata :
       {""s, "\0"s, "\0\1"s, "\0\1\3ab\0"s, "\0\1\3abc"s, "\0\1\3abc\0x"s, "\0\1\xc0\x0c"s,
        "\0\1\x40"s + std::string(64, 'a') + "\0"s, "\0\1"s + long_name}) {
    const auto parsed = parse_mx(rdata);
    ASSERT_FALSE(parsed) << base::to_hex(rdata);
    EXPECT_EQ(parsed.error().kind, ErrorKind::unavailable);
  }
  for (const std::size_t size : {0U, 3U, 5U, 16U}) EXPECT_FALSE(parse_a(std::string(size, 'x')));
  for (const std::size_t size : {0U, 4U, 15U, 17U})
    EXPECT_FALSE(parse_aaaa(std::string(size, 'x')));
  for (const auto& rdata : {""s, "\4abc"s, "\3abc\1"s, "\xff"s}) EXPECT_FALSE(parse_txt(rdata));
  for (const auto& rdata : {""s, "\3"s, "\3\1\1"s}) EXPECT_FALSE(parse_tlsa(rdata));
}

TEST(Attack34, OddNamesAreUnusableAlone) {
  for (const auto& name :
       {"\3a.b\0"s, "\3a b\0"s, "\1\n\1x\0"s, "\1\0\0"s, "\2\xc3\xa4\0"s, "\1/\0"s, "\1*\0"s}) {
    EXPECT_EQ(parse_mx("\0\1"s + name).value(), std::optional<Mx>()) << base::to_hex(name);
  }
}

TEST(DnsAnswer, ReadsAWholeReply) {
  Reply reply;
  reply.secure = true;
  reply.canonical_name = "Real.Example.";
  reply.time_to_live_seconds = 300;
  reply.rdata = {"\0\x14"s + wire("b.example"), "\0\1\3a.b\0"s, "\0\x0a"s + wire("a.example")};
  const auto answer = mx_answer("x.example", reply);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->records, (std::vector<Mx>{{20, "b.example"}, {10, "a.example"}}));
  EXPECT_EQ(answer->canonical_name, "real.example");
  EXPECT_EQ(answer->security, Security::secure);
  EXPECT_EQ(answer->time_to_live, std::chrono::minutes(5));
  EXPECT_TRUE(answer->name_exists);
}

TEST(DnsAnswer, TellsNoDataFromNoName) {
  Reply reply;
  const auto no_data = txt_answer("x.example", reply);
  EXPECT_TRUE(no_data->name_exists);
  EXPECT_EQ(no_data->canonical_name, "x.example");
  reply.rcode = 3;
  reply.name_exists = false;
  const auto no_name = txt_answer("x.example", reply);
  EXPECT_TRUE(no_name->records.empty());
  EXPECT_FALSE(no_name->name_exists);
}

TEST(DnsAnswer, FailuresAreNeverEmptyAnswers) {
  struct Case {
    const char* what;
    Reply reply;
    ErrorKind kind;
    const char* sentence;
  };
  const std::vector<Case> cases = {
      {"bogus before all",
       {.rcode = 2, .bogus = true, .why_bogus = "signature\nexpired"},
       ErrorKind::denied,
       "the answer about MX of x.example is bogus: signature\\x0aexpired"},
      {"server failure",
       {.rcode = 2},
       ErrorKind::unavailable,
       "the name servers gave no answer about MX of x.example"},
      {"refused",
       {.rcode = 5},
       ErrorKind::unavailable,
       "the name servers refused the question about MX of x.example (RCODE 5)"},
      {"malformed",
       {.rdata = {"\0"s}},
       ErrorKind::unavailable,
       "MX of x.example: a malformed MX record: too short"},
      {"one of two malformed",
       {.rdata = {"\0\0\0"s, "\0"s}},
       ErrorKind::unavailable,
       "MX of x.example: a malformed MX record: too short"},
      {"none usable",
       {.rdata = {"\0\1\1/\0"s}},
       ErrorKind::invalid,
       "no record is usable of the MX of x.example"},
      {"odd alias",
       {.canonical_name = "a?b.example."},
       ErrorKind::invalid,
       "alias of x.example: \"a?b.example\" is no usable name: it has other octets than letters, "
       "digits, hyphens"},
      {"too many",
       {.rdata = std::vector<std::string>(257, "\0\0\0"s)},
       ErrorKind::unavailable,
       "more than 256 records for MX of x.example"},
  };
  for (const auto& test : cases) {
    const auto answer = mx_answer("x.example", test.reply);
    ASSERT_FALSE(answer) << test.what;
    EXPECT_EQ(answer.error().kind, test.kind) << test.what;
    EXPECT_EQ(answer.error().what, test.sentence) << test.what;
  }
}

TEST(DnsAnswer, TimesToLiveAreBounded) {
  for (const auto& [seconds, kept] : std::vector<std::pair<std::int64_t, base::Milliseconds>>{
           {-1, std::chrono::seconds(0)},
           {86401, std::chrono::days(1)},
           {0x7fffffffffffffff, std::chrono::days(1)}}) {
    Reply reply;
    reply.time_to_live_seconds = seconds;
    EXPECT_EQ(txt_answer("x.example", reply)->time_to_live, kept);
  }
}

using Addresses = base::Result<Answer<net::IpAddress>>;

Addresses addresses(std::vector<std::string> texts, Security security) {
  Answer<net::IpAddress> answer;
  for (const auto& text : texts) answer.records.push_back(net::IpAddress::parse(text).value());
  answer.security = security;
  answer.canonical_name = texts.empty() ? "empty.example" : "full.example";
  return answer;
}

TEST(DnsAnswer, JoinsAddressesOfBothKinds) {
  const auto both = join_addresses(addresses({"192.0.2.1"}, Security::secure),
                                   addresses({"2001:db8::1"}, Security::secure));
  ASSERT_EQ(both->records.size(), 2U);
  EXPECT_TRUE(both->records[0].is_v6());
  EXPECT_EQ(both->security, Security::secure);
  for (const auto& [a, aaaa] : std::vector<std::pair<Security, Security>>{
           {Security::secure, Security::insecure}, {Security::insecure, Security::secure}}) {
    EXPECT_EQ(join_addresses(addresses({"192.0.2.1"}, a), addresses({}, aaaa))->security,
              Security::insecure);
  }
  EXPECT_EQ(
      join_addresses(addresses({"192.0.2.1"}, Security::secure), addresses({}, Security::secure))
          ->canonical_name,
      "full.example");
  EXPECT_EQ(
      join_addresses(addresses({}, Security::secure), addresses({"2001:db8::1"}, Security::secure))
          ->canonical_name,
      "full.example");
}

TEST(DnsAnswer, OneHalfMayFailButNotBeBogus) {
  const auto failed = [](ErrorKind kind) -> Addresses { return base::fail(kind, ""); };
  const auto four = addresses({"192.0.2.1"}, Security::secure);
  for (const auto kind : {ErrorKind::timeout, ErrorKind::unavailable}) {
    EXPECT_EQ(join_addresses(four, failed(kind))->security, Security::secure);
    EXPECT_EQ(join_addresses(failed(kind), four)->records.size(), 1U);
    EXPECT_EQ(join_addresses(failed(kind), addresses({}, Security::secure)).error().kind, kind);
  }
  for (const auto kind : {ErrorKind::denied, ErrorKind::cancelled, ErrorKind::invalid}) {
    EXPECT_EQ(join_addresses(four, failed(kind)).error().kind, kind);
    EXPECT_EQ(join_addresses(failed(kind), four).error().kind, kind);
  }
  EXPECT_EQ(join_addresses(failed(ErrorKind::timeout), failed(ErrorKind::denied)).error().kind,
            ErrorKind::denied);
  EXPECT_EQ(join_addresses(failed(ErrorKind::denied), failed(ErrorKind::timeout)).error().kind,
            ErrorKind::denied);
}

}  // namespace
}  // namespace letterlock::dns

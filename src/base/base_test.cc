#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/pack.h"
#include "base/result.h"
#include "base/time.h"

namespace letterlock::base {
namespace {

Result<int> halve(int value) {
  if (value % 2 != 0) return fail(ErrorKind::invalid, "odd");
  return value / 2;
}
Result<int> quarter(int value) {
  return TRY(halve(TRY(halve(value))));
}

TEST(Result, TryPassesTheErrorOn) {
  EXPECT_EQ(quarter(8), 2);
  EXPECT_EQ(quarter(6).error().kind, ErrorKind::invalid);
}

TEST(Bytes, Base64IsStrict) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");  // RFC 4648 §10
  EXPECT_EQ(from_base64("Zm9vYmE="), "fooba");
  for (const auto* wrong : {"Zg=", "Zg", "Zh==", "Z===", "Zm9v\n", "Zm 9v", "=Zg=", "Zm9v===="}) {
    EXPECT_FALSE(from_base64(wrong)) << wrong;
  }
}

TEST(Bytes, HexGoesBothWays) {
  EXPECT_EQ(to_hex(std::string_view("\x00\xff", 2)), "00ff");
  EXPECT_EQ(from_hex("00FF"), std::string("\x00\xff", 2));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Bytes, PrintableCannotForgeALine) {
  EXPECT_EQ(printable("a\r\nb\x1b[2J\x7f"), "a\\x0d\\x0ab\\x1b[2J\\x7f");
  EXPECT_EQ(printable("grün"), "grün");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");           // CSI as one C1 control
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("abcdef", 3), "abc…");
}

TEST(Time, Texts) {
  const Time time = from_milliseconds(1'795'401'164'120);
  EXPECT_EQ(to_rfc3339(time), "2026-11-23T02:32:44.120Z");
  EXPECT_EQ(to_rfc5322(time), "Mon, 23 Nov 2026 02:32:44 +0000");
  EXPECT_EQ(from_rfc3339("2026-11-23T02:32:44.120Z"), time);
  for (const auto* wrong : {"", "2026-11-23", "2026-13-23T02:32:44Z", "2026-11-23T02:32:44+01:00",
                            "2026-11-23T25:32:44Z"}) {
    EXPECT_FALSE(from_rfc3339(wrong)) << wrong;
  }
}

TEST(Time, Durations) {
  EXPECT_EQ(parse_duration("15m"), Milliseconds(900'000));
  EXPECT_EQ(parse_duration("250ms"), Milliseconds(250));
  EXPECT_EQ(to_text(Milliseconds(432'000'000)), "5d");
  EXPECT_EQ(to_text(Milliseconds(90'000)), "90s");
  for (const auto* wrong : {"", "5", "m", "-5m", "5 m", "99999999999999999999d", "4000000d"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Id, SortsByTimeAndRoundTrips) {
  const auto early = TraceId::make(from_milliseconds(1000), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  const auto late = TraceId::make(from_milliseconds(2000), {});
  EXPECT_LT(early, late);
  EXPECT_LT(early.text(), late.text());
  EXPECT_EQ(TraceId::parse(early.text()), early);
  EXPECT_EQ(TraceId::from_octets(early.octets()), early);
  EXPECT_EQ(early.time(), from_milliseconds(1000));
  EXPECT_FALSE(TraceId::parse("81111111111111111111111111"));  // 131 bits
  EXPECT_FALSE(TraceId::parse("U1111111111111111111111111"));
  EXPECT_FALSE(TraceId::parse(""));
}

TEST(Pack, RoundTripsAndRefusesEveryCut) {
  const auto id = TraceId::make(from_milliseconds(77), {9});
  const auto octets = Packer(3).number(0).number(~0ULL).text("a\0b").id(id).flag(true).take();
  const auto read = [](std::string_view from, bool compare, const TraceId& expected) {
    Unpacker in("test", from);
    const auto zero = in.number();
    const auto all = in.number();
    in.text();
    const auto got = in.id<TraceId>();
    in.flag();
    if (compare) {
      EXPECT_EQ(zero, 0U);
      EXPECT_EQ(all, ~0ULL);
      EXPECT_EQ(got, expected);
    }
    return in.done(3);
  };
  EXPECT_TRUE(read(octets, true, id));
  for (std::size_t cut = 0; cut < octets.size(); ++cut)
    EXPECT_FALSE(read(octets.substr(0, cut), false, id)) << cut;
  EXPECT_FALSE(read(octets + "x", false, id));
  for (const std::uint64_t version : {0, 2, 4}) {
    Unpacker other("test", Packer(3).take());
    EXPECT_EQ(other.done(version).error().kind, ErrorKind::corrupt) << version;
  }
}

TEST(Pack, KeysSortAsNumbersDo) {
  EXPECT_LT(key_number(255), key_number(256));
  EXPECT_EQ(from_key_number(key_number(123456789)), 123456789U);
  EXPECT_FALSE(from_key_number("short"));
}

// RFC 6234 §8.5 and RFC 4231 §4.3.
TEST(Digest, Vectors) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  Sha256 running;
  running.add("a");
  running.add("bc");
  EXPECT_EQ(running.finish(), sha256("abc"));
  running.add("abc");
  EXPECT_EQ(running.finish(), sha256("abc"));
}

// RFC 7677 §3: SaltedPassword's first step is this function.
TEST(Digest, Pbkdf2) {
  EXPECT_EQ(to_hex(pbkdf2_sha256("password", "salt", 1)),
            "120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b");
}

}  // namespace
}  // namespace letterlock::base

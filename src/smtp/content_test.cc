#include "smtp/content.h"

#include <vector>

#include <gtest/gtest.h>

namespace letterlock::smtp {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string content;
  std::string behind;  // octets after the end
  Fault fault = Fault::none;
  bool ended = false;
  bool false_end = false;
  bool eight_bit = false;
  bool operator==(const Decoded&) const = default;
};

// Feeds `octets` in parts of the given sizes, keeping what isn't consumed, as a session does.
Decoded decode(const std::string& octets, const std::vector<std::size_t>& ends,
               LineEnds line_ends = LineEnds::strict, std::size_t line_max = 1000) {
  DataDecoder decoder(line_ends, line_max);
  Decoded decoded;
  std::string buffer;
  std::size_t start = 0;
  auto cuts = ends;
  cuts.push_back(octets.size());
  for (const std::size_t end : cuts) {
    buffer += octets.substr(start, end - start);
    start = end;
    if (decoded.ended || decoded.false_end) continue;
    const Piece piece = decoder.decode(buffer);
    decoded.content += piece.content;
    decoded.ended = piece.ended;
    decoded.false_end = piece.false_end;
    buffer.erase(0, piece.consumed);
    EXPECT_LE(decoded.ended || decoded.false_end ? 0 : buffer.size(), 3U);
  }
  decoded.fault = decoder.fault();
  decoded.eight_bit = decoder.facts().eight_bit;
  if (decoded.ended) decoded.behind = buffer;
  if (decoded.fault == Fault::none) {
    EXPECT_EQ(decoder.facts().octets, decoded.content.size());
  } else {
    decoded.content.clear();  // how much came before the fault depends on the parts
    decoded.eight_bit = false;
  }
  return decoded;
}

// The same whichever way the octets are cut, at one and at two places.
Decoded decode_all_ways(const std::string& octets, LineEnds line_ends = LineEnds::strict,
                        std::size_t line_max = 1000) {
  const Decoded whole = decode(octets, {}, line_ends, line_max);
  for (std::size_t i = 0; i <= octets.size(); ++i) {
    for (std::size_t k = i; k <= octets.size(); ++k) {
      EXPECT_EQ(decode(octets, {i, k}, line_ends, line_max), whole) << i << " " << k;
    }
  }
  std::vector<std::size_t> each(octets.size());
  for (std::size_t i = 0; i < each.size(); ++i) each[i] = i;
  EXPECT_EQ(decode(octets, each, line_ends, line_max), whole);
  return whole;
}

TEST(DataDecoder, TakesDotsAwayAndEndsAtCrLfDotCrLf) {
  struct Case {
    std::string in, content, behind;
  };
  const Case cases[] = {
      {".\r\n", "", ""},
      {"a\r\n.\r\n", "a\r\n", ""},
      {"\r\n.\r\nQUIT\r\n", "\r\n", "QUIT\r\n"},
      {"..\r\n.\r\n", ".\r\n", ""},
      {"...\r\n..a\r\n.b\r\n.\r\n", "..\r\n.a\r\nb\r\n", ""},
      {"a.\r\n.\r\nMAIL", "a.\r\n", "MAIL"},
      {"a\r\n.\r\n.\r\n", "a\r\n", ".\r\n"},
  };
  for (const auto& [in, content, behind] : cases) {
    const Decoded decoded = decode_all_ways(in);
    EXPECT_EQ(decoded, (Decoded{content, behind, Fault::none, true, false, false})) << in;
  }
}

TEST(DataDecoder, SeesOctetsOver127) {
  EXPECT_TRUE(decode_all_ways("gr\xC3\xBC\xC3\x9F\r\n.\r\n").eight_bit);
  EXPECT_FALSE(decode_all_ways("gruss\r\n.\r\n").eight_bit);
}

TEST(DataDecoder, RefusesLongLinesOnly) {
  EXPECT_EQ(decode_all_ways("12345678\r\n.\r\n", LineEnds::strict, 10).fault, Fault::none);
  EXPECT_EQ(decode_all_ways("123456789\r\n.\r\n", LineEnds::strict, 10).fault, Fault::line_long);
  const Decoded endless = decode_all_ways("12345678901234567890", LineEnds::strict, 10);
  EXPECT_EQ(endless.fault, Fault::line_long);
  EXPECT_FALSE(endless.ended);
}

// Every way in which some server once saw an end that another did not.
const std::vector<std::string> smuggling_ends{
    "\n.\n",   "\r.\r",   "\r.\n",        "\n.\r",        "\n.\r\n",    "\r\n.\n",
    "\r.\r\n", "\r\n.\r", "\r\n\0.\r\n"s, "\r\n.\0\r\n"s, "\r\n.\0\n"s,
};

TEST(Attack04, SmugglingNamesEndNothing) {
  for (const auto& end : smuggling_ends) {
    const std::string octets = "body" + end + "MAIL FROM:<evil@a.example>\r\n";
    const Decoded decoded = decode_all_ways(octets);
    EXPECT_NE(decoded.fault, Fault::none) << ::testing::PrintToString(end);
    EXPECT_FALSE(decoded.ended);
    EXPECT_TRUE(decoded.false_end) << ::testing::PrintToString(end);
  }
}

// A client that merely has a bare LF in its text is heard to its end, and then refused.
TEST(Attack04, FaultWithoutFalseEndIsReadToTheTrueOne) {
  for (const auto& body : {"a\nb\r\n"s, "a\rb\r\n"s, "a\0b\r\n"s, "a\r\r\n"s, "\n\r\n"s}) {
    const Decoded decoded = decode_all_ways(body + "c\r\n.\r\nQUIT\r\n");
    EXPECT_NE(decoded.fault, Fault::none);
    EXPECT_TRUE(decoded.ended) << ::testing::PrintToString(body);
    EXPECT_FALSE(decoded.false_end);
    EXPECT_EQ(decoded.behind, "QUIT\r\n");
  }
}

TEST(Attack04, NormalisedLfEndsNothing) {
  const auto normalised = [](const std::string& octets) {
    return decode_all_ways(octets, LineEnds::normalise);
  };
  EXPECT_EQ(normalised("a\nb\r\n.\r\n").content, "a\r\nb\r\n");
  const Decoded hidden = normalised("a\n.\nMAIL FROM:<b@c>\n\r\n.\r\n");
  EXPECT_EQ(hidden.content, "a\r\n.\r\nMAIL FROM:<b@c>\r\n\r\n");
  EXPECT_TRUE(hidden.ended);
  EXPECT_EQ(normalised("a\n.\r\nb\r\n.\r\n").content, "a\r\n.\r\nb\r\n");
  EXPECT_EQ(normalised("a\r\n.\nb\r\n.\r\n").content, "a\r\n.\r\nb\r\n");
  EXPECT_EQ(normalised("a\n..b\n.c\r\n.\r\n").content, "a\r\n.b\r\nc\r\n");
  EXPECT_EQ(normalised("a\r.\r\nb").fault, Fault::bare_cr);
}

struct Chunks {
  std::string content;
  Fault fault = Fault::none;
  bool operator==(const Chunks&) const = default;
};

Chunks decode_chunks(const std::string& octets, std::size_t cut, LineEnds ends) {
  ChunkDecoder decoder(ends, 10);
  Chunks chunks;
  for (const auto& part : {octets.substr(0, cut), octets.substr(cut)}) {
    const Piece piece = decoder.decode(part);
    EXPECT_EQ(piece.consumed, part.size());
    chunks.content += piece.content;
  }
  chunks.content += decoder.finish().content;
  chunks.fault = decoder.fault();
  if (chunks.fault != Fault::none) {
    chunks.content.clear();
  } else {
    EXPECT_EQ(decoder.facts().octets, chunks.content.size());
  }
  return chunks;
}

TEST(ChunkDecoder, LooksAtLineEndsAcrossChunks) {
  struct Case {
    std::string in;
    Chunks strict, normalised;
  };
  const Case cases[] = {
      {"", {""}, {""}},
      {"a\r\n", {"a\r\n"}, {"a\r\n"}},
      {".\r\n..\r\n", {".\r\n..\r\n"}, {".\r\n..\r\n"}},
      {"a", {"a\r\n"}, {"a\r\n"}},
      {"a\nb\r\n", {"", Fault::bare_lf}, {"a\r\nb\r\n"}},
      {"a\rb\r\n", {"", Fault::bare_cr}, {"", Fault::bare_cr}},
      {"a\r", {"", Fault::bare_cr}, {"", Fault::bare_cr}},
      {"a\r\r\n", {"", Fault::bare_cr}, {"", Fault::bare_cr}},
      {"a\0b\r\n"s, {"", Fault::nul}, {"", Fault::nul}},
      {"12345678\r\n12345678\r\n", {"12345678\r\n12345678\r\n"}, {"12345678\r\n12345678\r\n"}},
      {"123456789\r\n", {"", Fault::line_long}, {"", Fault::line_long}},
  };
  for (const auto& [in, strict, normalised] : cases) {
    for (std::size_t cut = 0; cut <= in.size(); ++cut) {
      EXPECT_EQ(decode_chunks(in, cut, LineEnds::strict), strict) << in << cut;
      EXPECT_EQ(decode_chunks(in, cut, LineEnds::normalise), normalised) << in << cut;
    }
  }
}

TEST(DataEncoder, StuffsDotsWhereverItIsCut) {
  struct Case {
    std::string content, wire;
  };
  const Case cases[] = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {"a\r\n.b\r\n..\r\n", "a\r\n..b\r\n...\r\n.\r\n"},
      {"a.b", "a.b\r\n.\r\n"},
  };
  for (const auto& [content, wire] : cases) {
    for (std::size_t cut = 0; cut <= content.size(); ++cut) {
      DataEncoder encoder;
      std::string out;
      ASSERT_TRUE(encoder.encode(content.substr(0, cut), out));
      ASSERT_TRUE(encoder.encode(content.substr(cut), out));
      ASSERT_TRUE(encoder.finish(out));
      EXPECT_EQ(out, wire);
    }
  }
}

TEST(Attack05, NothingBareEverLeaves) {
  for (const auto& end : smuggling_ends) {
    const std::string content = "body" + end + "x\r\n";
    for (std::size_t cut = 0; cut <= content.size(); ++cut) {
      DataEncoder encoder;
      std::string out;
      const bool first = encoder.encode(content.substr(0, cut), out).has_value();
      EXPECT_FALSE(first && encoder.encode(content.substr(cut), out)) << cut;
    }
  }
  DataEncoder encoder;
  std::string out;
  EXPECT_TRUE(encoder.encode("a\r", out));
  EXPECT_FALSE(encoder.finish(out));
}

}  // namespace
}  // namespace letterlock::smtp

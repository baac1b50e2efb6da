// The messages of PLAIN and SCRAM, the RFCs' own examples, and the keys.
#include "sasl/scram.h"

#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sasl/client.h"
#include "sasl/keys.h"
#include "sasl/plain.h"
#include "sasl/server.h"
#include "sasl/testing.h"

namespace letterlock::sasl {
namespace {

using namespace std::string_literals;

// RFC 7677 §3, both ends.
TEST(Scram, Rfc7677Example) {
  const auto client_nonce = "rOprNGfwEbeRWgbNEkqO"s;
  const auto server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"s;
  const auto first = "n,,n=user,r=" + client_nonce;
  const auto server_first =
      "r=" + client_nonce + server_nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  const auto final =
      "c=biws,r=" + client_nonce + server_nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  const auto server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="s;

  const auto client = make_client({.mechanism = Mechanism::scram_sha_256,
                                   .user = "user",
                                   .password = "pencil",
                                   .nonce = client_nonce});
  EXPECT_EQ(client->initial(), first);
  EXPECT_EQ(client->respond(server_first), final);
  EXPECT_FALSE(client->succeeded());
  EXPECT_EQ(client->respond(server_final), "");
  EXPECT_TRUE(client->succeeded());

  const auto server = make_server({.mechanism = Mechanism::scram_sha_256, .nonce = server_nonce});
  auto step = server->begin(first);
  ASSERT_TRUE(std::holds_alternative<NeedKeys>(step));
  EXPECT_EQ(std::get<NeedKeys>(step).user, "user");
  const auto salt = base::from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value();
  step = server->give(derive("pencil", salt, 4096), Standing::welcome);
  EXPECT_EQ(std::get<Challenge>(step).octets, server_first);
  step = server->respond(final);
  ASSERT_TRUE(std::holds_alternative<NeedTurn>(step));
  EXPECT_TRUE(std::get<NeedTurn>(step).fits);
  step = server->turn();
  ASSERT_TRUE(std::holds_alternative<Challenge>(step));
  EXPECT_EQ(std::get<Challenge>(step).octets, server_final);
  EXPECT_TRUE(std::holds_alternative<Success>(server->respond("")));
}

// RFC 5802 §5: the attributes and their escapes.
TEST(Scram, ClientFirst) {
  const auto first = scram::parse_client_first(
      "p=tls-exporter,a=b=2Cc,n=b=2Cc=3D,r=fyko+d2lbbFgONRv9qkxdawL,x=future");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->gs2, (scram::Gs2Header{scram::Gs2Header::Flag::bound, "tls-exporter", "b,c"}));
  EXPECT_EQ(first->user, "b,c=");
  EXPECT_EQ(first->nonce, "fyko+d2lbbFgONRv9qkxdawL");
  EXPECT_EQ(first->bare, "n=b=2Cc=3D,r=fyko+d2lbbFgONRv9qkxdawL,x=future");
  EXPECT_EQ(scram::to_text(first->gs2), "p=tls-exporter,a=b=2Cc,");
}

TEST(Attack12, ClientFirstRefused) {
  const auto refused = {""s,
                        "n"s,
                        "n,"s,
                        "n,,"s,
                        ",,,"s,
                        "n,,n=,r=x"s,
                        "n,,n=user"s,
                        "n,,n=user,"s,
                        "n,,n=user,r="s,
                        "n,,r=x,n=user"s,
                        "n,,m=x,n=user,r=x"s,
                        "n,,n=user,r=x,m=1"s,
                        "n,,n=user,r=x,"s,
                        "n,,n=user,r=x,1=2"s,
                        "z,,n=user,r=x"s,
                        "nn,,n=user,r=x"s,
                        "n,x=y,n=user,r=x"s,
                        "n,a=,n=user,r=x"s,
                        "n,,n=us=2Der,r=x"s,
                        "n,,n=user=,r=x"s,
                        "n,,n=user=2,r=x"s,
                        "n,,n=user,r=a\x7f"s,
                        "n,,n=user,r=a b"s,
                        "n,,n=user,r=a\0b"s,
                        "p=,,n=user,r=x"s,
                        "p=tls exporter,,n=user,r=x"s,
                        "n,,n=user,r=" + std::string(nonce_octets_max + 1, 'a'),
                        "n,,n=" + std::string(user_octets_max + 1, 'a') + ",r=x",
                        "n,,n=user,r=x,e=" + std::string(message_octets_max, 'a')};
  for (const auto& octets : refused)
    EXPECT_FALSE(scram::parse_client_first(octets)) << base::printable(octets);
}

TEST(Attack12, ClientFinalRefused) {
  const auto proof = ",p=" + base::to_base64(std::string(32, 'x'));
  EXPECT_TRUE(scram::parse_client_final("c=biws,r=x" + proof));
  EXPECT_TRUE(scram::parse_client_final("c=biws,r=x,e=1" + proof));
  for (const auto& octets :
       {""s, proof, "c=biws,r=x"s, "c=biws,r=x,p="s, "c=biws,r=x,p=eA=="s, "c=biws,r=x,p=!"s,
        "c=,r=x" + proof, "c=biws" + proof, "r=x,c=biws" + proof, "c=biws,r=x" + proof + ",e=1",
        "c=b,r=x" + proof, "c=biws,r=x,m=1" + proof, "c=biws,r=" + proof}) {
    EXPECT_FALSE(scram::parse_client_final(octets)) << octets;
  }
}

bool is_invalid(const auto& result) {
  return !result && result.error().kind == base::ErrorKind::invalid;
}

// What a client takes from a server: each is wrong in one thing alone.
TEST(Attack12, ServerFirstRefused) {
  const auto first = scram::parse_server_first("r=x,s=c2FsdA==,i=7,x=future").value();
  EXPECT_EQ(first.nonce, "x");
  EXPECT_EQ(first.salt, "salt");
  EXPECT_EQ(first.rounds, 7U);
  for (const auto* octets :
       {"", "r=x", "r=x,s=c2FsdA==", "s=c2FsdA==,i=7", "r=,s=c2FsdA==,i=7", "r=a b,s=c2FsdA==,i=7",
        "m=1,r=x,s=c2FsdA==,i=7", "r=x,s=,i=7", "r=x,s=!,i=7",
        "r=x,s=c2FsdA==,i=", "r=x,s=c2FsdA==,i=0", "r=x,s=c2FsdA==,i=-1", "r=x,s=c2FsdA==,i=7x",
        "r=x,s=c2FsdA==,i=99999999999", "r=x,s=c2FsdA==,i=7,m=1", "r=x,s=c2FsdA==,i=7,1=2",
        "r=x,s=c2FsdA==,i=7,"}) {
    EXPECT_TRUE(is_invalid(scram::parse_server_first(octets))) << octets;
  }
}

TEST(Attack12, ServerFinalRefused) {
  EXPECT_EQ(scram::parse_server_final("v=c2FsdA==,x=future"), "salt");
  for (const auto* octets : {"", "v=", "v=!", "v", "x=c2FsdA==", "x=1,v=c2FsdA=="})
    EXPECT_TRUE(is_invalid(scram::parse_server_final(octets))) << octets;
  const auto said = scram::parse_server_final("e=unknown-user\n");
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().kind, base::ErrorKind::denied);
  EXPECT_NE(said.error().what.find("unknown-user"), std::string::npos);
  EXPECT_EQ(said.error().what.find('\n'), std::string::npos);
}

// Each message at its longest, and one octet longer.
TEST(Attack12, MessagesEndAtTheirLongest) {
  const auto proof = ",p=" + base::to_base64(std::string(32, 'x'));
  const auto pair = [](std::string_view start, std::string_view end) {
    const auto fill = message_octets_max - start.size() - end.size();
    return std::array{fmt::format("{}{}{}", start, std::string(fill, 'a'), end),
                      fmt::format("{}{}{}", start, std::string(fill + 1, 'a'), end)};
  };
  const auto client_first = pair("n,,n=user,r=x,e=", "");
  EXPECT_TRUE(scram::parse_client_first(client_first[0]));
  EXPECT_TRUE(is_invalid(scram::parse_client_first(client_first[1])));
  const auto server_first = pair("r=x,s=c2FsdA==,i=1,e=", "");
  EXPECT_TRUE(scram::parse_server_first(server_first[0]));
  EXPECT_TRUE(is_invalid(scram::parse_server_first(server_first[1])));
  const auto client_final = pair("c=biws,r=x,e=", proof);
  EXPECT_TRUE(scram::parse_client_final(client_final[0]));
  EXPECT_TRUE(is_invalid(scram::parse_client_final(client_final[1])));
  const auto server_final = pair("v=c2FsdA==,e=", "");
  EXPECT_TRUE(scram::parse_server_final(server_final[0]));
  EXPECT_TRUE(is_invalid(scram::parse_server_final(server_final[1])));
}

// Names and nonces likewise; a server's nonce holds the client's, and is twice as long.
TEST(Attack12, NamesAndNoncesEndAtTheirLongest) {
  const auto text = [](std::size_t octets) { return std::string(octets, 'a'); };
  const auto proof = ",p=" + base::to_base64(text(32));
  for (const std::size_t more : {0U, 1U}) {
    const auto name = text(user_octets_max + more);
    const auto nonce = text(nonce_octets_max + more);
    const auto both = text(2 * nonce_octets_max + more);
    const bool fits = more == 0;
    EXPECT_EQ(scram::parse_client_first("n,,n=" + name + ",r=x").has_value(), fits);
    EXPECT_EQ(scram::parse_client_first("n,a=" + name + ",n=u,r=x").has_value(), fits);
    EXPECT_EQ(scram::parse_client_first("n,,n=u,r=" + nonce).has_value(), fits);
    EXPECT_EQ(scram::parse_server_first("r=" + both + ",s=c2FsdA==,i=1").has_value(), fits);
    EXPECT_EQ(scram::parse_client_final("c=biws,r=" + both + proof).has_value(), fits);
    EXPECT_EQ(parse_plain("\0"s + name + "\0p"s).has_value(), fits);
    EXPECT_EQ(parse_plain(name + "\0u\0p"s).has_value(), fits);
    EXPECT_EQ(parse_plain("\0u\0"s + text(password_octets_max + more)).has_value(), fits);
    EXPECT_EQ(prepare(text(password_octets_max + more)).has_value(), fits);
  }
}

// RFC 5802 §7: printable = %x21-2B / %x2D-7E.
TEST(Attack12, ANonceIsPrintableAndNoComma) {
  for (int octet = 0; octet < 256; ++octet) {
    const auto nonce = std::string("x") + static_cast<char>(octet) + "y";
    const bool printable = octet >= 0x21 && octet <= 0x7E && octet != ',';
    EXPECT_EQ(scram::parse_server_first("r=" + nonce + ",s=c2FsdA==,i=1").has_value(), printable)
        << octet;
  }
}

TEST(Attack12, PlainMessages) {
  EXPECT_EQ(parse_plain("\0tim\0tanstaaftanstaaf"s),
            (PlainMessage{"", "tim", "tanstaaftanstaaf"}));  // RFC 4616 §4
  EXPECT_EQ(parse_plain("Ursel\0Kurt\0xipj3plmq"s), (PlainMessage{"Ursel", "Kurt", "xipj3plmq"}));
  const auto refused = {""s,
                        "\0"s,
                        "\0\0"s,
                        "\0tim\0"s,
                        "\0\0pass"s,
                        "tim\0pass"s,
                        "\0tim\0pass\0"s,
                        "a\0tim\0pa\0ss"s,
                        "\0"s + std::string(user_octets_max + 1, 'u') + "\0p"s,
                        "\0u\0"s + std::string(password_octets_max + 1, 'p'),
                        std::string(user_octets_max + 1, 'a') + "\0u\0p"s,
                        std::string(message_octets_max + 1, '\0')};
  for (const auto& octets : refused) EXPECT_FALSE(parse_plain(octets)) << base::printable(octets);
}

TEST(Keys, TextRoundTripsAndRefuses) {
  const auto keys = derive("pencil", "sixteen octets!!", 5);
  const auto text = to_text(keys);
  EXPECT_EQ(keys_from_text(text), keys);
  const auto stored = base::to_base64(keys.stored_key);
  for (const auto& wrong :
       {""s, "SCRAM-SHA-1" + text.substr(13), text + "x", text.substr(0, text.size() - 4),
        "SCRAM-SHA-256$0:c2FsdA==$" + stored + ":" + stored,
        "SCRAM-SHA-256$99999999999:c2FsdA==$" + stored + ":" + stored,
        "SCRAM-SHA-256$5:$" + stored + ":" + stored,
        "SCRAM-SHA-256$5:c2FsdA==$c2FsdA==:" + stored}) {
    EXPECT_FALSE(keys_from_text(wrong)) << wrong;
  }
}

// What is stored, at its limits: rounds, the salt's octets, the digests' octets.
TEST(Keys, TextAtItsLimits) {
  const auto text = [](unsigned long rounds, std::size_t salt, std::size_t stored,
                       std::size_t server) {
    const auto of = [](std::size_t octets) { return base::to_base64(std::string(octets, 's')); };
    return fmt::format("SCRAM-SHA-256${}:{}${}:{}", rounds, of(salt), of(stored), of(server));
  };
  EXPECT_TRUE(keys_from_text(text(1, 1, 32, 32)));
  EXPECT_TRUE(keys_from_text(text(rounds_max, 64, 32, 32)));
  for (const auto& wrong : {text(0, 16, 32, 32), text(rounds_max + 1UL, 16, 32, 32),
                            text(5, 0, 32, 32), text(5, 65, 32, 32), text(5, 16, 31, 32),
                            text(5, 16, 33, 32), text(5, 16, 32, 31), text(5, 16, 32, 33)}) {
    const auto keys = keys_from_text(wrong);
    ASSERT_FALSE(keys) << wrong;
    EXPECT_EQ(keys.error().kind, base::ErrorKind::corrupt) << wrong;
  }
}

TEST(Keys, PasswordMatches) {
  const auto keys = derive("pencil", "sixteen octets!!", 5);
  EXPECT_TRUE(password_matches("pencil", keys));
  EXPECT_TRUE(
      password_matches("pen\xC2\xAD"
                       "cil",
                       keys));  // a soft hyphen is mapped to nothing
  for (const auto& wrong : {""s, "Pencil"s, "pencil\0"s, "pencil "s, "\xff"s, "?"s})
    EXPECT_FALSE(password_matches(wrong, keys)) << wrong;
  // What an unusable password is replaced by is no key to anything.
  EXPECT_FALSE(password_matches("\xff", derive("?", "sixteen octets!!", 5)));
}

// RFC 4013 §3.
TEST(Prepare, Rfc4013Examples) {
  EXPECT_EQ(prepare("I\xC2\xADX"), "IX");
  EXPECT_EQ(prepare("user"), "user");
  EXPECT_EQ(prepare("USER"), "USER");
  EXPECT_EQ(prepare("\xC2\xAA"), "a");
  EXPECT_EQ(prepare("\xE2\x85\xA8"), "IX");
  EXPECT_FALSE(prepare("\x07"));
  EXPECT_FALSE(prepare("\xD8\xA7\x31"));
}

// RFC 4013 §2.2: one password, however the keyboard composes it.
TEST(Prepare, ComposedAndDecomposedAreTheSame) {
  EXPECT_EQ(prepare("gru\xCC\x88n"), "gr\xC3\xBCn");
  const auto keys = derive(prepare("gr\xC3\xBCn").value(), "sixteen octets!!", 5);
  EXPECT_TRUE(password_matches("gru\xCC\x88n", keys));
  EXPECT_FALSE(password_matches("grun", keys));
}

// U+FDFA becomes 33 octets.
TEST(Prepare, WhatGrowsTooLongIsRefused) {
  std::string grows;
  for (int i = 0; i < 40; ++i) grows += "\xEF\xB7\xBA";
  EXPECT_FALSE(prepare(grows));
  EXPECT_TRUE(prepare(grows.substr(0, 30)));
}

TEST(Prepare, RefusesAndMaps) {
  EXPECT_EQ(prepare("a\xC2\xA0"
                    "b"),
            "a b");
  EXPECT_EQ(prepare("gr\xC3\xBCn \xF0\x9F\x8C\xB3"), "gr\xC3\xBCn \xF0\x9F\x8C\xB3");
  const auto refused = {""s,
                        "\xC2\xAD"s,
                        "a\0b"s,
                        "a\r"s,
                        "\x7f"s,
                        "\xC2\x85"s,
                        "\xff"s,
                        "\xC0\x80"s,
                        "\xED\xA0\x80"s,
                        "\xF4\x90\x80\x80"s,
                        "\xE2\x82"s,
                        "\xEF\xBF\xBF"s,
                        "\xEE\x80\x80"s,
                        "\xE2\x80\xAE"s,
                        "\xEF\xBF\xBD"s,
                        "\xF0\x80\x80\xAF"s,
                        std::string(password_octets_max + 1, 'a')};
  for (const auto& text : refused) EXPECT_FALSE(prepare(text)) << base::printable(text);
}

}  // namespace
}  // namespace letterlock::sasl

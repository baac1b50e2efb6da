// The messages of PLAIN and SCRAM, the RFCs' own examples, and the keys.
#include "sasl/scram.h"

#include <gtest/gtest.h>

#include "sasl/client.h"
#include "sasl/keys.h"
#include "sasl/plain.h"
#include "sasl/server.h"

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

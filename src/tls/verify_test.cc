// What certificates prove to the client, and the sentence where they don't.
#include "base/bytes.h"
#include "tls/tls_fixture_test.h"

namespace letterlock::tls {
namespace {

using namespace std::chrono_literals;
using Verify = ClientOptions::Verify;

class Verification : public TlsTest {
 protected:
  ClientOptions by_name(const std::string& name = "mx1.example") {
    return {.server_name = name, .verify = Verify::name, .ca_file = ca_file()};
  }
  ClientOptions by_tlsa(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching,
                        const std::string& data) {
    return {.server_name = "mx1.example",
            .verify = Verify::tlsa,
            .tlsa = {{usage, selector, matching, data}}};
  }
};

TEST_F(Verification, ByName) {
  EXPECT_EQ(verdict(by_name()), "verified -");
  EXPECT_EQ(verdict(by_name("other.example")), "certificate is for mx1.example, not other.example");
  serve({{"*.mail.example"}});
  EXPECT_EQ(verdict(by_name("mx1.mail.example")), "verified -");
  EXPECT_EQ(verdict(by_name("a.mx1.mail.example")),
            "certificate is for *.mail.example, not a.mx1.mail.example");
  serve({{"a.example", "b.example", "c.example", "d.example"}});
  EXPECT_EQ(verdict(by_name()),
            "certificate is for a.example, b.example, c.example and others, not mx1.example");
}

TEST_F(Verification, Expired) {
  clock.by = -std::chrono::days(30);
  serve({{"mx1.example"}});
  const auto until = base::to_rfc3339(clock.now() + 90 * 24h).substr(0, 10);
  clock.by = std::chrono::days(200);
  EXPECT_EQ(verdict(by_name()), "certificate expired on " + until);
  clock.by = -std::chrono::days(60);
  EXPECT_TRUE(verdict(by_name()).starts_with("certificate is valid only from "));
}

TEST_F(Verification, UnknownAuthority) {
  auto options = by_name();
  options.ca_file.clear();
  EXPECT_TRUE(verdict(options).starts_with(
      "certificate comes from an authority that is not trusted here: "))
      << verdict(options);
  serve_files(
      {files("self", *make_self_signed({"mx1.example"}, clock.now() - 1h, clock.now() + 1h))});
  EXPECT_EQ(verdict(by_name()), "certificate is self-signed");
}

TEST_F(Verification, AuthoritiesThatCannotBeRead) {
  auto options = by_name();
  options.ca_file = at("none.pem");
  EXPECT_TRUE(verdict(options).starts_with("reading " + at("none.pem"))) << verdict(options);
  EXPECT_TRUE(heard.has("tls.nothing_to_verify_by server=mx1.example"));
  // Once it is there it is used, and when it breaks while we run, what it said before stands.
  ASSERT_TRUE(os::write_file(at("none.pem"), authority.certificate_pem));
  EXPECT_EQ(verdict(options), "verified -");
  ASSERT_TRUE(os::write_file(at("none.pem"), "broken"));
  EXPECT_EQ(verdict(options), "verified -");
}

TEST_F(Verification, NoNameToVerify) {
  auto options = by_name("");
  EXPECT_EQ(verdict(options), "no name to verify the certificate by");
  options.verify = Verify::tlsa;
  EXPECT_EQ(verdict(options), "no TLSA base domain to verify the certificate by");
}

TEST_F(Verification, ByTlsaOfTheServer) {
  const auto key = *base::from_hex(made[0].key_digest);
  EXPECT_EQ(verdict(by_tlsa(3, 1, 1, key)), "verified dane-ee");
  EXPECT_EQ(verdict(by_tlsa(3, 0, 1, *base::from_hex(made[0].certificate_digest))),
            "verified dane-ee");
  auto wrong = key;
  wrong[0] = static_cast<char>(wrong[0] ^ 1);
  EXPECT_EQ(verdict(by_tlsa(3, 1, 1, wrong)), "certificate matches no TLSA record");
  // One that matches is enough.
  auto options = by_tlsa(3, 1, 1, wrong);
  options.tlsa.push_back({3, 1, 1, key});
  EXPECT_EQ(verdict(options), "verified dane-ee");
}

// RFC 7672 §3.1.1: with DANE-EE neither names nor dates count.
TEST_F(Verification, DaneEeIgnoresNamesAndDates) {
  const auto odd = *make_self_signed({"elsewhere.example"}, clock.now() - 48h, clock.now() - 24h);
  serve_files({files("odd", odd)});
  EXPECT_EQ(verdict(by_tlsa(3, 1, 1, *base::from_hex(odd.key_digest))), "verified dane-ee");
}

TEST_F(Verification, ByTlsaOfTheAuthority) {
  const auto of_authority = *base::from_hex(*key_digest(authority.certificate_pem));
  EXPECT_EQ(verdict(by_tlsa(2, 1, 1, of_authority)), "verified dane-ta");
  auto options = by_tlsa(2, 1, 1, of_authority);
  options.server_name = "other.example";
  EXPECT_EQ(verdict(options), "certificate is for mx1.example, not other.example");
  // RFC 7672 §3.2.2: the next-hop domain is a reference identifier too.
  options.more_names = {"mx1.example"};
  EXPECT_EQ(verdict(options), "verified dane-ta");
}

// RFC 7672 §3.1.3.
TEST_F(Verification, PkixUsagesAreUnusable) {
  EXPECT_EQ(verdict(by_tlsa(1, 1, 1, *base::from_hex(made[0].key_digest))),
            "no usable TLSA record");
  EXPECT_EQ(verdict(by_tlsa(3, 1, 1, "short")), "no usable TLSA record");
  EXPECT_EQ(verdict(by_tlsa(3, 9, 1, *base::from_hex(made[0].key_digest))),
            "no usable TLSA record");
}

TEST_F(Verification, ByPin) {
  ClientOptions options{.verify = Verify::pin, .pin_digest = made[0].key_digest};
  EXPECT_EQ(verdict(options), "verified pin");
  options.pin_digest[0] = options.pin_digest[0] == '0' ? '1' : '0';
  EXPECT_EQ(verdict(options), "the server's key is not the pinned one");
  options.pin_digest.clear();
  EXPECT_EQ(verdict(options), "the server's key is not the pinned one");
}

TEST_F(Verification, NothingAskedNothingProved) {
  auto both = handshake({.server_name = "other.example"});
  EXPECT_FALSE((*both.client)->peer_verified());
  EXPECT_EQ((*both.client)->verification_failure(), "");
  EXPECT_EQ((*both.client)->proved_by(), hop::Proof::none);
}

}  // namespace
}  // namespace letterlock::tls

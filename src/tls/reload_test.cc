// Certificates from files: what is refused at start, and what happens when they change.
#include <unistd.h>

#include "tls/tls_fixture_test.h"

namespace letterlock::tls {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

class Reload : public TlsTest {
 protected:
  std::string served() { return (*handshake().client)->peer_key_digest(); }
  std::string refusal(const CertificateFiles& pair) {
    const auto loaded = ServerCertificates::load({pair}, clock, heard);
    EXPECT_EQ(loaded.has_value(), inspect_certificate(pair).has_value());
    return loaded ? "loaded" : loaded.error().what;
  }
};

TEST_F(Reload, RefusalsNameTheFile) {
  const auto pair = files("a", make({"a.example"}));
  EXPECT_EQ(refusal(pair), "loaded");
  EXPECT_EQ(refusal({{}, at("none.pem"), pair.key_file}),
            "reading " + at("none.pem") + ": No such file or directory");
  EXPECT_EQ(refusal({{}, pair.chain_file, at("none.key")}),
            "reading " + at("none.key") + ": No such file or directory");
  EXPECT_EQ(refusal({{}, pair.key_file, pair.key_file}),
            "reading " + pair.key_file + ": no certificate in PEM form");
  EXPECT_EQ(refusal({{}, pair.chain_file, pair.chain_file}),
            "reading " + pair.chain_file + ": no private key in PEM form without a passphrase");
  EXPECT_EQ(refusal({{}, pair.chain_file, at("c1.key")}),
            at("c1.key") + " is not the key of the certificate in " + pair.chain_file);
  EXPECT_EQ(refusal({{}, folder.path(), pair.key_file}),
            "reading " + folder.path() + ": not a regular file");
  auto damaged = make({"a.example"}).chain_pem;
  damaged.resize(damaged.size() - 60);
  ASSERT_TRUE(os::write_file(at("damaged.pem"), damaged));
  EXPECT_TRUE(
      refusal({{}, at("damaged.pem"), pair.key_file}).starts_with("reading " + at("damaged.pem")));
  EXPECT_EQ(ServerCertificates::load({}, clock, heard).error().kind, ErrorKind::invalid);
}

TEST_F(Reload, FactsForTheOperator) {
  const auto certificate = make({"a.example", "b.example"});
  const auto facts = inspect_certificate(files("a", certificate));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->names, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(facts->key_digest, certificate.key_digest);
  EXPECT_LT(facts->not_before, clock.now());
  EXPECT_GT(facts->not_after, clock.now() + 89 * 24h);
}

TEST_F(Reload, ANewFileIsServedWithinASecond) {
  EXPECT_EQ(served(), made[0].key_digest);
  const auto fresh = make({"mx1.example"});
  (void)files("c1", fresh);
  EXPECT_EQ(served(), made[0].key_digest);  // looked at less than a second ago
  clock.by += 1100ms;
  EXPECT_EQ(served(), fresh.key_digest);
  EXPECT_TRUE(heard.has("tls.certificate_loaded file=" + at("c1.pem")));
}

TEST_F(Reload, ABrokenFileLeavesTheOldOne) {
  auto kept = handshake();
  const auto fresh = make({"mx1.example"});
  ASSERT_TRUE(os::write_file(at("c1.pem"), fresh.chain_pem));  // its key is still to come
  for (int i = 0; i < 3; ++i) {
    clock.by += 1100ms;
    EXPECT_EQ(served(), made[0].key_digest);
  }
  EXPECT_EQ(heard.lines,
            std::vector<std::string>{"tls.certificate_rejected file=" + at("c1.pem") +
                                     " reason=" + at("c1.key") +
                                     " is not the key of the certificate in " + at("c1.pem")});
  ASSERT_TRUE(os::write_file(at("c1.key"), fresh.key_pem));
  clock.by += 1100ms;
  EXPECT_EQ(served(), fresh.key_digest);
  // A session keeps what it began with.
  EXPECT_TRUE(run((*kept.client)->write("x", 1s)));
  EXPECT_EQ(read(**kept.server, 1), "x");
  ASSERT_EQ(unlink(at("c1.pem").c_str()), 0);
  clock.by += 1100ms;
  EXPECT_EQ(served(), fresh.key_digest);
}

TEST_F(Reload, ExpiryIsSaidEachDay) {
  serve_files({files("soon", make({"mx1.example"}, -1h, 10 * 24h))});
  ASSERT_EQ(heard.lines.size(), 1U);
  EXPECT_TRUE(heard.lines[0].starts_with("tls.certificate_expires file=" + at("soon.pem") +
                                         " reason=expires on "))
      << heard.lines[0];
  clock.by += 2h;
  (void)served();
  EXPECT_EQ(heard.lines.size(), 1U);
  clock.by += 11 * 24h;
  (void)served();  // an expired one is still served: who verifies will say so
  ASSERT_EQ(heard.lines.size(), 2U);
  EXPECT_TRUE(heard.lines[1].contains("reason=expired on ")) << heard.lines[1];
}

}  // namespace
}  // namespace letterlock::tls

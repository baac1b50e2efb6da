// Passwords that sign nobody in, whatever way they came to the msa agent: each is a fact of its
// account.
#include "custody/talk.h"
#include "msa/msa.h"

namespace letterlock::msa {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::StartsWith;

class ShownTest : public custody::test::Receiving {
 protected:
  ShownTest() {
    options.node = "dublin-1";
    auto& session = options.server.session;
    session.host_name = address::Domain::parse("mail.acorn.example").value();
    session.tls = smtp::Need::required;
    session.authentication = smtp::Need::required;
    session.mechanisms = {sasl::Mechanism::plain};
    msa.emplace(
        Ports{store, directory, custody, admission, world.clock(), world.random(), tls, events},
        options);
    serve(587, [this](std::unique_ptr<net::Connection> connection) {
      return msa->session(std::move(connection));
    });
  }
  ~ShownTest() override { stop(); }

  std::string message(const std::string& shown) const {
    return base::to_base64("\0"s + alice_at.text() + "\0"s + shown);
  }
  std::vector<directory::Opening> openings() {
    EXPECT_TRUE(wait(directory.write_openings()));
    return wait(operations.list_openings(acorn, alice_at)).value();
  }
  // The next way has a password of its own.
  void change_password() {
    password += "s";
    ASSERT_TRUE(wait(operations.set_account(alice_at, {.password = password}, "test")));
  }

  const address::Address alice_at = custody::test::at("alice@acorn.example");
  std::string password = "tree house";
  Options options;
  std::optional<Msa> msa;
};

TEST_F(ShownTest, BehindAnAuthThatIsRefusedInClear) {
  const auto name = base::to_base64(alice_at.text());
  using Says = std::vector<std::string>;
  const std::vector<std::function<Says(const std::string&)>> ways = {
      [&](const auto& shown) { return Says{"EHLO c.example", "AUTH PLAIN", message(shown)}; },
      [&](const auto& shown) { return Says{"AUTH PLAIN", message(shown)}; },
      [&](const auto& shown) { return Says{"AUTH=PLAIN " + message(shown)}; },
      [&](const auto& shown) {
        return Says{"EHLO c.example", "AUTH LOGIN", name, base::to_base64(shown)};
      },
      [&](const auto& shown) { return Says{"AUTH LOGIN " + name, base::to_base64(shown)}; },
      [&](const auto& shown) {
        return Says{"EHLO c.example\r\nAUTH LOGIN\r\n" + name + "\r\n" + base::to_base64(shown)};
      },
  };
  for (const auto& way : ways) {
    for (const bool is_right : {false, true}) {
      const auto before = openings().size();
      Talk talk(*this, connect(587));
      talk.read();
      std::string said;
      for (const auto& line : way(is_right ? password : "bush house")) said = talk.ask(line);
      EXPECT_THAT(said, testing::AnyOf(StartsWith("5"), StartsWith("421")));
      const auto known = openings();
      ASSERT_EQ(known.size(), before + (is_right ? 1 : 0)) << way("x").front();
      if (is_right) EXPECT_EQ(known.back().how, directory::Opening::How::in_clear);
    }
    change_password();
  }
}

TEST_F(ShownTest, OfAnotherAccountWithinASession) {
  add_account("eve@acorn.example");
  Talk talk(*this, connect(587));
  talk.read();
  talk.ask("EHLO c.example");
  EXPECT_THAT(talk.start_tls(), StartsWith("220"));
  EXPECT_THAT(talk.ask("AUTH PLAIN " + message(password)), StartsWith("503")) << "before EHLO";
  EXPECT_FALSE(openings().empty());
  change_password();
  talk.ask("EHLO c.example");
  const auto eves = base::to_base64("\0eve@acorn.example\0tree house"s);
  EXPECT_THAT(talk.ask("AUTH PLAIN " + eves), StartsWith("235"));
  for (const bool is_right : {false, true}) {
    const auto before = openings().size();
    EXPECT_THAT(talk.ask("AUTH PLAIN " + message(is_right ? password : "bush house")),
                StartsWith("503"));
    EXPECT_EQ(openings().size() > before, is_right);
  }
  EXPECT_THAT(talk.ask("MAIL FROM:<eve@acorn.example>"), StartsWith("250")) << "eve still";
}

}  // namespace
}  // namespace letterlock::msa

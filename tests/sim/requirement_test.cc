// A requirement holds on every way out: birch requires TLS, and old.example's MX has none. Nothing
// of birch's mail crosses to it, whoever wrote and whatever made it leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drive/smtp_client.h"
#include "queue/queue.h"
#include "sim/platform_world.h"

namespace letterlock::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Text final : public drive::SmtpContent {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  net::ResultTask<std::string_view> next() override {
    given_ = std::exchange(text_, {});
    co_return std::string_view(given_);
  }

 private:
  std::string text_;
  std::string given_;
};

struct Came {
  std::string from = "carol@old.example";
  std::string to;
  dsn::Notify notify;
};

net::ResultTask<smtp::Reply> give(std::unique_ptr<net::Connection> connection,
                                  const os::Clock& clock, Came came) {
  drive::SmtpClient client(std::move(connection), clock);
  CO_TRY(const auto greeting, co_await client.greeting());
  CO_TRY(const auto hello, co_await client.ehlo("mx1.old.example"));
  smtp::Mail mail;
  CO_TRY(mail.from, address::ReversePath::from_text(came.from));
  mail.dsn.ret = dsn::Return::full;
  CO_TRY(auto to, address::Address::parse(came.to));
  std::vector<smtp::Rcpt> rcpts{{std::move(to), {came.notify, {}}}};
  CO_TRY(const auto envelope, co_await client.envelope(std::move(mail), std::move(rcpts)));
  if (!envelope.is_open()) co_return envelope.recipients.front();
  const auto content = Letter::default_content();
  Text text(content);
  co_return co_await client.content(content.size(), text);
}

net::ResultTask<> step_in(store::Transaction& tx, base::TenantId tenant, queue::Step step,
                          base::Time now) {
  CO_TRY(const auto page, co_await queue::list(tx, tenant, {}));
  for (const auto& entry : page.entries) {
    std::vector<queue::Outcome> outcomes;
    for (const auto& one : entry.recipients)
      outcomes.push_back({.index = one.index, .step = step, .counts_as_attempt = false});
    CO_TRY(const auto settled,
           co_await queue::settle(tx, queue::Schedule(), tenant, entry.message.id,
                                  std::move(outcomes), {.now = now}));
    (void)settled;
  }
  co_return base::Result<>();
}

class RequirementTest : public ::testing::Test {
 protected:
  RequirementTest() : w(11, {.lease = 6h, .look = 10min}) {
    old = &w.add_outside("old.example", "mx1.old.example", "203.0.113.2",
                         PlatformWorld::OutsideTls::none);
    w.network.observe([this](const sim::Crossing& crossing) {
      if (crossing.to == old->at()) crossed += crossing.octets;
    });
    auto& operations = w.platform->operations();
    const auto at = [](std::string_view text) { return address::Address::parse(text).value(); };
    EXPECT_TRUE(w.wait(operations.add_alias(
        {at("away@birch.example"), {}, {at("dave@old.example")}, {}}, "test")));
    EXPECT_TRUE(w.wait(
        operations.add_group({at("all@birch.example"), {}, "", {at("dave@old.example")}}, "test")));
    EXPECT_TRUE(w.wait(operations.add_alias(
        {at("near@birch.example"), {}, {at("bob@birch.example")}, {}}, "test")));
    EXPECT_TRUE(w.wait(operations.add_alias(
        {at("gone@birch.example"), {}, {at("bob@birch.example"), at("nobody@birch.example")}, {}},
        "test")));
    w.require("birch.example", "level=encrypted");
  }
  void comes(Came came) {
    auto connection = w.wait(w.client.connect({w.node.addresses().front(), 25}, {}));
    ASSERT_TRUE(connection);
    const auto said = w.wait(give(std::move(*connection), w.world.clock(), std::move(came)));
    ASSERT_TRUE(said) << said.error().what;
    EXPECT_EQ(said->code, 250) << said->text();
  }
  void operator_says(queue::Step step) {
    EXPECT_TRUE(w.wait(
        w.store.transact(store::Scope::tenant(w.birch), [&](store::Transaction& transaction) {
          return step_in(transaction, w.birch, step, w.world.clock().now());
        })));
  }
  // The whole time that anything could leave in: five days, and two for what comes of it.
  void nothing_left() {
    w.world.advance(8 * 24h);
    EXPECT_THAT(crossed, HasSubstr("EHLO")) << "it was tried";
    EXPECT_THAT(crossed, Not(HasSubstr("MAIL FROM")));
    EXPECT_THAT(crossed, Not(HasSubstr(std::string(secret))));
    EXPECT_EQ(old->mta->count(), 0U);
    EXPECT_EQ(w.queued(w.birch) + w.queued(w.acorn), 0U);
  }

  std::string crossed;  // outlives the world, which says goodbye at its end
  PlatformWorld w;
  Outside* old = nullptr;
};

TEST_F(RequirementTest, Submitted) {
  Letter letter{.from = "bob@birch.example", .to = {"dave@old.example"}};
  letter.content =
      "From: bob@birch.example\r\nSubject: Figures\r\n\r\n" + std::string(secret) + "\r\n";
  ASSERT_EQ(w.submit(letter).value().code, 250);
  nothing_left();
}

TEST_F(RequirementTest, FromOutsideByAnAlias) {
  comes({.to = "away@birch.example"});
  nothing_left();
}

TEST_F(RequirementTest, FromOutsideByAGroup) {
  comes({.to = "all@birch.example"});
  nothing_left();
}

TEST_F(RequirementTest, FromAnotherTenantByAnAlias) {
  ASSERT_EQ(w.submit({.to = {"away@birch.example"}}).value().code, 250);
  nothing_left();
}

TEST_F(RequirementTest, FromAnotherTenantByAGroup) {
  ASSERT_EQ(w.submit({.to = {"all@birch.example"}}).value().code, 250);
  nothing_left();
}

TEST_F(RequirementTest, ABounce) {
  comes({.to = "gone@birch.example"});
  nothing_left();
}

TEST_F(RequirementTest, ASuccessReport) {
  comes({.to = "bob@birch.example", .notify = {.given = true, .success = true}});
  nothing_left();
  EXPECT_EQ(w.inbox("bob@birch.example").size(), 1U);
}

TEST_F(RequirementTest, ADelayReport) {
  comes({.to = "away@birch.example", .notify = {.given = true, .delay = true}});
  nothing_left();
}

TEST_F(RequirementTest, HeldAndReleased) {
  comes({.to = "away@birch.example"});
  w.world.advance(10min);
  operator_says(queue::Step::hold);
  w.world.advance(30min);
  operator_says(queue::Step::release);
  nothing_left();
}

// Where nobody requires it, the same ways are open: the tests above would fail otherwise.
TEST_F(RequirementTest, WithoutItAllThatLeaves) {
  w.require("birch.example", "");
  comes({.to = "away@birch.example"});
  comes({.to = "all@birch.example"});
  comes({.to = "gone@birch.example"});
  comes({.to = "bob@birch.example", .notify = {.given = true, .success = true}});
  ASSERT_EQ(w.submit({.to = {"away@birch.example", "all@birch.example"}}).value().code, 250);
  w.world.advance(3h);
  // Two from outside, two of alice's, the bounce and the success.
  EXPECT_EQ(old->mta->count(), 6U);
}

}  // namespace
}  // namespace letterlock::test

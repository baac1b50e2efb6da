// What a report says of addresses that stand for others, what is required of its own way, and whom
// nobody tells.
#include "custody/fixture.h"
#include "reporter/reporter.h"

namespace letterlock::reporter {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class WhoseTest : public custody::test::Fixture {
 protected:
  WhoseTest() {
    reporter.emplace(
        Ports{store, directory, custody, world.timers(), world.clock(), world.random(), events,
              [this] { return custody::test::all_of({acorn, birch}); }},
        Options{.node = "dublin-1", .host_name = "mail.acorn.example", .look = 1h, .clean = 24h});
    run(reporter->run());
  }
  ~WhoseTest() override { stop(); }

  // In birch's queue: from carol, who wrote to sales@birch, an alias that leads to dave@old.
  queue::Message message() {
    const auto content = content_of("Subject: Figures\r\n\r\nThe figures.\r\n");
    queue::Message message;
    message.id = os::make_id<base::MessageId>(world.clock(), world.random());
    message.trace = os::make_id<base::TraceId>(world.clock(), world.random());
    message.tenant = birch;
    message.mail_from = "carol@modern.example";
    message.blob = content.blob;
    message.octets = content.octets;
    message.digest = content.digest_out;
    message.accepted = world.clock().now();
    message.expires = message.accepted + 5 * 24h;
    return message;
  }
  static queue::Recipient through_an_alias() {
    queue::Recipient recipient;
    recipient.address = "dave@old.example";
    recipient.written_to = "sales@birch.example";
    recipient.params.notify = {.given = true, .success = true, .failure = true, .delay = true};
    recipient.destination = "old.example";
    return recipient;
  }
  static net::ResultTask<> put_in(store::Transaction& tx, queue::Message message,
                                  queue::Recipient recipient) {
    std::vector<queue::Recipient> recipients{std::move(recipient)};
    auto due = queue::enqueue(tx, message, recipients);
    if (!due) co_return base::fail(due.error());
    co_return base::Result<>();
  }
  void put(const queue::Message& message, const queue::Recipient& recipient) {
    ASSERT_TRUE(
        wait(store.transact(store::Scope::tenant(message.tenant), [&](store::Transaction& tx) {
          return put_in(tx, message, recipient);
        })));
  }
  void becomes(const queue::Message& message, queue::Outcome outcome) {
    settle(message.tenant, message.id, std::move(outcome));
    reporter->notice(message.tenant);
    world.advance(15s);  // the others' notices are waited for
  }
  static queue::Outcome refused() {
    return {.index = 0,
            .step = queue::Step::fail,
            .status = "5.1.1",
            .reply = "550 5.1.1 <dave@old.example>: no such user",
            .host = "mx1.old.example"};
  }
  std::vector<queue::Entry> reports(const base::TenantId& tenant) {
    std::vector<queue::Entry> out;
    for (auto& entry : queued(tenant)) {
      if (entry.message.is_report) out.push_back(std::move(entry));
    }
    return out;
  }
  std::string report() {
    const auto all = reports(birch);
    EXPECT_THAT(all, SizeIs(1));
    return all.size() == 1 ? octets_of(all[0].message.blob) : "";
  }
  static void names_no_target(const std::string& text) {
    EXPECT_THAT(text, Not(HasSubstr("dave")));
    EXPECT_THAT(text, Not(HasSubstr("old.example")));
    EXPECT_THAT(text, HasSubstr("Final-Recipient: rfc822; sales@birch.example"));
  }

  std::optional<Reporter> reporter;
};

TEST_F(WhoseTest, AFailureBehindAnAliasNamesTheAddressThatWasWrittenTo) {
  const auto mail = message();
  put(mail, through_an_alias());
  becomes(mail, refused());
  const auto text = report();
  names_no_target(text);
  EXPECT_THAT(text, HasSubstr("5.1.1"));
}

TEST_F(WhoseTest, AndSoDoesADelay) {
  const auto mail = message();
  put(mail, through_an_alias());
  world.advance(5h);
  becomes(mail, {.index = 0,
                 .step = queue::Step::defer,
                 .status = "4.4.1",
                 .reply = "mx1.old.example doesn't answer",
                 .host = "mx1.old.example"});
  names_no_target(report());
}

TEST_F(WhoseTest, AndSoDoesASuccess) {
  const auto mail = message();
  put(mail, through_an_alias());
  becomes(mail, {.index = 0,
                 .step = queue::Step::relay,
                 .status = "2.0.0",
                 .reply = "250 queued for dave@old.example",
                 .host = "mx1.old.example"});
  names_no_target(report());
}

// At the end of its days the last answer is part of what is said.
TEST_F(WhoseTest, AndSoDoesAnEndOfAllTries) {
  auto mail = message();
  mail.expires = mail.accepted + 1min;
  put(mail, through_an_alias());
  world.advance(2min);
  becomes(mail, {.index = 0,
                 .step = queue::Step::defer,
                 .status = "4.7.5",
                 .reply = "mx1.old.example: its certificate is not for old.example",
                 .host = "mx1.old.example"});
  const auto text = report();
  names_no_target(text);
  EXPECT_THAT(text, HasSubstr("5.7.5"));
}

TEST_F(WhoseTest, WhoIsNoAliasIsNamedWithWhatItsHostSaid) {
  const auto mail = message();
  auto recipient = through_an_alias();
  recipient.written_to.clear();
  put(mail, recipient);
  becomes(mail, refused());
  EXPECT_THAT(report(), HasSubstr("Final-Recipient: rfc822; dave@old.example"));
  EXPECT_THAT(report(), HasSubstr("550 5.1.1 <dave@old.example>: no such user"));
}

// Of failures, delays and successes alike: birch's mail, so birch's requirement, and what the
// message had.
TEST_F(WhoseTest, AReportGoesAsItsTenantAndTheMessageRequire) {
  require("birch.example", "level=encrypted", "the contract");
  const std::vector<queue::Outcome> outcomes{
      refused(),
      {.index = 0, .step = queue::Step::defer, .status = "4.4.1", .reply = "no answer"},
      {.index = 0, .step = queue::Step::relay, .status = "2.0.0", .reply = "250 ok"}};
  for (const auto& outcome : outcomes) {
    auto mail = message();
    mail.requirement.tls_version = {hop::TlsVersion::tls1_3,
                                    {hop::Source::Kind::sending_tenant, "acorn.example", "law"}};
    put(mail, through_an_alias());
    world.advance(5h);
    becomes(mail, outcome);
  }
  const auto all = reports(birch);
  ASSERT_THAT(all, SizeIs(3));
  for (const auto& entry : all) {
    const auto& requirement = entry.message.requirement;
    EXPECT_EQ(requirement.level.value, hop::Level::encrypted);
    EXPECT_EQ(requirement.level.source.name, "birch.example");
    EXPECT_EQ(requirement.level.source.reason, "the contract");
    EXPECT_EQ(requirement.tls_version.value, hop::TlsVersion::tls1_3);
    EXPECT_EQ(requirement.tls_version.source.name, "acorn.example");
  }
}

// RFC 5321 §6.1: whatever its reverse path says.
TEST_F(WhoseTest, Attack14AReportMakesNoReport) {
  auto mail = message();
  mail.is_report = true;
  put(mail, through_an_alias());
  becomes(mail, refused());
  EXPECT_EQ(events.count("report.made"), 0U);
  EXPECT_THAT(queued(birch), IsEmpty());
}

}  // namespace
}  // namespace letterlock::reporter

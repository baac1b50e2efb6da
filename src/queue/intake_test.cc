#include "queue/intake.h"

#include <gtest/gtest.h>

#include "net/loop.h"
#include "store/memory.h"

namespace letterlock::queue {
namespace {

using Finished = std::expected<Content, Refused>;

net::Task<> feed(Intake& intake, std::string octets, std::size_t step,
                 std::optional<base::Result<Finished>>& out) {
  for (std::size_t at = 0; at < octets.size(); at += step) {
    const auto part = octets.substr(at, step);
    if (auto added = co_await intake.add(part); !added) {
      out = base::fail(added.error());
      co_return;
    }
  }
  out = co_await intake.finish();
}

net::ResultTask<> hold(store::Transaction& transaction, base::BlobId blob) {
  transaction.hold(blob, "q/test");
  co_return base::Result<>();
}

// What is held by nobody is not there to be read.
net::Task<> read(store::Store& store, base::BlobId blob, std::string& out) {
  (void)co_await store.transact(store::Scope::tenant({}), [blob](store::Transaction& transaction) {
    return hold(transaction, blob);
  });
  auto octets = co_await store.read_blob(blob, 0, 1 << 20);
  out = octets ? *octets : octets.error().what;
}

class IntakeTest : public ::testing::Test {
 protected:
  Finished take(const std::string& octets, std::size_t step, HeaderEdit edit = nothing,
                std::uint64_t octets_max = 1 << 20) {
    Intake intake(store_, {octets_max, {}}, std::move(edit));
    std::optional<base::Result<Finished>> out;
    loop_.spawn(feed(intake, octets, step, out));
    for (int i = 0; i < 100'000 && !out; ++i) loop_.poll();
    EXPECT_TRUE(out && *out);
    return **out;
  }
  std::string kept(const Finished& finished) {
    std::string out;
    loop_.spawn(read(store_, finished->blob, out));
    for (int i = 0; i < 1000; ++i) loop_.poll();
    return out;
  }
  static std::expected<std::vector<hop::Change>, Refused> nothing(message::Header&) {
    return std::vector<hop::Change>();
  }

  net::Loop loop_;
  store::MemoryStore store_;
};

const std::string mail =
    "Subject: figures\r\n for Q3\r\nMessage-ID: <1@acorn.example>\r\nBcc: "
    "eve@x.example\r\n\r\nhello\r\n.world\r\n";

TEST_F(IntakeTest, KeepsEveryOctetHoweverTheyCome) {
  for (std::size_t step = 1; step <= mail.size(); ++step) {
    const auto finished = take(mail, step);
    ASSERT_TRUE(finished);
    EXPECT_EQ(kept(finished), mail);
    EXPECT_EQ(finished->digest_in, finished->digest_out);
    EXPECT_EQ(finished->digest_in, base::to_hex(base::sha256(mail)));
    EXPECT_EQ(finished->subject, "figures for Q3");
    EXPECT_EQ(finished->message_id, "<1@acorn.example>");
  }
}

TEST_F(IntakeTest, TheSubjectIsForPeople) {
  const auto finished = take("Subject: Plan =?utf-8?B?ZsO8ciBRMQ==?=\r\n\r\nhello\r\n", 100);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->subject, "Plan für Q1");
}

// Whoever isn't among them is hidden from the others.
TEST_F(IntakeTest, KnowsWhomTheHeaderNames) {
  const auto finished = take(
      "To: Bob <BOB@Birch.example>, \"a, b\" <x@y.example>\r\nCc: team: carol@birch.example;\r\n"
      "Resent-To: dave@old.example\r\nCc: not an address\r\nBcc: eve@x.example\r\n\r\nTo: "
      "body@x.example\r\n",
      20);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->named, (std::vector<std::string>{"bob@birch.example", "carol@birch.example",
                                                       "dave@old.example", "x@y.example"}));
  EXPECT_EQ(take("Subject: x\r\n\r\n", 5)->named, std::vector<std::string>());
}

TEST_F(IntakeTest, EditsTheHeaderOnceAndNamesTheChange) {
  int calls = 0;
  const auto finished = take(
      mail, 7, [&](message::Header& header) -> std::expected<std::vector<hop::Change>, Refused> {
        ++calls;
        EXPECT_EQ(header.remove_bcc(), 1U);
        return std::vector{hop::Change::bcc_removed};
      });
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(kept(finished).find("eve"), std::string::npos);
  EXPECT_NE(finished->digest_in, finished->digest_out);
  EXPECT_EQ(finished->changes, std::vector{hop::Change::bcc_removed});
}

TEST_F(IntakeTest, WithoutHeaderOrBody) {
  EXPECT_TRUE(take("", 1));
  const auto body_alone = take("\r\nbody\r\n", 3);
  EXPECT_EQ(kept(body_alone), "\r\nbody\r\n");
}

TEST_F(IntakeTest, RefusesAndDrains) {
  const auto refused =
      take(mail + std::string(10'000, 'x'), 100,
           [](message::Header&) -> std::expected<std::vector<hop::Change>, Refused> {
             return std::unexpected(Refused{dsn::status::not_authorized, "not yours"});
           });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "not yours");
  EXPECT_EQ(take(mail, 5, nothing, 20).error().status, dsn::status::too_big);
}

// A header without end is bounded and refused; nothing of it is kept.
TEST_F(IntakeTest, AHeaderWithoutEnd) {
  const auto refused = take("A: " + std::string(300'000, 'x'), 1000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, (dsn::Status{5, 6, 0}));
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "Received: x\r\n";
  EXPECT_FALSE(take(many + "\r\n", 1000));
  EXPECT_EQ(store_.blob_count(), 0U);
}

}  // namespace
}  // namespace letterlock::queue

// A message that an operator held for longer than traces are kept.
#include "relay/fixture.h"
#include "relay/relay.h"

namespace letterlock::relay {
namespace {

using hop::Outcome;

class OutlivedTest : public test::Fixture {};

net::ResultTask<> forget_all(store::Transaction& tx, base::TenantId tenant, base::Time when) {
  CO_TRY(const auto expired, co_await trace::expire(tx, tenant, when));
  EXPECT_GT(expired.traces, 0U);
  co_return base::Result<>();
}

TEST_F(OutlivedTest, AMessageOutlivesItsTrace) {
  auto& mx = add_mta("modern.example", "mx1.modern.example", "198.51.100.1");
  const auto message = submit({});
  ASSERT_TRUE(
      wait(store.transact(store::Scope::tenant(acorn), [&](store::Transaction& transaction) {
        return forget_all(transaction, acorn, world.clock().now() + std::chrono::days(100));
      })));
  start();
  ASSERT_TRUE(happens("hop.relayed"));
  EXPECT_EQ(mx.messages.size(), 1U);
  EXPECT_EQ(events.count("relay.failed"), 0U);
  const auto hop = hops(message).at(0);
  EXPECT_EQ(hop.outcome, Outcome::completed);
  const auto trace = trace_of(message);
  EXPECT_EQ(trace.mail_from, "alice@acorn.example");
  EXPECT_EQ(trace.digest, message.digest);
  EXPECT_GT(trace.expires, world.clock().now() + std::chrono::days(80));
}

}  // namespace
}  // namespace letterlock::relay

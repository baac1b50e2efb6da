// Invariant 7 over the whole platform: one tenant's queue is full of mail and reports for hosts
// that take connections and say nothing. Another tenant's mail leaves, and local mail arrives, as
// if it were alone.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "queue/queue.h"
#include "sim/platform_world.h"

namespace letterlock::test {
namespace {

// Many domains, one MX host that answers nothing.
class Silence {
 public:
  explicit Silence(PlatformWorld& w) : w_(w), host_(w.network.host("203.0.113.66")) {
    w.names.zone("silent.example", dns::Security::insecure);
    w.names.address("mx.silent.example", "203.0.113.66");
    listener_ = std::move(*host_.listen({host_.addresses().front(), 25}));
    accepting_ = w.world.loop().spawn(accept());
  }
  ~Silence() {
    accepting_->cancel();
    w_.world.advance(1s);
  }
  std::string domain(std::size_t number) {
    auto name = std::to_string(number) + ".silent.example";
    if (named_.insert(number).second) w_.names.mx(name, 10, "mx.silent.example");
    return name;
  }
  std::size_t connections() const { return connections_.size(); }

 private:
  net::Task<> accept() {
    while (true) {
      auto connection = co_await listener_->accept();
      if (!connection) co_return;
      connections_.push_back(std::move(*connection));
    }
  }

  PlatformWorld& w_;
  sim::Host& host_;
  std::shared_ptr<net::Listener> listener_;
  std::vector<std::unique_ptr<net::Connection>> connections_;
  std::shared_ptr<net::Running> accepting_;
  std::set<std::size_t> named_;
};

net::ResultTask<> enqueue_in(store::Transaction& transaction, queue::Message message,
                             std::vector<queue::Recipient> recipients,
                             std::vector<queue::Due>& due) {
  auto items = queue::enqueue(transaction, message, recipients);
  if (!items) co_return base::fail(items.error());
  due = std::move(*items);
  co_return base::Result<>();
}

net::ResultTask<> write_in(store::BlobWriter& writer) {
  CO_CHECK(co_await writer.write("Subject: flood\r\n\r\n.\r\n"));
  co_return co_await writer.finish();
}

// Of acorn: one message, whose recipients are these domains'.
void put(PlatformWorld& w, const std::vector<std::string>& domains, bool is_report,
         bool is_offered) {
  queue::Message message;
  message.id = os::make_id<base::MessageId>(w.world.clock(), w.world.random());
  message.trace = os::make_id<base::TraceId>(w.world.clock(), w.world.random());
  message.tenant = w.acorn;
  message.mail_from = is_report ? "" : "alice@acorn.example";
  message.is_report = is_report;
  const auto writer = w.store.write_blob();
  ASSERT_TRUE(w.wait(write_in(*writer)));
  message.blob = writer->id();
  message.octets = writer->octets();
  message.accepted = w.world.clock().now();
  message.expires = message.accepted + 24h * 5;
  std::vector<queue::Recipient> recipients;
  for (const auto& domain : domains) {
    queue::Recipient one;
    one.address = "somebody@" + domain;
    one.destination = domain;
    recipients.push_back(std::move(one));
  }
  std::vector<queue::Due> due;
  ASSERT_TRUE(
      w.wait(w.store.transact(store::Scope::tenant(w.acorn), [&](store::Transaction& transaction) {
        return enqueue_in(transaction, message, recipients, due);
      })));
  if (is_offered) w.platform->dispatcher().offer(due);
}

void others_go_on(PlatformWorld& w, const Outside& modern, std::size_t before,
                  const std::string& what) {
  const auto bobs = w.inbox("bob@birch.example").size();
  Letter local;
  ASSERT_EQ(w.submit(local).value().code, 250) << what;
  Letter out;
  out.from = "bob@birch.example";
  out.to = {"carol@modern.example"};
  const auto from = out.content.find("alice@acorn.example");
  out.content.replace(from, std::string_view("alice@acorn.example").size(), out.from);
  ASSERT_EQ(w.submit(out).value().code, 250) << what;
  w.world.advance(10s);
  EXPECT_EQ(w.inbox("bob@birch.example").size(), bobs + 1) << what;
  EXPECT_EQ(modern.mta->count(), before + 1) << what;
}

TEST(Flood, MailAndReportsToSilentHostsStopNobody) {
  PlatformWorld w(7);
  auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                               PlatformWorld::OutsideTls::offered);
  Silence silence(w);
  for (std::size_t i = 0; i < 120; ++i) {
    std::vector<std::string> domains;
    for (std::size_t j = 0; j < 200; ++j) domains.push_back(silence.domain(i * 200 + j));
    put(w, domains, i % 2 == 0, true);
  }
  w.world.advance(3min);
  EXPECT_GE(silence.connections(), 100U);
  others_go_on(w, modern, 0, "silent");
}

// Any shape of it.
TEST(Flood, OfAnyShapeStopsNobody) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    PlatformWorld w(seed);
    auto& modern = w.add_outside("modern.example", "mx1.modern.example", "203.0.113.1",
                                 PlatformWorld::OutsideTls::offered);
    Silence silence(w);
    std::minstd_rand random(seed);
    const auto below = [&](std::size_t end) { return std::size_t{random()} % end; };
    const auto domains_count = 1 + below(below(2) == 0 ? 20 : 3000);
    for (std::size_t sent = 0; sent < 2; ++sent) {
      for (std::size_t messages = 1 + below(60); messages > 0; --messages) {
        std::vector<std::string> domains;
        for (std::size_t count = 1 + below(100); count > 0; --count)
          domains.push_back(silence.domain(below(domains_count)));
        put(w, domains, below(2) == 0, below(2) == 0);
        if (below(12) == 0) w.world.advance(base::Milliseconds(below(200'000)));
      }
      w.platform->dispatcher().look_again(w.acorn);
      others_go_on(w, modern, sent, "seed " + std::to_string(seed));
    }
  }
}

}  // namespace
}  // namespace letterlock::test

// Writes a queue into a stopped store, through the product's own code: for each message what
// accepting it writes (queue, trace, first hop), and the hold on a content that a thousand share.
//   --store FOLDER --tenant ID --count N --domain NAME
#include <cstdio>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "queue/queue.h"
#include "store/rocksdb.h"
#include "trace/trace.h"

namespace letterlock::bench {
namespace {

constexpr unsigned writers = 16;
constexpr unsigned messages_a_transaction = 50;
constexpr unsigned messages_a_content = 1000;

class NoEvents final : public base::EventSink {
 public:
  void emit(const base::Event& event) override {
    std::fprintf(stderr, "%s\n", std::string(event.name).c_str());
  }
};

struct Fill {
  store::Store& store;
  os::Clock& clock;
  os::Random& random;
  base::TenantId tenant;
  std::string domain;
  unsigned count = 0;
  unsigned next = 0;
  unsigned failed = 0;
};

queue::Message message_of(const Fill& fill, const base::BlobId& blob, std::uint64_t octets) {
  queue::Message message;
  message.id = os::make_id<base::MessageId>(fill.clock, fill.random);
  message.trace = os::make_id<base::TraceId>(fill.clock, fill.random);
  message.tenant = fill.tenant;
  message.mail_from = "bob@acorn.example";
  message.blob = blob;
  message.octets = octets;
  message.accepted = fill.clock.now();
  message.expires = message.accepted + std::chrono::days(5);
  return message;
}

net::ResultTask<> write(store::Transaction& transaction, const Fill& fill,
                        const std::vector<queue::Message>& messages) {
  for (const auto& message : messages) {
    queue::Recipient recipient;
    recipient.address = "cleo@" + fill.domain;
    recipient.lane = queue::Lane::remote;
    recipient.destination = fill.domain;
    std::vector recipients{recipient};
    if (auto due = queue::enqueue(transaction, message, recipients); !due)
      co_return base::fail(due.error());
    trace::Trace trace;
    trace.id = message.trace;
    trace.owner = fill.tenant;
    trace.message_id = "<" + message.id.text() + "@acorn.example>";
    trace.mail_from = trace.header_from = message.mail_from;
    trace.recipients.push_back({0, recipient.address});
    trace.accepted = message.accepted;
    trace.expires = message.accepted + std::chrono::days(90);
    trace.octets = message.octets;
    hop::Hop hop;
    hop.trace = message.trace;
    hop.kind = hop::Kind::submission;
    hop.from = {hop::End::Role::client, "", "192.0.2.1", "ESMTPSA"};
    hop.to = {hop::End::Role::node, "bench", {}, {}};
    hop.recipients = {0};
    hop.time = hop.finished = message.accepted;
    CO_CHECK(trace::begin_with(transaction, fill.tenant, std::move(trace), std::move(hop)));
  }
  co_return base::Result<>();
}

net::ResultTask<> write_some(Fill& fill, unsigned count) {
  const std::string content = "Subject: bench\r\n\r\n" + std::string(4096, 'x') + "\r\n";
  auto blob = fill.store.write_blob();
  CO_CHECK(co_await blob->write(content));
  CO_CHECK(co_await blob->finish());
  while (count > 0) {
    std::vector<queue::Message> messages;
    for (; count > 0 && messages.size() < messages_a_transaction; --count)
      messages.push_back(message_of(fill, blob->id(), content.size()));
    CO_CHECK(co_await fill.store.transact(
        store::Scope::tenant(fill.tenant),
        [&](store::Transaction& transaction) { return write(transaction, fill, messages); }));
  }
  co_return base::Result<>();
}

net::Task<> writer(Fill& fill, unsigned& running, net::Loop& loop) {
  while (fill.next < fill.count) {
    const auto some = std::min(messages_a_content, fill.count - fill.next);
    fill.next += some;
    if (const auto written = co_await write_some(fill, some); !written) {
      std::fprintf(stderr, "%s\n", written.error().what.c_str());
      ++fill.failed;
    }
  }
  if (--running == 0) loop.stop();
}

int run(std::map<std::string, std::string> given) {
  os::SystemClock clock;
  os::SystemRandom random;
  NoEvents events;
  store::RocksOptions options;
  options.path = given["--store"];
  auto store = store::RocksStore::open(options, clock, random, events);
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().what.c_str());
    return 1;
  }
  const auto tenant = base::TenantId::parse(given["--tenant"]);
  if (!tenant) return 2;
  Fill fill{**store,
            clock,
            random,
            *tenant,
            given["--domain"],
            static_cast<unsigned>(std::stoul(given["--count"]))};
  net::Loop loop;
  unsigned running = writers;
  for (unsigned i = 0; i < writers; ++i) loop.spawn(writer(fill, running, loop));
  loop.run();
  return fill.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace letterlock::bench

int main(int count, char** words) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[words[i]] = words[i + 1];
  return letterlock::bench::run(std::move(given));
}

// A whole platform in a simulated world: its node, outside MTAs, people with mail clients, all on
// one thread in simulated time. The node can crash at any moment and start again on what its store
// had made durable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "apps/platform.h"
#include "mailbox/mailbox.h"
#include "peers/mail_client.h"
#include "peers/outside_mta.h"
#include "sim/events.h"
#include "sim/names.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"
#include "trace/trace.h"

namespace letterlock::test {

using namespace std::chrono_literals;

inline constexpr std::string_view secret = "The secret figures";

// What one life of the platform sees of store and event log: from the moment of a crash on nothing
// of it reaches either, whatever its tasks still do until they are gone.
class Life final : public store::Store, public base::EventSink {
 public:
  Life(store::Store& store, sim::Events& events) : store_(store), events_(events) {}
  void end() { ended_ = true; }
  bool has_ended() const { return ended_; }

  net::ResultTask<> transact(store::Scope scope, Function function) override;
  net::ResultTask<> read(store::Scope scope, Function function) override;
  Count watch(std::function<bool(std::string_view key)> concerns) override {
    return store_.watch(std::move(concerns));
  }
  std::unique_ptr<store::BlobWriter> write_blob() override { return store_.write_blob(); }
  void drop_blob(const base::BlobId& blob) override { store_.drop_blob(blob); }
  net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                         std::size_t octets_max) override;
  base::Result<std::uint64_t> free_octets() const override { return store_.free_octets(); }
  void emit(const base::Event& event) override {
    if (!ended_) events_.emit(event);
  }

 private:
  store::Store& store_;
  sim::Events& events_;
  bool ended_ = false;
};

// Somebody else's MTA, the MX host of one domain.
struct Outside {
  Outside(sim::World& world, sim::Host& its, std::string_view name) : host(its), tls(world, name) {}
  net::Endpoint at() const { return {host.addresses().front(), 25}; }
  sim::Host& host;
  sim::Tls tls;
  std::unique_ptr<peers::OutsideMta> mta;
};

struct Letter {
  std::string from = "alice@acorn.example";
  std::vector<std::string> to = {"bob@birch.example"};
  std::string content = default_content();
  sasl::Mechanism mechanism = sasl::Mechanism::scram_sha_256_plus;
  static std::string default_content();
};

// Tenants acorn.example (alice) and birch.example (bob), who accept nothing weaker than
// SCRAM-SHA-256-PLUS, on one node.
class PlatformWorld {
 public:
  // What the platform has instead of the memory store itself: something over it.
  using Over = std::function<std::unique_ptr<store::Store>(store::Store&)>;

  explicit PlatformWorld(std::uint64_t seed, apps::Pace pace = {}, const Over& over = {});
  ~PlatformWorld();

  // ---- the platform ----
  void start();
  void stop();
  // The power goes now: connections, tasks and what was not durable are gone. The platform is down
  // afterwards; start() builds it again on the same store.
  void crash();
  // Crashes at the first commit after `passed_over` others from now on, before or after it is
  // durable. arm, run, then `has_crashed`; finish_crash() takes the rest away.
  void crash_at_commit(unsigned passed_over, store::CommitStage stage);
  bool has_crashed() const { return life && life->has_ended(); }
  void finish_crash();
  void require(std::string_view tenant, std::string requirement);

  // ---- others ----
  enum class OutsideTls { offered, none };
  Outside& add_outside(const std::string& domain, const std::string& host, std::string_view address,
                       OutsideTls with);
  // The server's last word; an error if there was none.
  base::Result<smtp::Reply> submit(const Letter& letter);
  base::Result<std::vector<base::Bytes>> fetch(
      const std::string& who, peers::Fetch::After after = peers::Fetch::After::keep);

  // ---- looking ----
  base::TraceId trace_of(const base::Result<smtp::Reply>& reply);
  trace::LoadedTrace load(const base::TenantId& tenant, const base::TraceId& id);
  std::size_t queued(const base::TenantId& tenant);
  // Until nothing is queued in either tenant. False: `limit` passed.
  bool drain(base::Milliseconds limit);
  // The messages in this account's INBOX, from 1 on.
  std::vector<mailbox::Message> inbox(const std::string& who);

  // Lives on until the task has its answer, or the node has crashed.
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task, base::Milliseconds limit = 1h) {
    auto result = std::make_shared<std::optional<base::Result<T>>>();
    world.loop().spawn(keep(std::move(task), result));
    world.run_until([&] { return result->has_value() || has_crashed(); }, limit);
    if (!*result) return base::fail(base::ErrorKind::timeout, "no answer");
    return std::move(**result);
  }

  sim::World world;
  sim::Network network;
  sim::Host& node;
  sim::Host& client;
  sim::Names names;
  sim::Tls node_tls;
  sim::Tls client_tls;
  store::MemoryStore store;
  std::unique_ptr<store::Store> over;  // may be null
  net::InlineWorkers workers;
  sim::Events events;
  apps::Config config;
  apps::Pace pace;
  base::TenantId acorn;
  base::TenantId birch;
  std::vector<std::unique_ptr<Outside>> outsides;
  std::unique_ptr<Life> life;  // while the platform is up
  std::unique_ptr<apps::Platform> platform;

 private:
  template <class T>
  static net::Task<> keep(net::ResultTask<T> task,
                          std::shared_ptr<std::optional<base::Result<T>>> result) {
    *result = co_await std::move(task);
  }
  void open(apps::ListenerConfig::Kind kind, std::uint16_t port);
  void close_platform();
  void add_people();
  net::Task<> accept(apps::ListenerConfig::Kind kind, std::shared_ptr<net::Listener> listener);
  peers::ClientWorld client_world();

  std::vector<std::shared_ptr<net::Listener>> listeners_;
};

}  // namespace letterlock::test

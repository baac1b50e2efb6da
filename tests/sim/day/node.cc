#include "sim/day/node.h"

#include "admin/operation.h"
#include "base/assert.h"
#include "sim/names.h"

namespace letterlock::day {
namespace {

using Kind = apps::ListenerConfig::Kind;
constexpr base::Milliseconds patience = std::chrono::hours(24);

auto gone() {
  return base::fail(base::ErrorKind::closed, "the node has crashed");
}

// The site's store as one life of a node reaches it.
class LifeStore final : public store::Store {
 public:
  LifeStore(store::MemoryStore& store, sim::World& world) : store_(store), world_(world) {}
  bool ended = false;
  base::Milliseconds stalled_until{0};

  net::ResultTask<> transact(store::Scope scope, Function function) override {
    CO_CHECK(co_await ready());
    auto done = co_await store_.transact(std::move(scope), std::move(function));
    if (done) CO_CHECK(co_await ready());
    co_return done;
  }
  net::ResultTask<> read(store::Scope scope, Function function) override {
    CO_CHECK(co_await ready());
    co_return co_await store_.read(std::move(scope), std::move(function));
  }
  Count watch(std::function<bool(std::string_view key)> concerns) override {
    return store_.watch(std::move(concerns));
  }
  std::unique_ptr<store::BlobWriter> write_blob() override { return store_.write_blob(); }
  void drop_blob(const base::BlobId& blob) override { store_.drop_blob(blob); }
  net::ResultTask<base::Bytes> read_blob(base::BlobId blob, std::uint64_t offset,
                                         std::size_t octets_max) override {
    CO_CHECK(co_await ready());
    co_return co_await store_.read_blob(blob, offset, octets_max);
  }
  base::Result<std::uint64_t> free_octets() const override { return store_.free_octets(); }

 private:
  net::ResultTask<> ready() {
    while (!ended && world_.schedule()->now() < stalled_until)
      CO_CHECK(co_await world_.timers().sleep(stalled_until - world_.schedule()->now()));
    if (ended) co_return gone();
    co_return base::Result<>();
  }

  store::MemoryStore& store_;
  sim::World& world_;
};

class LifeNetwork final : public net::Network {
 public:
  explicit LifeNetwork(sim::Host& host) : host_(host) {}
  bool ended = false;

  net::ResultTask<std::unique_ptr<net::Connection>> connect(net::Endpoint to,
                                                            net::ConnectOptions options) override {
    if (ended) co_return gone();
    auto connection = co_await host_.connect(to, options);
    if (ended) co_return gone();
    co_return connection;
  }
  base::Result<std::unique_ptr<net::Listener>> listen(net::Endpoint at) override {
    return host_.listen(at);
  }

 private:
  sim::Host& host_;
};

class LifeEvents final : public base::EventSink {
 public:
  explicit LifeEvents(Findings& findings) : findings_(findings) {}
  bool ended = false;
  void emit(const base::Event& event) override {
    if (!ended) findings_.emit(event);
  }

 private:
  Findings& findings_;
};

template <class T>
net::Task<> keep(net::Task<T> task, std::shared_ptr<std::optional<T>> result) {
  *result = co_await std::move(task);
}
net::ResultTask<> as_result(net::Task<> task) {
  co_await std::move(task);
  co_return base::Result<>();
}

}  // namespace

struct Node::Life {
  Life(const Ground& ground, sim::Host& host)
      : orders(ground.world.loop()),
        store(ground.store, ground.world),
        network(host),
        events(ground.findings) {}
  bool ended = false;
  net::Gate orders;
  LifeStore store;
  LifeNetwork network;
  LifeEvents events;
  std::vector<std::shared_ptr<net::Listener>> listeners;
  std::unique_ptr<apps::Platform> platform;
};

Node::Node(Ground ground, sim::Host& host, apps::Config config, apps::Pace pace, unsigned rounds)
    : ground_(ground),
      host_(host),
      config_(std::move(config)),
      pace_(pace),
      rounds_(rounds),
      tls_(ground.world, config_.site.node) {}

Node::~Node() = default;

bool Node::has_crashed() const {
  return life_ && life_->ended;
}

apps::Platform& Node::platform() {
  return *life_->platform;
}

template <class T>
T Node::wait(net::Task<T> task) {
  auto result = std::make_shared<std::optional<T>>();
  ground_.world.loop().spawn(keep(std::move(task), result));
  const bool ended = ground_.world.run_until([&] { return result->has_value(); }, patience);
  ASSERT(ended);
  return std::move(**result);
}

base::Result<> Node::start() {
  life_ = std::make_shared<Life>(ground_, host_);
  auto& life = *life_;
  life.platform = std::make_unique<apps::Platform>(apps::World{{&ground_.world.loop()},
                                                               ground_.world.timers(),
                                                               ground_.world.clock(),
                                                               ground_.world.random(),
                                                               life.network,
                                                               tls_,
                                                               ground_.names,
                                                               life.store,
                                                               ground_.workers,
                                                               life.events},
                                                   config_, rounds_, pace_);
  auto started = wait(life.platform->start());
  for (const auto& [kind, port] : {std::pair{Kind::mx, 25},
                                   {Kind::submission, 587},
                                   {Kind::submissions, 465},
                                   {Kind::pop3, 110},
                                   {Kind::pop3s, 995}}) {
    if (started && !life.ended) started = open(life, kind, static_cast<std::uint16_t>(port));
  }
  if (!started) close();
  return started;
}

base::Result<> Node::open(Life& life, Kind kind, std::uint16_t port) {
  for (const auto& address : host_.addresses()) {
    auto listener = host_.listen({address, port});
    if (!listener) return base::fail(listener.error());
    life.listeners.push_back(std::move(*listener));
    ground_.world.loop().spawn(accept(life_, kind, life.listeners.back()));
  }
  return {};
}

net::Task<> Node::accept(std::shared_ptr<Life> life, Kind kind,
                         std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    if (life->platform && !life->ended) life->platform->take(kind, 0, std::move(*connection));
  }
}

net::Task<> Node::carry_out(std::shared_ptr<Life> life, std::string operation,
                            boost::json::object arguments, Answered done) {
  auto& platform = *life->platform;
  const auto& world = platform.world();
  const admin::Ports ports{platform.store(),
                           platform.directory(),
                           platform.operations(),
                           platform.dispatcher(),
                           platform.leases(),
                           platform.schedule(),
                           platform.admission(),
                           world.clock,
                           platform.calendar(),
                           world.random,
                           world.events,
                           platform.config().site.node,
                           "day",
                           [&platform] { return platform.tenants(); },
                           [&platform](base::TenantId tenant) { platform.notice(tenant); }};
  const auto answer = co_await admin::find(operation)->run(ports, admin::Arguments(arguments));
  if (!life->ended) done(answer);
}

base::Result<> Node::order(std::string_view operation, boost::json::object arguments,
                           Answered done) {
  if (!is_up() || !life_->platform) return gone();
  const auto* known = admin::find(operation);
  ASSERT(known != nullptr);
  TRY(admin::check(*known, arguments));
  life_->orders.start(
      carry_out(life_, std::string(operation), std::move(arguments), std::move(done)));
  return {};
}

void Node::crash() {
  if (!life_ || life_->ended) return;
  ground_.trouble();
  life_->ended = true;
  life_->store.ended = true;
  life_->network.ended = true;
  life_->events.ended = true;
  host_.crash(sim::Host::Crash::process);
}

void Node::close() {
  for (const auto& listener : life_->listeners) listener->close();
  life_->listeners.clear();
  const auto ended = wait(as_result(life_->orders.close(ground_.world.timers(), {})));
  ASSERT(ended.has_value());
  // Given over as a result, so that there is something to wait for.
  const auto stopped = wait(as_result(life_->platform->stop(base::Milliseconds(0))));
  ASSERT(stopped.has_value());
  ground_.world.settle();
  life_->platform.reset();
  life_.reset();
}

void Node::stop() {
  if (life_) close();
}

void Node::bury() {
  if (life_) close();
}

void Node::stall(base::Milliseconds until) {
  ground_.trouble();
  if (life_) life_->store.stalled_until = until;
}

}  // namespace letterlock::day

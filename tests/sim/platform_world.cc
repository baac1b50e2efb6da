#include "sim/platform_world.h"

#include "queue/queue.h"

namespace letterlock::test {
namespace {

constexpr std::string_view password = "tree house";
constexpr std::string_view host_name = "mail.acorn.example";

net::ResultTask<> closed() {
  co_return base::fail(base::ErrorKind::closed, "the node has crashed");
}

net::ResultTask<> load_in(store::Transaction& tx, base::TenantId tenant, base::TraceId id,
                          trace::LoadedTrace& loaded) {
  CO_TRY(loaded, co_await trace::load(tx, tenant, id));
  co_return base::Result<>();
}
net::ResultTask<> list_in(store::Transaction& tx, base::TenantId tenant, std::size_t& count) {
  CO_TRY(const auto page, co_await queue::list(tx, tenant, {}));
  count = page.entries.size();
  co_return base::Result<>();
}

net::ResultTask<> inbox_in(store::Transaction& tx, mailbox::Owner owner,
                           std::vector<mailbox::Message>& messages) {
  CO_TRY(const auto inbox, co_await mailbox::find(tx, owner, std::string(mailbox::inbox)));
  CO_TRY(messages, co_await mailbox::list(tx, inbox.place, 1, mailbox::page_max));
  co_return base::Result<>();
}

}  // namespace

std::string Letter::default_content() {
  return "From: Alice <alice@acorn.example>\r\nTo: bob@birch.example\r\nSubject: Figures for Q3\r\n"
         "Date: Mon, 23 Nov 2026 10:02:09 +0000\r\nMessage-ID: <q3@acorn.example>\r\n\r\n" +
         std::string(secret) + ".\r\n..\r\n.dots\r\n";
}

net::ResultTask<> Life::transact(store::Scope scope, Function function) {
  if (ended_) return closed();
  return store_.transact(std::move(scope), std::move(function));
}
net::ResultTask<> Life::read(store::Scope scope, Function function) {
  if (ended_) return closed();
  return store_.read(std::move(scope), std::move(function));
}
net::ResultTask<base::Bytes> Life::read_blob(base::BlobId blob, std::uint64_t offset,
                                             std::size_t octets_max) {
  if (ended_) co_return base::fail(base::ErrorKind::closed, "the node has crashed");
  co_return co_await store_.read_blob(blob, offset, octets_max);
}

PlatformWorld::PlatformWorld(std::uint64_t seed, apps::Pace its, const Over& its_over)
    : world(seed),
      network(world),
      node(network.host("192.0.2.1")),
      client(network.host("198.51.100.7")),
      names(world),
      node_tls(world, "node"),
      client_tls(world, "client"),
      store({.yields_max = 3, .seed = seed}),
      over(its_over ? its_over(store) : nullptr),
      events(world.clock()),
      pace(its) {
  node_tls.settings.identities = {sim::identity_for(host_name, "the CA")};
  node_tls.settings.trusted_issuers = {"the CA"};
  client_tls.settings.trusted_issuers = {"the CA"};
  config.site.name = "dublin";
  config.site.node = "dublin-1";
  config.site.host_name = std::string(host_name);
  // The simulated internet is made of documentation's addresses.
  for (const auto* text : {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}) {
    config.relay.special_allowed.push_back(net::Prefix::parse(text).value());
    config.site.public_networks.push_back(net::Prefix::parse(text).value());
  }
  start();
  add_people();
}

PlatformWorld::~PlatformWorld() {
  stop();
  for (const auto& outside : outsides) {
    bool done = false;
    world.loop().spawn(outside->mta->close(), [&] { done = true; });
    EXPECT_TRUE(world.run_until([&] { return done; }, 1h));
  }
}

void PlatformWorld::start() {
  life = std::make_unique<Life>(over ? *over : store, events);
  platform = std::make_unique<apps::Platform>(apps::World{{&world.loop()},
                                                          world.timers(),
                                                          world.clock(),
                                                          world.random(),
                                                          node,
                                                          node_tls,
                                                          names,
                                                          *life,
                                                          workers,
                                                          *life},
                                              config, sasl::rounds_min, pace);
  const auto started = wait(platform->start());
  ASSERT_TRUE(started) << started.error().what;
  using Kind = apps::ListenerConfig::Kind;
  open(Kind::mx, 25);
  open(Kind::submission, 587);
  open(Kind::submissions, 465);
  open(Kind::pop3, 110);
  open(Kind::pop3s, 995);
}

void PlatformWorld::add_people() {
  auto& operations = platform->operations();
  for (const auto& [name, id] : {std::pair{"acorn.example", &acorn}, {"birch.example", &birch}}) {
    *id = wait(operations.add_tenant(name, "test")).value().id;
    const auto domain = address::Domain::parse(name).value();
    ASSERT_TRUE(wait(operations.add_domain(name, domain, "test")));
  }
  for (const auto* who : {"alice@acorn.example", "bob@birch.example"}) {
    directory::NewAccount account;
    account.address = address::Address::parse(who).value();
    account.password = std::string(password);
    account.accepts = directory::Accepts::plus_only;
    ASSERT_TRUE(wait(operations.add_account(std::move(account), "test")));
  }
}

void PlatformWorld::open(apps::ListenerConfig::Kind kind, std::uint16_t port) {
  auto listener = node.listen({node.addresses().front(), port});
  ASSERT_TRUE(listener) << listener.error().what;
  listeners_.push_back(std::move(*listener));
  world.loop().spawn(accept(kind, listeners_.back()));
}

net::Task<> PlatformWorld::accept(apps::ListenerConfig::Kind kind,
                                  std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    if (platform && !has_crashed()) platform->take(kind, 0, std::move(*connection));
  }
}

void PlatformWorld::close_platform() {
  for (const auto& listener : listeners_) listener->close();
  listeners_.clear();
  bool done = false;
  world.loop().spawn(platform->stop(0ms), [&] { done = true; });
  ASSERT_TRUE(world.run_until([&] { return done; }, 24h)) << "the platform doesn't stop";
  world.settle();
  platform.reset();
  life.reset();
}

void PlatformWorld::stop() {
  if (platform) close_platform();
}

void PlatformWorld::crash() {
  store.crash(world.seed(), store::Unsynced::torn);
  life->end();
  finish_crash();
}

void PlatformWorld::crash_at_commit(unsigned passed_over, store::CommitStage stage) {
  store.on_commit([this, left = passed_over, stage](store::CommitStage at) mutable {
    if (at != stage || has_crashed() || left-- > 0) return;
    store.crash(world.seed(), store::Unsynced::torn);
    life->end();
  });
}

void PlatformWorld::finish_crash() {
  store.on_commit({});
  node.crash(sim::Host::Crash::process);
  close_platform();
  store.sweep();
}

void PlatformWorld::require(std::string_view tenant, std::string requirement) {
  directory::TenantChange change;
  change.requirement = std::move(requirement);
  const auto set = wait(platform->operations().set_tenant(std::string(tenant), change, "operator"));
  ASSERT_TRUE(set) << set.error().what;
}

Outside& PlatformWorld::add_outside(const std::string& domain, const std::string& host,
                                    std::string_view address, OutsideTls with) {
  outsides.push_back(std::make_unique<Outside>(world, network.host(address), host));
  auto& outside = *outsides.back();
  outside.tls.settings.identities = {sim::identity_for(host, "the CA")};
  names.zone(domain, dns::Security::insecure);
  names.mx(domain, 10, host);
  names.address(host, address);
  peers::OutsideMta::Options options;
  options.host_name = host;
  if (with == OutsideTls::offered) options.tls = &outside.tls;
  outside.mta = peers::OutsideMta::create(
                    {world.loop(), world.timers(), world.clock(), world.random()}, options)
                    .value();
  outside.mta->serve(outside.host.listen(outside.at()).value());
  return outside;
}

peers::ClientWorld PlatformWorld::client_world() {
  return {client_tls, workers, world.clock(), world.random()};
}

base::Result<smtp::Reply> PlatformWorld::submit(const Letter& letter) {
  peers::Submission submission;
  submission.sign_in = {std::string(host_name), "", letter.from, std::string(password),
                        letter.mechanism,       {}};
  if (letter.mechanism == sasl::Mechanism::external)
    submission.sign_in.certificate_file = letter.from;
  submission.mail_from = letter.from;
  submission.recipients = letter.to;
  submission.content = letter.content;
  submission.wait = 5min;
  auto connection = wait(client.connect({node.addresses().front(), 465}, {}));
  if (!connection) return base::fail(connection.error());
  return wait(peers::submit(std::move(*connection), client_world(), submission));
}

base::Result<std::vector<base::Bytes>> PlatformWorld::fetch(const std::string& who,
                                                            peers::Fetch::After after) {
  peers::Fetch fetch;
  fetch.sign_in = {std::string(host_name), "", who, std::string(password),
                   sasl::Mechanism::scram_sha_256_plus};
  fetch.after = after;
  auto connection = wait(client.connect({node.addresses().front(), 995}, {}));
  if (!connection) return base::fail(connection.error());
  return wait(peers::fetch(std::move(*connection), client_world(), fetch));
}

base::TraceId PlatformWorld::trace_of(const base::Result<smtp::Reply>& reply) {
  if (!reply) return {};
  return base::TraceId::parse(peers::trace_in(*reply)).value_or(base::TraceId());
}

trace::LoadedTrace PlatformWorld::load(const base::TenantId& tenant, const base::TraceId& id) {
  trace::LoadedTrace loaded;
  const auto read =
      wait(store.read(store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
        return load_in(transaction, tenant, id, loaded);
      }));
  EXPECT_TRUE(read) << read.error().what;
  return loaded;
}

std::size_t PlatformWorld::queued(const base::TenantId& tenant) {
  std::size_t count = 0;
  EXPECT_TRUE(wait(store.read(store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
    return list_in(transaction, tenant, count);
  })));
  return count;
}

bool PlatformWorld::drain(base::Milliseconds limit) {
  const auto end = world.clock().now() + limit;
  while (queued(acorn) + queued(birch) > 0) {
    if (world.clock().now() >= end) return false;
    world.advance(limit < 1h ? 1s : base::Milliseconds(1min));
  }
  return true;
}

std::vector<mailbox::Message> PlatformWorld::inbox(const std::string& who) {
  const auto account =
      wait(platform->operations().show_account(address::Address::parse(who).value())).value();
  std::vector<mailbox::Message> messages;
  const auto read =
      wait(store.read(store::Scope::tenant(account.tenant), [&](store::Transaction& transaction) {
        return inbox_in(transaction, {account.tenant, account.id}, messages);
      }));
  EXPECT_TRUE(read || read.error().kind == base::ErrorKind::not_found) << read.error().what;
  return messages;
}

}  // namespace letterlock::test

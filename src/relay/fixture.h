// For this room's tests: a node with a queue, and outside MTAs, in a simulated world.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include <gtest/gtest.h>

#include "base/digest.h"
#include "directory/operations.h"
#include "drive/smtp_server.h"
#include "relay/relay.h"
#include "sasl/testing.h"
#include "sim/events.h"
#include "sim/names.h"
#include "sim/network.h"
#include "sim/tls.h"
#include "store/memory.h"
#include "trace/trace.h"

namespace letterlock::relay::test {

using namespace std::chrono_literals;

// An outside MTA: what it is told to answer, and what it got.
struct Mta {
  Mta(sim::World& in, sim::Network& network, std::string named, std::string_view address)
      : world(in), name(std::move(named)), host(network.host(address)), tls(in, name) {
    tls.settings.identities = {sim::identity_for(name, "the CA")};
    server.session.host_name = address::Domain::parse(name).value();
    listener = host.listen({host.addresses().front(), 25}).value();
  }
  net::Endpoint at() const { return listener->local(); }

  sim::World& world;
  std::string name;
  sim::Host& host;
  sim::Tls tls;
  drive::SmtpServerOptions server;
  std::shared_ptr<net::Listener> listener;

  smtp::Reply greeting = smtp::reply(220, "");
  smtp::Reply to_mail = smtp::reply(250, dsn::status::ok, "well");
  smtp::Reply to_content = smtp::reply(250, dsn::status::ok, "queued as 4F1");
  std::map<std::string, smtp::Reply> to_rcpt;  // by address; others are taken
  std::function<void()> before_rcpt;           // is answered
  base::Milliseconds rcpt_pause{0};
  std::function<void()> before_content;  // at its first octet
  std::function<void()> after_content;
  sasl::ScramKeys keys;

  unsigned connections = 0;
  std::vector<std::string> envelopes;  // "alice@… > carol@… dave@…"
  std::vector<smtp::Mail> mails;
  std::vector<smtp::Rcpt> rcpts;
  std::vector<std::string> messages;
  std::vector<std::string> signed_in;
  std::size_t content_octets = 0;
  std::size_t largest_part = 0;
};

class MtaHandler final : public drive::SmtpHandler {
 public:
  explicit MtaHandler(Mta& mta) : mta_(mta) {}
  net::Task<smtp::Reply> on_connect() override { co_return mta_.greeting; }
  net::ResultTask<drive::SmtpAccount> on_auth_keys(std::string user, sasl::Mechanism) override {
    if (user == "acorn") co_return drive::SmtpAccount{mta_.keys, sasl::Standing::welcome};
    co_return drive::SmtpAccount{sasl::fake_keys("0123456789abcdef", user, 4096),
                                 sasl::Standing::refused};
  }
  net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check) override {
    const bool fits = check.user == "acorn" && sasl::password_matches(check.password, mta_.keys);
    co_return fits ? sasl::Standing::welcome : sasl::Standing::refused;
  }
  net::Task<smtp::Reply> on_authenticated(sasl::Success success,
                                          sasl::Mechanism mechanism) override {
    mta_.signed_in.push_back(success.user + " by " + std::string(sasl::name(mechanism)));
    co_return smtp::reply(235, dsn::Status{2, 7, 0}, "welcome");
  }
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override {
    mta_.envelopes.push_back(mail.from.text() + " >");
    mta_.mails.push_back(mail);
    co_return mta_.to_mail;
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override {
    mta_.envelopes.back() += " " + rcpt.to.text();
    mta_.rcpts.push_back(rcpt);
    if (mta_.before_rcpt) mta_.before_rcpt();
    if (mta_.rcpt_pause.count() > 0)
      (void)co_await mta_.world.timers().sleep(std::exchange(mta_.rcpt_pause, {}));
    const auto found = mta_.to_rcpt.find(rcpt.to.text());
    if (found != mta_.to_rcpt.end()) co_return found->second;
    co_return smtp::reply(250, dsn::status::address_valid, "taken");
  }
  net::Task<smtp::Reply> on_content_begin() override {
    content_.clear();
    co_return smtp::reply(354, "go on");
  }
  net::ResultTask<> on_content(std::string_view octets) override {
    if (content_.empty() && mta_.before_content) mta_.before_content();
    mta_.content_octets += octets.size();
    mta_.largest_part = std::max(mta_.largest_part, octets.size());
    content_ += octets.substr(0, 1000);
    co_return base::Result<>();
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts) override {
    if (mta_.after_content) mta_.after_content();
    if (mta_.to_content.is_positive()) mta_.messages.push_back(content_);
    co_return mta_.to_content;
  }
  net::Task<> on_reset() override { co_return; }

 private:
  Mta& mta_;
  std::string content_;
};

inline net::Task<> serve(std::unique_ptr<net::Connection> connection, Mta& mta) {
  MtaHandler handler(mta);
  drive::SmtpServer server(std::move(connection), handler,
                           {mta.world.clock(), mta.world.random(), &mta.tls}, mta.server);
  co_await server.run();
}
inline net::Task<> listen(Mta& mta) {
  while (true) {
    auto connection = co_await mta.listener->accept();
    if (!connection) co_return;
    ++mta.connections;
    mta.world.loop().spawn(serve(std::move(*connection), mta));
  }
}

inline net::ResultTask<std::vector<base::TenantId>> all_of(std::vector<base::TenantId> tenants) {
  co_return tenants;
}

class Fixture : public ::testing::Test {
 protected:
  Fixture()
      : world(11),
        network(world),
        host(network.host("192.0.2.1")),
        names(world),
        tls(world, "us"),
        events(world.clock()),
        directory({store, world.clock(), world.random(), workers, events, world.timers()},
                  {.password_rounds = 1}),
        operations({store, world.clock(), world.random(), workers, events, world.timers()},
                   {.password_rounds = 1}) {
    tls.settings.trusted_issuers = {"the CA"};
    routing.own_names = {"us.acorn.example"};
    for (const auto* text : {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"})
      routing.special_allowed.push_back(net::Prefix::parse(text).value());
    options.node = "dublin-1";
    options.ehlo_name = "us.acorn.example";
    acorn = wait(operations.add_tenant("acorn.example", "test")).value().id;
    birch = wait(operations.add_tenant("birch.example", "test")).value().id;
    EXPECT_TRUE(wait(operations.add_domain(
        "acorn.example", address::Domain::parse("acorn.example").value(), "test")));
    directory::NewAccount account;
    account.address = address::Address::parse("alice@acorn.example").value();
    account.password = "tree house";
    alice = wait(operations.add_account(std::move(account), "test")).value();
  }
  ~Fixture() override { stop(); }

  // An MTA that is one MX host of a domain.
  Mta& add_mta(const std::string& domain, const std::string& name, std::string_view address,
               std::uint16_t preference = 10) {
    mtas.push_back(std::make_unique<Mta>(world, network, name, address));
    names.zone(domain, dns::Security::insecure);
    names.mx(domain, preference, name);
    names.address(name, address);
    world.loop().spawn(listen(*mtas.back()));
    return *mtas.back();
  }

  void start() {
    router.emplace(names, world.random(), routing);
    leases.emplace(store, world.clock(), events, queue::LeaseOptions{options.node, 30s});
    ASSERT_TRUE(wait(leases->take_and_renew()));
    dispatcher.emplace(
        queue::DispatcherPorts{store, world.loop(), world.timers(), world.clock(), events, *leases,
                               [tenants = std::vector{acorn, birch}] { return all_of(tenants); }},
        window);
    relay.emplace(Ports{store, directory, *dispatcher, *leases, *router, host, tls, workers,
                        world.loop(), world.timers(), world.clock(), world.random(), events,
                        [this](base::TenantId tenant) { noticed.insert(tenant); }},
                  options);
    runs = 2;
    dispatching = world.loop().spawn(dispatcher->run(), [this] { --runs; });
    relaying = world.loop().spawn(relay->run(), [this] { --runs; });
  }
  void stop() {
    if (!relay || runs == 0) return;
    relaying->cancel();
    dispatching->cancel();
    EXPECT_TRUE(world.run_until([&] { return runs == 0; }, 1h));
  }

  template <class T>
  static net::Task<> keep(net::ResultTask<T> task, std::optional<base::Result<T>>& result) {
    result = co_await std::move(task);
  }
  template <class T>
  base::Result<T> wait(net::ResultTask<T> task) {
    std::optional<base::Result<T>> result;
    world.loop().spawn(keep(std::move(task), result));
    EXPECT_TRUE(world.run_until([&] { return result.has_value(); }, 1h));
    if (!result) return base::fail(base::ErrorKind::timeout, "the test's patience");
    return std::move(*result);
  }
  static net::ResultTask<base::BlobId> write(store::Store& to, std::string octets) {
    const auto writer = to.write_blob();
    CO_CHECK(co_await writer->write(octets));
    CO_CHECK(co_await writer->finish());
    co_return writer->id();
  }
  static net::ResultTask<> put(store::Transaction& tx, queue::Message message,
                               std::vector<queue::Recipient> recipients,
                               std::vector<queue::Due>& due) {
    auto items = queue::enqueue(tx, message, recipients);
    if (!items) co_return base::fail(items.error());
    due = std::move(*items);
    trace::Trace trace;
    trace.id = message.trace;
    trace.owner = message.tenant;
    trace.mail_from = message.mail_from;
    for (const auto& recipient : recipients)
      trace.recipients.push_back({recipient.index, recipient.address});
    trace.accepted = message.accepted;
    trace.expires = message.accepted + std::chrono::days(90);
    co_return co_await trace::begin(tx, message.tenant, std::move(trace));
  }

  struct Mail {
    std::vector<std::string> to = {"carol@modern.example"};
    std::string content = "Subject: Figures\r\n\r\nThe secret figures.\r\n.\r\n";
    std::string require;  // "level=authenticated"
    std::function<void(queue::Message&, std::vector<queue::Recipient>&)> change;
    bool is_birchs = false;
  };
  queue::Message message_of(const Mail& mail) {
    queue::Message message;
    message.id = os::make_id<base::MessageId>(world.clock(), world.random());
    message.trace = os::make_id<base::TraceId>(world.clock(), world.random());
    message.tenant = mail.is_birchs ? birch : acorn;
    if (!mail.is_birchs) message.account = alice.id;
    message.mail_from = "alice@acorn.example";
    message.blob = wait(write(store, mail.content)).value();
    message.octets = mail.content.size();
    message.digest = base::to_hex(base::sha256(mail.content));
    message.accepted = world.clock().now();
    message.expires = message.accepted + 5 * 24h;
    message.requirement = hop::requirement_from(mail.require, {hop::Source::Kind::sending_tenant,
                                                               "acorn.example", ""})
                              .value();
    return message;
  }
  queue::Message submit(Mail mail) {
    auto message = message_of(mail);
    std::vector<queue::Recipient> recipients;
    for (const auto& to : mail.to) {
      queue::Recipient one;
      one.trace_index = static_cast<unsigned>(recipients.size());
      one.address = to;
      one.destination = to.substr(to.find('@') + 1);
      recipients.push_back(one);
    }
    if (mail.change) mail.change(message, recipients);
    std::vector<queue::Due> due;
    EXPECT_TRUE(
        wait(store.transact(store::Scope::tenant(message.tenant), [&](store::Transaction& tx) {
          return put(tx, message, recipients, due);
        })));
    if (dispatcher) dispatcher->offer(due);
    return message;
  }

  static net::ResultTask<> load_in(store::Transaction& tx, queue::Message message,
                                   std::vector<queue::Recipient>& recipients,
                                   trace::LoadedTrace& trace) {
    CO_TRY(auto entry, co_await queue::find(tx, message.tenant, message.id));
    recipients.clear();
    if (entry) recipients = std::move(entry->recipients);
    CO_TRY(trace, co_await trace::load(tx, message.tenant, message.trace));
    co_return base::Result<>();
  }
  static net::ResultTask<> sweep(store::Transaction& tx, base::TenantId tenant, base::Time now) {
    CO_TRY(auto open, co_await trace::open_intents(tx, tenant, "dublin-1", "", 10));
    EXPECT_EQ(open.intents.size(), 1U);
    co_return co_await trace::leave_unknown(tx, tenant, std::move(open.intents), now,
                                            trace::TimeDetail::day);
  }
  static net::Task<> keep_taking(queue::Leases& leases) {
    EXPECT_TRUE(co_await leases.take_and_renew());
  }
  static net::ResultTask<> change_in(store::Transaction& tx, queue::Message message,
                                     queue::Step step, base::Time now) {
    std::vector<queue::Outcome> outcomes(1);
    outcomes[0].step = step;
    outcomes[0].counts_as_attempt = false;
    CO_TRY(const auto settled,
           co_await queue::settle(tx, queue::Schedule(), message.tenant, message.id,
                                  std::move(outcomes), {.now = now}));
    EXPECT_EQ(settled.message_gone, step == queue::Step::remove);
    co_return base::Result<>();
  }
  // As an operator does.
  static net::Task<> change(store::Store& store, const queue::Message& message, queue::Step step,
                            base::Time now) {
    EXPECT_TRUE(co_await store.transact(
        store::Scope::tenant(message.tenant),
        [&](store::Transaction& tx) { return change_in(tx, message, step, now); }));
  }
  // As they stand: none, once nothing is left to do or to tell.
  std::vector<queue::Recipient> recipients(const queue::Message& message) {
    load(message);
    return recipients_;
  }
  std::vector<hop::Hop> hops(const queue::Message& message) {
    load(message);
    return trace_.hops;
  }
  trace::Trace trace_of(const queue::Message& message) {
    load(message);
    return trace_.trace;
  }
  std::vector<trace::Way> ways(const queue::Message& message) {
    load(message);
    return trace_.ways;
  }
  void load(const queue::Message& message) {
    EXPECT_TRUE(wait(store.read(store::Scope::tenant(message.tenant), [&](auto& tx) {
      return load_in(tx, message, recipients_, trace_);
    })));
  }
  bool happens(std::string_view event, std::size_t count = 1, base::Milliseconds within = 1h) {
    return world.run_until([&] { return events.count(event) >= count; }, within);
  }
  std::string field(std::string_view event, std::string_view key) {
    const auto* last = events.last(event);
    return last ? std::string((*last)[key]) : "no such event";
  }

  sim::World world;
  sim::Network network;
  sim::Host& host;
  sim::Names names;
  sim::Tls tls;
  store::MemoryStore store;
  net::InlineWorkers workers;
  sim::Events events;
  directory::Directory directory;
  directory::Operations operations;
  base::TenantId acorn;
  base::TenantId birch;
  directory::Account alice;
  std::vector<std::unique_ptr<Mta>> mtas;
  route::Options routing;
  Options options;
  queue::WindowLimits window;
  std::set<base::TenantId> noticed;
  std::optional<route::Router> router;
  std::optional<queue::Leases> leases;
  std::optional<queue::Dispatcher> dispatcher;
  std::optional<Relay> relay;
  std::shared_ptr<net::Running> dispatching;
  std::shared_ptr<net::Running> relaying;
  unsigned runs = 0;

 private:
  std::vector<queue::Recipient> recipients_;
  trace::LoadedTrace trace_;
};

}  // namespace letterlock::relay::test

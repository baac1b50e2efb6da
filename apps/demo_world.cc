#include "apps/demo_world.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "os/files.h"

namespace letterlock::apps {
namespace {

using Kind = ListenerConfig::Kind;

constexpr auto kinds = {Kind::mx, Kind::submission, Kind::submissions, Kind::pop3, Kind::pop3s};
constexpr int ports_tried_max = 50;
constexpr auto grace = std::chrono::seconds(2);
constexpr auto connect_wait = std::chrono::seconds(5);
constexpr std::uint64_t reserve_octets = 16ULL << 20;

const auto platform_address = net::IpAddress::v4({127, 0, 0, 1});
const auto modern_address = net::IpAddress::v4({127, 0, 0, 2});
const auto old_address = net::IpAddress::v4({127, 0, 0, 3});

const std::vector<std::string> platform_names{DemoWorld::host_name, "localhost"};
const std::vector<std::string> modern_names{"mx.modern.example"};
const std::string old_name = "mx.old.example";

base::Error error_in(const boost::json::object& error) {
  const auto* what = error.if_contains("what");
  return {base::ErrorKind::invalid, what != nullptr && what->is_string()
                                        ? std::string(what->get_string())
                                        : "an error without words"};
}

}  // namespace

base::Result<std::unique_ptr<DemoWorld>> DemoWorld::create() {
  auto folder = TRY(os::TemporaryFolder::create("letterlock-demo"));
  std::unique_ptr<DemoWorld> world(new DemoWorld(std::move(folder)));
  TRY(world->make());
  return world;
}

base::Result<> DemoWorld::make() {
  log_ = TRY(os::LogSink::create({.file = log_file()}, clock_));
  network_ = std::make_unique<net::TcpNetwork>(*log_);
  TRY(make_certificates());
  TRY(make_names());
  TRY(listen_outside());
  TRY(make_platform());
  TRY(make_outside());
  return make_admin();
}

base::Result<> DemoWorld::make_certificates() {
  const auto authority = TRY(tls::make_authority("Letterlock demonstration", clock_.now()));
  TRY(os::write_file(authority_file(), authority.certificate_pem, 0644));
  TRY(write_certificate(authority, platform_names));
  TRY(write_certificate(authority, modern_names));
  auto modern = TRY(tls::ServerCertificates::load({files_of(modern_names)}, clock_, *log_));
  modern_tls_ = TRY(tls::OpensslTls::create(std::move(modern), clock_, *log_));
  client_tls_ = TRY(tls::OpensslTls::create(nullptr, clock_, *log_));
  return {};
}

base::Result<> DemoWorld::write_certificate(const tls::Authority& authority,
                                            const std::vector<std::string>& names) {
  const auto now = clock_.now();
  const auto made = TRY(tls::make_certificate(authority, names, now - std::chrono::hours(1),
                                              now + std::chrono::days(30)));
  const auto files = files_of(names);
  TRY(os::write_file(files.chain_file, made.chain_pem));
  return os::write_file(files.key_file, made.key_pem);
}

tls::CertificateFiles DemoWorld::files_of(const std::vector<std::string>& names) const {
  const auto path = folder_.path() + "/" + names.front();
  return {names, path + ".pem", path + ".key"};
}

base::Result<> DemoWorld::make_names() {
  names_ = TRY(peers::NameServer::start());
  names_->mx("modern.example", 10, modern_names.front());
  names_->address(modern_names.front(), modern_address);
  names_->mx("old.example", 10, old_name);
  names_->address(old_name, old_address);
  return {};
}

// Mail between operators goes to one port everywhere: a free one, and the same at both.
base::Result<> DemoWorld::listen_outside() {
  for (int tried = 0; tried < ports_tried_max; ++tried) {
    auto modern = TRY(network_->listen({modern_address, 0}));
    const auto port = modern->local().port;
    auto old = network_->listen({old_address, port});
    if (!old && old.error().kind == base::ErrorKind::exists) continue;
    if (!old) return base::fail(std::move(old.error()));
    outside_port_ = port;
    modern_listener_ = std::move(modern);
    old_listener_ = std::move(*old);
    return {};
  }
  return base::fail(base::ErrorKind::exists,
                    "no port is free on both 127.0.0.2 and 127.0.0.3 for the outside MTAs");
}

Config DemoWorld::config() const {
  const auto loopback = net::Prefix::parse("127.0.0.0/8").value();
  Config config;
  config.site.name = "demo";
  config.site.node = "demo-1";
  config.site.host_name = host_name;
  config.site.public_networks = {loopback};
  config.site.data = folder_.path();
  config.store.reserve_octets = reserve_octets;
  const auto files = files_of(platform_names);
  config.certificates = {{files.names, files.chain_file, files.key_file}};
  config.relay.special_allowed = {loopback};
  config.relay.port = outside_port_;
  config.relay.ipv6 = false;
  config.relay.connect_timeout = connect_wait;
  config.dns.stubs = {{"example", {names_->endpoint()}}};
  // Every other name is asked here too, so that no question leaves the machine.
  config.dns.forwarders = {names_->endpoint()};
  return config;
}

base::Result<> DemoWorld::make_platform() {
  const auto settings = config();
  world_ = TRY(RealWorld::create(settings, *log_, metrics_, store::Durability::volatile_allowed));
  platform_ = std::make_unique<Platform>(world_->world(), settings);
  doors_ = std::make_unique<Doors>(*world_, *platform_, *log_, metrics_);
  for (const auto kind : kinds) {
    auto listener = TRY(network_->listen_tcp({platform_address, 0}));
    ports_[kind] = TRY(doors_->open(kind, std::move(listener))).port;
  }
  return {};
}

base::Result<> DemoWorld::make_outside() {
  const peers::OutsideMta::World world{loop(), timers_, clock_, random_};
  modern_ = TRY(peers::OutsideMta::create(
      world, {.host_name = modern_names.front(), .tls = modern_tls_.get()}));
  old_ = TRY(peers::OutsideMta::create(world, {.host_name = old_name}));
  return {};
}

base::Result<> DemoWorld::make_admin() {
  admin_ports_ = std::make_unique<admin::Ports>(admin::Ports{
      platform_->store(), platform_->directory(), platform_->operations(), platform_->dispatcher(),
      platform_->leases(), platform_->schedule(), platform_->admission(), platform_->world().clock,
      platform_->calendar(), random_, *log_, platform_->config().site.node, "demonstration",
      [this] { return platform_->tenants(); },
      [this](base::TenantId tenant) { platform_->notice(tenant); }});
  admin_ = std::make_unique<admin::Server>(*admin_ports_, loop(), timers_);
  admin_listener_ = TRY(net::listen_local(admin_socket(), *log_));
  gate_ = std::make_unique<net::Gate>(loop());
  return {};
}

net::ResultTask<> DemoWorld::start() {
  CO_CHECK(co_await platform_->start());
  modern_->serve(std::move(modern_listener_));
  old_->serve(std::move(old_listener_));
  doors_->start(*gate_);
  gate_->start(admin_->run(admin_listener_));
  co_return base::Result<>();
}

net::Task<> DemoWorld::stop() {
  doors_->close();
  admin_listener_->close();
  co_await gate_->close(timers_, base::Milliseconds(0));
  co_await platform_->stop(grace);
  co_await modern_->close();
  co_await old_->close();
}

net::ResultTask<boost::json::object> DemoWorld::call(std::string operation,
                                                     boost::json::object arguments) {
  const auto line = boost::json::serialize(
      boost::json::object{{"operation", operation}, {"arguments", std::move(arguments)}});
  const auto answer = boost::json::parse(co_await admin::answer(*admin_ports_, line)).as_object();
  if (const auto* error = answer.if_contains("error"))
    co_return base::fail(base::within(operation, error_in(error->as_object())));
  co_return answer.at("result").as_object();
}

net::ResultTask<std::unique_ptr<net::Connection>> DemoWorld::connect(Kind kind) {
  co_return co_await network_->connect({platform_address, port(kind)}, {.timeout = connect_wait});
}

}  // namespace letterlock::apps

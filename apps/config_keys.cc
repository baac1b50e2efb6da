#include "apps/config_keys.h"

#include <fmt/format.h>

#include "apps/config_values.h"

namespace letterlock::apps {
namespace {

using base::ErrorKind;
using base::fail;

// A setter that reads a value and puts it where `place` says.
template <class Target, class Read, class Place>
Setter<Target> into(Read read, Place place) {
  return [read, place](Target& target, const toml::node& node) -> base::Result<> {
    auto value = read(node);
    if (!value) return fail(value.error());
    place(target) = std::move(*value);
    return {};
  };
}
template <class Read, class Place>
Setter<Config> set(Read read, Place place) {
  return into<Config>(read, place);
}

template <class Number>
auto count(std::uint64_t least, std::uint64_t most) {
  return [least, most](const toml::node& node) -> base::Result<Number> {
    return static_cast<Number>(TRY(values::number(node, least, most)));
  };
}

base::Result<std::optional<net::IpAddress>> source_address(const toml::node& node, bool v4) {
  const auto address = TRY(net::IpAddress::parse(TRY(values::text(node))));
  if (address.is_v4() != v4)
    return fail(ErrorKind::invalid, fmt::format("expected an {} address", v4 ? "IPv4" : "IPv6"));
  return std::optional(address);
}

base::Result<std::optional<route::Options::SmartHost>> smart_host(const toml::node& node) {
  auto host = TRY(values::host_port(node, 587));
  return std::optional(route::Options::SmartHost{host.host, host.port});
}

// "zone" and "servers" of each table.
base::Result<std::vector<StubZone>> stub_zones(const toml::node& node) {
  const auto* array = node.as_array();
  const auto wrong = [] {
    return fail(ErrorKind::invalid,
                "expected a list of { zone = \"example\", servers = [\"192.0.2.1:53\"] }");
  };
  if (array == nullptr) return wrong();
  std::vector<StubZone> out;
  for (const auto& element : *array) {
    const auto* table = element.as_table();
    if (table == nullptr || table->size() != 2 || table->get("zone") == nullptr ||
        table->get("servers") == nullptr)
      return wrong();
    StubZone stub{TRY(values::text(*table->get("zone"))),
                  TRY(values::endpoints(*table->get("servers")))};
    if (stub.servers.empty()) return wrong();
    out.push_back(std::move(stub));
  }
  return out;
}

base::Result<Config::Log::Format> log_format(const toml::node& node) {
  const auto word = TRY(values::text(node));
  if (word == "text") return Config::Log::Format::text;
  if (word == "json") return Config::Log::Format::json;
  return fail(ErrorKind::invalid, "expected \"text\" or \"json\"");
}

base::Result<std::string> log_level(const toml::node& node) {
  auto word = TRY(values::text(node));
  for (const auto* known : {"debug", "info", "warning", "error"}) {
    if (word == known) return word;
  }
  return fail(ErrorKind::invalid, "expected \"debug\", \"info\", \"warning\" or \"error\"");
}

base::Result<ListenerConfig::Kind> listener_kind(const toml::node& node) {
  using Kind = ListenerConfig::Kind;
  const auto word = TRY(values::text(node));
  for (const Kind kind :
       {Kind::mx, Kind::submission, Kind::submissions, Kind::pop3, Kind::pop3s, Kind::metrics}) {
    if (name(kind) == word) return kind;
  }
  return fail(
      ErrorKind::invalid,
      "expected \"mx\", \"submission\", \"submissions\", \"pop3\", \"pop3s\" or \"metrics\"");
}

base::Result<std::optional<net::Endpoint>> listener_address(const toml::node& node) {
  return std::optional(TRY(net::Endpoint::parse(TRY(values::text(node)))));
}

base::Result<std::uint64_t> backup_rate(const toml::node& node) {
  const auto octets = TRY(values::size(node));
  if (octets < 1 << 20) return fail(ErrorKind::invalid, "expected at least \"1MiB\"");
  return octets;
}

Section site_section() {
  return {
      "site",
      "Who this node is.",
      {{"name", "text", "required", "The site: one store, one place on the map.",
        set(values::text, [](Config& c) -> auto& { return c.site.name; })},
       {"node", "text", "required", "This node, unique in the site. It stands in traces.",
        set(values::text, [](Config& c) -> auto& { return c.site.node; })},
       {"host_name", "host name", "required",
        "Said in EHLO and greetings, and after `by` in `Received`. Should resolve to this node.",
        set(values::host_name, [](Config& c) -> auto& { return c.site.host_name; })},
       {"data", "path", "required", "The directory that is this node's alone: the store is in it.",
        set(values::path, [](Config& c) -> auto& { return c.site.data; })},
       {"user", "text", "\"letterlock\"",
        "Whom to become after the ports are open, if started as root.",
        set(values::text, [](Config& c) -> auto& { return c.site.user; })},
       {"threads", "number", "one a core", "I/O threads.",
        set(count<unsigned>(1, 256), [](Config& c) -> auto& { return c.site.threads; })},
       {"confined", "true or false", "true",
        "After the start no program can be run, and no file be reached but those named here. "
        "`false` is for debuggers and profilers.",
        set(values::boolean, [](Config& c) -> auto& { return c.site.confined; })},
       {"private_networks", "list of networks", "[]",
        "Networks that are the operator's own from end to end: hops inside them are recorded as "
        "`private`.",
        set(values::prefixes, [](Config& c) -> auto& { return c.site.private_networks; })},
       {"public_networks", "list of networks", "[]",
        "Special addresses to be judged as the internet: for demonstrations on loopback.",
        set(values::prefixes, [](Config& c) -> auto& { return c.site.public_networks; })}}};
}

Section store_section() {
  return {
      "store",
      "What the platform keeps, in `data`/store.",
      {{"reserve", "size", "\"256MiB\"",
        "Free disk that is never used: below it mail is answered 452 4.3.1, and reading goes on. "
        "Mail from outside is so below twice of it.",
        set(values::size, [](Config& c) -> auto& { return c.store.reserve_octets; })},
       {"cache", "size", "\"32MiB\"", "Memory for blocks read from disk.",
        set(values::size, [](Config& c) -> auto& { return c.store.cache_octets; })},
       {"backups", "path", "none",
        "Where `letterlock backup` may write, besides `data`: a directory of the node's user, on "
        "another disk at best.",
        set(values::path, [](Config& c) -> auto& { return c.store.backups; })},
       {"backup_rate", "size", "\"64MiB\"",
        "How much `letterlock backup` writes a second, so that mail goes on beside it.",
        set(backup_rate, [](Config& c) -> auto& { return c.store.backup_octets_per_second; })}}};
}

Section limits_section() {
  return {
      "limits",
      "What strangers and clients may cost.",
      {{"message_size", "size", "\"50MiB\"", "Of one message; told in EHLO as SIZE (RFC 1870).",
        set(values::size, [](Config& c) -> auto& { return c.limits.message_octets_max; })},
       {"recipients", "number", "1000", "Of one message; at least 100 (RFC 5321 §4.5.3.1.8).",
        set(count<std::size_t>(100, 1000),
            [](Config& c) -> auto& { return c.limits.recipients_max; })},
       {"sessions", "number", "20000",
        "At once, all listeners together: a quarter each is kept for port 25, for submission and "
        "for "
        "POP3, so that none shuts the others out; a quarter of the latter two for who has signed "
        "in, "
        "or comes from where somebody did within a day.",
        set(count<std::size_t>(1, 1'000'000),
            [](Config& c) -> auto& { return c.limits.sessions_max; })},
       {"sessions_per_address", "number", "50", "At once from one IPv4 address or one IPv6 /64.",
        set(count<std::size_t>(1, 1'000'000),
            [](Config& c) -> auto& { return c.limits.sessions_per_address_max; })},
       {"sessions_per_network", "number", "500", "At once from one IPv4 /24 or one IPv6 /48.",
        set(count<std::size_t>(1, 1'000'000),
            [](Config& c) -> auto& { return c.limits.sessions_per_network_max; })},
       {"connections_per_minute", "number", "1200",
        "Begun by one IPv4 address or one IPv6 /64; those of this machine itself aren't counted.",
        set(count<std::size_t>(1, 10'000'000),
            [](Config& c) -> auto& { return c.limits.connections_per_minute_max; })},
       {"errors", "number", "20", "Bad commands in one session before it is ended with 421.",
        set(count<std::size_t>(1, 1000), [](Config& c) -> auto& { return c.limits.errors_max; })},
       {"normalise_line_ends", "true or false", "false",
        "Make a bare LF into CRLF before the end of the message is looked for, instead of refusing "
        "it.",
        set(values::boolean, [](Config& c) -> auto& { return c.limits.normalise_line_ends; })},
       {"greeting_pause", "duration", "\"0s\"",
        "How long to listen on port 25 before greeting: who speaks first is no mail server, and is "
        "refused. At `0s` it looks, and doesn't wait.",
        set(values::duration, [](Config& c) -> auto& { return c.limits.greeting_pause; })},
       {"command_timeout", "duration", "\"5m\"", "Between two commands (RFC 5321 §4.5.3.2.7).",
        set(values::duration, [](Config& c) -> auto& { return c.limits.command_timeout; })},
       {"session_time", "duration", "\"2h\"", "Of one SMTP session, whatever it does.",
        set(values::duration, [](Config& c) -> auto& { return c.limits.session_time_max; })},
       {"pop_idle_timeout", "duration", "\"10m\"", "Of a POP3 session (RFC 1939 §3).",
        set(values::duration, [](Config& c) -> auto& { return c.limits.pop_idle_timeout; })}}};
}

Section relay_section() {
  return {
      "relay",
      "How mail leaves.",
      {{"smart_host", "host:port", "none",
        "Give all outgoing mail to this host instead of the domains' MX hosts; port 587 if "
        "none is said.",
        set(smart_host, [](Config& c) -> auto& { return c.relay.smart_host; })},
       {"smart_host_user", "text", "none", "Sign in to it as this user (over TLS only).",
        set(values::text, [](Config& c) -> auto& { return c.relay.smart_host_user; })},
       {"smart_host_password_file", "path", "none",
        "The file that holds the password, alone on its first line.",
        set(values::path, [](Config& c) -> auto& { return c.relay.smart_host_password_file; })},
       {"source_ipv4", "address", "the system's", "Connect from it.",
        set([](const toml::node& n) { return source_address(n, true); },
            [](Config& c) -> auto& { return c.relay.source_ipv4; })},
       {"source_ipv6", "address", "the system's", "Connect from it.",
        set([](const toml::node& n) { return source_address(n, false); },
            [](Config& c) -> auto& { return c.relay.source_ipv6; })},
       {"allow_addresses", "list of networks", "[]",
        "Addresses outside the public internet (loopback, private, mapped …) that MX hosts may "
        "have. Without this such a host is not used.",
        set(values::prefixes, [](Config& c) -> auto& { return c.relay.special_allowed; })},
       {"port", "number", "25", "Of MX hosts.",
        set(count<std::uint16_t>(1, 65535), [](Config& c) -> auto& { return c.relay.port; })},
       {"ipv4", "true or false", "true", "Use it.",
        set(values::boolean, [](Config& c) -> auto& { return c.relay.ipv4; })},
       {"ipv6", "true or false", "true", "Use it.",
        set(values::boolean, [](Config& c) -> auto& { return c.relay.ipv6; })},
       {"connect_timeout", "duration", "\"30s\"", "For one address of a host.",
        set(values::duration, [](Config& c) -> auto& { return c.relay.connect_timeout; })},
       {"report_timeout", "duration", "\"30s\"",
        "How long a host may take for each answer while it is given a report; mail has the minutes "
        "that RFC 5321 §4.5.3.2 asks for.",
        set(values::duration, [](Config& c) -> auto& { return c.relay.report_timeout; })},
       {"connection_idle", "duration", "\"10s\"",
        "How long a connection waits for the next message of the same tenant and requirement.",
        set(values::duration, [](Config& c) -> auto& { return c.relay.connection_idle; })},
       {"messages_per_connection", "number", "100", "Then a new one is opened.",
        set(count<std::size_t>(1, 100'000),
            [](Config& c) -> auto& { return c.relay.messages_per_connection; })}}};
}

Section dns_section() {
  return {"dns",
          "How names are looked up. The node validates DNSSEC itself.",
          {{"forwarders", "list of address:port", "[]", "Ask these instead of the root servers.",
            set(values::endpoints, [](Config& c) -> auto& { return c.dns.forwarders; })},
           {"stub_zones", "list of tables", "[]",
            "Ask these servers for these zones: `{ zone = \"example\", servers = "
            "[\"192.0.2.1:53\"] }`.",
            set(stub_zones, [](Config& c) -> auto& { return c.dns.stubs; })},
           {"trust_anchor_file", "path", "Debian's root key", "DNSSEC trust anchors.",
            set(values::path, [](Config& c) -> auto& { return c.dns.trust_anchor_file; })}}};
}

Section queue_section() {
  return {
      "queue",
      "When mail is tried again, and how much is under way.",
      {{"retry", "list of durations", "1m 3m 5m 10m 15m 30m 1h 2h 4h",
        "The waits between tries; the last one repeats. Each is spread by a tenth.",
        set(values::durations, [](Config& c) -> auto& { return c.schedule.waits; })},
       {"lifetime", "duration", "\"5d\"",
        "How long a message is tried before it comes back (RFC 5321 §4.5.4.1).",
        set(values::duration, [](Config& c) -> auto& { return c.schedule.lifetime; })},
       {"report_lifetime", "duration", "\"2d\"", "The same for reports.",
        set(values::duration, [](Config& c) -> auto& { return c.schedule.report_lifetime; })},
       {"delay_notice_after", "duration", "\"4h\"",
        "When the sender is told of a delay; \"0s\": never.",
        set(values::duration, [](Config& c) -> auto& { return c.schedule.delay_notice_after; })},
       {"window", "number", "20000",
        "Recipients in memory: a fifth for local delivery, a tenth for reports that leave, the "
        "rest "
        "for mail that leaves. Others wait in the store.",
        set(count<std::size_t>(100, 1'000'000),
            [](Config& c) -> auto& { return c.window.recipients_max; })},
       {"concurrency", "number", "500",
        "Outgoing transfers at once. A tenant alone has three fifths of them, so that another "
        "finds "
        "a place at once; destinations that have taken nothing lately have half.",
        set(count<std::size_t>(1, 100'000),
            [](Config& c) -> auto& { return c.window.remote_concurrency; })},
       {"report_concurrency", "number", "100",
        "Reports (bounces and success notes) on their way out at once, beside those.",
        set(count<std::size_t>(1, 100'000),
            [](Config& c) -> auto& { return c.window.report_concurrency; })},
       {"destination_concurrency", "number", "40",
        "Of them, to one destination, at most: 10 at first, one more with each message that it "
        "takes, half as many where it gives no session.",
        set(count<std::size_t>(1, 10'000),
            [](Config& c) -> auto& { return c.window.destination_concurrency; })},
       {"destination_per_minute", "number", "0",
        "Transfers begun to one destination a minute; 0: no limit.",
        set(count<std::size_t>(0, 60'000),
            [](Config& c) -> auto& { return c.window.destination_per_minute; })},
       {"reports_per_address", "number", "10",
        "Reports an hour to one address that no sign-in vouches for, about one tenant's mail; "
        "three "
        "times as many about all tenants' together. What is over it: docs/operator.md.",
        set(count<std::size_t>(1, 1'000'000),
            [](Config& c) -> auto& { return c.reports.per_address; })},
       {"reports_per_domain", "number", "100",
        "The same for all addresses of one registered domain and the names below it.",
        set(count<std::size_t>(1, 1'000'000),
            [](Config& c) -> auto& { return c.reports.per_domain; })},
       {"deliver", "true or false", "true",
        "`false`: mail is taken and kept, and nothing goes on to mailboxes or other hosts until "
        "the "
        "node is started with `true`: for work on what lies behind.",
        set(values::boolean, [](Config& c) -> auto& { return c.deliver; })}}};
}

Section others_section() {
  return {"trace",
          "What is kept of the hops.",
          {{"keep", "duration", "\"90d\"", "How long a trace is kept.",
            set(values::duration, [](Config& c) -> auto& { return c.trace.keep; })}}};
}
Section log_section() {
  return {
      "log",
      "One line an event.",
      {{"format", "text", "\"text\"", "`text` (key=value) or `json`.",
        set(log_format, [](Config& c) -> auto& { return c.log.format; })},
       {"level", "text", "\"info\"",
        "The least severity written: `debug`, `info`, `warning`, `error`.",
        set(log_level, [](Config& c) -> auto& { return c.log.level; })},
       {"file", "path", "standard error", "Opened again on SIGHUP.",
        set(values::path, [](Config& c) -> auto& { return c.log.file; })},
       {"repeats", "number", "60",
        "Lines a minute of one kind of refusal or failure, from one address; the rest is counted "
        "(event `log.thinned`). 0: every line is written.",
        set(count<std::uint64_t>(0, 1'000'000),
            [](Config& c) -> auto& { return c.log.repeats; })}}};
}
Section admin_section() {
  return {"admin",
          "How the command line reaches the running node.",
          {{"socket", "path", "data/admin.sock", "A local socket, the owner's only.",
            set(values::path, [](Config& c) -> auto& { return c.admin_socket; })}}};
}

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> all{site_section(),   store_section(), limits_section(),
                                        relay_section(),  dns_section(),   queue_section(),
                                        others_section(), log_section(),   admin_section()};
  return all;
}

const std::vector<Key<ListenerConfig>>& listener_keys() {
  static const std::vector<Key<ListenerConfig>> keys{
      {"kind", "text", "required",
       "`mx` (25: other operators' mail), `submission` (587: STARTTLS), `submissions` (465: TLS at "
       "once), `pop3` (110: STLS), `pop3s` (995: TLS at once), "
       "`metrics` (HTTP: /metrics, /live, /ready).",
       into<ListenerConfig>(listener_kind, [](ListenerConfig& l) -> auto& { return l.kind; })},
      {"address", "address:port", "–", "Where to listen: \"0.0.0.0:25\", \"[::]:25\".",
       into<ListenerConfig>(listener_address,
                            [](ListenerConfig& l) -> auto& { return l.address; })},
      {"socket", "text", "–",
       "Instead of `address`: the name of a socket that systemd opened (`FileDescriptorName=`).",
       into<ListenerConfig>(values::text, [](ListenerConfig& l) -> auto& { return l.socket; })},
      {"local", "true or false", "false",
       "What comes over loopback comes from programs of this machine, and nothing on it passes "
       "others' connections on (a TCP proxy, a container's port, an SSH forwarding): such hops are "
       "`local`. Without this they are judged as the internet, or as `site.private_networks` says.",
       into<ListenerConfig>(values::boolean, [](ListenerConfig& l) -> auto& { return l.local; })},
      {"proxy_from", "list of networks", "[]",
       "The proxies before this listener. Each of their connections must begin with a PROXY header "
       "of version 2, within 5 s, and is its client's from then on; whoever else connects is sent "
       "away.",
       into<ListenerConfig>(values::prefixes,
                            [](ListenerConfig& l) -> auto& { return l.proxy_from; })},
      {"beyond_loopback", "true or false", "false",
       "`metrics` alone: the address may be one that others reach. Whoever reaches it reads "
       "figures, no names.",
       into<ListenerConfig>(values::boolean,
                            [](ListenerConfig& l) -> auto& { return l.beyond_loopback; })}};
  return keys;
}

const std::vector<Key<CertificateConfig>>& certificate_keys() {
  static const std::vector<Key<CertificateConfig>> keys{
      {"names", "list of host names", "required",
       "The server names (SNI) that it answers. The first certificate also answers all others.",
       into<CertificateConfig>(values::texts,
                               [](CertificateConfig& c) -> auto& { return c.names; })},
      {"chain", "path", "required", "PEM: the certificate, then those that lead to its CA.",
       into<CertificateConfig>(values::path,
                               [](CertificateConfig& c) -> auto& { return c.chain_file; })},
      {"key", "path", "required", "PEM: its private key.",
       into<CertificateConfig>(values::path,
                               [](CertificateConfig& c) -> auto& { return c.key_file; })}};
  return keys;
}

}  // namespace letterlock::apps

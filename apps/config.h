// The configuration of one node, as values: everything checked, nothing left as text "for later".
// Its keys, their defaults and their documentation stand in one table (config_keys.cc), from which
// docs/configuration.md is made.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"
#include "queue/schedule.h"
#include "queue/window.h"
#include "route/route.h"

namespace letterlock::apps {

struct ListenerConfig {
  enum class Kind { mx, submission, submissions, pop3, pop3s, metrics };
  Kind kind = Kind::mx;
  std::optional<net::Endpoint> address;  // nothing: a socket that the service manager opened
  std::string socket;                    // its name (FileDescriptorName=)
  bool beyond_loopback = false;          // metrics: the operator means an address of the network
  bool local = false;                    // what comes over loopback comes from this machine itself
  std::vector<net::Prefix> proxy_from;   // proxies, whose word on their clients is believed
  int line = 0;
};
std::string_view name(ListenerConfig::Kind kind);

struct CertificateConfig {
  std::vector<std::string>
      names;  // which server names it answers; the first entry is also the default
  std::string chain_file;
  std::string key_file;
  int line = 0;
};

struct StubZone {
  std::string zone;
  std::vector<net::Endpoint> servers;
};

struct Config {
  struct Site {
    std::string name;       // "dublin"
    std::string node;       // "dublin-1"
    std::string host_name;  // EHLO name, and the "by" of Received
    std::vector<net::Prefix> private_networks;
    std::vector<net::Prefix> public_networks;
    std::string data;  // directory
    std::string user;  // to become after start, if started as root
    unsigned threads = 0;
    bool confined = true;
  } site;
  struct Store {
    std::uint64_t reserve_octets = 256ULL << 20;
    std::uint64_t cache_octets = 32ULL << 20;
    std::uint64_t backup_octets_per_second = 64ULL << 20;
    std::string backups;  // directory; empty: below `data` alone
  } store;
  std::vector<ListenerConfig> listeners;
  std::vector<CertificateConfig> certificates;
  struct Reception {
    std::uint64_t message_octets_max = 50ULL << 20;
    std::size_t recipients_max = 1000;
    std::size_t sessions_max = 20'000;
    std::size_t sessions_per_address_max = 50;
    std::size_t sessions_per_network_max = 500;
    std::size_t connections_per_minute_max = 1200;
    std::size_t errors_max = 20;
    bool normalise_line_ends = false;
    base::Milliseconds greeting_pause{0};
    base::Milliseconds command_timeout = std::chrono::minutes(5);
    base::Milliseconds session_time_max = std::chrono::hours(2);
    base::Milliseconds pop_idle_timeout = std::chrono::minutes(10);
  } limits;
  struct Relay {
    std::optional<route::Options::SmartHost> smart_host;
    std::string smart_host_user;
    std::string smart_host_password_file;
    std::string smart_host_password;  // what the file says; read by load_config()
    std::optional<net::IpAddress> source_ipv4;
    std::optional<net::IpAddress> source_ipv6;
    std::vector<net::Prefix> special_allowed;
    std::uint16_t port = 25;
    bool ipv4 = true;
    bool ipv6 = true;
    base::Milliseconds connect_timeout = std::chrono::seconds(30);
    base::Milliseconds report_timeout = std::chrono::seconds(30);
    base::Milliseconds connection_idle = std::chrono::seconds(10);
    std::size_t messages_per_connection = 100;
  } relay;
  struct Dns {
    std::vector<net::Endpoint> forwarders;
    std::vector<StubZone> stubs;
    std::string trust_anchor_file;
  } dns;
  queue::Schedule schedule;
  queue::WindowLimits window;
  bool deliver = true;
  struct Reports {
    std::size_t per_address = 10;
    std::size_t per_domain = 100;
  } reports;
  struct Trace {
    base::Milliseconds keep = std::chrono::days(90);
  } trace;
  struct Log {
    enum class Format { text, json } format = Format::text;
    std::string level = "info";
    std::string file;
    std::uint64_t repeats = 60;
  } log;
  std::string admin_socket;

  std::string store_path() const { return site.data + "/store"; }
};

// One thing wrong, with where: "letterlock.toml:12: …".
struct Problem {
  std::string file;
  int line = 0;
  std::string what;
  std::string text() const;
};

struct Checked {
  Config config;
  std::vector<Problem> problems;  // empty: usable
};

// Reads and checks all that can be checked from the text alone. Never throws; every problem is
// told, not only the first.
Checked parse_config(std::string_view text, const std::string& file);
// The same from a file; then also what the machine says: certificates readable and matching,
// data directory there. Errors as problems.
Checked load_config(const std::string& file);

// The reference of all keys as Markdown.
std::string config_reference();

}  // namespace letterlock::apps

#include "apps/config.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apps/config_keys.h"

namespace letterlock::apps {
namespace {

int line_of(const toml::node& node) {
  return static_cast<int>(node.source().begin.line);
}

// Reads one file's tree into a Config, collecting what is wrong with it.
class Reader {
 public:
  Reader(Checked& out, const std::string& file) : out_(out), file_(file) {}

  void read(const toml::table& root);

 private:
  void problem(int line, std::string what) {
    out_.problems.push_back({file_, line, std::move(what)});
  }
  void read_section(const Section& section, const toml::node& node);
  void check_required();
  void check_together();

  template <class Target>
  void read_key(Target& target, const std::vector<Key<Target>>& keys, std::string_view section,
                std::string_view name, const toml::node& node) {
    const auto key = std::ranges::find(keys, name, &Key<Target>::name);
    if (key == keys.end()) {
      std::string known;
      for (const auto& one : keys) known += (known.empty() ? "" : ", ") + std::string(one.name);
      problem(line_of(node),
              fmt::format("unknown key '{}' in [{}]; it knows: {}", name, section, known));
      return;
    }
    if (auto set = key->set(target, node); !set)
      problem(line_of(node), fmt::format("{}.{}: {}", section, name, set.error().what));
  }

  template <class Target>
  void read_list(std::vector<Target>& list, const std::vector<Key<Target>>& keys,
                 std::string_view section, const toml::node& node) {
    const auto* array = node.as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
      problem(line_of(node),
              fmt::format("'{0}' must be written as [[{0}]], once for each", section));
      return;
    }
    for (const auto& element : *array) {
      const auto& table = *element.as_table();
      Target target;
      target.line = line_of(table);
      for (const auto& [name, value] : table) read_key(target, keys, section, name.str(), value);
      for (const auto& key : keys) {
        if (key.fallback == "required" && table.get(key.name) == nullptr)
          problem(target.line, fmt::format("[[{}]] lacks '{}'", section, key.name));
      }
      list.push_back(std::move(target));
    }
  }

  Checked& out_;
  const std::string& file_;
  std::set<std::string, std::less<>> seen_;
};

void Reader::read(const toml::table& root) {
  for (const auto& [name, node] : root) {
    const std::string_view word = name.str();
    if (word == "listener") {
      read_list(out_.config.listeners, listener_keys(), word, node);
      continue;
    }
    if (word == "certificate") {
      read_list(out_.config.certificates, certificate_keys(), word, node);
      continue;
    }
    const auto section = std::ranges::find(sections(), word, &Section::name);
    if (section == sections().end()) {
      std::string known = "listener, certificate";
      for (const auto& one : sections()) known += ", " + std::string(one.name);
      problem(line_of(node), fmt::format("unknown section [{}]; there are: {}", word, known));
      continue;
    }
    read_section(*section, node);
  }
  check_required();
  check_together();
}

void Reader::read_section(const Section& section, const toml::node& node) {
  const auto* table = node.as_table();
  if (table == nullptr) {
    problem(line_of(node), fmt::format("'{0}' must be a section: [{0}]", section.name));
    return;
  }
  for (const auto& [name, value] : *table) {
    seen_.insert(fmt::format("{}.{}", section.name, name.str()));
    read_key(out_.config, section.keys, section.name, name.str(), value);
  }
}

void Reader::check_required() {
  for (const auto& section : sections()) {
    for (const auto& key : section.keys) {
      if (key.fallback == "required" &&
          !seen_.contains(fmt::format("{}.{}", section.name, key.name))) {
        problem(0, fmt::format("[{}] lacks '{}': {}", section.name, key.name, key.meaning));
      }
    }
  }
}

// What single keys can't know.
void Reader::check_together() {
  auto& config = out_.config;
  if (config.listeners.empty())
    problem(0, "there is no [[listener]]: nobody could reach this node");
  std::set<net::Endpoint> taken;
  for (const auto& listener : config.listeners) {
    if (listener.address.has_value() == !listener.socket.empty())
      problem(listener.line, "[[listener]] needs either 'address' or 'socket'");
    if (listener.address && !taken.insert(*listener.address).second)
      problem(listener.line, fmt::format("{} is listened at twice", listener.address->text()));
  }
  for (const auto& listener : config.listeners) {
    const bool is_metrics = listener.kind == ListenerConfig::Kind::metrics;
    if (listener.beyond_loopback && !is_metrics)
      problem(listener.line, "'beyond_loopback' is for listeners of kind \"metrics\"");
    if (is_metrics && (listener.local || !listener.proxy_from.empty()))
      problem(listener.line, "'local' and 'proxy_from' are not for listeners of kind \"metrics\"");
    if (listener.local && !listener.proxy_from.empty())
      problem(listener.line,
              "'local' says that nobody connects through this machine, 'proxy_from' that a proxy "
              "does: only one of them can be");
    if (is_metrics && !listener.beyond_loopback && listener.address &&
        !listener.address->address.is_loopback())
      problem(listener.line,
              fmt::format("{} is no loopback address, and metrics are neither encrypted nor signed "
                          "in to: use 127.0.0.1, or say beyond_loopback = true",
                          listener.address->text()));
  }
  if (config.certificates.empty())
    problem(0,
            "there is no [[certificate]]: without one there is no TLS, and nobody could sign in");
  for (const auto& certificate : config.certificates) {
    if (certificate.names.empty())
      problem(certificate.line, "[[certificate]] needs at least one name in 'names'");
  }
  if (config.relay.smart_host_user.empty() != config.relay.smart_host_password_file.empty()) {
    problem(0, "relay.smart_host_user and relay.smart_host_password_file go together");
  }
  if (!config.relay.ipv4 && !config.relay.ipv6)
    problem(0, "relay: with neither ipv4 nor ipv6 no mail can leave");
  if (config.window.destination_concurrency > config.window.remote_concurrency)
    problem(0, "queue.destination_concurrency is greater than queue.concurrency");
  if (config.limits.message_octets_max < 64 * 1024)
    problem(0, "limits.message_size is under 64KiB, which RFC 5321 §4.5.3.1.7 does not allow");
  if (config.admin_socket.empty()) config.admin_socket = config.site.data + "/admin.sock";
  if (config.site.user.empty()) config.site.user = "letterlock";
}

void reference_rows(std::string& out, const auto& keys) {
  out += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& key : keys)
    out += fmt::format("| `{}` | {} | {} | {} |\n", key.name, key.type, key.fallback, key.meaning);
}

}  // namespace

std::string_view name(ListenerConfig::Kind kind) {
  switch (kind) {
    case ListenerConfig::Kind::mx:
      return "mx";
    case ListenerConfig::Kind::submission:
      return "submission";
    case ListenerConfig::Kind::submissions:
      return "submissions";
    case ListenerConfig::Kind::pop3:
      return "pop3";
    case ListenerConfig::Kind::pop3s:
      return "pop3s";
    case ListenerConfig::Kind::metrics:
      return "metrics";
  }
  return "unknown";
}

std::string Problem::text() const {
  return line > 0 ? fmt::format("{}:{}: {}", file, line, what) : fmt::format("{}: {}", file, what);
}

Checked parse_config(std::string_view text, const std::string& file) {
  Checked out;
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    out.problems.push_back(
        {file, static_cast<int>(error.source().begin.line), std::string(error.description())});
    return out;
  }
  Reader(out, file).read(root);
  return out;
}

std::string config_reference() {
  std::string out =
      "# Configuration\n\nOne file, TOML. `letterlock config check --config FILE` says what is "
      "wrong with it, with file and line, without starting anything;\n"
      "an unknown key is an error. Durations are texts such as \"30s\", \"15m\", \"4h\", \"5d\"; "
      "sizes \"64KiB\", \"50MiB\", \"2GiB\".\n\n"
      "This page is made by `letterlock config reference` from the table that reads the file.\n";
  for (const auto& section : sections()) {
    out += fmt::format("\n## [{}]\n\n{}\n", section.name, section.meaning);
    reference_rows(out, section.keys);
  }
  out +=
      "\n## [[listener]]\n\nOnce for each address. There is no way to configure an open relay: who "
      "isn't signed in can only write to the domains that are here.\n";
  reference_rows(out, listener_keys());
  out +=
      "\n## [[certificate]]\n\nOnce for each. They are read again when their files change, without "
      "a restart; a broken new file leaves the old one in place and says so in the log.\n";
  reference_rows(out, certificate_keys());
  return out;
}

}  // namespace letterlock::apps

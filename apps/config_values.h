// How single configuration values are read: each says in one sentence what it would have accepted.
#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include "base/result.h"
#include "base/time.h"
#include "net/endpoint.h"

namespace letterlock::apps::values {

base::Result<std::string> text(const toml::node& node);
base::Result<bool> boolean(const toml::node& node);
// A whole number in [least, most].
base::Result<std::uint64_t> number(const toml::node& node, std::uint64_t least, std::uint64_t most);
// 1048576, "1MiB", "50KiB", "2GiB".
base::Result<std::uint64_t> size(const toml::node& node);
base::Result<base::Milliseconds> duration(const toml::node& node);
base::Result<std::vector<base::Milliseconds>> durations(const toml::node& node);
base::Result<std::vector<std::string>> texts(const toml::node& node);
base::Result<std::vector<net::Prefix>> prefixes(const toml::node& node);
base::Result<std::vector<net::Endpoint>> endpoints(const toml::node& node);
// A host name as EHLO takes it.
base::Result<std::string> host_name(const toml::node& node);
// "name:587", "192.0.2.1:25", or without a port, which is then `port`.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
base::Result<HostPort> host_port(const toml::node& node, std::uint16_t port);
// An absolute path.
base::Result<std::string> path(const toml::node& node);

}  // namespace letterlock::apps::values

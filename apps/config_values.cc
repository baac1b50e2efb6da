#include "apps/config_values.h"

#include <charconv>

#include <fmt/format.h>

#include "address/address.h"

namespace letterlock::apps::values {
namespace {
using base::ErrorKind;
using base::fail;

auto wanted(std::string_view what) {
  return fail(ErrorKind::invalid, fmt::format("expected {}", what));
}

// Each element of an array, read by `read`.
template <class T, class Read>
base::Result<std::vector<T>> each(const toml::node& node, std::string_view what, Read read) {
  const auto* array = node.as_array();
  if (array == nullptr) return wanted(fmt::format("a list of {}, in [ ]", what));
  std::vector<T> out;
  for (const auto& element : *array) out.push_back(TRY(read(element)));
  return out;
}
}  // namespace

base::Result<std::string> text(const toml::node& node) {
  const auto* value = node.as_string();
  if (value == nullptr) return wanted("a text in quotes");
  return value->get();
}

base::Result<bool> boolean(const toml::node& node) {
  const auto* value = node.as_boolean();
  if (value == nullptr) return wanted("true or false");
  return value->get();
}

base::Result<std::uint64_t> number(const toml::node& node, std::uint64_t least,
                                   std::uint64_t most) {
  const auto* value = node.as_integer();
  if (value == nullptr || value->get() < 0 || static_cast<std::uint64_t>(value->get()) < least ||
      static_cast<std::uint64_t>(value->get()) > most) {
    return wanted(fmt::format("a whole number from {} to {}", least, most));
  }
  return static_cast<std::uint64_t>(value->get());
}

base::Result<std::uint64_t> size(const toml::node& node) {
  constexpr std::uint64_t size_max = 1ULL << 50;
  if (node.is_integer()) return number(node, 0, size_max);
  const auto* value = node.as_string();
  const auto wrong = [] {
    return wanted("a size: a number of octets, or a text such as \"50MiB\" (KiB, MiB, GiB)");
  };
  if (value == nullptr) return wrong();
  const std::string& whole = value->get();
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(whole.data() + whole.size() - end));
  unsigned shift = 0;
  if (unit == "KiB")
    shift = 10;
  else if (unit == "MiB")
    shift = 20;
  else if (unit == "GiB")
    shift = 30;
  else
    return wrong();
  if (error != std::errc() || count > size_max >> shift) return wrong();
  return count << shift;
}

base::Result<base::Milliseconds> duration(const toml::node& node) {
  const auto* value = node.as_string();
  if (value == nullptr) return wanted("a duration such as \"30s\", \"15m\", \"4h\" or \"5d\"");
  return base::parse_duration(value->get());
}

base::Result<std::vector<base::Milliseconds>> durations(const toml::node& node) {
  auto out = TRY(each<base::Milliseconds>(node, "durations", duration));
  if (out.empty()) return wanted("at least one duration");
  for (const auto& one : out) {
    if (one < std::chrono::seconds(1)) return wanted("durations of at least 1s");
  }
  return out;
}

base::Result<std::vector<std::string>> texts(const toml::node& node) {
  return each<std::string>(node, "texts", text);
}

base::Result<std::vector<net::Prefix>> prefixes(const toml::node& node) {
  return each<net::Prefix>(node, "networks such as \"10.0.0.0/8\"",
                           [](const toml::node& element) -> base::Result<net::Prefix> {
                             return net::Prefix::parse(TRY(text(element)));
                           });
}

base::Result<std::vector<net::Endpoint>> endpoints(const toml::node& node) {
  return each<net::Endpoint>(node, "addresses with ports such as \"192.0.2.1:53\"",
                             [](const toml::node& element) -> base::Result<net::Endpoint> {
                               return net::Endpoint::parse(TRY(text(element)));
                             });
}

base::Result<std::string> host_name(const toml::node& node) {
  const auto domain = TRY(address::Domain::parse(TRY(text(node))));
  if (domain.is_literal() || domain.text().find('.') == std::string::npos)
    return wanted("a full host name such as \"mx.acorn.example\"");
  return domain.text();
}

base::Result<HostPort> host_port(const toml::node& node, std::uint16_t port) {
  const auto whole = TRY(text(node));
  if (const auto endpoint = net::Endpoint::parse(whole))
    return HostPort{endpoint->address.text(), endpoint->port};
  if (const auto address = net::IpAddress::parse(whole)) return HostPort{address->text(), port};
  HostPort out{whole, port};
  if (const auto colon = whole.rfind(':'); colon != std::string::npos) {
    const auto digits = std::string_view(whole).substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (error != std::errc() || end != digits.data() + digits.size() || out.port == 0)
      return wanted("a port from 1 to 65535 behind the colon");
    out.host = whole.substr(0, colon);
  }
  const auto domain = TRY(address::Domain::parse(out.host));
  out.host = domain.text();
  return out;
}

base::Result<std::string> path(const toml::node& node) {
  auto value = TRY(text(node));
  if (value.empty() || value.front() != '/' || value.find('\0') != std::string::npos)
    return wanted("an absolute path");
  return value;
}

}  // namespace letterlock::apps::values

#include "directory/checks.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/utf8.h"

namespace letterlock::directory::checks {

using base::ErrorKind;
using base::fail;

base::Result<void> who(std::string_view by) {
  if (by.empty()) return fail(ErrorKind::denied, "nobody is named who asks for the change");
  const auto checked = text("who asks for the change", by);
  if (!checked) return fail(ErrorKind::denied, checked.error().what);
  return {};
}

base::Result<void> text(std::string_view what, std::string_view value) {
  if (value.size() > text_octets_max) {
    return fail(ErrorKind::invalid,
                fmt::format("{} is longer than {} octets", what, text_octets_max));
  }
  const bool control =
      std::ranges::any_of(value, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  if (control || !base::is_utf8(value)) {
    return fail(ErrorKind::invalid,
                fmt::format("{} holds control characters, or isn't UTF-8", what));
  }
  return {};
}

base::Result<std::string> tenant_name(std::string_view name) {
  const auto domain = Domain::parse(name);
  if (!domain || domain->is_literal()) {
    return fail(ErrorKind::invalid, fmt::format("\"{}\" can't be a tenant's name: take its first "
                                                "domain (acorn.example) or a label (acorn)",
                                                base::printable(name, 80)));
  }
  return domain->text();
}

base::Result<std::string> password(std::string_view password) {
  if (password.size() > sasl::password_octets_max) {
    return fail(ErrorKind::invalid,
                fmt::format("a password has at most {} octets", sasl::password_octets_max));
  }
  auto prepared = sasl::prepare(password);
  if (!prepared) {
    return fail(ErrorKind::invalid, "a password is UTF-8 without control characters");
  }
  const auto characters =
      std::ranges::count_if(*prepared, [](char c) { return (c & 0xc0) != 0x80; });
  if (static_cast<std::size_t>(characters) < password_characters_min) {
    return fail(ErrorKind::invalid,
                fmt::format("a password has at least {} characters", password_characters_min));
  }
  return prepared;
}

base::Result<void> limits(const SendingLimits& limits) {
  constexpr std::uint64_t most = 1'000'000'000;
  if (limits.per_hour > most || limits.per_day > most || limits.failed_per_day > most) {
    return fail(ErrorKind::invalid, "a sending limit is at most 1000000000 recipients");
  }
  return {};
}

base::Result<void> alias(const Alias& alias) {
  if (alias.targets.empty())
    return fail(ErrorKind::invalid, "an alias needs a target: remove it instead");
  if (alias.targets.size() > alias_targets_max) {
    return fail(ErrorKind::invalid,
                fmt::format("an alias has at most {} targets: make it a group", alias_targets_max));
  }
  if (contains(alias.targets, alias.address)) {
    return fail(ErrorKind::invalid,
                fmt::format("{} can't be its own target", alias.address.text()));
  }
  return {};
}

base::Result<void> group(const Group& group) {
  TRY(text("a group's display name", group.display_name));
  if (group.members.size() > group_members_max) {
    return fail(
        ErrorKind::invalid,
        fmt::format("a group has at most {} members: put groups into it", group_members_max));
  }
  if (contains(group.members, group.address)) {
    return fail(ErrorKind::invalid,
                fmt::format("{} can't be its own member", group.address.text()));
  }
  return {};
}

base::Result<std::vector<Address>> changed(std::vector<Address> addresses,
                                           const std::vector<Address>& add,
                                           const std::vector<Address>& remove) {
  std::set<std::string> there;
  for (const auto& address : addresses) there.insert(address.key());
  std::set<std::string> gone;
  for (const auto& address : remove) {
    if (!there.contains(address.key())) {
      return fail(ErrorKind::not_found,
                  fmt::format("{} isn't there to be removed", address.text()));
    }
    gone.insert(address.key());
  }
  std::erase_if(addresses, [&](const auto& address) { return gone.contains(address.key()); });
  for (const auto& key : gone) there.erase(key);
  for (const auto& address : add) {
    if (there.insert(address.key()).second) addresses.push_back(address);
  }
  return addresses;
}

bool contains(const std::vector<Address>& addresses, const Address& address) {
  return std::ranges::any_of(addresses,
                             [&](const auto& one) { return one.key() == address.key(); });
}

std::unexpected<base::Error> no_tenant(std::string_view name) {
  return fail(ErrorKind::not_found,
              fmt::format("there is no tenant {}: \"letterlock tenant list\" shows those there are",
                          base::printable(name, 80)));
}

std::unexpected<base::Error> no_domain(const Domain& domain) {
  return fail(ErrorKind::not_found,
              fmt::format("{} is no domain of this platform: add it with \"letterlock domain add\"",
                          domain.text()));
}

std::unexpected<base::Error> nobody_at(std::string_view what, const Address& address) {
  return fail(ErrorKind::not_found,
              fmt::format("there is no {} {}", what, base::printable(address.text())));
}

std::unexpected<base::Error> taken(const Address& address, Entry::Kind kind) {
  const auto what = [&]() -> std::string_view {
    switch (kind) {
      case Entry::Kind::account:
        return "an account";
      case Entry::Kind::more_address:
        return "one more address of an account";
      case Entry::Kind::alias:
        return "an alias";
      case Entry::Kind::group:
        return "a group";
    }
    return "taken";
  }();
  return fail(ErrorKind::exists,
              fmt::format("{} is {} already", base::printable(address.text()), what));
}

}  // namespace letterlock::directory::checks

#include "directory/types.h"

#include <fmt/format.h>

namespace letterlock::directory {

hop::Source requirement_source(const Tenant& tenant) {
  return {hop::Source::Kind::sending_tenant, tenant.name, tenant.requirement_reason};
}

base::Result<hop::Requirement> requirement_of(const Tenant& tenant, std::string_view text) {
  const auto source = requirement_source(tenant);
  const auto said = TRY(hop::requirement_from(text, source));
  return hop::requirement_from(hop::to_text(said), source);
}

hop::Part<hop::Fetch> fetch_requirement(const Tenant& tenant) {
  const auto need =
      tenant.clear_fetch == ClearFetch::allowed ? hop::Fetch::any : hop::Fetch::protected_;
  return {need, {hop::Source::Kind::receiving_tenant, tenant.name, ""}};
}

std::string describe_clear_fetch(const Tenant& tenant) {
  if (tenant.clear_fetch == ClearFetch::refused)
    return fmt::format("{} allows no clear fetch", tenant.name);
  const auto day = base::to_rfc3339(tenant.clear_fetch_set.when).substr(0, 10);
  return fmt::format("{} allows clear fetch (set {} by {})", tenant.name, day,
                     tenant.clear_fetch_set.who);
}

std::string_view name(ClearFetch clear_fetch) {
  switch (clear_fetch) {
    case ClearFetch::refused:
      return "refused";
    case ClearFetch::allowed:
      return "allowed";
  }
  return "";
}

std::string_view name(DomainRecord::State state) {
  switch (state) {
    case DomainRecord::State::active:
      return "active";
    case DomainRecord::State::closing:
      return "closing";
  }
  return "";
}

bool accepts_only_bound(const Account& account) {
  return account.accepts == Accepts::plus_only && account.password_changed >= account.accepts_since;
}

base::Result<std::string> certificate_key(std::string_view text) {
  auto digits = base::to_lower(text);
  std::erase(digits, ':');
  constexpr std::size_t digits_count = 64;
  if (digits.size() != digits_count || !base::from_hex(digits)) {
    return base::fail(base::ErrorKind::invalid,
                      "a certificate is named by the SHA-256 of its public key "
                      "(SubjectPublicKeyInfo): 64 hexadecimal digits");
  }
  return digits;
}

std::string_view name(Accepts accepts) {
  switch (accepts) {
    case Accepts::any:
      return "any";
    case Accepts::plus_only:
      return "plus-only";
  }
  return "";
}

std::string_view name(Sending::State state) {
  switch (state) {
    case Sending::State::enabled:
      return "enabled";
    case Sending::State::stopped:
      return "stopped";
  }
  return "";
}

std::string_view name(Account::State state) {
  switch (state) {
    case Account::State::active:
      return "active";
    case Account::State::suspended:
      return "suspended";
  }
  return "";
}

std::string_view name(Alias::SendAs send_as) {
  switch (send_as) {
    case Alias::SendAs::refused:
      return "refused";
    case Alias::SendAs::allowed:
      return "allowed";
  }
  return "";
}

}  // namespace letterlock::directory

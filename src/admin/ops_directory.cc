// Tenants, domains and accounts.
#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "admin/operation.h"
#include "admin/values.h"
#include "mailbox/mailbox.h"
#include "queue/queue.h"
#include "trace/event.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;
using base::ErrorKind;
using base::fail;

constexpr std::string_view by = "operator";

json::object to_json(const directory::Tenant& tenant) {
  json::object out{{"name", tenant.name},
                   {"id", tenant.id.text()},
                   {"clear-fetch", directory::name(tenant.clear_fetch)}};
  if (tenant.clear_fetch == directory::ClearFetch::allowed)
    out["clear-fetch-set"] = directory::describe_clear_fetch(tenant);
  out["require"] = hop::to_text(tenant.requirement);
  out["require-reason"] = tenant.requirement_reason;
  out["per-hour"] = tenant.limits.per_hour;
  out["per-day"] = tenant.limits.per_day;
  out["created"] = base::to_rfc3339(tenant.created);
  if (tenant.state == directory::Tenant::State::closing) out["state"] = "closing";
  return out;
}

json::object to_json(const directory::DomainRecord& domain) {
  return {{"domain", domain.domain.text()},
          {"state", directory::name(domain.state)},
          {"created", base::to_rfc3339(domain.created)}};
}

json::object to_json(const directory::Account& account) {
  json::object out{{"address", account.address.text()},
                   {"name", account.display_name},
                   {"accepts", directory::name(account.accepts)},
                   {"state", directory::name(account.state)},
                   {"sending", directory::name(account.sending.state)}};
  if (account.sending.state == directory::Sending::State::stopped) {
    out["sending-reason"] = account.sending.reason;
    out["sending-since"] = base::to_rfc3339(account.sending.since);
  }
  out["quota"] = account.quota_octets;
  json::array more;
  for (const auto& address : account.more_addresses) more.emplace_back(address.text());
  out["more-addresses"] = std::move(more);
  json::array certificates;
  for (const auto& key : account.certificates) certificates.emplace_back(key);
  out["certificates"] = std::move(certificates);
  out["accepts-since"] = base::to_rfc3339(account.accepts_since);
  out["password-changed"] = base::to_rfc3339(account.password_changed);
  out["created"] = base::to_rfc3339(account.created);
  return out;
}

// ---- tenants ----

net::ResultTask<json::object> tenant_add(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto tenant,
         co_await ports.operations.add_tenant(arguments.text("name"), std::string(by)));
  co_return to_json(tenant);
}
net::ResultTask<json::object> tenant_show(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto tenant, co_await ports.operations.show_tenant(arguments.text("name")));
  co_return to_json(tenant);
}
net::ResultTask<json::object> tenant_list(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto tenants,
         co_await ports.operations.list_tenants(arguments.text("after"), page_of(arguments)));
  co_return rows(
      tenants, [](const auto& one) { return to_json(one); }, page_of(arguments),
      [](const auto& one) { return one.name; });
}
net::ResultTask<json::object> tenant_set(const Ports& ports, Arguments arguments) {
  directory::TenantChange change;
  if (const auto word = arguments.maybe("clear-fetch")) {
    CO_TRY(change.clear_fetch,
           word_in(*word, {directory::ClearFetch::refused, directory::ClearFetch::allowed},
                   [](auto v) { return directory::name(v); }));
  }
  change.requirement = arguments.maybe("require");
  change.requirement_reason = arguments.maybe("reason");
  if (arguments.has("per-hour") || arguments.has("per-day")) {
    CO_TRY(const auto now, co_await ports.operations.show_tenant(arguments.text("name")));
    change.limits = now.limits;
    change.limits->per_hour = arguments.number("per-hour", now.limits.per_hour);
    change.limits->per_day = arguments.number("per-day", now.limits.per_day);
  }
  if (const auto postmaster = arguments.maybe("postmaster")) {
    CO_TRY(change.postmaster, address_of(*postmaster));
  }
  CO_TRY(const auto tenant,
         co_await ports.operations.set_tenant(arguments.text("name"), std::move(change),
                                              arguments.maybe("by").value_or(std::string(by))));
  auto out = to_json(tenant);
  if (arguments.has("require"))
    out["note"] =
        "holds for mail that is taken from now on; what was taken before keeps what was "
        "required of it then";
  co_return out;
}
// What would be lost with it, nobody told: mail that was taken, and what others are to hear.
net::ResultTask<std::string> left_of(store::Transaction& transaction, base::TenantId tenant) {
  CO_TRY(const bool has_no_mail, co_await queue::is_empty(transaction, tenant));
  if (!has_no_mail) co_return "mail in its queue (\"letterlock queue list --tenant\" shows it)";
  CO_TRY(const bool has_no_mailbox, co_await mailbox::is_empty(transaction, tenant));
  if (!has_no_mailbox) co_return "mailboxes (those of removed accounts go within minutes)";
  CO_TRY(const bool has_events, co_await trace::has_events(transaction, tenant));
  if (has_events)
    co_return "fetches that other tenants' traces are still to hear of, at the day's end";
  co_return "";
}

net::ResultTask<json::object> tenant_remove(const Ports& ports, Arguments arguments) {
  CO_CHECK(
      co_await ports.operations.remove_tenant(arguments.text("name"), left_of, std::string(by)));
  co_return done("removed");
}

net::ResultTask<json::object> site_postmaster(const Ports& ports, Arguments arguments) {
  CO_TRY(auto address, address_of(arguments.text("address")));
  CO_CHECK(co_await ports.operations.set_site_postmaster(std::move(address), std::string(by)));
  co_return done("set");
}

// ---- domains ----

net::ResultTask<json::object> domain_add(const Ports& ports, Arguments arguments) {
  CO_TRY(auto domain, domain_of(arguments.text("domain")));
  CO_TRY(const auto record, co_await ports.operations.add_domain(
                                arguments.text("tenant"), std::move(domain), std::string(by)));
  co_return to_json(record);
}
net::ResultTask<json::object> domain_show(const Ports& ports, Arguments arguments) {
  CO_TRY(auto domain, domain_of(arguments.text("domain")));
  CO_TRY(const auto record, co_await ports.operations.show_domain(std::move(domain)));
  co_return to_json(record);
}
net::ResultTask<json::object> domain_list(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto domains,
         co_await ports.operations.list_domains(arguments.text("tenant"), arguments.text("after"),
                                                page_of(arguments)));
  co_return rows(
      domains, [](const auto& one) { return to_json(one); }, page_of(arguments),
      [](const auto& one) { return one.domain.text(); });
}
net::ResultTask<json::object> domain_remove(const Ports& ports, Arguments arguments) {
  CO_TRY(auto domain, domain_of(arguments.text("domain")));
  CO_CHECK(co_await ports.operations.remove_domain(std::move(domain), std::string(by)));
  co_return done("removed");
}

// ---- accounts ----

net::ResultTask<json::object> account_add(const Ports& ports, Arguments arguments) {
  directory::NewAccount account;
  CO_TRY(account.address, address_of(arguments.text("address")));
  account.display_name = arguments.text("name");
  account.password = arguments.text("password");
  account.quota_octets = arguments.number("quota", 0);
  if (arguments.flag("plus-only")) account.accepts = directory::Accepts::plus_only;
  CO_TRY(const auto added,
         co_await ports.operations.add_account(std::move(account), std::string(by)));
  co_return to_json(added);
}
net::ResultTask<json::object> account_show(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  CO_TRY(const auto account, co_await ports.operations.show_account(address));
  CO_TRY(const auto openings,
         co_await ports.operations.list_openings(account.tenant, account.address));
  auto out = to_json(account);
  json::array opened;
  for (const auto& opening : openings) opened.emplace_back(directory::describe(opening));
  out["opened"] = std::move(opened);
  co_return out;
}
net::ResultTask<json::object> account_list(const Ports& ports, Arguments arguments) {
  base::AccountId after;
  if (const auto text = arguments.maybe("after")) {
    CO_TRY(after, base::AccountId::parse(*text));
  }
  CO_TRY(const auto accounts, co_await ports.operations.list_accounts(arguments.text("tenant"),
                                                                      after, page_of(arguments)));
  co_return rows(
      accounts, [](const auto& one) { return to_json(one); }, page_of(arguments),
      [](const auto& one) { return one.id.text(); });
}
net::ResultTask<json::object> account_set(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  directory::AccountChange change;
  change.display_name = arguments.maybe("name");
  change.password = arguments.maybe("password");
  change.sending_reason = arguments.text("reason");
  if (arguments.has("quota")) change.quota_octets = arguments.number("quota", 0);
  if (const auto word = arguments.maybe("accepts")) {
    CO_TRY(change.accepts, word_in(*word, {directory::Accepts::any, directory::Accepts::plus_only},
                                   [](auto v) { return directory::name(v); }));
  }
  if (const auto word = arguments.maybe("state")) {
    CO_TRY(change.state,
           word_in(*word, {directory::Account::State::active, directory::Account::State::suspended},
                   [](auto v) { return directory::name(v); }));
  }
  if (const auto word = arguments.maybe("sending")) {
    CO_TRY(change.sending,
           word_in(*word, {directory::Sending::State::enabled, directory::Sending::State::stopped},
                   [](auto v) { return directory::name(v); }));
  }
  CO_TRY(change.add_addresses, addresses_of(arguments.list("add-address")));
  CO_TRY(change.remove_addresses, addresses_of(arguments.list("remove-address")));
  change.add_certificates = arguments.list("add-certificate");
  change.remove_certificates = arguments.list("remove-certificate");
  CO_TRY(const auto account,
         co_await ports.operations.set_account(address, std::move(change), std::string(by)));
  co_return to_json(account);
}

net::ResultTask<> remove_mail(store::Transaction& transaction, mailbox::Owner owner, bool& more) {
  CO_TRY(const auto left, co_await mailbox::remove_account(transaction, owner, 200));
  more = left == mailbox::Left::more;
  co_return base::Result<>();
}
net::ResultTask<> remove_all_mail(const Ports& ports, directory::Account account) {
  bool more = true;
  while (more) {
    CO_CHECK(co_await ports.store.transact(
        store::Scope::tenant(account.tenant), [&](store::Transaction& transaction) {
          return remove_mail(transaction, {account.tenant, account.id}, more);
        }));
  }
  co_return base::Result<>();
}

net::ResultTask<json::object> account_remove(const Ports& ports, Arguments arguments) {
  CO_TRY(const auto address, address_of(arguments.text("address")));
  if (!arguments.flag("with-mail")) {
    co_return fail(ErrorKind::invalid,
                   "removing an account removes its mail for good: say --with-mail, or suspend it: "
                   "account set " +
                       address.text() + " --state suspended");
  }
  // The account goes last, so that what a crash has interrupted can be said again.
  directory::AccountChange closed;
  closed.state = directory::Account::State::suspended;
  CO_TRY(const auto account,
         co_await ports.operations.set_account(address, std::move(closed), std::string(by)));
  CO_CHECK(co_await remove_all_mail(ports, account));
  CO_TRY(const auto removed, co_await ports.operations.remove_account(address, std::string(by)));
  // What was on its way into it meanwhile.
  CO_CHECK(co_await remove_all_mail(ports, removed));
  co_return done("removed, with its mail");
}

}  // namespace

std::vector<Operation> directory_operations() {
  const Parameter page{"count", Kind::number, Place::option, "rows of a page, 100 if not said"};
  const Parameter after{"after", Kind::text, Place::option,
                        "the next page: what the one before said"};
  const Parameter name{"name", Kind::text, Place::positional, "the tenant's name"};
  const Parameter domain{"domain", Kind::text, Place::positional, "the domain"};
  const Parameter address{"address", Kind::text, Place::positional, "the account's address"};
  return {
      {"tenant.add", "a new organisation", {name}, tenant_add},
      {"tenant.list", "all organisations", {page, after}, tenant_list},
      {"tenant.show", "one organisation", {name}, tenant_show},
      {"tenant.set",
       "what an organisation allows and requires",
       {name,
        {"clear-fetch", Kind::text, Place::option, "allowed or refused: reading mail without TLS"},
        {"require", Kind::text, Place::option,
         "of outgoing hops: \"level=authenticated tls=1.3 …\"; empty: nothing"},
        {"reason", Kind::text, Place::option, "why, as refusals will say"},
        {"per-hour", Kind::number, Place::option, "recipients an account may send to"},
        {"per-day", Kind::number, Place::option, "the same, a day"},
        {"postmaster", Kind::text, Place::option, "the account that answers for it"},
        {"by", Kind::text, Place::option, "who sets it, as traces will say"}},
       tenant_set},
      {"tenant.remove",
       "an organisation without domains, mail and mailboxes; its traces go with it",
       {name},
       tenant_remove},
      {"site.postmaster",
       "who gets mail to the bare <postmaster>, and to roles that no tenant has given to anybody",
       {address},
       site_postmaster},
      {"domain.add",
       "a domain of an organisation",
       {domain, {"tenant", Kind::text, Place::required, "whose"}},
       domain_add},
      {"domain.list",
       "domains",
       {{"tenant", Kind::text, Place::option, "of this tenant alone"}, page, after},
       domain_list},
      {"domain.show", "one domain", {domain}, domain_show},
      {"domain.remove", "a domain without addresses", {domain}, domain_remove},
      {"account.add",
       "a new account; its password is read from a prompt or standard input",
       {address,
        {"name", Kind::text, Place::option, "whose it is"},
        {"quota", Kind::number, Place::option, "octets of mail; 0: no limit"},
        {"plus-only", Kind::flag, Place::option,
         "sign-in bound to the channel, and nothing weaker"},
        {"password", Kind::password, Place::required, "never on the command line"}},
       account_add},
      {"account.list",
       "accounts of a tenant",
       {{"tenant", Kind::text, Place::required, "whose"}, page, after},
       account_list},
      {"account.show", "one account", {address}, account_show},
      {"account.set",
       "change an account",
       {address,
        {"name", Kind::text, Place::option, "whose it is"},
        {"password", Kind::password, Place::option, "a new one, from a prompt or standard input"},
        {"accepts", Kind::text, Place::option,
         "any or plus-only; plus-only needs a new password: say --password too"},
        {"state", Kind::text, Place::option, "active or suspended"},
        {"sending", Kind::text, Place::option, "enabled or stopped"},
        {"reason", Kind::text, Place::option, "why sending is stopped"},
        {"quota", Kind::number, Place::option, "octets; 0: no limit"},
        {"add-address", Kind::list, Place::option, "one more address"},
        {"remove-address", Kind::list, Place::option, "one less"},
        {"add-certificate", Kind::certificates, Place::option,
         "a client certificate that signs in (PEM file), or the SHA-256 of its public key"},
        {"remove-certificate", Kind::certificates, Place::option, "one that doesn't any more"}},
       account_set},
      {"account.remove",
       "an account and its mail",
       {address, {"with-mail", Kind::flag, Place::option, "yes, its mail too"}},
       account_remove},
  };
}

}  // namespace letterlock::admin

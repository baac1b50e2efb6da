#include "sim/day/operators.h"

#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace letterlock::day {

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {
constexpr std::string_view by = "day";

base::Result<address::Address> address_of(const Person& person) {
  return address::Address::parse(person.address);
}
}  // namespace

Operators::Operators(Site& site, Custody& custody, Sums& sums)
    : site_(site),
      custody_(custody),
      sums_(sums),
      random_(site.world.random().fork("operators")),
      gate_(site.world.loop()),
      may_remove_account_(random_.below(3) == 0) {}

base::Milliseconds Operators::moment(base::Milliseconds span) {
  return base::Milliseconds(
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()))));
}

Person& Operators::any_person() {
  return site_.people[random_.below(site_.people.size())];
}
Tenant& Operators::any_tenant() {
  return site_.tenants[random_.below(site_.tenants.size())];
}

void Operators::begin(unsigned acts, base::Milliseconds span) {
  for (unsigned i = 0; i < acts; ++i) gate_.start(come(moment(span)));
  hands_ = acts == 0 ? 0 : static_cast<unsigned>(random_.below(8));
}

net::Task<> Operators::come(base::Milliseconds after) {
  static constexpr std::array<Act, 17> all{&Operators::hold,
                                           &Operators::hold,
                                           &Operators::hold,
                                           &Operators::release,
                                           &Operators::release,
                                           &Operators::release,
                                           &Operators::remove,
                                           &Operators::remove,
                                           &Operators::suspend,
                                           &Operators::change_quota,
                                           &Operators::free_sending,
                                           &Operators::change_limits,
                                           &Operators::allow_clear,
                                           &Operators::change_list,
                                           &Operators::change_addresses,
                                           &Operators::change_password,
                                           &Operators::remove_account};
  if (!co_await site_.world.timers().sleep(after)) co_return;
  co_await (this->*all[random_.below(all.size())])();
}

// ---- the queue ----

void Operators::order(std::string_view operation, json::object arguments) {
  const auto what = fmt::format("{} {}", operation, json::serialize(arguments));
  site_.findings.note("the operator says " + what);
  auto& node = *site_.nodes[random_.below(site_.nodes.size())];
  // Gone with the task, whether it was answered or died with its node.
  ++pending_;
  const std::shared_ptr<unsigned> at_it(&pending_, [](unsigned* pending) { --*pending; });
  const auto begun =
      node.order(operation, std::move(arguments),
                 [this, what, at_it](const base::Result<json::object>& answer) {
                   site_.findings.note(fmt::format(
                       "{}: {}", what, answer ? json::serialize(*answer) : answer.error().what));
                 });
  if (!begun) site_.findings.note(what + ": " + begun.error().what);
}

// One message most often; else a tenant's, a destination's, everything.
json::object Operators::some_of_the_queue() {
  switch (random_.below(6)) {
    case 0:
      return {{"tenant", any_tenant().name}};
    case 1:
      return {{"domain", site_.domains[random_.below(site_.domains.size())].name}};
    case 2:
      return {{"all", true}};
    default:
      break;
  }
  if (custody_.is_empty()) return {{"all", true}};
  return {{"id", custody_.queued(random_.below(custody_.count())).text()}};
}

net::Task<> Operators::hold() {
  custody_.ordered(queue::Step::hold);
  order("queue.hold", some_of_the_queue());
  co_return;
}

net::Task<> Operators::release() {
  custody_.ordered(queue::Step::release);
  order(random_.below(2) == 0 ? "queue.release" : "queue.retry", some_of_the_queue());
  co_return;
}

net::Task<> Operators::remove() {
  if (custody_.is_empty()) co_return;
  remove_this(custody_.queued(random_.below(custody_.count())));
}

void Operators::remove_this(const base::MessageId& id) {
  json::object arguments{{"id", id.text()}};
  if (random_.below(2) == 0) {
    arguments["bounce"] = true;
    custody_.ordered_bounce(id);
  } else {
    custody_.ordered_removal(id);
  }
  order("queue.remove", std::move(arguments));
}

// ---- between two steps ----

// Of a message that an agent is just at: it was taken in, tried, or is about to be given away. His
// word comes right behind that commit, or while the far end still has something to say.
void Operators::meddle(const Commit& commit) {
  static constexpr std::array<int, 6> after_ms{0, 1, 3, 10, 40, 300};
  if (hands_ == 0 || commit.messages.empty() == commit.hops.empty()) return;
  if (!random_.chance(40)) return;
  std::optional<base::MessageId> id;
  for (const auto& row : commit.hops) {
    const auto& fates = custody_.fates_of(row.trace);
    if (!fates.empty()) id = fates[random_.below(fates.size())]->message;
  }
  for (const auto& row : commit.messages) id = row.id;
  if (!id) return;
  --hands_;
  const auto after = base::Milliseconds(after_ms[random_.below(after_ms.size())]);
  site_.world.schedule()->after(after, [this, id = *id] {
    if (is_over_) return;
    switch (random_.below(4)) {
      case 0:
        return remove_this(id);
      case 1:
        custody_.ordered(queue::Step::release);
        return order(random_.below(2) == 0 ? "queue.release" : "queue.retry", {{"id", id.text()}});
      default:
        custody_.ordered(queue::Step::hold);
        return order("queue.hold", {{"id", id.text()}});
    }
  });
}

// ---- the directory ----

bool Operators::note(const base::Result<directory::Account>& answer, std::string_view what) {
  site_.findings.note(fmt::format("{}{}{}", what, answer ? "" : ": ",
                                  answer ? std::string() : answer.error().what));
  return answer.has_value();
}

net::Task<bool> Operators::set(const Person& person, directory::AccountChange change,
                               std::string_view what) {
  const auto line = fmt::format("{} {}", person.address, what);
  auto address = address_of(person);
  if (!address) co_return false;
  co_return note(co_await site_.operations.set_account(std::move(*address), std::move(change),
                                                       std::string(by)),
                 line);
}

net::Task<> Operators::suspend() {
  auto& person = any_person();
  person.may_refuse = true;
  site_.names_known.change();
  (void)co_await set(person, {.state = directory::Account::State::suspended}, "is suspended");
  if (!co_await site_.world.timers().sleep(moment(1h))) co_return;
  if (person.has_left) co_return;
  (void)co_await set(person, {.state = directory::Account::State::active}, "is back");
}

net::Task<> Operators::change_password() {
  auto& person = any_person();
  // Now and then the same once more, or one that he had before.
  std::string another = person.password;
  switch (random_.below(4)) {
    case 0:
      break;
    case 1:
      another = "tree house of " + person.address;
      break;
    default:
      another = fmt::format("tree house {} of {}", random_.below(1000), person.address);
  }
  site_.passwords.may_be(person.address, another);
  if (co_await set(person, {.password = another}, "has another password"))
    person.password = another;
}

net::Task<> Operators::change_quota() {
  const auto quota = random_.below(3) == 0 ? 0 : random_.between(1, 60'000);
  auto& person = any_person();
  person.may_refuse = true;
  (void)co_await set(person, {.quota_octets = quota}, fmt::format("may keep {}", quota));
}

net::Task<> Operators::change_limits() {
  auto& tenant = any_tenant();
  const auto per_hour = random_.between(1, 30);
  const auto per_day = per_hour + random_.below(60);
  sums_.allow(tenant.id, per_hour, per_day);
  site_.findings.note(
      fmt::format("{} may send {} an hour, {} a day", tenant.name, per_hour, per_day));
  directory::TenantChange change;
  change.limits = {per_hour, per_day, random_.between(1, 200)};
  (void)co_await site_.operations.set_tenant(tenant.name, std::move(change), std::string(by));
}

net::Task<> Operators::free_sending() {
  (void)co_await set(any_person(), {.sending = directory::Sending::State::enabled}, "may send");
}

net::Task<> Operators::allow_clear() {
  auto& tenant = any_tenant();
  const bool allowed = random_.below(2) == 0;
  tenant.clear_fetch = tenant.clear_fetch || allowed;
  site_.findings.note(
      fmt::format("{} {} clear fetch", tenant.name, allowed ? "allows" : "refuses"));
  directory::TenantChange change;
  change.clear_fetch = allowed ? directory::ClearFetch::allowed : directory::ClearFetch::refused;
  (void)co_await site_.operations.set_tenant(tenant.name, std::move(change), std::string(by));
}

// Somebody more in a list, or somebody less; or the list goes.
net::Task<> Operators::change_list() {
  const auto list = site_.lists[random_.below(site_.lists.size())];
  const auto one =
      random_.below(2) == 0 ? any_person().address : site_.lists[random_.below(site_.lists.size())];
  auto address = address::Address::parse(list);
  auto member = address::Address::parse(one);
  if (!address || !member) co_return;
  site_.names_known.change();
  const auto what = random_.below(3);
  if (what == 0) site_.names_known.add_targets(list, {one});
  site_.findings.note(fmt::format("{}: {} {}", list,
                                  what == 0   ? "more"
                                  : what == 1 ? "less"
                                              : "gone",
                                  one));
  directory::AliasChange alias;
  directory::GroupChange group;
  (what == 0 ? alias.add_targets : alias.remove_targets) = {*member};
  (what == 0 ? group.add_members : group.remove_members) = {*member};
  if (what == 2) {
    (void)co_await site_.operations.remove_alias(*address, std::string(by));
    co_return;
  }
  (void)co_await site_.operations.set_alias(*address, std::move(alias), std::string(by));
  (void)co_await site_.operations.set_group(*address, std::move(group), std::string(by));
}

net::Task<> Operators::change_addresses() {
  auto& person = any_person();
  const auto text = fmt::format("{}.{}", random_.below(20), person.address);
  auto address = address::Address::parse(text);
  if (!address) co_return;
  person.more_addresses.push_back(text);
  site_.names_known.add_address(person.id, text);
  (void)co_await set(person, {.add_addresses = {*address}}, "is also " + text);
  if (!co_await site_.world.timers().sleep(moment(1h))) co_return;
  site_.names_known.change();
  (void)co_await set(person, {.remove_addresses = {*address}}, "is no more " + text);
}

net::Task<> Operators::remove_account() {
  if (!may_remove_account_) co_return;
  auto& person = site_.people.back();
  person.has_left = true;
  person.may_refuse = true;
  site_.names_known.change();
  custody_.leaves(person.id);
  order("account.remove", {{"address", person.address}, {"with-mail", true}});
}

// ---- the evening ----

void Operators::end() {
  is_over_ = true;
  hands_ = 0;
  gate_.start(undo());
}

net::Task<> Operators::undo() {
  while (!co_await undo_once()) {
    if (!co_await site_.world.timers().sleep(1min)) co_return;
  }
}

// Everybody may sign in and write, nothing is held, who was to go is gone.
net::Task<bool> Operators::undo_once() {
  custody_.ordered(queue::Step::release);
  order("queue.release", {{"all", true}});
  bool all = true;
  for (const auto& person : site_.people) {
    if (person.has_left) {
      if (!has_removed_)
        order("account.remove", {{"address", person.address}, {"with-mail", true}});
      if (!co_await site_.world.timers().sleep(1min)) co_return true;
      auto address = address_of(person);
      if (!address) co_return false;
      const auto shown = co_await site_.operations.show_account(std::move(*address));
      has_removed_ = !shown && shown.error().kind == base::ErrorKind::not_found;
      all = all && has_removed_;
      continue;
    }
    all = co_await set(person,
                       {.password = person.password, .state = directory::Account::State::active},
                       "is as ever") &&
          all;
  }
  const bool is_held = std::ranges::any_of(
      custody_.fates(), [](const Fate& fate) { return fate.state == queue::State::held; });
  // One that waits in a node that stands still may yet hold something.
  co_return all && !is_held && pending_ == 0;
}

}  // namespace letterlock::day

#include "sim/day/readers.h"

#include <array>

#include <fmt/format.h>

namespace letterlock::day {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t content_octets_max = 64 * 1024 * 1024;
}

Readers::Readers(Site& site, Comes comes)
    : site_(site),
      comes_(std::move(comes)),
      random_(site.world.random().fork("readers")),
      gate_(site.world.loop()) {}

void Readers::begin(unsigned people, base::Milliseconds span) {
  for (unsigned i = 0; i < people; ++i)
    gate_.start(come(base::Milliseconds(
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()))))));
}

Readers::Way Readers::way_of(Person::Habit habit) {
  using enum sasl::Mechanism;
  switch (habit) {
    case Person::Habit::bound:
    case Person::Habit::proving:
      return {.mechanism = scram_sha_256_plus};
    case Person::Habit::careful:
      return {};
    case Person::Habit::careless:
      break;
  }
  // It is their tenant's to forbid it.
  switch (random_.below(5)) {
    case 0:
    case 1:
      return {.in_clear = true, .verifies = false};
    case 2:
      return {.verifies = false};
    case 3:
      return {.verifies = false, .mechanism = scram_sha_256};
    default:
      return {.mechanism = scram_sha_256_plus};
  }
}

net::Task<> Readers::come(base::Milliseconds after) {
  if (!co_await site_.world.timers().sleep(after)) co_return;
  const auto& person = site_.people[random_.below(site_.people.size())];
  for (auto times = random_.below(3) == 0 ? random_.between(2, 6) : 1; times > 0; --times) {
    auto way = way_of(person.habit);
    way.is_late = person.habit == Person::Habit::careless && random_.below(10) == 0;
    const auto read = co_await visit(&person, way);
    site_.findings.note(fmt::format("{} reads{}: {}", person.address,
                                    way.in_clear ? " in clear" : "",
                                    read ? "well" : read.error().what));
    if (!read && read.error().kind == base::ErrorKind::cancelled) co_return;
    if (!co_await site_.world.timers().sleep(1s + base::Milliseconds(random_.below(300'000))))
      co_return;
  }
}

// Signed in.
net::ResultTask<std::unique_ptr<drive::PopClient>> Readers::enter(const Person* person, Way way) {
  auto& node = *site_.nodes[random_.below(site_.nodes.size())];
  const auto port = static_cast<std::uint16_t>(way.in_clear ? 110 : 995);
  const bool is_inside = random_.below(3) == 0;
  auto& host = is_inside ? site_.inside : site_.client;
  const auto& at = is_inside ? node.host().addresses().back() : node.host().addresses().front();
  CO_TRY(auto connection, co_await host.connect({at, port}, {.timeout = 30s}));
  comes_(connection->local(), *person, way.mechanism == sasl::Mechanism::scram_sha_256_plus);
  drive::PopClientOptions options;
  using Entry = drive::PopClientOptions::Entry;
  options.entry = way.in_clear ? Entry::clear : Entry::tls;
  options.tls.server_name = std::string(host_name);
  options.tls.verify =
      way.verifies ? tls::ClientOptions::Verify::name : tls::ClientOptions::Verify::nothing;
  options.wait = 30s;
  options.rounds_min = 1;
  auto client = std::make_unique<drive::PopClient>(
      drive::PopClient::World{site_.client_tls, site_.workers, site_.world.random()},
      std::move(options));
  CO_CHECK(co_await client->open(std::move(connection)));
  if (way.verifies && !client->tls()->peer_verified())
    co_return base::fail(base::ErrorKind::denied, "the server doesn't prove its name");
  CO_CHECK(co_await sign_in(*client, person, way));
  co_return client;
}

net::ResultTask<> Readers::visit(const Person* person, Way way) {
  CO_TRY(const auto client, co_await enter(person, way));
  // Whether there is anything, and nothing more.
  if (random_.below(4) == 0) {
    CO_TRY([[maybe_unused]] const auto there, co_await client->stat());
  } else {
    CO_CHECK(co_await read(*client));
  }
  if (random_.below(8) == 0) co_return base::Result<>();  // gone without a word
  co_return co_await client->quit();
}

net::ResultTask<std::vector<base::Bytes>> Readers::all_of(const Person* person) {
  Way way;
  if (person->habit == Person::Habit::bound) way.mechanism = sasl::Mechanism::scram_sha_256_plus;
  CO_TRY(const auto client, co_await enter(person, way));
  CO_TRY(const auto listed, co_await client->list());
  std::vector<base::Bytes> all;
  for (const auto& one : listed) {
    CO_TRY(auto content, co_await client->retr(one.first, content_octets_max));
    all.push_back(std::move(content));
  }
  CO_CHECK(co_await client->quit());
  co_return all;
}

net::ResultTask<> Readers::sign_in(drive::PopClient& client, const Person* person, Way way) {
  const bool by_user = way.mechanism == sasl::Mechanism::plain && random_.below(2) == 0;
  // Some clients still have the first one.
  const auto password = way.is_late ? "tree house of " + person->address : person->password;
  if (by_user) co_return co_await client.user_pass(person->address, password);
  if (!way.in_clear) {
    CO_TRY([[maybe_unused]] const auto offered, co_await client.capa());
  }
  co_return co_await client.auth(way.mechanism, person->address, password);
}

// Each message whole, the top of it, or not at all; what was had may be taken away.
net::ResultTask<> Readers::read(drive::PopClient& client) {
  static constexpr std::array<std::uint32_t, 3> lines{0, 2, 100'000};
  CO_TRY(const auto listed, co_await client.list());
  const bool removes = random_.below(2) == 0;
  for (const auto& one : listed) {
    const auto number = one.first;
    const auto what = random_.below(8);
    if (what == 0) continue;
    if (what == 1) {
      CO_TRY([[maybe_unused]] const auto top,
             co_await client.top(number, lines[random_.below(lines.size())], content_octets_max));
      continue;
    }
    CO_TRY([[maybe_unused]] const auto whole, co_await client.retr(number, content_octets_max));
    if (removes && random_.below(4) != 0) CO_CHECK(co_await client.dele(number));
  }
  co_return base::Result<>();
}

}  // namespace letterlock::day

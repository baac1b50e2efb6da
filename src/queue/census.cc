#include "queue/census.h"

#include <algorithm>

#include "queue/keys.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_count = 500;
constexpr int rest_factor = 50;
constexpr base::Milliseconds rest_min = 10ms;
constexpr base::Milliseconds rest_max = 10s;
constexpr base::Milliseconds walk_again = 10s;
constexpr std::array<base::Milliseconds, 5> age_bounds{1min, 15min, 1h, 4h, 24h};

// Behind the area: the message's id, then the recipient's index.
base::Result<base::MessageId> message_in(std::string_view key, std::size_t area_octets) {
  return base::MessageId::from_octets(key.substr(std::min(area_octets, key.size()), 16));
}

}  // namespace

void Counted::add(const Recipient& recipient, base::Time accepted, base::Time now) {
  if (is_final(recipient.state)) return;
  auto kind = recipient.attempts > 0 ? Kind::deferred : Kind::fresh;
  if (recipient.state == State::held) kind = Kind::held;
  const auto age = std::ranges::find_if(
      age_bounds, [&](base::Milliseconds bound) { return now - accepted < bound; });
  ++counts_[index(kind)][static_cast<std::size_t>(age - age_bounds.begin())];
  auto& oldest = oldest_[index(kind)];
  if (!oldest || accepted < *oldest) oldest = accepted;
}

std::size_t Counted::count(Kind kind) const {
  std::size_t all = 0;
  for (const auto one : counts_[index(kind)]) all += one;
  return all;
}

Census::Census(CensusPorts ports)
    : ports_(std::move(ports)),
      counted_at_(ports_.metrics.gauge("letterlock_queue_counted_timestamp_seconds",
                                       "When the queue was last walked through, in seconds since "
                                       "1970; 0: not yet.")) {
  for (std::size_t kind = 0; kind < recipients_.size(); ++kind) {
    const std::string state(Counted::kind_names[kind]);
    for (std::size_t age = 0; age < recipients_[kind].size(); ++age) {
      recipients_[kind][age] = &ports_.metrics.gauge(
          "letterlock_queue_recipients",
          "Recipients that wait, by state and by how long ago their message was accepted (less "
          "than that).",
          {{"state", state}, {"age", std::string(Counted::age_names[age])}});
    }
    oldest_[kind] = &ports_.metrics.gauge("letterlock_queue_oldest_seconds",
                                          "Age of the oldest recipient that waits; 0: none does.",
                                          {{"state", state}});
  }
}

net::Task<> Census::run() {
  while (true) {
    auto counted = co_await walk();
    if (counted) {
      last_ = *counted;
      tell(*last_);
    } else {
      last_.reset();
    }
    if (!co_await ports_.timers.sleep(walk_again)) co_return;
  }
}

net::ResultTask<Counted> Census::walk() {
  Counted counted;
  CO_TRY(const auto tenants, co_await ports_.tenants());
  for (const auto& tenant : tenants) CO_CHECK(co_await walk_tenant(tenant, counted));
  co_return counted;
}

net::ResultTask<> Census::walk_tenant(base::TenantId tenant, Counted& counted) {
  const auto area = keys::area(tenant, "r");
  auto range = store::range_of(area);
  while (true) {
    const auto began = ports_.clock.steady();
    std::vector<store::KeyValue> page;
    CO_CHECK(co_await ports_.store.read(
        store::Scope::tenant(tenant),
        [&](store::Transaction& transaction) { return read_page(transaction, range, page); }));
    const auto now = ports_.clock.now();
    for (const auto& [key, value] : page) {
      CO_TRY(const auto recipient, unpack_recipient(value));
      CO_TRY(const auto message, message_in(key, area.size()));
      counted.add(recipient, message.time(), now);
    }
    if (page.size() < page_count) co_return base::Result<>();
    range.first = page.back().first + std::string(1, '\0');
    const base::Milliseconds took = ports_.clock.steady() - began;
    CO_CHECK(co_await ports_.timers.sleep(std::clamp(took * rest_factor, rest_min, rest_max)));
  }
}

net::ResultTask<> Census::read_page(store::Transaction& transaction, store::Range range,
                                    std::vector<store::KeyValue>& page) {
  store::Transaction::ScanOptions options;
  options.count_max = page_count;
  CO_TRY(page, co_await transaction.scan(std::move(range), options));
  co_return base::Result<>();
}

void Census::tell(const Counted& counted) {
  const auto now = ports_.clock.now();
  for (std::size_t i = 0; i < recipients_.size(); ++i) {
    const auto kind = static_cast<Counted::Kind>(i);
    for (std::size_t age = 0; age < recipients_[i].size(); ++age)
      recipients_[i][age]->set(static_cast<std::int64_t>(counted.count(kind, age)));
    const auto oldest = counted.oldest(kind);
    oldest_[i]->set(oldest ? std::max<std::int64_t>((now - *oldest) / 1s, 0) : 0);
  }
  counted_at_.set(base::to_milliseconds(now) / 1000);
}

}  // namespace letterlock::queue

#include "queue/census.h"

#include <algorithm>

#include "queue/keys.h"

namespace letterlock::queue {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t page_count = 500;
constexpr std::size_t message_page_count = 200;
constexpr int rest_factor = 50;
constexpr base::Milliseconds rest_min = 10ms;
constexpr base::Milliseconds rest_max = 10s;
constexpr base::Milliseconds walk_again = 10s;
constexpr std::array<base::Milliseconds, 5> age_bounds{1min, 15min, 1h, 4h, 24h};

net::ResultTask<> scan_page(store::Transaction& transaction, store::Range range,
                            std::size_t count_max, std::vector<store::KeyValue>& page) {
  store::Transaction::ScanOptions options;
  options.count_max = count_max;
  CO_TRY(page, co_await transaction.scan(std::move(range), options));
  co_return base::Result<>();
}

// Behind the area: the message's id; in a recipient's key its index as well.
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

// Page after page of messages, each with what became of its recipients since.
net::ResultTask<> Census::walk_tenant(base::TenantId tenant, Counted& counted) {
  const auto area = keys::area(tenant, "m");
  auto range = store::range_of(area);
  while (true) {
    const auto began = ports_.clock.steady();
    std::vector<store::KeyValue> page;
    CO_CHECK(co_await read_page(tenant, range, message_page_count, page));
    if (page.empty()) co_return base::Result<>();
    Waiting waiting;
    for (const auto& [key, value] : page) {
      CO_TRY(const auto id, message_in(key, area.size()));
      CO_TRY(const auto entry, unpack_message(value));
      for (const auto& recipient : entry.recipients)
        waiting.emplace(std::pair(id, recipient.index), recipient);
    }
    CO_TRY(const auto first, message_in(page.front().first, area.size()));
    CO_TRY(const auto last, message_in(page.back().first, area.size()));
    CO_CHECK(co_await add_own_records(tenant, first, last, waiting, counted));
    const auto now = ports_.clock.now();
    for (const auto& [place, recipient] : waiting) counted.add(recipient, place.first.time(), now);
    if (page.size() < message_page_count) co_return base::Result<>();
    range.first = page.back().first + std::string(1, '\0');
    CO_CHECK(co_await rest_after(ports_.clock.steady() - began));
  }
}

// What stands in a record of its own replaces what stood in the message's; where nothing did, it is
// counted at once, so that a thousand recipients each don't gather here.
net::ResultTask<> Census::add_own_records(base::TenantId tenant, base::MessageId first,
                                          base::MessageId last, Waiting& waiting,
                                          Counted& counted) {
  const auto area = keys::area(tenant, "r");
  store::Range range{keys::recipients(tenant, first),
                     store::range_of(keys::recipients(tenant, last)).end};
  while (true) {
    const auto began = ports_.clock.steady();
    std::vector<store::KeyValue> page;
    CO_CHECK(co_await read_page(tenant, range, page_count, page));
    const auto now = ports_.clock.now();
    for (const auto& [key, value] : page) {
      CO_TRY(const auto id, message_in(key, area.size()));
      CO_TRY(auto recipient, unpack_recipient(value));
      const auto at = waiting.find({id, recipient.index});
      if (at != waiting.end())
        at->second = std::move(recipient);
      else
        counted.add(recipient, id.time(), now);
    }
    if (page.size() < page_count) co_return base::Result<>();
    range.first = page.back().first + std::string(1, '\0');
    CO_CHECK(co_await rest_after(ports_.clock.steady() - began));
  }
}

net::ResultTask<> Census::rest_after(base::Milliseconds took) {
  co_return co_await ports_.timers.sleep(std::clamp(took * rest_factor, rest_min, rest_max));
}

net::ResultTask<> Census::read_page(base::TenantId tenant, store::Range range,
                                    std::size_t count_max, std::vector<store::KeyValue>& page) {
  co_return co_await ports_.store.read(store::Scope::tenant(tenant),
                                       [&](store::Transaction& transaction) {
                                         return scan_page(transaction, range, count_max, page);
                                       });
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

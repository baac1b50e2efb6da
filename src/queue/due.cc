#include "queue/due.h"

#include <algorithm>

#include "base/pack.h"
#include "queue/keys.h"

namespace letterlock::queue {
namespace {

using base::ErrorKind;
using base::fail;

// After a step over somebody's rows: what comes behind them may be as little wanted.
constexpr std::size_t scan_count_after_step = 8;

base::Result<Due> due_from(std::string_view key, const base::TenantId& tenant, Lane lane) {
  constexpr std::size_t tail = 1 + 8 + 16 + 2;  // behind the destination
  if (key.size() < 8 + tail || key[key.size() - tail] != '\0')
    return fail(ErrorKind::corrupt, "queue: a due key of another form");
  const auto rest = key.substr(key.size() - tail + 1);
  Due item;
  item.tenant = tenant;
  item.lane = lane;
  item.destination = std::string(key.substr(8, key.size() - tail - 8));
  item.at = base::from_milliseconds(
      static_cast<std::int64_t>(TRY(base::from_key_number(rest.substr(0, 8)))));
  item.message = TRY(base::MessageId::from_octets(rest.substr(8, 16)));
  item.recipient = static_cast<unsigned>(static_cast<std::uint8_t>(rest[24])) << 8 |
                   static_cast<std::uint8_t>(rest[25]);
  return item;
}

// One page's walk through the index.
class Walk {
 public:
  Walk(base::TenantId tenant, DueQuery query) : tenant_(tenant), query_(std::move(query)) {
    range_ = store::range_of(keys::due_area(tenant_, query_.lane));
    if (!query_.from.empty()) range_.first = query_.from;
    count_ = query_.count_max;
  }

  net::ResultTask<DuePage> run(store::Transaction& transaction) {
    const auto area_octets = keys::due_area(tenant_, query_.lane).size();
    while (page_.scans < due_scans_max) {
      ++page_.scans;
      const auto asked = std::min(count_, query_.count_max - page_.items.size());
      store::Transaction::ScanOptions options;
      options.count_max = asked;
      CO_TRY(const auto pairs, co_await transaction.scan(range_, options));
      bool stepped = false;
      for (const auto& [key, value] : pairs) {
        CO_TRY(auto item,
               due_from(std::string_view(key).substr(area_octets), tenant_, query_.lane));
        if (is_behind(item)) co_return std::move(page_);
        if ((stepped = !take(std::move(item), key))) break;
      }
      if (!stepped && pairs.size() < asked) co_return std::move(page_);
      count_ = stepped ? scan_count_after_step : count_ * 4;
      if (page_.items.size() == query_.count_max) break;
    }
    page_.next_key = range_.first;
    co_return std::move(page_);
  }

 private:
  // Of a span that hasn't begun: nothing behind it is due.
  bool is_behind(const Due& item) {
    const auto span = keys::due_span(item.at);
    if (span <= keys::due_span(query_.now)) return false;
    not_before(base::from_milliseconds(static_cast<std::int64_t>(span << keys::due_span_bits)));
    return true;
  }

  // False: the walk goes on behind its destination's rows of this span.
  bool take(Due item, const std::string& key) {
    if (item.at > query_.now) {
      not_before(item.at);  // as all that its destination has behind it in this span
      return step_over(item);
    }
    const auto wanted = query_.wanted ? query_.wanted(item.destination) : Wanted();
    switch (wanted.what) {
      case Wanted::What::full:
        page_.passed_over = true;
        return step_over(item);
      case Wanted::What::rests:
        not_before(wanted.until);
        return step_over(item);
      case Wanted::What::yes:
        break;
    }
    page_.items.push_back(std::move(item));
    range_.first = key + '\0';
    return true;
  }

  bool step_over(const Due& item) {
    range_.first = store::range_of(keys::due_of(tenant_, query_.lane, keys::due_span(item.at),
                                                item.destination))
                       .end;
    return false;
  }

  void not_before(base::Time time) {
    if (!page_.next_time || time < *page_.next_time) page_.next_time = time;
  }

  base::TenantId tenant_;
  DueQuery query_;
  store::Range range_;
  std::size_t count_ = 0;  // of the next scan
  DuePage page_;
};

}  // namespace

net::ResultTask<DuePage> due(store::Transaction& transaction, base::TenantId tenant,
                             DueQuery query) {
  Walk walk(tenant, std::move(query));
  co_return co_await walk.run(transaction);
}

}  // namespace letterlock::queue

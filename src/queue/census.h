// How much waits in the queue, in which state and how old: counted by walking through it in the
// background, slowly, so that looking costs nothing. What is told is as of the last walk's end.
// Lives on its loop.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "net/loop.h"
#include "os/clock.h"
#include "os/metrics.h"
#include "queue/record.h"
#include "store/store.h"

namespace letterlock::queue {

// What one walk counts. Pure.
class Counted {
 public:
  enum class Kind { fresh, deferred, held };  // never tried; tried and waiting; held
  static constexpr std::array<std::string_view, 3> kind_names{"new", "deferred", "held"};
  // The youngest first; the last is older than all.
  static constexpr std::array<std::string_view, 6> age_names{"1m", "15m", "1h", "4h", "1d", "more"};

  // Final ones are not counted. `accepted` is when the message came.
  void add(const Recipient& recipient, base::Time accepted, base::Time now);
  std::size_t count(Kind kind, std::size_t age) const { return counts_[index(kind)][age]; }
  std::size_t count(Kind kind) const;
  // Of the oldest of its kind; nothing: there is none.
  std::optional<base::Time> oldest(Kind kind) const { return oldest_[index(kind)]; }

 private:
  static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }
  std::array<std::array<std::size_t, age_names.size()>, kind_names.size()> counts_{};
  std::array<std::optional<base::Time>, kind_names.size()> oldest_{};
};

struct CensusPorts {
  store::Store& store;
  net::Timers& timers;
  const os::Clock& clock;
  os::Metrics& metrics;
  std::function<net::ResultTask<std::vector<base::TenantId>>()> tenants;
};

class Census {
 public:
  explicit Census(CensusPorts ports);

  // Walks, rests, walks again, until it is cancelled. Limits: 200 messages or 500 recipients a
  // read; it rests fifty times as long as those took, and ten seconds between two walks.
  net::Task<> run();
  // As of the last walk's end; nothing: none has ended yet, or the last one failed.
  const std::optional<Counted>& last() const { return last_; }

 private:
  net::ResultTask<Counted> walk();
  net::ResultTask<> walk_tenant(base::TenantId tenant, Counted& counted);
  using Waiting = std::map<std::pair<base::MessageId, unsigned>, Recipient>;
  net::ResultTask<> add_own_records(base::TenantId tenant, base::MessageId first,
                                    base::MessageId last, Waiting& waiting, Counted& counted);
  net::ResultTask<> read_page(base::TenantId tenant, store::Range range, std::size_t count_max,
                              std::vector<store::KeyValue>& page);
  net::ResultTask<> rest_after(base::Milliseconds took);
  void tell(const Counted& counted);

  CensusPorts ports_;
  std::optional<Counted> last_;
  std::array<std::array<os::Gauge*, 6>, 3> recipients_{};
  std::array<os::Gauge*, 3> oldest_{};
  os::Gauge& counted_at_;
};

}  // namespace letterlock::queue

// Figures about the running process, as Prometheus reads them. Counting is an atomic addition: no
// lock, no allocation. Names, labels and their values come from the code alone, all of them when a
// figure is made; never an address, a domain or a tenant: how many series there are doesn't depend
// on who writes to us. The only files that name prometheus-cpp: metrics.cc.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace letterlock::os {

// Any thread, all three.
class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t change) noexcept { value_.fetch_add(change, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// How often a value fell into which range. Whole numbers: of nanoseconds, of things.
class Histogram {
 public:
  // `bounds`: the greatest value of each range, rising; behind the last there is one more.
  explicit Histogram(std::vector<std::uint64_t> bounds);
  void observe(std::uint64_t value) noexcept;
  void observe(std::chrono::nanoseconds time) noexcept {
    observe(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)));
  }
  const std::vector<std::uint64_t>& bounds() const { return bounds_; }
  std::uint64_t in_range(std::size_t index) const noexcept;
  std::uint64_t sum() const noexcept { return sum_.load(std::memory_order_relaxed); }
  std::uint64_t count() const noexcept;

 private:
  std::vector<std::uint64_t> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<std::uint64_t> sum_{0};
};

// From 0.1 ms to 10 s: work of this machine. From 100 ms to 5 days: the life of a message.
std::vector<std::uint64_t> short_times();
std::vector<std::uint64_t> long_times();

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0;
};

// All figures of a process. Made once by whoever builds it, and passed down; figures live as long.
// Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The one with this name and these labels, made if it isn't there. A name has one kind, one
  // sentence of help, one list of labels: another is a bug (ASSERT). A counter ends in `_total`.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  // Of times, in nanoseconds, told in seconds: `_seconds`.
  Histogram& times(std::string_view name, std::string_view help, std::vector<std::uint64_t> bounds,
                   Labels labels = {});
  Histogram& sizes(std::string_view name, std::string_view help, std::vector<std::uint64_t> bounds,
                   Labels labels = {});
  // Asked for at each reading, on the thread that reads. It must answer at once, and from what it
  // has itself: the figures are locked meanwhile.
  enum class Kind { counter, gauge };
  using Ask = std::function<std::vector<Sample>()>;
  void asked(Kind kind, std::string_view name, std::string_view help, Ask ask);

  // The text format 0.0.4.
  std::string text() const;
  // What stands under this name now; a histogram's counts. Nothing: no such name.
  std::vector<Sample> samples(std::string_view name) const;
  // The sum of those samples that have all of `labels`.
  double total(std::string_view name, const Labels& labels = {}) const;
  std::vector<std::string> names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace letterlock::os

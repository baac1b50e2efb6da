#include "os/metrics.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/assert.h"

namespace letterlock::os {
namespace {

constexpr std::size_t series_max = 512;  // of one name: more is a label that isn't bounded
constexpr double nanoseconds_in_second = 1e9;

using prometheus::MetricType;

template <class Figure>
struct Series {
  template <class... Arguments>
  explicit Series(Labels its, Arguments&&... arguments)
      : labels(std::move(its)), figure(std::forward<Arguments>(arguments)...) {}
  Labels labels;
  Figure figure;
};

struct Family {
  MetricType type = MetricType::Untyped;
  std::string help;
  double unit = 1;  // told = kept / unit
  std::deque<Series<Counter>> counters;
  std::deque<Series<Gauge>> gauges;
  std::deque<Series<Histogram>> histograms;
  Metrics::Ask ask;
};

bool fits(std::string_view name, MetricType type) {
  if (!name.starts_with("letterlock_") && !name.starts_with("process_")) return false;
  return (type == MetricType::Counter) == name.ends_with("_total");
}

template <class Figure, class... Arguments>
Figure& find_or_make(std::deque<Series<Figure>>& all, Labels labels, Arguments&&... arguments) {
  const auto at = std::ranges::find(all, labels, &Series<Figure>::labels);
  if (at != all.end()) return at->figure;
  ASSERT(all.size() < series_max);
  all.emplace_back(std::move(labels), std::forward<Arguments>(arguments)...);
  return all.back().figure;
}

prometheus::ClientMetric labelled(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

prometheus::ClientMetric with_value(const Sample& sample, MetricType type) {
  auto metric = labelled(sample.labels);
  if (type == MetricType::Counter)
    metric.counter.value = sample.value;
  else
    metric.gauge.value = sample.value;
  return metric;
}

prometheus::ClientMetric told(const Series<Histogram>& series, double unit) {
  auto metric = labelled(series.labels);
  const auto& histogram = series.figure;
  std::uint64_t up_to = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    up_to += histogram.in_range(i);
    prometheus::ClientMetric::Bucket bucket;
    bucket.cumulative_count = up_to;
    bucket.upper_bound = i < histogram.bounds().size()
                             ? static_cast<double>(histogram.bounds()[i]) / unit
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back(bucket);
  }
  metric.histogram.sample_count = up_to;
  metric.histogram.sample_sum = static_cast<double>(histogram.sum()) / unit;
  return metric;
}

std::vector<Sample> samples_of(const Family& family) {
  if (family.ask) return family.ask();
  std::vector<Sample> out;
  for (const auto& one : family.counters)
    out.push_back({one.labels, static_cast<double>(one.figure.value())});
  for (const auto& one : family.gauges)
    out.push_back({one.labels, static_cast<double>(one.figure.value())});
  for (const auto& one : family.histograms)
    out.push_back({one.labels, static_cast<double>(one.figure.count())});
  return out;
}

prometheus::MetricFamily told(const std::string& name, const Family& family) {
  prometheus::MetricFamily out{name, family.help, family.type, {}};
  for (const auto& one : family.histograms) out.metric.push_back(told(one, family.unit));
  if (!family.histograms.empty()) return out;
  for (const auto& sample : samples_of(family))
    out.metric.push_back(with_value(sample, family.type));
  return out;
}

}  // namespace

Histogram::Histogram(std::vector<std::uint64_t> bounds)
    : bounds_(std::move(bounds)),
      counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {
  ASSERT(std::ranges::is_sorted(bounds_));
}

void Histogram::observe(std::uint64_t value) noexcept {
  std::size_t at = 0;
  while (at < bounds_.size() && value > bounds_[at]) ++at;
  counts_[at].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::uint64_t Histogram::in_range(std::size_t index) const noexcept {
  return counts_[index].load(std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) all += in_range(i);
  return all;
}

std::vector<std::uint64_t> short_times() {
  constexpr std::uint64_t millisecond = 1'000'000;
  return {millisecond / 10,    millisecond / 4,    millisecond / 2,    millisecond,
          millisecond * 5 / 2, millisecond * 5,    millisecond * 10,   millisecond * 25,
          millisecond * 50,    millisecond * 100,  millisecond * 250,  millisecond * 500,
          millisecond * 1000,  millisecond * 2500, millisecond * 5000, millisecond * 10000};
}

std::vector<std::uint64_t> long_times() {
  constexpr std::uint64_t second = 1'000'000'000;
  constexpr std::uint64_t hour = 3600 * second;
  return {second / 10,  second / 2, second,   second * 5, second * 30, second * 60, second * 300,
          second * 900, hour,       hour * 4, hour * 12,  hour * 24,   hour * 48,   hour * 120};
}

struct Metrics::State {
  mutable std::mutex mutex;  // of what there is; not of the figures
  std::map<std::string, Family, std::less<>> families;

  Family& family(MetricType type, std::string_view name, std::string_view help) {
    auto at = families.find(name);
    if (at == families.end()) {
      ASSERT(fits(name, type));
      at = families.emplace(std::string(name), Family()).first;
      at->second.type = type;
      at->second.help = help;
    }
    ASSERT(at->second.type == type && at->second.help == help);
    return at->second;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  const std::scoped_lock lock(state_->mutex);
  return find_or_make(state_->family(MetricType::Counter, name, help).counters, std::move(labels));
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const std::scoped_lock lock(state_->mutex);
  return find_or_make(state_->family(MetricType::Gauge, name, help).gauges, std::move(labels));
}

Histogram& Metrics::times(std::string_view name, std::string_view help,
                          std::vector<std::uint64_t> bounds, Labels labels) {
  const std::scoped_lock lock(state_->mutex);
  auto& family = state_->family(MetricType::Histogram, name, help);
  family.unit = nanoseconds_in_second;
  return find_or_make(family.histograms, std::move(labels), std::move(bounds));
}

Histogram& Metrics::sizes(std::string_view name, std::string_view help,
                          std::vector<std::uint64_t> bounds, Labels labels) {
  const std::scoped_lock lock(state_->mutex);
  return find_or_make(state_->family(MetricType::Histogram, name, help).histograms,
                      std::move(labels), std::move(bounds));
}

void Metrics::asked(Kind kind, std::string_view name, std::string_view help, Ask ask) {
  const std::scoped_lock lock(state_->mutex);
  const auto type = kind == Kind::counter ? MetricType::Counter : MetricType::Gauge;
  state_->family(type, name, help).ask = std::move(ask);
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> out;
  const std::scoped_lock lock(state_->mutex);
  for (const auto& [name, family] : state_->families) out.push_back(told(name, family));
  return prometheus::TextSerializer().Serialize(out);
}

std::vector<Sample> Metrics::samples(std::string_view name) const {
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->families.find(name);
  return at == state_->families.end() ? std::vector<Sample>() : samples_of(at->second);
}

double Metrics::total(std::string_view name, const Labels& labels) const {
  double sum = 0;
  for (const auto& sample : samples(name)) {
    const bool has_all = std::ranges::all_of(labels, [&](const auto& label) {
      return std::ranges::find(sample.labels, label) != sample.labels.end();
    });
    if (has_all) sum += sample.value;
  }
  return sum;
}

std::vector<std::string> Metrics::names() const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> out;
  for (const auto& [name, family] : state_->families) out.push_back(name);
  return out;
}

}  // namespace letterlock::os

// Counts what is told: events go through it on their way to the log, and rules say which of them
// is which figure. So figures and log can't differ, and nobody who emits needs to know. An event
// costs a look into a table; nothing is locked or allocated.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "os/metrics.h"

namespace letterlock::os {

// One label of a rule: always the same word, or a word of the event's.
struct EventLabel {
  std::string_view name;
  std::string_view field;                // empty: `values` holds the one word
  std::vector<std::string_view> values;  // all that there can be; another counts as "other"
  // What is made of the field first: "5.1.1" -> "address".
  std::string_view (*fold)(std::string_view) = nullptr;
};

struct EventRule {
  std::string_view event;
  std::string_view metric;
  std::string_view help;
  std::vector<EventLabel> labels;
  // The field that is added up; empty: one an event. An event without it counts nothing.
  std::string_view amount = {};
  // The amount is a time in milliseconds, and the figure a histogram of them.
  enum class As { count, short_time, long_time } as = As::count;
  base::Severity least = base::Severity::debug;  // less severe ones aren't counted
};

class EventMeter final : public base::EventSink {
 public:
  // Makes every series that the rules can lead to. Both outlive the meter.
  EventMeter(Metrics& metrics, base::EventSink& next, const std::vector<EventRule>& rules);
  void emit(const base::Event& event) override;

 private:
  struct Counted {
    EventRule rule;
    std::vector<Counter*> counters;  // by the labels' places, the last label moving fastest
    std::vector<Histogram*> histograms;
  };
  void make(Metrics& metrics, Counted& counted, Labels labels, std::size_t depth);
  static void count(const Counted& counted, const base::Event& event);

  base::EventSink& next_;
  std::unordered_map<std::string_view, std::vector<Counted>> rules_;
};

}  // namespace letterlock::os

#include "os/event_meter.h"

#include <algorithm>
#include <charconv>

namespace letterlock::os {
namespace {

std::string_view field_of(const base::Event& event, std::string_view key) {
  const auto at =
      std::ranges::find(event.fields, key, &std::pair<std::string_view, std::string>::first);
  return at == event.fields.end() ? std::string_view() : std::string_view(at->second);
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// How many words the label can take: those it names, and "other" where an event chooses.
std::size_t width(const EventLabel& label) {
  return label.field.empty() ? 1 : label.values.size() + 1;
}

std::size_t place_of(const EventLabel& label, const base::Event& event) {
  if (label.field.empty()) return 0;
  auto word = field_of(event, label.field);
  if (label.fold != nullptr) word = label.fold(word);
  const auto at = std::ranges::find(label.values, word);
  return static_cast<std::size_t>(at - label.values.begin());
}

}  // namespace

EventMeter::EventMeter(Metrics& metrics, base::EventSink& next, const std::vector<EventRule>& rules)
    : next_(next) {
  for (const auto& rule : rules) {
    auto& counted = rules_[rule.event].emplace_back(Counted{rule, {}, {}});
    make(metrics, counted, {}, 0);
  }
}

void EventMeter::make(Metrics& metrics, Counted& counted, Labels labels, std::size_t depth) {
  const auto& rule = counted.rule;
  if (depth < rule.labels.size()) {
    const auto& label = rule.labels[depth];
    for (std::size_t i = 0; i < width(label); ++i) {
      auto with = labels;
      const auto word = i < label.values.size() ? label.values[i] : std::string_view("other");
      with.emplace_back(label.name, word);
      make(metrics, counted, std::move(with), depth + 1);
    }
    return;
  }
  if (rule.as == EventRule::As::count) {
    counted.counters.push_back(&metrics.counter(rule.metric, rule.help, std::move(labels)));
    return;
  }
  auto bounds = rule.as == EventRule::As::short_time ? short_times() : long_times();
  counted.histograms.push_back(
      &metrics.times(rule.metric, rule.help, std::move(bounds), std::move(labels)));
}

void EventMeter::count(const Counted& counted, const base::Event& event) {
  const auto& rule = counted.rule;
  if (event.severity < rule.least) return;
  std::size_t at = 0;
  for (const auto& label : rule.labels) at = at * width(label) + place_of(label, event);
  const auto told = rule.amount.empty() ? std::string_view("1") : field_of(event, rule.amount);
  if (told.empty()) return;
  const auto amount = number_in(told);
  if (rule.as == EventRule::As::count) {
    counted.counters[at]->add(amount);
  } else {
    counted.histograms[at]->observe(std::chrono::milliseconds(amount));
  }
}

void EventMeter::emit(const base::Event& event) {
  if (const auto found = rules_.find(event.name); found != rules_.end()) {
    for (const auto& counted : found->second) count(counted, event);
  }
  next_.emit(event);
}

}  // namespace letterlock::os

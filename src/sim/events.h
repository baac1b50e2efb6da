// Events, kept for whoever tests: what happened, when, in which order.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/event.h"
#include "os/clock.h"

namespace letterlock::sim {

class Events final : public base::EventSink {
 public:
  struct Seen {
    base::Time time;
    base::Severity severity = base::Severity::info;
    std::string name;
    std::vector<std::pair<std::string, std::string>> fields;
    // The value of a field, empty if there is none.
    std::string_view operator[](std::string_view key) const;
  };

  explicit Events(const os::Clock& clock) : clock_(clock) {}
  // Limits: the last 100,000 are kept; trace_digest() covers all.
  void emit(const base::Event& event) override;

  const std::deque<Seen>& all() const { return seen_; }
  std::size_t count(std::string_view name) const;
  // The newest of that name, null if there is none.
  const Seen* last(std::string_view name) const;
  // "2026-01-01T00:00:00.000Z info queue.accepted trace=01JD… size=12", one line an event.
  std::string text() const;
  // Hex SHA-256 over all lines ever: equal for two runs of one seed.
  const std::string& trace_digest() const { return digest_; }

 private:
  const os::Clock& clock_;
  std::deque<Seen> seen_;
  std::string digest_;
};

}  // namespace letterlock::sim

// What happens, as events: one name each ("hop.held"), the same in logs, metrics and the
// operator's guide. Rooms emit; `os` turns them into log lines; tests and the simulator listen.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace letterlock::base {

enum class Severity { debug, info, warning, error };
std::string_view name(Severity severity);

struct Event {
  Severity severity = Severity::info;
  std::string_view name;  // a literal: "queue.accepted"
  // In order; keys are literals. Values are raw: the sink quotes what a stranger could have said.
  std::vector<std::pair<std::string_view, std::string>> fields;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // From any thread; must not block for longer than a write to a pipe.
  virtual void emit(const Event& event) = 0;
};

// Throws events away: for tests that don't look.
class NoEvents final : public EventSink {
 public:
  void emit(const Event&) override {}
};

}  // namespace letterlock::base

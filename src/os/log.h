// Events as log lines. Formatted where they happen, written by a thread of its own: a slow disk or
// a stopped terminal never holds a session up. What didn't fit is counted, and the count is said.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/event.h"
#include "base/result.h"
#include "os/clock.h"

namespace letterlock::os {

struct LogOptions {
  enum class Format { text, json };
  Format format = Format::text;
  base::Severity lowest = base::Severity::info;
  std::string file;  // empty: standard error
  std::size_t lines_waiting_max = 8192;
};

// One line, without its end: `2026-11-23T03:12:44.120Z warning hop.held tenant=acorn reason="…"`.
// Values that hold more than plain characters are quoted; what a stranger said can't end a line, a
// quote or move a cursor. At most 1,000 octets a value.
std::string log_line(const base::Event& event, base::Time time);
// {"time":…,"severity":…,"event":…, then the fields}, all values texts.
std::string log_json(const base::Event& event, base::Time time);

class LogSink final : public base::EventSink {
 public:
  // Errors: as open_append().
  static base::Result<std::unique_ptr<LogSink>> create(const LogOptions& options,
                                                       const Clock& clock);
  ~LogSink() override;  // writes what waits
  void emit(const base::Event& event) override;
  // Opens the file anew, because something has moved the old one away (SIGHUP). On failure the old
  // one is written on. Errors: as open_append().
  base::Result<> reopen();
  // Lines that were thrown away because too many waited.
  std::uint64_t lost() const;

 private:
  struct State;
  LogSink(std::unique_ptr<State> state, const Clock& clock);
  std::unique_ptr<State> state_;
  const Clock& clock_;
};

}  // namespace letterlock::os

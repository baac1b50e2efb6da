// What a day was found to do wrong, and its diary: every event and every fault with its time,
// printed if somebody wants to read it, and digested so that two runs of one seed can be compared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/event.h"
#include "os/clock.h"

namespace letterlock::day {

class Findings final : public base::EventSink {
 public:
  enum class Print { nothing, everything };
  Findings(const os::Clock& clock, Print print) : clock_(clock), print_(print) {}

  // An invariant is broken. Limits: the first 20 are kept.
  void broken(std::string what);
  const std::vector<std::string>& all() const { return broken_; }
  // Somebody was told what isn't so: as broken, but the day goes on, for nothing hangs on it.
  // Limits: the first 20 are kept.
  void wrong(std::string what);
  const std::vector<std::string>& wrong_answers() const { return wrong_; }
  // A line of the diary: what the world did to the platform, or the other way round.
  void note(std::string_view line);
  void emit(const base::Event& event) override;
  // Of all lines, hexadecimal.
  std::string digest() const;
  std::uint64_t lines() const { return lines_; }

 private:
  void write(std::string_view mark, std::string_view line);

  const os::Clock& clock_;
  Print print_;
  std::vector<std::string> broken_;
  std::vector<std::string> wrong_;
  std::uint64_t digest_ = 0xcbf29ce484222325U;  // FNV-1a
  std::uint64_t lines_ = 0;
};

}  // namespace letterlock::day

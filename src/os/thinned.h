// Keeps a flood out of the log: what one stranger brings about again and again is written a few
// times a minute, then counted, and the count is said. Events stand behind it as before for all
// that isn't named; figures are counted in front of it, so they miss nothing. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/event.h"
#include "os/clock.h"

namespace letterlock::os {

struct ThinningLimits {
  unsigned of_one_peer = 60;       // lines a minute, of one event and one address
  unsigned of_one_event = 3000;    // of all addresses together
  std::size_t peers_max = 10'000;  // remembered within the minute; more share one count
  unsigned counts_told_max = 50;   // lines `log.thinned` a minute; the rest in one more
};

class ThinnedEvents final : public base::EventSink {
 public:
  // `names`: the events that strangers can bring about at will, in which "peer" says who. They, the
  // clock and `next` outlive it.
  ThinnedEvents(std::span<const std::string_view> names, base::EventSink& next, const Clock& clock,
                ThinningLimits limits = {});
  ~ThinnedEvents() override;  // says what is still only counted

  // What is counted is said by the first event of a later minute, whichever it is.
  void emit(const base::Event& event) override;
  // Events that weren't written one by one.
  std::uint64_t left_out() const { return left_out_.load(std::memory_order_relaxed); }

 private:
  struct Count {
    unsigned written = 0;
    std::uint64_t left_out = 0;
  };
  using Counts = std::map<std::pair<std::string_view, std::string>, Count>;
  bool is_one_too_many(const base::Event& event);
  void begin_minute();
  void tell(const Counts& counts);

  const std::set<std::string_view> names_;
  base::EventSink& next_;
  const Clock& clock_;
  const ThinningLimits limits_;
  std::atomic<std::int64_t> minute_;
  std::atomic<std::uint64_t> left_out_{0};
  std::mutex mutex_;  // of the counts
  Counts peers_;
  std::map<std::string_view, unsigned> written_;  // of all peers, by the event
};

}  // namespace letterlock::os

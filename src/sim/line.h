// The wire of one connection: two streams of octets with latency, faults and a window of 64 KiB
// each. Both ends share it; it has no tasks of its own, the schedule moves it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hop/hop.h"
#include "net/endpoint.h"
#include "sim/schedule.h"
#include "sim/world.h"

namespace letterlock::sim {

// Octets under way and arrived together, in one direction: what a sender may be ahead of the
// reader.
inline constexpr std::size_t window_octets = 64 * 1024;

// What goes wrong with one direction of a line, counted in octets from its beginning.
struct StreamFaults {
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t stall_after = never;
  std::uint64_t cut_after = never;
  std::uint64_t corrupt_at = never;
  std::uint64_t octets_per_second = never;
};

// What the client of a session of the TLS model made of its server.
struct SeenTls {
  hop::TlsVersion version = hop::TlsVersion::tls1_3;
  bool post_quantum = false;
  bool server_verified = false;  // by the client, whether it says so to anybody or not
};

// Octets as they are given to the wire; `is_protected`: the content of a TLS record.
struct Crossing {
  net::Endpoint from;
  net::Endpoint to;
  std::string_view octets;
  bool is_protected = false;
  std::uint64_t line = 0;        // the connection, and which way they go on it
  bool is_client = false;        // sent by the end that connected
  bool is_diverted = false;      // somebody else sits where the end that accepted seems to be
  const SeenTls* tls = nullptr;  // while is_protected
};

// A side is 0 (who connected) or 1 (who accepted). Each writes to the stream of its own number.
class Line : public std::enable_shared_from_this<Line> {
 public:
  struct Terms {
    std::array<net::Endpoint, 2> ends;
    std::array<StreamFaults, 2> faults;
    base::Milliseconds latency_min{1};
    base::Milliseconds latency_max{20};
    // Whether octets from one end to the other arrive at this moment (partitions, dead machines).
    std::function<bool(const net::Endpoint& from, const net::Endpoint& to)> arrives;
    std::function<void(const Crossing&)> observer;
    std::uint64_t number = 0;  // told to the observer
    bool is_diverted = false;
  };
  Line(std::shared_ptr<Schedule> schedule, Random random, Terms terms);

  // As much of `octets` as the window takes. How many octets that were.
  std::size_t send(std::size_t side, std::string_view octets);
  // What has arrived. 0: nothing yet, or the end.
  std::size_t take(std::size_t side, std::span<char> buffer);
  // The side ends both directions: in order if it has read everything, else with a reset.
  void close(std::size_t side);
  // The side says that it has no more to send, and reads no more.
  void finish(std::size_t side);
  // The other side learns of nothing any more; it gets a reset when its octets reach a living
  // machine.
  void forget(std::size_t side) { forgotten_[side] = true; }
  // Both sides learn at once that the connection is gone.
  void reset();

  bool may_write(std::size_t side) const { return !streams_[side].writer_broken; }
  bool may_read(std::size_t side) const { return !streams_[1 - side].reader_broken; }
  bool at_end(std::size_t side) const;
  bool has_arrived(std::size_t side) const { return streams_[1 - side].unread() > 0; }
  Wakeup& readable(std::size_t side) { return streams_[1 - side].readable; }
  Wakeup& writable(std::size_t side) { return streams_[side].writable; }

  const net::Endpoint& end(std::size_t side) const { return terms_.ends[side]; }
  // From now on the octets are records: the observer hears what TLS tells it, not what is sent.
  void protect() { protected_ = true; }
  void agreed(const SeenTls& tls) { tls_ = tls; }
  void observe(std::size_t side, std::string_view octets, bool is_protected) const;

 private:
  struct Chunk {
    base::Milliseconds due{0};
    std::string octets;  // empty: the end
  };
  struct Stream {
    explicit Stream(const std::shared_ptr<Schedule>& schedule)
        : readable(schedule), writable(schedule) {}
    std::deque<Chunk> under_way;
    std::size_t under_way_octets = 0;
    std::string arrived;
    std::size_t taken = 0;   // of `arrived`
    std::uint64_t sent = 0;  // octets ever, without those that a fault swallowed
    std::uint64_t delivered = 0;
    bool ended = false;  // the end has arrived
    bool end_sent = false;
    bool writer_broken = false;
    bool reader_broken = false;
    bool reader_gone = false;  // what arrives is answered with a reset
    base::Milliseconds held_since{-1};
    base::Milliseconds hold{0};
    Wakeup readable;
    Wakeup writable;
    std::size_t unread() const { return arrived.size() - taken; }
  };

  std::size_t chunk_octets(std::size_t side, std::size_t octets);
  void enqueue(std::size_t side, std::string octets);
  void wait_for_front(std::size_t side, base::Milliseconds delay);
  void front_is_due(std::size_t side);
  void deliver(std::size_t side, Chunk chunk);
  void reset_later();

  std::shared_ptr<Schedule> schedule_;
  Random random_;
  Terms terms_;
  std::array<Stream, 2> streams_;
  std::array<bool, 2> forgotten_{};
  bool protected_ = false;
  SeenTls tls_;
};

}  // namespace letterlock::sim

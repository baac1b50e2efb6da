// One end of a line, and a door where ends come in. Inside sim; the rest of the house sees net's
// interfaces.
#pragma once

#include <deque>
#include <memory>

#include "net/connection.h"
#include "sim/line.h"

namespace letterlock::sim {

class Connection final : public net::Connection {
 public:
  Connection(std::shared_ptr<Schedule> schedule, std::shared_ptr<Line> line, std::size_t side)
      : schedule_(std::move(schedule)), line_(std::move(line)), side_(side) {}
  ~Connection() override { line_->close(side_); }

  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override;
  net::ResultTask<> wait_readable(base::Milliseconds timeout) override;
  net::ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override;
  void close() override { line_->close(side_); }
  void wake_reader() override;
  net::Task<> shutdown(base::Milliseconds timeout) override;
  net::Endpoint local() const override { return line_->end(side_); }
  net::Endpoint peer() const override { return line_->end(1 - side_); }

  // For sim::Tls: the octets are records from now on, and what they hold is told separately.
  void protect() { line_->protect(); }
  // The client's: what it found out, for the observer.
  void agreed(const SeenTls& tls) { line_->agreed(tls); }
  void observe_protected(std::string_view octets) { line_->observe(side_, octets, true); }

 private:
  std::shared_ptr<Schedule> schedule_;
  std::shared_ptr<Line> line_;
  std::size_t side_;
  std::shared_ptr<bool> woken_ = std::make_shared<bool>(false);
};

// Where a host listens. Connections wait here to be accepted, at most `waiting_max` of them.
struct Door {
  static constexpr std::size_t waiting_max = 128;
  explicit Door(const std::shared_ptr<Schedule>& schedule) : wakeup(schedule) {}
  net::Endpoint at;
  std::deque<std::unique_ptr<net::Connection>> waiting;
  bool closed = false;
  Wakeup wakeup;
};

}  // namespace letterlock::sim

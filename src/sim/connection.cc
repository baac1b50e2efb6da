#include "sim/connection.h"

namespace letterlock::sim {
using base::ErrorKind;

namespace {

// Until something is to be read, or known of the line; all of it outlives the connection.
net::ResultTask<> arrival(std::shared_ptr<Line> line, std::shared_ptr<Schedule> schedule,
                          std::size_t side, std::shared_ptr<bool> woken,
                          base::Milliseconds deadline) {
  *woken = false;
  CO_CHECK(co_await check_cancelled());
  while (line->may_read(side) && !line->has_arrived(side) && !line->at_end(side)) {
    if (*woken) co_return base::fail(ErrorKind::cancelled, "stopping");
    CO_TRY(const bool in_time, co_await line->readable(side).wait(deadline - schedule->now()));
    if (!in_time) co_return base::fail(ErrorKind::timeout, "the peer sent nothing in time");
  }
  co_return base::Result<>();
}

}  // namespace

net::ResultTask<> Connection::wait_readable(base::Milliseconds timeout) {
  return arrival(line_, schedule_, side_, woken_, schedule_->now() + timeout);
}

net::ResultTask<std::size_t> Connection::read_some(std::span<char> buffer,
                                                   base::Milliseconds timeout) {
  const auto line = line_;
  const auto side = side_;
  CO_CHECK(co_await arrival(line, schedule_, side, woken_, schedule_->now() + timeout));
  if (!line->may_read(side)) co_return base::fail(ErrorKind::closed, "the connection was reset");
  co_return line->take(side, buffer);
}

net::ResultTask<> Connection::write(std::string_view octets, base::Milliseconds timeout) {
  const auto line = line_;
  const auto schedule = schedule_;
  const auto side = side_;
  CO_CHECK(co_await check_cancelled());
  const auto deadline = schedule->now() + timeout;
  while (true) {
    if (!line->may_write(side)) co_return base::fail(ErrorKind::closed, "the connection was reset");
    octets.remove_prefix(line->send(side, octets));
    if (octets.empty()) co_return base::Result<>();
    CO_TRY(const bool woken, co_await line->writable(side).wait(deadline - schedule->now()));
    if (!woken) co_return base::fail(ErrorKind::timeout, "the peer took nothing in time");
  }
}

void Connection::wake_reader() {
  *woken_ = true;
  line_->readable(side_).wake();
}

// The goodbye needs no waiting here: the line carries it behind what was written.
net::Task<> Connection::shutdown(base::Milliseconds) {
  line_->finish(side_);
  co_return;
}

}  // namespace letterlock::sim

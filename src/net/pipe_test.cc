#include "net/pipe.h"

#include <functional>
#include <thread>

#include <gtest/gtest.h>

#include "net/loop.h"

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;

void run_until(Loop& loop, const std::function<bool()>& done) {
  for (int i = 0; i < 5000 && !done(); ++i) {
    if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(done());
}

Task<> read_all(Connection& connection, std::string& into, std::string& end) {
  char buffer[100];
  while (true) {
    const auto count = co_await connection.read_some(buffer, 5s);
    if (!count) {
      end = base::name(count.error().kind);
      co_return;
    }
    if (*count == 0) {
      end = "end";
      co_return;
    }
    into.append(buffer, *count);
  }
}

Task<> write_and_shut(Connection& connection, std::string octets) {
  const auto written = co_await connection.write(octets, 5s);
  EXPECT_TRUE(written);
  co_await connection.shutdown(1s);
}

Task<> note_write(Connection& connection, std::string octets, base::Milliseconds timeout,
                  std::string& end) {
  const auto written = co_await connection.write(octets, timeout);
  end = written ? "written" : std::string(base::name(written.error().kind));
}

TEST(Pipe, MoreThanFitsGoesThroughAndEnds) {
  Loop loop;
  auto [first, second] = make_pipe({.octets_max = 1000, .first = {}, .second = {}});
  const std::string octets(100'000, 'x');
  std::string seen;
  std::string end;
  loop.spawn(write_and_shut(*first, octets));
  loop.spawn(read_all(*second, seen, end));
  run_until(loop, [&] { return !end.empty(); });
  EXPECT_EQ(seen, octets);
  EXPECT_EQ(end, "end");
}

TEST(Pipe, SlowReaderTimesOutTheWriter) {
  Loop loop;
  auto [first, second] = make_pipe({.octets_max = 10, .first = {}, .second = {}});
  std::string end;
  loop.spawn(note_write(*first, std::string(11, 'x'), 20ms, end));
  run_until(loop, [&] { return !end.empty(); });
  EXPECT_EQ(end, "timeout");
}

TEST(Pipe, CloseWakesReaderAndWriter) {
  Loop loop;
  auto [first, second] = make_pipe({.octets_max = 10, .first = {}, .second = {}});
  std::string seen;
  std::string read_end;
  std::string write_end;
  loop.spawn(read_all(*first, seen, read_end));
  loop.spawn(note_write(*first, std::string(11, 'x'), 5s, write_end));
  loop.poll();
  second.reset();
  run_until(loop, [&] { return !read_end.empty() && !write_end.empty(); });
  EXPECT_EQ(read_end, "end");
  EXPECT_EQ(write_end, "closed");
}

}  // namespace
}  // namespace letterlock::net

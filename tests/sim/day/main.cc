// Runs days: `sim_days --seed N --trace` replays one, `--seeds N --minutes M` runs many on all
// cores and says how to replay what fails.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/day/day.h"

namespace letterlock::day {
namespace {

constexpr std::size_t workers_max = 64;
constexpr unsigned failures_max = 10;      // then enough is known
constexpr std::uint64_t twice_every = 50;  // seeds between those that are run twice

struct Arguments {
  std::uint64_t seed = 0;
  bool trace = false;
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  double minutes = 60;
  unsigned workers = 0;
  bool first = false;
};

// What the workers share: which seed is next, which one each is at, what came out.
struct Shared {
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> letters;
  std::atomic<unsigned> failed;
  std::atomic<bool> out_of_time;
  std::atomic<std::uint64_t> told;      // exposures
  std::atomic<std::uint64_t> quiet;     // days with mail that nobody could have read on the way
  std::atomic<std::uint64_t> quiet_no;  // of these, days on which all of it was told so
  std::array<std::array<std::atomic<std::uint64_t>, 7>, 3> by_party;  // could, cautious, unknown
  std::array<std::atomic<std::uint64_t>, workers_max> at;
};

using Monotonic = std::chrono::steady_clock;

void print_failure(std::uint64_t seed, const std::vector<std::string>& broken) {
  for (const auto& what : broken) fmt::print("seed {}: {}\n", seed, what);
  fmt::print("seed {} fails; replay it: tests/sim/run --seed {} --trace\n", seed, seed);
  std::fflush(stdout);
}

void count(const Answers& answers, Shared& shared) {
  shared.told += answers.told;
  if (answers.quiet > 0) ++shared.quiet;
  if (answers.quiet > 0 && answers.quiet_no == answers.quiet) ++shared.quiet_no;
  for (std::size_t party = 0; party < answers.could.size(); ++party) {
    shared.by_party[0][party] += answers.could[party];
    shared.by_party[1][party] += answers.cautious[party];
    shared.by_party[2][party] += answers.unknown[party];
  }
}

// An exposure that never says "no" would never be wrong. So on these shares of days there is mail
// that nobody could have read on the way, and all of it is told so.
bool says_no_often_enough(const Shared& shared, std::uint64_t days) {
  constexpr std::uint64_t days_min = 200;  // fewer say nothing
  constexpr double quiet_min = 0.2;
  constexpr double quiet_no_min = 0.95;
  const auto part = [](std::uint64_t some, std::uint64_t all) {
    return all == 0 ? 0.0 : static_cast<double>(some) / static_cast<double>(all);
  };
  const auto quiet = part(shared.quiet, days);
  const auto quiet_no = part(shared.quiet_no, shared.quiet);
  fmt::print(
      "{} exposures told; nobody could have read some mail on {:.1f} % of days, and was said "
      "so on {:.1f} % of those\n",
      shared.told.load(), quiet * 100, quiet_no * 100);
  for (std::size_t party = 0; party < shared.by_party[0].size(); ++party)
    fmt::print("  {}: could {}; could not: yes {}, unknown {}\n",
               protection::name(static_cast<protection::Party>(party)),
               shared.by_party[0][party].load(), shared.by_party[1][party].load(),
               shared.by_party[2][party].load());
  return days < days_min || (quiet >= quiet_min && quiet_no >= quiet_no_min);
}

bool run_one(std::uint64_t seed, Shared& shared) {
  auto result = run_day(seed, Findings::Print::nothing);
  if (seed % twice_every == 0 && run_day(seed, Findings::Print::nothing).digest != result.digest)
    result.broken.emplace_back("the same seed twice is another day");
  shared.letters += result.letters;
  count(result.answers, shared);
  ++shared.done;
  if (result.broken.empty()) return true;
  print_failure(seed, result.broken);
  return false;
}

int work(const Arguments& arguments, Shared& shared, std::size_t worker,
         Monotonic::time_point until) {
  const auto failures_enough = arguments.first ? 1U : failures_max;
  while (shared.failed < failures_enough) {
    if (Monotonic::now() >= until) {
      shared.out_of_time = true;
      return 0;
    }
    const auto seed = shared.next++;
    if (seed >= arguments.from + arguments.seeds) return 0;
    shared.at[worker] = seed;
    if (!run_one(seed, shared)) ++shared.failed;
    shared.at[worker] = 0;
  }
  return 0;
}

int run_many(const Arguments& arguments) {
  auto* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  auto& shared = *new (memory) Shared{};
  shared.next = arguments.from;
  const auto cores = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN));
  const auto count =
      std::min<std::size_t>(arguments.workers > 0 ? arguments.workers : cores, workers_max);
  const auto began = Monotonic::now();
  const auto until = began + std::chrono::duration_cast<Monotonic::duration>(
                                 std::chrono::duration<double>(arguments.minutes * 60));
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < count; ++i) {
    const auto child = fork();
    if (child == 0) _exit(work(arguments, shared, i, until));
    children.push_back(child);
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    ++shared.failed;
    print_failure(shared.at[i], {"the process ended: an assertion, or worse"});
  }
  const auto seconds = std::chrono::duration<double>(Monotonic::now() - began).count();
  const auto done = shared.done.load();
  // Every seed that somebody took was lived to its end, so what is left begins at the next one.
  const auto end = arguments.from + arguments.seeds;
  const auto reached = std::min(shared.next.load(), end);
  if (reached < end)
    fmt::print("{} after seed {}: go on with --from {} --seeds {}\n",
               shared.out_of_time ? "the time was over" : "enough has failed", reached - 1, reached,
               end - reached);
  fmt::print("{} seeds from {} to {}, {} letters, in {:.1f} s: {:.1f} a second; {} failed\n", done,
             arguments.from, reached - 1, shared.letters.load(), seconds,
             static_cast<double>(done) / seconds, shared.failed.load());
  if (!says_no_often_enough(shared, done)) {
    fmt::print("too seldom is \"no\" said where nobody could\n");
    return 1;
  }
  return shared.failed == 0 ? 0 : 1;
}

int run_single(const Arguments& arguments) {
  const auto result = run_day(
      arguments.seed, arguments.trace ? Findings::Print::everything : Findings::Print::nothing);
  for (const auto& what : result.broken) fmt::print("seed {}: {}\n", arguments.seed, what);
  fmt::print("seed {}: {} letters, {} promises, {} steps, {} lines, digest {}: {}\n",
             arguments.seed, result.letters, result.promises, result.steps, result.lines,
             result.digest, result.broken.empty() ? "all invariants hold" : "BROKEN");
  return result.broken.empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Days of the whole platform in a simulated world, one a seed.");
  const auto* seed = app.add_option("--seed", arguments.seed, "one day alone");
  app.add_flag("--trace", arguments.trace, "with every event printed");
  app.add_option("--from", arguments.from, "the first of many seeds");
  app.add_option("--seeds", arguments.seeds, "how many");
  app.add_option("--minutes", arguments.minutes, "no day begins after this time");
  app.add_option("--workers", arguments.workers, "at once; as many as there are cores");
  app.add_flag("--first", arguments.first, "end at the first failing seed");
  CLI11_PARSE(app, argc, argv);
  return seed->count() > 0 ? run_single(arguments) : run_many(arguments);
}

}  // namespace
}  // namespace letterlock::day

int main(int argc, char** argv) {
  return letterlock::day::run(argc, argv);
}

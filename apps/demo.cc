#include "apps/demo.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "apps/demo_story.h"
#include "apps/demo_world.h"
#include "base/bytes.h"
#include "os/signals.h"

namespace letterlock::apps {
namespace {

constexpr auto story_wait = std::chrono::seconds(20);
constexpr std::size_t complaints_max = 10;
constexpr std::size_t password_octets = 8;

// What the tasks of one demonstration share. On the loop's thread.
struct Course {
  DemoWorld& world;
  const DemoOptions& options;
  DemoPasswords passwords;
  std::shared_ptr<net::Running> story = {};
  std::shared_ptr<net::Running> watch = {};
  net::Signal asked_to_end = {};
  bool told = false;  // the traces are shown
  std::string failure = {};
};

net::Task<> run_story(Course& course) {
  auto done = co_await course.world.start();
  if (done) done = co_await play(course.world, course.passwords, course.options.out_dir);
  if (!done) {
    if (course.failure.empty()) course.failure = done.error().what;
    co_return;
  }
  course.told = true;
  course.watch->cancel();
  if (course.options.once) co_return;
  print_invitation(course.world, course.passwords);
  (void)co_await course.asked_to_end.wait();
}

net::Task<> watch_over(Course& course) {
  if (!co_await course.world.timers().sleep(story_wait) || course.told) co_return;
  if (course.failure.empty())
    course.failure = fmt::format("it was not through after {} s", story_wait.count());
  course.story->cancel();
}

void end_early(Course& course) {
  course.asked_to_end.set();
  if (course.told) return;
  if (course.failure.empty()) course.failure = "it was interrupted";
  if (course.story) course.story->cancel();
}

void complain(const std::string& line) {
  (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

// The last of what the platform itself complained about.
void print_complaints(const std::string& log_file) {
  std::ifstream in(log_file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.find(" warning ") == std::string::npos && line.find(" error ") == std::string::npos)
      continue;
    lines.push_back(std::move(line));
    if (lines.size() > complaints_max) lines.erase(lines.begin());
  }
  for (const auto& line : lines) complain(fmt::format("  {}\n", line));
}

int failed(std::string_view why) {
  (void)std::fflush(stdout);
  complain(fmt::format("letterlock demo: {}\n", why));
  return 1;
}

base::Result<> make_folder(const std::string& path) {
  std::error_code error;
  if (!path.empty()) std::filesystem::create_directories(path, error);
  if (error)
    return base::fail(base::ErrorKind::io,
                      fmt::format("the folder {} can't be made: {}", path, error.message()));
  return {};
}

std::string password() {
  os::SystemRandom random;
  return base::to_hex(random.octets(password_octets));
}

}  // namespace

int demo(const DemoOptions& options) {
  // Signals are blocked before any thread starts, so that each inherits that.
  auto signals = os::Signals::create();
  if (!signals) return failed(signals.error().what);
  if (const auto made = make_folder(options.out_dir); !made) return failed(made.error().what);
  auto made = DemoWorld::create();
  if (!made) return failed(made.error().what);
  auto& world = **made;

  Course course{world, options, {password(), password(), password()}};
  course.watch = world.loop().spawn(watch_over(course));
  course.story = world.loop().spawn(run_story(course), [&] {
    course.watch->cancel();
    world.loop().spawn(world.stop(), [&] { world.end_run(); });
  });
  (*signals)->listen([&](os::Asked asked) {
    if (asked == os::Asked::stop) world.loop().post([&] { end_early(course); });
  });
  world.run();
  signals->reset();
  if (course.failure.empty() && std::ferror(stdout) != 0)
    return failed("what it had to say could not be written to standard output");
  if (course.failure.empty()) return 0;
  const auto code = failed(course.failure);
  print_complaints(world.log_file());
  return code;
}

}  // namespace letterlock::apps

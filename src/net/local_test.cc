#include "net/local.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "os/files.h"
#include "os/temporary.h"

namespace letterlock::net {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using Opened = base::Result<std::unique_ptr<Connection>>;

Task<> keep(ResultTask<std::unique_ptr<Connection>> task, std::optional<Opened>& result) {
  result = co_await std::move(task);
}
Task<> say(Connection& connection) {
  (void)co_await connection.write("hello", 1s);
}
Task<> hear(Connection& connection, std::string& heard) {
  std::array<char, 16> buffer{};
  const auto octets = co_await connection.read_some(buffer, 1s);
  if (octets) heard.assign(buffer.data(), *octets);
}

class Local : public testing::Test {
 protected:
  void run_until(const std::function<bool()>& done) {
    for (int i = 0; i < 2000 && !done(); ++i) {
      if (loop.poll() == 0) std::this_thread::sleep_for(1ms);
    }
    ASSERT_TRUE(done());
  }
  std::string at(const std::string& name) const { return folder.path() + "/" + name; }

  base::NoEvents events;
  os::TemporaryFolder folder = *os::TemporaryFolder::create("local-test");
  Loop loop;
};

TEST_F(Local, CarriesOctetsForItsOwner) {
  auto listener = listen_local(at("admin"), events);
  ASSERT_TRUE(listener);
  struct stat about{};
  ASSERT_EQ(stat(at("admin").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
  std::optional<Opened> accepted;
  std::optional<Opened> connected;
  loop.spawn(keep((*listener)->accept(), accepted));
  loop.spawn(keep(connect_local(at("admin")), connected));
  run_until([&] { return accepted && connected; });
  ASSERT_TRUE(*accepted && *connected);
  EXPECT_EQ((**accepted)->peer(), Endpoint());
  std::string heard;
  loop.spawn(hear(***accepted, heard));
  loop.spawn(say(***connected));
  run_until([&] { return !heard.empty(); });
  EXPECT_EQ(heard, "hello");
}

TEST_F(Local, ReplacesOnlyWhatIsLeftBehind) {
  auto first = listen_local(at("admin"), events);
  ASSERT_TRUE(first);
  EXPECT_EQ(listen_local(at("admin"), events).error().kind, ErrorKind::exists);
  first->reset();
  EXPECT_TRUE(listen_local(at("admin"), events));
  ASSERT_TRUE(os::write_file(at("file"), "precious"));
  EXPECT_EQ(listen_local(at("file"), events).error().kind, ErrorKind::exists);
  EXPECT_EQ(os::read_file(at("file"), 100), "precious");
}

TEST_F(Local, SaysWhyNot) {
  std::optional<Opened> connected;
  loop.spawn(keep(connect_local(at("none")), connected));
  run_until([&] { return connected.has_value(); });
  EXPECT_EQ(connected->error().kind, ErrorKind::not_found);
  EXPECT_EQ(listen_local(at("none/admin"), events).error().kind, ErrorKind::not_found);
  EXPECT_EQ(listen_local(at(std::string(120, 'x')), events).error().kind, ErrorKind::invalid);
}

}  // namespace
}  // namespace letterlock::net

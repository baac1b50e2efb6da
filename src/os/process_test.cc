// What a process settles at its start: signals, rights, and the service manager. Rights are given
// up in children, so that the tests after this one keep theirs.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/privileges.h"
#include "os/service.h"
#include "os/signals.h"
#include "os/temporary.h"
#include "os/test_child.h"

namespace letterlock::os {
namespace {

using base::ErrorKind;
using test::in_child;

TEST(Signals, BecomeCalls) {
  EXPECT_EQ(in_child([] {
              std::atomic<int> stops = 0;
              std::atomic<int> reloads = 0;
              auto signals = Signals::create();
              if (!signals) return 1;
              const auto wait = [&](int all) {
                for (int i = 0; i < 2000 && stops + reloads < all; ++i) usleep(1000);
              };
              kill(getpid(), SIGHUP);  // before anybody listens
              (*signals)->listen([&](Asked asked) { ++(asked == Asked::stop ? stops : reloads); });
              wait(1);
              kill(getpid(), SIGTERM);
              wait(2);
              kill(getpid(), SIGINT);
              wait(3);
              signals->reset();
              raise(SIGPIPE);
              return stops == 2 && reloads == 1 ? 0 : 2;
            }),
            0);
}

TEST(Privileges, DescriptorLimitIsTheHardOne) {
  EXPECT_EQ(in_child([] {
              rlimit limit{};
              getrlimit(RLIMIT_NOFILE, &limit);
              limit.rlim_cur = 64;
              setrlimit(RLIMIT_NOFILE, &limit);
              const auto raised = raise_descriptor_limit(64);
              getrlimit(RLIMIT_NOFILE, &limit);
              return raised && *raised == limit.rlim_max && limit.rlim_cur == limit.rlim_max ? 0
                                                                                             : 1;
            }),
            0);
}

// Root gets what it wants where the machine lets it; nobody gets less than before.
TEST(Privileges, DescriptorLimitIsRaisedByRoot) {
  EXPECT_EQ(in_child([] {
              rlimit limit{64, 128};
              if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
              const auto raised = raise_descriptor_limit(256);
              getrlimit(RLIMIT_NOFILE, &limit);
              if (!raised || limit.rlim_cur != *raised) return 2;
              return *raised == 256 || *raised == 128 ? 0 : 3;
            }),
            0);
}

TEST(Privileges, NoNewOnes) {
  EXPECT_EQ(in_child([] {
              return forbid_new_privileges() && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
            }),
            0);
}

// As root it checks the change, as anybody else that nothing changes.
TEST(Attack51, RootIsLeftForGood) {
  const uid_t before = geteuid();
  EXPECT_EQ(in_child([before] {
              const auto refused = leave_root("", Root::refused);
              const bool as_expected = before == 0
                                           ? !refused && refused.error().kind == ErrorKind::denied
                                           : refused.has_value();
              if (!as_expected || !leave_root("", Root::allowed)) return 1;
              if (before == 0 && leave_root("no-such-user", Root::refused)) return 2;
              if (!leave_root("nobody", Root::refused)) return 3;
              if (before != 0) return geteuid() == before ? 0 : 4;
              const auto* nobody = getpwnam("nobody");
              const bool left = nobody != nullptr && geteuid() == nobody->pw_uid &&
                                getuid() == nobody->pw_uid && getegid() == nobody->pw_gid;
              return left && setuid(0) != 0 && seteuid(0) != 0 ? 0 : 5;
            }),
            0);
}

TEST(Service, TellsItsManager) {
  const auto folder = *TemporaryFolder::create("notify-test");
  const auto path = folder.path() + "/notify";
  const Descriptor manager(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::memcpy(at.sun_path, path.data(), path.size());
  ASSERT_EQ(bind(manager.number(), reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  EXPECT_TRUE(notify_service("READY=1"));  // nobody asked
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  EXPECT_TRUE(notify_service("READY=1"));
  setenv("NOTIFY_SOCKET", "no-path", 1);
  EXPECT_FALSE(notify_service("READY=1"));
  setenv("NOTIFY_SOCKET", (path + "-gone").c_str(), 1);
  EXPECT_FALSE(notify_service("READY=1"));
  unsetenv("NOTIFY_SOCKET");
  std::array<char, 64> buffer{};
  EXPECT_EQ(recv(manager.number(), buffer.data(), buffer.size(), MSG_DONTWAIT), 7);
  EXPECT_STREQ(buffer.data(), "READY=1");
  EXPECT_LT(recv(manager.number(), buffer.data(), buffer.size(), MSG_DONTWAIT), 0);
}

TEST(Service, TakesGivenListenersOnce) {
  EXPECT_EQ(in_child([] {
              if (dup2(STDIN_FILENO, 3) < 0 || dup2(STDIN_FILENO, 4) < 0) return 1;
              setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
              setenv("LISTEN_FDS", "2", 1);
              setenv("LISTEN_FDNAMES", "smtp:submission", 1);
              const auto given = take_given_listeners();
              if (given.size() != 2 || given[0].name != "smtp" || given[1].name != "submission" ||
                  given[1].socket.number() != 4)
                return 2;
              if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || getenv("LISTEN_FDS") != nullptr)
                return 3;
              if (!take_given_listeners().empty()) return 4;
              // Meant for another process: not ours.
              setenv("LISTEN_PID", "1", 1);
              setenv("LISTEN_FDS", "2", 1);
              return take_given_listeners().empty() ? 0 : 5;
            }),
            0);
}

}  // namespace
}  // namespace letterlock::os

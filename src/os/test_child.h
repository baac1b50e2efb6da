// A child process for tests: there rights can be given up, and doors closed, for good.
#pragma once

#include <functional>

#include <sys/wait.h>
#include <unistd.h>

namespace letterlock::os::test {

// Runs it in a child: what it returned, 255 when it crashed.
inline int in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace letterlock::os::test

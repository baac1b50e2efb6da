// The terminal at standard input, changed for a while.
#pragma once

#include <termios.h>
#include <unistd.h>

namespace letterlock::apps {

// Without these local modes (termios' c_lflag: ECHO, ICANON …) until it goes; then all is as
// before. Where standard input is no terminal, nothing changes.
class TerminalInput {
 public:
  explicit TerminalInput(tcflag_t without) {
    is_terminal_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!is_terminal_) return;
    auto changed = before_;
    changed.c_lflag &= ~without;
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &changed) == 0;
  }
  ~TerminalInput() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  TerminalInput(const TerminalInput&) = delete;
  TerminalInput& operator=(const TerminalInput&) = delete;

  bool is_terminal() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_ = false;
  bool changed_ = false;
};

}  // namespace letterlock::apps

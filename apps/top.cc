#include "apps/top.h"

#include <cerrno>
#include <csignal>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/terminal.h"

namespace letterlock::apps {
namespace {

constexpr std::string_view to_other_screen = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view back_to_screen = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H\x1b[J";

volatile std::sig_atomic_t ended = 0;

void write_out(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Keys as they are pressed, Ctrl-C among them, and a screen of our own; all as before at the end.
class Terminal {
 public:
  Terminal() : keys_(ICANON | ECHO | ISIG) {
    if (!keys_.is_terminal()) return;
    struct sigaction end{};
    end.sa_handler = [](int) { ended = 1; };
    for (const int signal : {SIGTERM, SIGHUP, SIGINT}) sigaction(signal, &end, nullptr);
    write_out(to_other_screen);
  }
  ~Terminal() { write_out(back_to_screen); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

 private:
  TerminalInput keys_;
};

winsize terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size = {24, 80, 0, 0};
  return size;
}

struct Look {
  std::string text;
  bool fine = false;
};

Look look(const std::string& socket, const TopOptions& options, std::size_t width) {
  const auto status = call(socket, "status", {});
  if (!status) return {"letterlock: " + status.error().what + "\n", false};
  return {options.json ? boost::json::serialize(*status) + "\n" : status_screen(*status, width),
          is_fine(*status)};
}

// True if the one who looks on wants to leave.
bool wait_for_key(int seconds) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const int ready = poll(&input, 1, seconds * 1000);
  if (ended != 0) return true;
  if (ready <= 0) return false;  // time, or a change of the window's size
  char key = 'q';
  const auto count = read(STDIN_FILENO, &key, 1);
  constexpr char control_c = 3;
  constexpr char control_d = 4;
  return count <= 0 || key == 'q' || key == 'Q' || key == control_c || key == control_d;
}

}  // namespace

std::string fit(std::string_view text, std::size_t columns, std::size_t rows) {
  std::string out;
  for (std::size_t row = 0; row < rows && !text.empty(); ++row) {
    const auto end = std::min(text.find('\n'), text.size());
    out += text.substr(0, std::min(end, columns));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row + 1 < rows && !text.empty()) out += "\r\n";
  }
  return out;
}

int top(const TopOptions& options) {
  const auto socket = socket_of(options.target);
  if (!socket) {
    fmt::print(stderr, "letterlock: {}\n", socket.error().what);
    return 1;
  }
  const bool is_watched = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  if (options.once || !is_watched) {
    const auto one = look(*socket, options, 100);
    write_out(one.text);
    return one.fine ? 0 : 1;
  }
  const Terminal terminal;
  while (true) {
    const auto size = terminal_size();
    const auto one = look(*socket, options, size.ws_col);
    write_out(std::string(home) + fit(one.text, size.ws_col, size.ws_row));
    if (wait_for_key(options.every_seconds)) return one.fine ? 0 : 1;
  }
}

}  // namespace letterlock::apps

// The sink: takes every message, over TLS where asked, keeps nothing. After --expect messages it
// prints `messages=… octets=… seconds=…` (from the first message's end to the last one's). The
// first
// --warm messages don't count; after them it prints `warm`.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <sys/socket.h>

#include "bench/wire.h"

namespace letterlock::bench {
namespace {

using Moment = std::chrono::steady_clock::time_point;

struct Shared {
  Context context;
  std::uint64_t expected = 0;
  std::uint64_t warm = 0;
  std::mutex mutex;
  std::uint64_t messages = 0;
  std::atomic<std::uint64_t> octets{0};
  Moment first;

  void count() {
    const std::scoped_lock lock(mutex);
    const auto now = std::chrono::steady_clock::now();
    if (warm > 0) {
      if (--warm > 0) return;
      fmt::print("warm\n");
      std::fflush(stdout);
      octets = 0;
      return;
    }
    if (++messages == 1) first = now;
    if (messages != expected) return;
    const std::chrono::duration<double> took = now - first;
    fmt::print("messages={} octets={} seconds={:.3f}\n", messages, octets.load(), took.count());
    std::fflush(stdout);
  }
};

// Up to the line of a dot alone, wherever it stands in what comes.
bool content(Wire& wire, Shared& shared) {
  std::string near = "\r\n";
  while (true) {
    std::string_view came;
    if (!wire.some(came)) return false;
    near += came;
    const auto end = near.find("\r\n.\r\n");
    if (end != std::string::npos) {
      const auto behind = near.size() - end - 5;
      wire.give_back(behind);
      shared.octets += came.size() - behind;
      return true;
    }
    shared.octets += came.size();
    if (near.size() > 4) near.erase(0, near.size() - 4);
  }
}

std::string hello(const Wire& wire, const Shared& shared) {
  const bool offers = shared.context && !wire.is_secure();
  return std::string("250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 0\r\n") +
         (offers ? "250-STARTTLS\r\n" : "") + "250 ENHANCEDSTATUSCODES\r\n";
}

// What is said is kept back while more commands are there: the answers to a pipelined group go out
// together.
bool serve(Wire& wire, Shared& shared) {
  std::string out = "220 sink.example ESMTP\r\n";
  while (true) {
    if (!wire.has_more()) {
      if (!wire.send(out)) return false;
      out.clear();
    }
    std::string_view line;
    if (!wire.line(line)) return false;
    const auto verb = line.substr(0, 4);
    if (verb == "EHLO" || verb == "HELO") {
      out += hello(wire, shared);
    } else if (verb == "STAR") {
      if (!wire.send("220 2.0.0 go on\r\n") || !wire.begin_tls(shared.context.get(), true))
        return false;
    } else if (verb == "DATA") {
      if (!wire.send(out + "354 go on\r\n") || !content(wire, shared)) return false;
      shared.count();
      out = "250 2.0.0 taken\r\n";
    } else if (verb == "QUIT") {
      return wire.send(out + "221 2.0.0 bye\r\n");
    } else {
      out += "250 2.0.0 ok\r\n";
    }
  }
}

}  // namespace
}  // namespace letterlock::bench

// --port N --expect N [--warm N] [--chain FILE --key FILE]
int main(int count, char** words) {
  using namespace letterlock::bench;
  std::signal(SIGPIPE, SIG_IGN);
  std::string chain;
  std::string key;
  std::uint16_t port = 0;
  Shared shared;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string word = words[i];
    if (word == "--port") port = static_cast<std::uint16_t>(std::stoul(words[i + 1]));
    if (word == "--expect") shared.expected = std::stoul(words[i + 1]);
    if (word == "--warm") shared.warm = std::stoul(words[i + 1]);
    if (word == "--chain") chain = words[i + 1];
    if (word == "--key") key = words[i + 1];
  }
  if (!chain.empty()) shared.context = server_context(chain, key);
  const int listener = listen_on(port);
  while (true) {
    const int socket = ::accept(listener, nullptr, nullptr);
    if (socket < 0) continue;
    std::thread([socket, &shared] {
      Wire wire(socket);
      (void)serve(wire, shared);
    }).detach();
  }
}

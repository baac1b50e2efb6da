// The load: N connections at once, each gives its messages and takes the replies. Prints one line,
// `messages=… failed=… seconds=… rate=…`. With --idle it opens the sessions, says `idle`, and holds
// them until its standard input ends.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "bench/wire.h"

namespace letterlock::bench {
namespace {

enum class Tls { none, starttls, implicit };

struct Options {
  std::uint16_t port = 0;
  unsigned connections = 20;
  unsigned messages = 1000;       // all together
  unsigned per_connection = 100;  // then a new one
  std::size_t octets = 4096;
  Tls tls = Tls::none;
  bool pipeline = false;
  bool idle = false;
  // An N in them is the number of the connection.
  std::string from = "cleo@modern.example";
  std::string to = "bob@acorn.example";
  std::string user;
  std::string password;
};

struct Shared {
  explicit Shared(Options its) : options(std::move(its)), context(client_context()) {}
  Options options;
  Context context;
  std::string body;
  std::atomic<unsigned> next{0};
  std::atomic<unsigned> failed{0};
};

std::string body_of(std::size_t octets) {
  std::string out;
  while (out.size() < octets)
    out += "A letter was once locked by its own folds: no envelope, no opening unseen\r\n";
  return out + ".\r\n";
}

std::string base64(std::string_view octets) {
  std::string out((octets.size() + 2) / 3 * 4 + 1, '\0');
  out.resize(static_cast<std::size_t>(EVP_EncodeBlock(
      reinterpret_cast<unsigned char*>(out.data()),
      reinterpret_cast<const unsigned char*>(octets.data()), static_cast<int>(octets.size()))));
  return out;
}

std::string numbered(std::string name, unsigned connection) {
  const auto at = name.find('N');
  return at == std::string::npos ? name : name.replace(at, 1, std::to_string(connection));
}

// One session with the server under test.
class Client {
 public:
  Client(Shared& shared, unsigned connection)
      : shared_(shared),
        from_(numbered(shared.options.from, connection)),
        user_(numbered(shared.options.user, connection)),
        wire_(Wire::connect(shared.options.port)) {}

  bool open() {
    const auto& options = shared_.options;
    if (options.tls == Tls::implicit && !wire_.begin_tls(shared_.context.get(), false))
      return false;
    if (!reply('2') || !ask("EHLO load.modern.example\r\n", '2')) return false;
    if (options.tls == Tls::starttls) {
      if (!ask("STARTTLS\r\n", '2') || !wire_.begin_tls(shared_.context.get(), false) ||
          !ask("EHLO load.modern.example\r\n", '2'))
        return false;
    }
    if (user_.empty()) return true;
    const auto answer = base64('\0' + user_ + '\0' + options.password);
    return ask("AUTH PLAIN " + answer + "\r\n", '2');
  }
  bool give(unsigned number) {
    const auto& options = shared_.options;
    const auto mail = fmt::format("MAIL FROM:<{}>\r\n", from_);
    const auto rcpt = fmt::format("RCPT TO:<{}>\r\n", options.to);
    if (options.pipeline) {
      if (!wire_.send(mail + rcpt + "DATA\r\n") || !reply('2') || !reply('2') || !reply('3'))
        return false;
    } else if (!ask(mail, '2') || !ask(rcpt, '2') || !ask("DATA\r\n", '3')) {
      return false;
    }
    const auto header = fmt::format(
        "From: <{}>\r\nTo: <{}>\r\nSubject: number {}\r\nMessage-ID: <{}.{}@modern.example>\r\n"
        "Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\n",
        from_, options.to, number, number,
        std::chrono::system_clock::now().time_since_epoch().count());
    return ask(header + shared_.body, '2');
  }
  void close() { (void)ask("QUIT\r\n", '2'); }

 private:
  bool ask(std::string_view command, char wanted) { return wire_.send(command) && reply(wanted); }
  bool reply(char wanted) {
    std::string_view line;
    do {
      if (!wire_.line(line) || line.size() < 3) return false;
    } while (line.size() > 3 && line[3] == '-');
    if (line.front() == wanted) return true;
    if (shared_.failed.load() == 0)
      std::fprintf(stderr, "the server said: %s\n", std::string(line).c_str());
    return false;
  }
  Shared& shared_;
  const std::string from_;
  const std::string user_;
  Wire wire_;
};

// One thread: connection after connection, until all messages are given.
void work(Shared& shared, unsigned connection) {
  const auto& options = shared.options;
  auto number = shared.next++;
  while (number < options.messages) {
    Client client(shared, connection);
    bool fine = client.open();
    for (unsigned given = 0; fine && given < options.per_connection && number < options.messages;
         ++given) {
      fine = client.give(number);
      if (fine) number = shared.next++;
    }
    if (fine) {
      client.close();
    } else {
      ++shared.failed;
      number = shared.next++;
    }
  }
}

int hold(Shared& shared) {
  std::vector<std::unique_ptr<Client>> clients;
  for (unsigned i = 0; i < shared.options.connections; ++i) {
    clients.push_back(std::make_unique<Client>(shared, i));
    if (!clients.back()->open()) {
      std::fprintf(stderr, "session %u was refused\n", i);
      return 1;
    }
  }
  std::puts("idle");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

int run(Shared& shared) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < shared.options.connections; ++i)
    threads.emplace_back([&shared, i] { work(shared, i); });
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("messages={} failed={} seconds={:.3f} rate={:.0f}\n", shared.options.messages,
             shared.failed.load(), took.count(), shared.options.messages / took.count());
  return shared.failed.load() == 0 ? 0 : 1;
}

bool read(Options& options, const std::string& key, const std::string& value) {
  const auto number = [&] { return static_cast<unsigned>(std::stoul(value)); };
  if (key == "--port")
    options.port = static_cast<std::uint16_t>(number());
  else if (key == "--connections")
    options.connections = number();
  else if (key == "--messages")
    options.messages = number();
  else if (key == "--per-connection")
    options.per_connection = number();
  else if (key == "--octets")
    options.octets = number();
  else if (key == "--from")
    options.from = value;
  else if (key == "--to")
    options.to = value;
  else if (key == "--user")
    options.user = value;
  else if (key == "--password")
    options.password = value;
  else if (key == "--tls")
    options.tls = value == "none" ? Tls::none : value == "implicit" ? Tls::implicit : Tls::starttls;
  else if (key == "--pipeline")
    options.pipeline = value == "yes";
  else if (key == "--idle")
    options.idle = value == "yes";
  else
    return false;
  return true;
}

}  // namespace
}  // namespace letterlock::bench

int main(int count, char** words) {
  using namespace letterlock::bench;
  std::signal(SIGPIPE, SIG_IGN);
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    if (!read(options, words[i], words[i + 1])) {
      std::fprintf(stderr, "unknown: %s\n", words[i]);
      return 2;
    }
  }
  Shared shared(options);
  shared.body = body_of(options.octets);
  return options.idle ? hold(shared) : run(shared);
}

// The client's side of POP3, for tests and the demonstration: one connection, one command after the
// other. It believes nothing: what a server sends is bounded, and what it sends in clear behind
// STLS ends the session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/loop.h"
#include "os/random.h"
#include "pop/command.h"
#include "pop/lines.h"
#include "pop/response.h"
#include "sasl/client.h"
#include "tls/tls.h"

namespace letterlock::drive {

struct PopClientOptions {
  enum class Entry { tls, clear } entry = Entry::tls;
  tls::ClientOptions tls;
  base::Milliseconds wait = std::chrono::minutes(1);  // for each read and write
  std::size_t listing_octets_max = 4 * 1024 * 1024;
  unsigned rounds_min = sasl::rounds_min;  // of SCRAM
};

// Lives on one loop. After an error of kind closed, timeout, protocol, full or cancelled only its
// destructor is left. Errors of all: these; and what the server says with -ERR: denied ([AUTH]),
// unavailable ([SYS/TEMP], [IN-USE]), invalid (any other).
class PopClient {
 public:
  struct World {
    tls::Tls& tls;
    net::Workers& workers;  // for the password's digest
    os::Random& random;
  };

  PopClient(World world, PopClientOptions options)
      : world_(world), options_(std::move(options)), lines_(line_octets_max) {}
  // TLS if it is implicit, and the greeting.
  net::ResultTask<> open(std::unique_ptr<net::Connection> connection);

  // The lines of CAPA.
  net::ResultTask<std::vector<std::string>> capa();
  net::ResultTask<> stls();
  net::ResultTask<> user_pass(std::string user, std::string password);
  // With SCRAM-SHA-256 over TLS the server is told whether we saw PLUS on offer, if capa() was
  // asked before.
  net::ResultTask<> auth(sasl::Mechanism mechanism, std::string user, std::string password);
  net::ResultTask<pop::Pair> stat();
  net::ResultTask<std::vector<pop::Pair>> list();
  net::ResultTask<std::vector<pop::UniqueId>> uidl();
  // Errors also: full (more than `octets_max`).
  net::ResultTask<base::Bytes> retr(std::uint32_t message, std::size_t octets_max);
  net::ResultTask<base::Bytes> top(std::uint32_t message, std::uint32_t lines,
                                   std::size_t octets_max);
  net::ResultTask<> dele(std::uint32_t message);
  net::ResultTask<> rset();
  net::ResultTask<> noop();
  // What was marked is gone if this succeeds.
  net::ResultTask<> quit();

  // Null without TLS.
  const tls::Session* tls() const { return tls_; }

 private:
  static constexpr std::size_t line_octets_max = 8192;

  net::ResultTask<> start_tls();
  net::ResultTask<> send(std::string line);
  net::ResultTask<std::string> read_line();
  net::ResultTask<pop::Status> read_status();
  net::ResultTask<pop::Status> ask(pop::Command command);
  net::ResultTask<> do_command(pop::Command command);
  net::ResultTask<base::Bytes> read_content(std::size_t octets_max);
  net::ResultTask<std::vector<std::string>> read_listing();
  net::ResultTask<base::Bytes> respond(std::shared_ptr<sasl::ClientMechanism> mechanism,
                                       base::Bytes challenge);

  World world_;
  PopClientOptions options_;
  std::unique_ptr<net::Connection> connection_;
  tls::Session* tls_ = nullptr;
  pop::LineReader lines_;
  enum class Plus { not_asked, offered, not_offered } plus_ = Plus::not_asked;
};

}  // namespace letterlock::drive

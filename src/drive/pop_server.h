// Runs POP3 sessions over connections: the state machine of pop/, the sign-in of sasl/, the content
// of a handler. It keeps nothing between sessions. Lives on the loop of the session that it runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "drive/pop_handler.h"
#include "drive/sessions.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "sasl/mechanism.h"
#include "tls/tls.h"

namespace letterlock::drive {

struct PopOptions {
  enum class Entry {
    tls,    // TLS from the first octet (995). RFC: 8314 section 3.3
    stls,   // in clear, and STLS is offered (110)
    clear,  // in clear, without STLS: for tests
  } entry = Entry::tls;
  // Somebody here may sign in without TLS: USER is offered, and the handler asked for whom.
  bool clear_sign_in = false;
  // PLUS only where the TLS session has an exporter, EXTERNAL only where the client has shown a
  // certificate that is somebody's.
  std::vector<sasl::Mechanism> mechanisms = {
      sasl::Mechanism::external, sasl::Mechanism::scram_sha_256_plus,
      sasl::Mechanism::scram_sha_256, sasl::Mechanism::plain};
  tls::ServerOptions tls;
  base::Milliseconds idle = base::limits::pop_idle;            // for a whole command to come
  base::Milliseconds sign_in_wait = std::chrono::minutes(3);   // for all that comes before it
  base::Milliseconds exchange_wait = std::chrono::minutes(1);  // for an answer within AUTH
  base::Milliseconds handshake_wait = std::chrono::seconds(30);
  base::Milliseconds write_wait = std::chrono::minutes(2);  // for 48 KiB at most
  base::Milliseconds refusal_delay = std::chrono::seconds(1);
};

// How a session ended, for the log.
struct PopEnd {
  enum class Why {
    quit,
    closed,     // by the peer, or the connection broke
    timeout,    // the peer was silent or too slow
    cut,        // we ended it: refusals, errors, another protocol
    tls,        // the handshake failed
    content,    // a content could not be read to its end
    cancelled,  // we are stopping
  } why = Why::closed;
  std::string detail;
};
std::string_view name(PopEnd::Why why);

class PopServer {
 public:
  struct World {
    tls::Tls& tls;
    net::Timers& timers;
    const os::Clock& clock;
    os::Random& random;
    Sessions* sessions = nullptr;  // of the loop; none: only cancelling ends it early
  };
  PopServer(World world, PopOptions options) : world_(world), options_(std::move(options)) {}

  // One session from greeting to end; the connection is closed then. The handler and this object
  // must outlive the task. Cancel: the session ends at once; a content under way counts as begun
  // and not complete. Limits: about 250 KiB a session with 16,384 messages, 120 KiB with a few.
  net::Task<PopEnd> serve(std::unique_ptr<net::Connection> connection, PopHandler& handler);

 private:
  World world_;
  PopOptions options_;
};

}  // namespace letterlock::drive

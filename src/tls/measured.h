// TLS with figures of its handshakes: how many, how they ended, how long they took, and what came
// of them. Everything else is the engine's behind it.
#pragma once

#include <array>
#include <memory>

#include "os/metrics.h"
#include "tls/tls.h"

namespace letterlock::tls {

// Any thread, as the engine.
class MeasuredTls final : public Tls {
 public:
  MeasuredTls(std::unique_ptr<Tls> engine, os::Metrics& metrics);

  net::ResultTask<std::unique_ptr<Session>> accept(std::unique_ptr<net::Connection> connection,
                                                   ServerOptions options,
                                                   base::Milliseconds timeout) override;
  net::ResultTask<std::unique_ptr<Session>> connect(std::unique_ptr<net::Connection> connection,
                                                    ClientOptions options,
                                                    base::Milliseconds timeout) override;

 private:
  struct Direction {
    Direction(os::Metrics& metrics, const char* name);
    void note(const base::Result<std::unique_ptr<Session>>& session,
              std::chrono::steady_clock::time_point began) const;

    os::Histogram& seconds;
    os::Counter& done;
    os::Counter& timeout;
    os::Counter& closed;
    os::Counter& failed;
    // By version (1.2, 1.3), then by whether the key exchange resists a quantum computer.
    std::array<std::array<os::Counter*, 2>, 2> sessions{};
  };

  std::unique_ptr<Tls> engine_;
  Direction in_;
  Direction out_;
};

}  // namespace letterlock::tls

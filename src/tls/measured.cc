#include "tls/measured.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;
using Clock = std::chrono::steady_clock;

os::Counter& handshakes(os::Metrics& metrics, const char* direction, const char* outcome) {
  return metrics.counter("letterlock_tls_handshakes_total",
                         "TLS handshakes by how they ended: done, timeout, closed by the peer, "
                         "failed.",
                         {{"direction", direction}, {"outcome", outcome}});
}

}  // namespace

MeasuredTls::Direction::Direction(os::Metrics& metrics, const char* name)
    : seconds(metrics.times("letterlock_tls_handshake_seconds",
                            "How long TLS handshakes took, the peer's time included.",
                            os::short_times(), {{"direction", name}})),
      done(handshakes(metrics, name, "done")),
      timeout(handshakes(metrics, name, "timeout")),
      closed(handshakes(metrics, name, "closed")),
      failed(handshakes(metrics, name, "failed")) {
  for (const bool newer : {false, true}) {
    for (const bool quantum : {false, true}) {
      sessions[newer][quantum] =
          &metrics.counter("letterlock_tls_sessions_total", "TLS sessions by what was agreed.",
                           {{"direction", name},
                            {"version", newer ? "1.3" : "1.2"},
                            {"post_quantum", quantum ? "yes" : "no"}});
    }
  }
}

void MeasuredTls::Direction::note(const base::Result<std::unique_ptr<Session>>& session,
                                  Clock::time_point began) const {
  seconds.observe(Clock::now() - began);
  if (session) {
    const auto facts = (*session)->facts();
    done.add();
    sessions[facts.version == hop::TlsVersion::tls1_3][facts.post_quantum]->add();
    return;
  }
  switch (session.error().kind) {
    case ErrorKind::timeout:
      return timeout.add();
    case ErrorKind::closed:
    case ErrorKind::cancelled:
      return closed.add();
    default:
      return failed.add();
  }
}

MeasuredTls::MeasuredTls(std::unique_ptr<Tls> engine, os::Metrics& metrics)
    : engine_(std::move(engine)), in_(metrics, "in"), out_(metrics, "out") {}

net::ResultTask<std::unique_ptr<Session>> MeasuredTls::accept(
    std::unique_ptr<net::Connection> connection, ServerOptions options,
    base::Milliseconds timeout) {
  const auto began = Clock::now();
  auto session = co_await engine_->accept(std::move(connection), std::move(options), timeout);
  in_.note(session, began);
  co_return session;
}

net::ResultTask<std::unique_ptr<Session>> MeasuredTls::connect(
    std::unique_ptr<net::Connection> connection, ClientOptions options,
    base::Milliseconds timeout) {
  const auto began = Clock::now();
  auto session = co_await engine_->connect(std::move(connection), std::move(options), timeout);
  out_.note(session, began);
  co_return session;
}

}  // namespace letterlock::tls

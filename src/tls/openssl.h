// TLS by OpenSSL: a small engine of our own that owns the connection and moves octets between it
// and OpenSSL, so that an idle session keeps no buffers. Policy in policy.cc, proofs in verify.cc.
#pragma once

#include <memory>

#include "os/clock.h"
#include "tls/certificates.h"
#include "tls/tls.h"

namespace letterlock::tls {

// From any thread; each session lives on the loop of the task that made it.
class OpensslTls final : public Tls {
 public:
  // Without certificates it can only connect. `clock` and `events` outlive it and its sessions.
  // Errors: io (OpenSSL can't be set up).
  static base::Result<std::unique_ptr<OpensslTls>> create(
      std::shared_ptr<ServerCertificates> certificates, const os::Clock& clock,
      base::EventSink& events);
  ~OpensslTls() override;

  net::ResultTask<std::unique_ptr<Session>> accept(std::unique_ptr<net::Connection> connection,
                                                   ServerOptions options,
                                                   base::Milliseconds timeout) override;
  net::ResultTask<std::unique_ptr<Session>> connect(std::unique_ptr<net::Connection> connection,
                                                    ClientOptions options,
                                                    base::Milliseconds timeout) override;

 private:
  struct State;
  explicit OpensslTls(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace letterlock::tls

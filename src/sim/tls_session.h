// A session of the TLS model, after its handshake. Inside sim.
#pragma once

#include <memory>
#include <string>

#include "sim/connection.h"
#include "sim/tls_frame.h"
#include "sim/tls_verify.h"

namespace letterlock::sim {

// What both ends agreed on, and what this end found out.
struct Agreed {
  hop::TlsFacts facts;
  std::string secret;
  bool exports = true;
  Verdict verdict;
  ClientCertificate peer;  // of a server the key alone
  std::string server_name;
};

class TlsSession final : public tls::Session {
 public:
  // `rest`: octets that came behind the handshake.
  TlsSession(std::shared_ptr<Schedule> schedule, std::unique_ptr<net::Connection> raw,
             Agreed agreed, bool is_server, std::string rest);

  net::ResultTask<std::size_t> read_some(std::span<char> buffer,
                                         base::Milliseconds timeout) override;
  net::ResultTask<> wait_readable(base::Milliseconds timeout) override;
  net::ResultTask<> write(std::string_view octets, base::Milliseconds timeout) override;
  void close() override { raw_->close(); }
  void wake_reader() override { raw_->wake_reader(); }
  net::Task<> shutdown(base::Milliseconds timeout) override;
  net::Endpoint local() const override { return raw_->local(); }
  net::Endpoint peer() const override { return raw_->peer(); }

  hop::TlsFacts facts() const override { return agreed_.facts; }
  base::Result<base::Bytes> exporter(std::string_view label, std::string_view context,
                                     std::size_t octets) const override;
  bool peer_verified() const override { return agreed_.verdict.verified; }
  const std::string& verification_failure() const override { return agreed_.verdict.failure; }
  hop::Proof proved_by() const override { return agreed_.verdict.proof; }
  const std::string& peer_key_digest() const override { return agreed_.peer.key_digest; }
  const std::vector<std::string>& peer_addresses() const override { return agreed_.peer.addresses; }
  const std::string& server_name() const override { return agreed_.server_name; }

 private:
  net::ResultTask<> next_record(base::Milliseconds deadline);

  std::shared_ptr<Schedule> schedule_;
  std::unique_ptr<net::Connection> raw_;
  sim::Connection* simulated_;  // raw_, if it is one of ours
  Agreed agreed_;
  FrameCoder out_;
  FrameCoder in_;
  std::string coming_;  // octets that make no whole record yet
  std::string plain_;   // of the record being read
  std::size_t plain_taken_ = 0;
  bool ended_ = false;  // the peer said close_notify
};

}  // namespace letterlock::sim

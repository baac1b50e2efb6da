// What every session that takes mail in has alike, whoever comes: a place among the sessions, the
// name that the peer says, its TLS, and how it ended. mx and msa add what they let in. One object a
// session; lives on its connection's loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/event.h"
#include "custody/custody.h"
#include "directory/directory.h"
#include "drive/smtp_server.h"
#include "net/admission.h"
#include "protection/network.h"

namespace letterlock::custody {

struct InboundPorts {
  store::Store& store;
  directory::Directory& directory;
  Custody& custody;
  net::Admission& admission;
  os::Clock& clock;
  os::Random& random;
  tls::Tls& tls;
  base::EventSink& events;
};

struct InboundOptions {
  std::string node;  // as traces name it
  drive::SmtpServerOptions server;
  protection::KnownNetworks networks;
  // Free disk that mail from outside leaves to those who sign in. 0: none.
  std::uint64_t spare_octets = 0;
};

class InboundHandler : public drive::SmtpHandler {
 public:
  struct Ends {
    net::Endpoint peer;
    hop::Network network = hop::Network::public_;
  };
  // For what a session came, and the agent that takes it, a literal as events name it.
  struct Role {
    std::string_view agent;
    net::Purpose purpose = net::Purpose::mail;
  };
  // What is referred to outlives the session.
  InboundHandler(Role role, const InboundPorts& ports, const InboundOptions& options, Ends ends);

  net::Task<smtp::Reply> on_connect() override;
  net::Task<smtp::Reply> on_ehlo(smtp::Hello hello) override;
  net::Task<> on_tls(const tls::Session& session) override;
  net::Task<> on_password_shown(std::string user, std::string password) override;
  net::Task<> on_end(drive::SmtpEnd end, std::string detail) override;

 protected:
  // Who signs in, by which road.
  directory::Asker asker() const;
  // Adds content, and tells what failed: the peer hears one sentence only. `account`: who signed
  // in.
  net::ResultTask<> add(queue::Intake& intake, std::string_view octets, std::string account);
  void not_accepted(const base::Error& error, std::string account) const;
  // The road that the connection came by.
  hop::Network network() const { return network_; }
  // Whoever has signed in has more room.
  void has_signed_in();
  void refused(std::string_view event, base::Severity severity, const smtp::Reply& reply,
               std::vector<std::pair<std::string_view, std::string>> fields) const;

  const InboundPorts& ports_;
  const InboundOptions& options_;
  const net::Endpoint peer_;
  smtp::Hello hello_;
  const tls::Session* tls_ = nullptr;  // none in clear

 private:
  Role role_;
  hop::Network network_;
  std::optional<net::Admission::Ticket> ticket_;
  std::optional<net::Admission::LastWords> last_words_;  // while we turn it away
};

}  // namespace letterlock::custody

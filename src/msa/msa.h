// Receives mail from people of the platform, who sign in (ports 465 and 587), for everybody. What
// they write is theirs to write: mail_from and header_from belong to the account. One session
// object a connection; it lives on its connection's loop. RFC: 6409.
#pragma once

#include <memory>

#include "base/event.h"
#include "custody/custody.h"
#include "directory/directory.h"
#include "drive/smtp_server.h"
#include "net/admission.h"
#include "protection/network.h"

namespace letterlock::msa {

struct Ports {
  store::Store& store;
  directory::Directory& directory;
  custody::Custody& custody;
  net::Admission& admission;
  os::Clock& clock;
  os::Random& random;
  tls::Tls& tls;
  base::EventSink& events;
};

struct Options {
  std::string node;                 // as traces name it
  drive::SmtpServerOptions server;  // host name, limits, mechanisms; requires TLS and AUTH
  protection::KnownNetworks networks;
};

class Msa {
 public:
  Msa(Ports ports, Options options);

  // One whole session. Start it through a gate.
  // Cancel: the connection is closed; what was not answered 250 is not kept.
  net::Task<> session(std::unique_ptr<net::Connection> connection);

 private:
  Ports ports_;
  Options options_;
};

}  // namespace letterlock::msa

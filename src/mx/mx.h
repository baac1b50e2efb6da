// Receives mail from other operators' MTAs (port 25): for the domains that are here, and for nobody
// else. One session object a connection; it lives on its connection's loop.
#pragma once

#include <memory>

#include "base/event.h"
#include "custody/custody.h"
#include "directory/directory.h"
#include "drive/smtp_server.h"
#include "net/admission.h"
#include "protection/network.h"

namespace letterlock::mx {

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
  drive::SmtpServerOptions server;  // host name, limits; offers no AUTH
  protection::KnownNetworks networks;
};

class Mx {
 public:
  Mx(Ports ports, Options options);

  // One whole session. Start it through a gate.
  // Cancel: the connection is closed; what was not answered 250 is not kept.
  net::Task<> session(std::unique_ptr<net::Connection> connection);

 private:
  Ports ports_;
  Options options_;
};

}  // namespace letterlock::mx

// An SMTP session with a host, from connecting to the point where an envelope could be given; and
// what it has shown for the judgement. Nothing here decides, and nothing of a message is given.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "drive/smtp_client.h"
#include "dsn/status.h"
#include "protection/facts.h"
#include "protection/judge.h"
#include "queue/record.h"

namespace letterlock::relay {

struct Ports;
struct Options;
struct World;

struct Session {
  std::unique_ptr<drive::SmtpClient> client;
  protection::SessionFacts facts;
  bool signed_in = false;
  unsigned messages = 0;  // given over it

  // As RFC 3848 names it.
  std::string_view protocol() const;
};

// Why there is no session.
struct Failure {
  enum class What {
    network,    // no connection, or it was lost: another address may answer
    answered,   // the host answered, and takes nothing (now)
    ourselves,  // the host is this very site
    handshake,  // TLS was offered and didn't come about; the connection is gone
  } what = What::network;
  dsn::Status status;
  std::string sentence;  // without the host's name; strangers' words in it are printable
};

struct Opening {
  net::Endpoint to;
  std::string host;  // its name for SNI and verification; "[192.0.2.1]" has none
  protection::Ask ask;
  enum class Tls { if_offered, never } tls = Tls::if_offered;
  std::string failure;  // of an earlier handshake, where tls is `never`
  std::string ca_file;
  queue::Lane lane = queue::Lane::remote;  // whose waits it has
};

// Errors: cancelled alone.
net::ResultTask<std::variant<std::unique_ptr<Session>, Failure>> open_session(const World& world,
                                                                              Opening opening);

// Over TLS to a verified host only (the caller has judged that). SCRAM before PLAIN. Nothing: it
// is signed in. Errors: cancelled alone.
net::ResultTask<std::optional<Failure>> sign_in(const World& world, Session& session);

}  // namespace letterlock::relay

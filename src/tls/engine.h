// One TLS session's mechanics: OpenSSL on one side, the connection on the other, octets between.
// OpenSSL never waits: it takes what came in and leaves what goes out in strings, which are freed
// as soon as they are empty.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "net/connection.h"
#include "os/clock.h"
#include "tls/certificates.h"
#include "tls/handles.h"
#include "tls/tls.h"

namespace letterlock::tls {

// What the verification of the peer met first.
struct Noted {
  int error = X509_V_OK;
  int depth = 0;
  base::Time not_before;
  base::Time not_after;
  std::string issuer;
};

// Shared by the session and by the operations that wait on it.
struct Engine {
  Engine(SslHandle session, std::unique_ptr<net::Connection> over, const os::Clock& of);

  // What OpenSSL hasn't taken yet of the octets that came in.
  std::unique_ptr<char[]> incoming;
  std::size_t incoming_begin = 0;
  std::size_t incoming_end = 0;
  std::string outgoing;
  // How much the next read from the connection asks for: little while the session idles.
  std::size_t pull_octets;
  std::optional<base::Error> failure;  // what broke it: nothing is read any more
  bool write_failed = false;  // an unknown part of a record is out: nothing is written any more
  bool writing = false;

  Noted noted;  // client side
  // While the handshake of the server side runs: what it is to be made with.
  const ServerOptions* server = nullptr;
  const ServerCertificates* certificates = nullptr;
  std::string server_name;  // what the client asked for

  const os::Clock& clock;
  std::unique_ptr<net::Connection> connection;
  SslHandle ssl;  // goes first: it refers to the rest

  static Engine& of(const SSL* ssl) { return *static_cast<Engine*>(SSL_get_app_data(ssl)); }
};

using os::Steady;

// All end by `deadline`. Errors: as net::Connection; protocol and closed with a sentence.
net::ResultTask<> handshake(std::shared_ptr<Engine> engine, Steady deadline);
net::ResultTask<std::size_t> read_some(std::shared_ptr<Engine> engine, std::span<char> buffer,
                                       Steady deadline);
// Until octets of a record come, where OpenSSL has nothing to give as it is.
net::ResultTask<> wait_readable(std::shared_ptr<Engine> engine, Steady deadline);
net::ResultTask<> write_all(std::shared_ptr<Engine> engine, std::string_view octets,
                            Steady deadline);
net::Task<> say_goodbye(std::shared_ptr<Engine> engine, Steady deadline);

}  // namespace letterlock::tls

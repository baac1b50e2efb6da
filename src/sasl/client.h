// The client's side of a SASL exchange: what relay, demonstration and tests sign in with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "sasl/mechanism.h"

namespace letterlock::sasl {

class ClientMechanism {
 public:
  virtual ~ClientMechanism() = default;
  // What goes with the first command, or answers the first, empty challenge. Errors: invalid (a
  // name or password that can't be prepared).
  virtual base::Result<base::Bytes> initial() = 0;
  // The answer to a challenge. SCRAM's password digest is computed here: run it on workers.
  // Errors: protocol (the server's message is wrong, its nonce isn't ours, its rounds are out of
  // bounds); denied (it doesn't know our keys: not our server, go away).
  virtual base::Result<base::Bytes> respond(base::BytesView challenge) = 0;
  // To be asked when the server says success. Errors: denied (SCRAM: it has not proved itself).
  virtual base::Result<> succeeded() const = 0;
};

struct ClientOptions {
  Mechanism mechanism = Mechanism::plain;
  std::string user;
  std::string password;
  std::string authzid = {};  // empty: the user itself
  std::string nonce = {};    // SCRAM: nonce_from() at least 18 random octets
  // The session's 32 octets (channel_binding_label). Needed for PLUS. Given with SCRAM-SHA-256 they
  // say that we would have bound ("y"): set them exactly where the server didn't offer PLUS.
  std::optional<base::Bytes> channel_binding = {};
  unsigned rounds_min = sasl::rounds_min;  // a server that asks for fewer wants our password cheap
};

std::unique_ptr<ClientMechanism> make_client(ClientOptions options);

}  // namespace letterlock::sasl

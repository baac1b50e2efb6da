// The server's side of a SASL exchange as a state machine: octets in, a Step out. It reads no
// store, makes no randomness and computes no password digest: it asks its caller, who may take
// time.
//
//   auto mechanism = make_server({.mechanism = …, .nonce = nonce_from(random), …});
//   Step step = mechanism->begin(initial_response);
//   Challenge  -> send it (base64), read the answer, step = mechanism->respond(answer)
//   NeedKeys   -> look the user up, step = mechanism->give(keys, standing)
//   NeedCheck  -> check the password on workers, step = mechanism->checked(standing)
//   NeedCertificate -> is it (still) this account's? step = mechanism->checked(standing)
//   NeedTurn   -> count the guess; if the client may be told now, step = mechanism->turn()
//   Success, Failure: the end. The machine is used once; a further call gives Failure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "sasl/keys.h"
#include "sasl/mechanism.h"

namespace letterlock::sasl {

// To be sent to the client, in the protocol's own coat ("334 <base64>", "+ <base64>"). May be
// empty. SMTP, POP3 and IMAP carry no data with success, so that SCRAM's last word is a challenge
// too and the client's empty answer to it leads to Success. RFC: 4422 section 3.1.
struct Challenge {
  base::Bytes octets;
};

// Whose keys are needed. `user` is prepared, non-empty UTF-8 without controls; nothing more is
// known of it.
struct NeedKeys {
  std::string user;
};

// Is this the user's password? (keys_shown() on workers, and fit().)
struct NeedCheck {
  std::string user;
  std::string password;
};

// Does the client certificate of this session belong to this account, which the caller named as
// ServerOptions::certificate_user?
struct NeedCertificate {
  std::string user;
};

// The client has shown a proof, and it is checked. Whoever counts guesses decides whether the
// client hears how it went; an exchange that was broken off before was no guess.
struct NeedTurn {
  bool fits = false;  // the password is right, whatever else may be wrong
};

struct Success {
  std::string user;
  bool channel_bound = false;   // the proof covers this very TLS session (PLUS)
  bool password_seen = false;   // the password itself came over the wire (PLAIN)
  bool by_certificate = false;  // the session's client certificate proved it (EXTERNAL)
};

struct Failure {
  enum class Reason {
    malformed,        // not the mechanism's grammar: 501 5.5.2
    credentials,      // unknown user, wrong password, or not allowed: never told apart, 535 5.7.8
    channel_binding,  // bound to another channel, a kind we don't offer, or a downgrade: 535 5.7.8
    authzid,          // asks to act for somebody else: 535 5.7.8
  };
  Reason reason = Reason::malformed;
  std::string detail;  // for the log, never for the peer
};

using Step =
    std::variant<Challenge, NeedKeys, NeedCheck, NeedCertificate, NeedTurn, Success, Failure>;

// Whether the account that was found may sign in, in this way.
enum class Standing { welcome, refused };

class ServerMechanism {
 public:
  virtual ~ServerMechanism() = default;
  // First call. `initial`: the decoded initial response, if the client sent one ("=" is an empty
  // one).
  virtual Step begin(std::optional<base::BytesView> initial) = 0;
  // The decoded answer to a Challenge. ("*" ends the exchange and is the caller's business.)
  virtual Step respond(base::BytesView octets) = 0;
  // After NeedKeys. Unknown user: fake_keys() and refused. An account that mustn't sign in in this
  // way: its real keys and refused. Both fail only at the proof, as a wrong password does.
  virtual Step give(ScramKeys keys, Standing standing) = 0;
  // After NeedCheck and NeedCertificate.
  virtual Step checked(Standing standing) = 0;
  // After NeedTurn.
  virtual Step turn() = 0;
};

struct ServerOptions {
  Mechanism mechanism = Mechanism::plain;
  // SCRAM: fresh for each exchange, nonce_from() at least 18 random octets.
  std::string nonce = {};
  // The session's 32 octets (mechanism.h, channel_binding_label); none without TLS or exporter.
  // Where they are given PLUS counts as offered: a client that says it saw no PLUS was downgraded.
  std::optional<base::Bytes> channel_binding = {};
  // EXTERNAL: whose the certificate is that the client has shown in this TLS session.
  std::optional<std::string> certificate_user = {};
};

// PLUS without channel binding octets, and EXTERNAL without a user, fail at begin().
std::unique_ptr<ServerMechanism> make_server(ServerOptions options);

}  // namespace letterlock::sasl

// What a POP3 session asks of whoever owns the accounts and mailboxes (popd, tests). One handler a
// session; it lives on the session's loop and outlives it. All calls come one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/task.h"
#include "pop/maildrop.h"
#include "sasl/keys.h"
#include "sasl/server.h"
#include "tls/tls.h"

namespace letterlock::drive {

struct PopSignIn {
  std::string user;  // prepared
  enum class How {
    password,     // USER/PASS or PLAIN: the password itself crossed the hop
    scram,        // proved without showing it
    scram_plus,   // and bound to this very TLS session
    certificate,  // EXTERNAL: by the client certificate of this TLS session
  } how = How::password;
  // None in clear. Lives as long as the session does.
  const tls::Session* tls = nullptr;
};

// A message's octets in order.
class PopContent {
 public:
  virtual ~PopContent() = default;
  // At most 32 KiB; empty at the end. Errors: any; the session then ends in the middle of it.
  virtual net::ResultTask<base::Bytes> next() = 0;
};

enum class PopGiving { whole, top };

// How the giving of a content ended.
struct PopGiven {
  bool complete = false;             // all of it, to its end (of RETR's, or of TOP's part)
  bool converted = false;            // a bare CR or LF became CRLF
  std::uint64_t content_octets = 0;  // taken from the content, sent or being sent
};

class PopHandler {
 public:
  struct Keys {
    sasl::ScramKeys keys;
    sasl::Standing standing = sasl::Standing::refused;
  };

  virtual ~PopHandler() = default;
  // May this name sign in over a connection without TLS? By its tenant alone: whether there is such
  // an account must not show. Errors: any is told as "try later".
  virtual net::ResultTask<bool> clear_allowed(std::string user) = 0;
  // Unknown users have fake keys, and are refused. `tls`: none in clear. Errors: any is told as
  // "try later".
  virtual net::ResultTask<Keys> keys(std::string user, sasl::Mechanism mechanism,
                                     const tls::Session* tls) = 0;
  // On workers; an unknown user takes as long as a known one. `tls`: none in clear. Errors: any is
  // told as "try later".
  virtual net::ResultTask<sasl::Standing> check_password(std::string user, std::string password,
                                                         const tls::Session* tls) = 0;
  // A password came where none is taken, and nobody is signed in by it. Also while somebody is
  // signed in.
  virtual net::Task<> password_shown(std::string user, std::string password,
                                     const tls::Session* tls) = 0;
  // SCRAM: the proof of the user that keys() was asked for is checked. The client is told how it
  // went if this succeeds. Errors: any is told as "try later".
  virtual net::ResultTask<> proved(bool fits) = 0;

  // Whose certificate the client has shown in this session, for EXTERNAL; nobody's without one that
  // is known. Errors: as nobody's.
  virtual net::ResultTask<std::optional<std::string>> certificate_user(
      const tls::Session& session) {
    (void)session;
    co_return std::nullopt;
  }
  // EXTERNAL: is it still this user's? Errors: any is told as "try later".
  virtual net::ResultTask<sasl::Standing> check_certificate(std::string user,
                                                            const tls::Session& session) {
    (void)user;
    (void)session;
    co_return sasl::Standing::refused;
  }

  // A SASL exchange came to nothing: the client gave up, said what isn't its grammar, had a wrong
  // proof, or is bound to another channel. (What check_password() refuses isn't told again.)
  virtual void exchange_failed(sasl::Mechanism mechanism, const sasl::Failure& failure) = 0;

  // The credentials are right. The snapshot of messages. Errors: denied (refused after all, told as
  // wrong credentials); any other is told as "try later".
  virtual net::ResultTask<pop::Maildrop> signed_in(PopSignIn sign_in) = 0;

  // Errors: not_found (expunged meanwhile), denied (not by a session in clear); any other is told
  // as "try later".
  virtual net::ResultTask<std::unique_ptr<PopContent>> open(std::uint32_t uid) = 0;
  // Called before the first octet of content leaves, and awaited: when it returns the intent is
  // durable. Errors: any; nothing is given, and it is told as "try later".
  virtual net::ResultTask<> content_begins(std::uint32_t uid, PopGiving giving) = 0;
  // Once after each content_begins() that succeeded, however the session ends. When the session's
  // task was cancelled, so are this call's waits: what must be done then the handler starts
  // elsewhere.
  virtual net::Task<> content_ended(std::uint32_t uid, PopGiving giving, PopGiven given) = 0;

  // QUIT: takes these messages away. Those that are gone already are no error. Errors: any is told
  // as "not all was deleted".
  virtual net::ResultTask<> commit(std::vector<std::uint32_t> uids) = 0;
};

}  // namespace letterlock::drive

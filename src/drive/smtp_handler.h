// Who decides in an SMTP session: implemented by the agents that receive (mx, msa) and by test
// peers. One object a session; all its methods run on the session's I/O thread, one at a time.
//
// A reply of the handler's is what the peer is told, word for word. 421 ends the session after it.
// Whatever it takes time for it does in its coroutine: the session waits, and reads nothing
// meanwhile.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/task.h"
#include "sasl/keys.h"
#include "sasl/server.h"
#include "smtp/command.h"
#include "smtp/content.h"
#include "smtp/reply.h"
#include "tls/tls.h"

namespace letterlock::drive {

// Whom a client says to be: the keys to check it with. Unknown: fake keys, refused.
struct SmtpAccount {
  sasl::ScramKeys keys;
  sasl::Standing standing = sasl::Standing::refused;
};

// How a session ended.
enum class SmtpEnd {
  quit,        // QUIT
  refused,     // we ended it: greeting refused, too many errors, early octets, 421 of the handler
  peer_gone,   // the peer closed, or the connection broke
  timeout,     // too slow
  tls_failed,  // no TLS came about
  stopped,     // we are stopping: the task was cancelled
};
std::string_view name(SmtpEnd end);

class SmtpHandler {
 public:
  virtual ~SmtpHandler() = default;

  // Before the greeting, TLS or not. Positive (the code alone counts): the server greets. 554 or
  // 421: said, and the session ends; without a word where the reply has none.
  virtual net::Task<smtp::Reply> on_connect();
  // The name proves nothing. Lines of a positive reply are added to the answer as keywords; they
  // are empty most often.
  virtual net::Task<smtp::Reply> on_ehlo(smtp::Hello hello);
  // TLS is on; whatever was said before is forgotten. `session` lives until on_end().
  virtual net::Task<> on_tls(const tls::Session& session);

  // Whose certificate the client has shown: the user that EXTERNAL may sign in, or nobody. Asked
  // after on_tls() where signing in is offered and a certificate was shown. Errors: as nobody's.
  virtual net::ResultTask<std::optional<std::string>> on_certificate(const tls::Session& session);
  // EXTERNAL: is the certificate still this user's? Errors: 454 is said.
  virtual net::ResultTask<sasl::Standing> on_auth_certificate(sasl::NeedCertificate need);
  // SCRAM, and PLAIN where the handler keeps no more than keys. Errors: 454 is said, and logged by
  // whoever failed.
  virtual net::ResultTask<SmtpAccount> on_auth_keys(std::string user, sasl::Mechanism mechanism);
  // PLAIN: is this the user's password? Computed on workers.
  virtual net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check);
  // SCRAM: the client's proof is checked. The client is told how it went if this succeeds. Errors:
  // 454 is said, and logged by whoever failed.
  virtual net::ResultTask<> on_auth_proof(bool fits);
  // The exchange succeeded. Positive (235): signed in. Anything else refuses after all.
  virtual net::Task<smtp::Reply> on_authenticated(sasl::Success success, sasl::Mechanism mechanism);
  virtual net::Task<> on_auth_failed(sasl::Failure failure, sasl::Mechanism mechanism);
  // A password came in a line that was refused: with or behind an AUTH before TLS or where nobody
  // signs in, say. It was shown, and nobody is signed in by it. Also while somebody is signed in.
  virtual net::Task<> on_password_shown(std::string user, std::string password);

  virtual net::Task<smtp::Reply> on_mail(smtp::Mail mail) = 0;
  virtual net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) = 0;
  // The envelope is complete. Positive or 354: content comes.
  virtual net::Task<smtp::Reply> on_content_begin() = 0;
  // The next octets of the content, 64 KiB at most, at least one; they live until this returns. It
  // is clean: lines end in CRLF, no bare CR or LF, no NUL; dots are as they were meant.
  // Errors end the transaction with a reply at the end of the content: full 452 4.3.1, invalid
  // 554 5.6.0, others 451 4.3.0. A handler with better words takes all octets and says them in
  // on_content_end().
  virtual net::ResultTask<> on_content(std::string_view octets) = 0;
  // All of it came. Positive: this node has custody, durably, before this returns.
  virtual net::Task<smtp::Reply> on_content_end(smtp::ContentFacts facts) = 0;
  // The transaction that was open comes to nothing: RSET, EHLO, STARTTLS, refused content, the end
  // of the session. Not called after on_content_end() or where no on_mail() was positive.
  virtual net::Task<> on_reset() = 0;
  // Always the last. `detail` is for the log. Where the session was cancelled, whatever this and
  // on_reset() wait for is cancelled too.
  virtual net::Task<> on_end(SmtpEnd end, std::string detail);
};

}  // namespace letterlock::drive

// The server's session as a state machine: a line in, an Action out. It does nothing itself: what
// needs time (a password, content, deletion) it asks for, and its caller answers. States:
// README.md.
//
//   ServerSession session(options);
//   send(session.greeting());
//   Action action = session.line(text);
//   Say, Close, StartTls   -> send the text, then go on, end, or begin TLS (and a new session over
//   it) AllowClear             -> action = session.clear_allowed(yes or no) CheckPassword,
//   Exchange-> sign in, then session.signed_in(maildrop) or session.refused(why) SendListing ->
//   session.next_listing() until it is empty SendContent            -> send the head, the content,
//   the end; or session.content_missing() instead Commit                 -> delete, then
//   session.committed(yes or no)
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "pop/command.h"
#include "pop/lines.h"
#include "pop/maildrop.h"
#include "sasl/mechanism.h"
#include "sasl/shown.h"

namespace letterlock::pop {

struct SessionOptions {
  bool tls = false;           // the connection is protected
  bool stls_offered = false;  // where it isn't yet
  // USER and PASS without TLS are possible for somebody here; whether for this user is asked.
  bool clear_sign_in = false;
  std::vector<sasl::Mechanism> mechanisms;  // offered over TLS alone
  unsigned refusals_max = 3;                // sign-ins that failed
  unsigned errors_max = 20;                 // commands that made no sense
  unsigned unknown_commands_max = 50;       // commands of whoever hasn't signed in
};

struct Say {
  std::string text;  // one or more whole lines
};
struct Close {
  std::string text;  // the last words; may be empty
};
// Send the text, throw away whatever came in clear, begin TLS. RFC: 2595 section 4.
struct StartTls {
  std::string text;
};
// May this user sign in over a connection without TLS?
struct AllowClear {
  std::string user;
};
struct CheckPassword {
  std::string user;
  std::string password;
};
// A password came where none is taken: it was shown, perhaps in clear, and nobody is signed in by
// it. Then say the text, or close with it.
struct PasswordShown {
  sasl::ShownPassword shown;
  std::variant<Say, Close> then;
};
// Run this SASL exchange; each challenge stands behind "+ ". RFC: 5034 section 4.
struct Exchange {
  sasl::Mechanism mechanism = sasl::Mechanism::plain;
  std::optional<base::Bytes> initial;
};
struct SendListing {
  std::string head;
};
struct SendContent {
  std::string head;
  std::uint32_t uid = 0;
  std::optional<std::uint32_t> lines;  // TOP: only so many of the body
};
struct Commit {
  std::vector<std::uint32_t> uids;
};
using Action = std::variant<Say, Close, StartTls, AllowClear, CheckPassword, PasswordShown,
                            Exchange, SendListing, SendContent, Commit>;

// Why a sign-in failed.
enum class Refusal {
  credentials,  // unknown, wrong or not allowed: one and the same to the peer
  malformed,    // the mechanism's grammar
  cancelled,    // the client said "*"
  temporary,    // we couldn't look
};

class ServerSession {
 public:
  // `passwords`: of the session before STLS. A name in it is good for nothing but to know whose a
  // password is that comes behind without another.
  explicit ServerSession(SessionOptions options, sasl::ShownPasswords passwords = {})
      : options_(std::move(options)), passwords_(std::move(passwords)) {}

  std::string greeting() const;
  // The next line of the client's, or what was wrong with it.
  Action line(const Line& line);
  // The password that a line shows which isn't run: one that came in clear behind STLS, or behind
  // the session's end.
  std::optional<sasl::ShownPassword> unread(const Line& line);
  const sasl::ShownPasswords& passwords() const { return passwords_; }

  Action clear_allowed(bool allowed);
  Action signed_in(Maildrop maildrop);
  Action refused(Refusal why);
  // More of the listing that was begun, at most about `octets_max`; empty after its end.
  std::string next_listing(std::size_t octets_max);
  // In the place of a content's head: it can't be had. unprotected: not by a session in clear.
  enum class Missing { gone, later, unprotected };
  Action content_missing(Missing why);
  Action committed(bool done);

  bool is_signed_in() const { return state_ == State::transaction; }
  // How long a line may be that comes next: SASL answers need more than commands. With CRLF.
  static constexpr std::size_t line_octets_max = 8192;

 private:
  enum class State { authorization, transaction, update, ended };
  enum class Listing { none, sizes, ids };

  Action answer(const Line& line, const base::Result<Command>& command);
  Action telling(Action refusal, const Line& line);
  Action run(const Command& command);
  // session_sign_in.cc
  Action on(const command::User& command);
  Action on(const command::Pass& command);
  Action on(const command::Auth& command);
  Action on(const command::Stls& command);
  Action on(const command::Capa& command);
  // session_messages.cc
  Action on(const command::Stat& command);
  Action on(const command::List& command);
  Action on(const command::Uidl& command);
  Action on(const command::Dele& command);
  Action on(const command::Rset& command);
  Action on(const command::Noop& command);
  // session_content.cc
  Action on(const command::Retr& command);
  Action on(const command::Top& command);
  Action on(const command::Quit& command);

  Action error(std::string_view text);
  Action no_such_message();
  Action close(std::string text);
  bool user_offered() const { return options_.tls || options_.clear_sign_in; }

  SessionOptions options_;
  State state_ = State::authorization;
  std::string user_;  // named by USER, waits for PASS
  sasl::ShownPasswords passwords_;
  unsigned refusals_ = 0;
  unsigned errors_ = 0;
  unsigned unknown_commands_ = 0;
  Maildrop maildrop_;
  Listing listing_ = Listing::none;
  std::uint32_t listed_ = 0;  // numbers already sent
};

}  // namespace letterlock::pop

// The receiving side of a session as a state machine: octets in, steps out. It does nothing by
// itself: its driver reads and writes, asks those who decide, and tells the machine what was said.
// README.md has its state table. Lives on its session's I/O thread.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "sasl/shown.h"
#include "smtp/command.h"
#include "smtp/content.h"
#include "smtp/line.h"

namespace letterlock::smtp {

enum class Need { none, offered, required };

struct ServerOptions {
  address::Domain host_name;  // in the greeting and the answer to EHLO
  Need tls = Need::offered;   // STARTTLS; required: no MAIL before it
  Need authentication = Need::none;
  // Those offered, inside TLS alone; PLUS only where the session has an exporter, EXTERNAL only
  // where the client has shown a certificate that is somebody's.
  std::vector<sasl::Mechanism> mechanisms;
  LineEnds line_ends = LineEnds::strict;
  bool chunking = true;
  bool smtputf8 = true;
  bool dsn = true;
  bool require_tls = false;  // REQUIRETLS, inside TLS alone: RFC 8689 §2
  bool limits = false;       // LIMITS: RFC 9422

  std::uint64_t size_octets_max = 50ULL * 1024 * 1024;
  std::size_t content_line_octets_max = smtp::content_line_octets_max;
  std::size_t recipients_max = 1000;  // RFC 5321 §4.5.3.1.8: 100 at least
  // Of the RCPT lines of one transaction, once there are 100 recipients: what a session holds of
  // them doesn't grow to a MiB because each line is as long as it may be.
  std::size_t envelope_octets_max = 96 * 1024;
  std::size_t transactions_max = 1000;  // in one session
  std::size_t errors_max = 20;          // wrong commands
  std::size_t refusals_max = 100;       // MAIL and RCPT refused by the handler
  std::size_t idle_commands_max = 100;  // NOOP, RSET and the like between two messages
  std::size_t auth_failures_max = 3;
};

enum class Phase {
  connected,  // no EHLO yet
  greeted,    // no transaction
  mail,       // MAIL taken, no recipient yet
  rcpt,       // at least one recipient
  content,    // the octets of DATA, of a BDAT chunk, or of a chunk that is thrown away
  chunks,     // between two BDAT chunks
  auth,       // an exchange goes on
  tls,        // STARTTLS was answered with 220: nothing in clear is read any more
  closed,
};
std::string_view name(Phase phase);

// Passwords that came in lines that are refused: they were shown all the same, perhaps in clear.
using Shown = std::vector<sasl::ShownPassword>;

// What the driver does next.
struct Say {
  Reply reply;
  Shown shown = {};
};
// Says it and ends the connection.
struct Close {
  Reply reply;
  Shown shown = {};
};
// Tells the handler that the transaction is over, if there was one, and says the reply.
struct Reset {
  Reply reply;
};
// The handler is asked whether content may come: content_begun() with its answer.
struct Begin {};
// The client's answer in an exchange: auth_decided() or auth_continues().
struct AuthAnswer {
  enum class Kind { octets, cancelled, malformed } kind = Kind::octets;
  std::string octets;  // decoded
  Shown shown = {};    // by an answer that is malformed
};
// Says the reply, then begins TLS without reading one octet more, then tls_started().
struct BeginTls {
  Reply reply;
};
// A chunk's octets follow: see in_content().
struct Continue {};

// Hello, Mail, Rcpt, Auth: the handler is asked, and *_decided() called with its answer.
using Step =
    std::variant<Say, Close, Reset, Continue, Begin, BeginTls, AuthAnswer, Hello, Mail, Rcpt, Auth>;

// What the driver does with octets of content.
struct ContentStep {
  enum class Next {
    more,       // give `content` to the handler, go on
    chunk_end,  // the same, then say `reply`
    message,    // the same, then ask the handler for the verdict: message_decided()
    abandoned,  // tell the handler that nothing comes of it, if it was asked; say `reply`
    close,      // the same, and end the connection
  };
  Next next = Next::more;
  std::string_view content;  // lives until the caller's octets change or the next call
  std::size_t consumed = 0;
  Reply reply{};
};

enum class ChannelBinding { none, available };
// What a client has shown of its own in the TLS handshake.
enum class ClientCertificate { none, known };

class ServerSession {
 public:
  // `options` outlive it.
  explicit ServerSession(const ServerOptions& options);
  explicit ServerSession(ServerOptions&& options) = delete;

  Reply greeting() const;
  // What to say to a client that speaks before the greeting. RFC 5321 §4.3.1: it must wait.
  Reply early_talker();

  // Reads one line from the front of `octets`; none if no whole line is there. `consumed` octets
  // are to be dropped in any case. Not while in_content(). What stands behind the line matters:
  // EHLO, DATA, STARTTLS and AUTH end a group of pipelined commands (RFC 2920 §3.1), and
  // octets that come too early are an attack. Behind AUTH they may be its answers, a password too:
  // then it is refused, and they are read.
  std::optional<Step> next(std::string_view octets, std::size_t& consumed);
  // What octets show that aren't read as commands: those behind the end. The last line may have
  // none. Limits: their first 20 lines.
  Shown unread(std::string_view octets);

  bool in_content() const { return phase_ == Phase::content; }
  // Only while in_content(). `octets` may be changed. Up to 3 may be left over: see DataDecoder.
  // Where content_octets_expected() is 0 it is called once more, with no octets.
  ContentStep content(std::span<char> octets);
  // How many octets are missing of this chunk; of DATA nobody knows.
  std::uint64_t content_octets_expected() const;
  // The handler can take no more: the rest is thrown away, and this is the reply.
  void content_failed(Reply reply);

  // What the handler said. 421 ends the session after it is said: is_closed().
  Reply hello_decided(const Hello& hello, Reply reply);  // returns the whole answer
  void mail_decided(const Mail& mail, const Reply& reply);
  void rcpt_decided(const Reply& reply);
  std::optional<Reply> content_begun(Reply reply);  // what is to be said now, if anything
  void message_decided(const Reply& reply);
  void auth_continues() { phase_ = Phase::auth; }
  void auth_decided(const Reply& reply);
  // Everything the client said before is forgotten. RFC: 3207 section 4.2.
  void tls_started(ChannelBinding binding, ClientCertificate shown = ClientCertificate::none);
  void close() { phase_ = Phase::closed; }

  Phase phase() const { return phase_; }
  bool is_closed() const { return phase_ == Phase::closed; }
  bool in_transaction() const {
    return phase_ == Phase::mail || phase_ == Phase::rcpt || phase_ == Phase::chunks;
  }
  bool in_tls() const { return in_tls_; }
  bool is_authenticated() const { return authenticated_; }
  ContentFacts content_facts() const;
  const ServerOptions& options() const { return options_; }

 private:
  enum class Content { none, data, chunk, discard };

  Step auth_line(const Line& line, std::string_view behind);
  Step command_line(const Line& line, std::string_view behind);
  Step telling(Step refusal, std::string_view line);  // with the password that `line` shows
  Step refused_line(Line::Kind kind);
  Step order(Command command, std::string_view behind);
  Step take(Hello hello, std::string_view behind);
  Step take(Mail mail, std::string_view behind);
  Step take(Rcpt rcpt, std::string_view behind);
  Step take(Data data, std::string_view behind);
  Step take(Bdat bdat, std::string_view behind);
  Step take(Auth auth, std::string_view behind);
  std::optional<Step> refusal_of(const Auth& auth, std::string_view behind);
  Step take(StartTls start_tls, std::string_view behind);
  Step take(Rset rset, std::string_view behind);
  Step take(Noop noop, std::string_view behind);
  Step take(Vrfy vrfy, std::string_view behind);
  Step take(Help help, std::string_view behind);
  Step take(Quit quit, std::string_view behind);

  Step say(unsigned code, dsn::Status status, std::string_view text);
  Step wrong(Reply reply);  // counts an error
  Step idle(Step step);     // counts a command that does nothing
  Step end(unsigned code, dsn::Status status, std::string_view text);
  Step early();
  Step discard(const Bdat& bdat, Reply reply);
  bool offers(sasl::Mechanism mechanism) const;
  std::optional<Reply> content_without_recipients() const;
  CommandContext context() const;
  std::vector<std::string> keywords() const;
  void end_transaction();
  void abandon_oversize();
  ContentStep data_content(std::span<char> octets);
  ContentStep chunk_content(std::string_view octets);
  ContentStep chunk_ended();
  ContentStep abandoned(std::size_t consumed, ContentStep::Next next);

  const ServerOptions& options_;
  LineFinder lines_;
  Phase phase_ = Phase::connected;
  bool extended_ = false;
  bool in_tls_ = false;
  ChannelBinding binding_ = ChannelBinding::none;
  ClientCertificate certificate_ = ClientCertificate::none;
  sasl::ShownPasswords passwords_;
  bool authenticated_ = false;

  std::size_t errors_ = 0;
  std::size_t refusals_ = 0;
  std::size_t idle_commands_ = 0;
  std::size_t auth_failures_ = 0;
  std::size_t transactions_ = 0;

  bool smtputf8_ = false;            // of this transaction
  std::size_t recipients_ = 0;       // taken
  std::size_t envelope_octets_ = 0;  // of their lines
  std::size_t line_octets_ = 0;      // of the command that is being decided
  bool recipients_tried_ = false;

  Content content_ = Content::none;
  Bdat chunk_;  // the one that comes in; octets: what is missing
  Phase after_discard_ = Phase::greeted;
  bool chunks_failed_ = false;    // later chunks of the same message are no new error
  std::uint64_t received_ = 0;    // octets of content in this transaction, thrown away ones too
  std::optional<Reply> failure_;  // why the content comes to nothing
  DataDecoder data_;
  ChunkDecoder chunks_;
};

}  // namespace letterlock::smtp

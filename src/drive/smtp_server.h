// Drives the receiving side of one SMTP session: smtp::ServerSession over a connection, with a
// handler that decides. It reads, writes, waits and asks; what follows what is the machine's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/limits.h"
#include "drive/sessions.h"
#include "drive/smtp_buffer.h"
#include "drive/smtp_handler.h"
#include "net/connection.h"
#include "os/clock.h"
#include "os/random.h"
#include "smtp/session.h"

namespace letterlock::drive {

struct SmtpServerOptions {
  smtp::ServerOptions session;
  enum class Start {
    clear,  // 25, 587
    tls,    // 465: TLS before the greeting. RFC 8314 §3.3
  } start = Start::clear;
  tls::ServerOptions tls;

  // How long the server listens before it greets: who speaks first is no mail server. 0: it looks,
  // and doesn't wait; nothing: it doesn't look.
  std::optional<base::Milliseconds> greeting_pause;
  base::Milliseconds handshake_wait = std::chrono::seconds(30);
  base::Milliseconds command_wait = base::limits::command_wait;  // for one whole command
  // For content: so long without any, and on average this fast.
  base::Milliseconds content_wait = std::chrono::minutes(10);
  std::uint64_t content_octets_per_second_min = 1024;
  base::Milliseconds write_wait = std::chrono::minutes(5);
  base::Milliseconds session_wait = std::chrono::hours(4);  // for all of it
  // Where signing in is required: for all that comes before it.
  base::Milliseconds sign_in_wait = std::chrono::minutes(3);
};

struct SmtpServerWorld {
  os::Clock& clock;
  os::Random& random;
  tls::Tls* tls = nullptr;       // needed where TLS is offered or started
  Sessions* sessions = nullptr;  // of the loop; none: only cancelling ends it early
};

// Lives on its session's I/O thread.
// Limits: holds 64 KiB of content, 16 KiB of replies and what the machine holds; no buffer once it
// has heard nothing for quiet_after.
class SmtpServer final : private Sessions::Member {
 public:
  // `handler`, `options` and what `world` names outlive it.
  SmtpServer(std::unique_ptr<net::Connection> connection, SmtpHandler& handler,
             SmtpServerWorld world, const SmtpServerOptions& options);
  SmtpServer(std::unique_ptr<net::Connection> connection, SmtpHandler& handler,
             SmtpServerWorld world, SmtpServerOptions&& options) = delete;
  ~SmtpServer() override;

  // The whole session. Returns after on_end().
  // Cancel: the connection is closed without a word; an open transaction is reset.
  net::Task<> run();

 private:
  enum class Waiting { command, content };

  void wake() override;
  net::ResultTask<> converse();
  net::ResultTask<> turn_away(smtp::Reply reply);
  net::ResultTask<> greet();
  net::ResultTask<> begin_tls();
  net::ResultTask<> flush();
  net::ResultTask<> read(Waiting waiting);
  net::ResultTask<> read_more(Waiting waiting);
  net::ResultTask<> stand_by();
  net::ResultTask<> end_for_stop();
  net::ResultTask<> next_command();
  net::ResultTask<> content();
  net::ResultTask<> take_content(smtp::ContentStep step);
  net::Task<> give(std::string_view octets);
  net::Task<> message();
  net::Task<> reset();

  net::ResultTask<> take(smtp::Say step);
  net::ResultTask<> take(smtp::Close step);
  net::ResultTask<> take(smtp::Reset step);
  net::ResultTask<> take(smtp::Continue step);
  net::ResultTask<> take(smtp::Begin step);
  net::ResultTask<> take(smtp::BeginTls step);
  net::ResultTask<> take(smtp::AuthAnswer step);
  net::ResultTask<> take(smtp::Hello hello);
  net::ResultTask<> take(smtp::Mail mail);
  net::ResultTask<> take(smtp::Rcpt rcpt);
  net::ResultTask<> take(smtp::Auth auth);
  net::ResultTask<> exchange(sasl::Step step);
  net::Task<> refuse_exchange(sasl::Failure failure);
  net::Task<> tell(smtp::Shown shown);
  net::Task<> tell_malformed(std::string_view answer);
  net::Task<> tell_unread();

  void say(const smtp::Reply& reply) { smtp::append(reply, out_); }
  os::Steady now() const { return world_.clock.steady(); }
  os::Steady deadline(Waiting waiting);
  std::optional<base::Bytes> channel_binding() const;
  net::Task<std::optional<std::string>> certificate_user();

  std::unique_ptr<net::Connection> connection_;
  tls::Session* tls_ = nullptr;  // connection_, where it is one
  SmtpHandler& handler_;
  SmtpServerWorld world_;
  const SmtpServerOptions& options_;
  smtp::ServerSession session_;
  SmtpBuffer buffer_;
  std::string out_;                // replies of a group, written together
  bool transaction_open_ = false;  // in the handler's eyes
  std::optional<smtp::Reply> content_failure_;
  std::unique_ptr<sasl::ServerMechanism> exchange_;
  sasl::Mechanism mechanism_ = sasl::Mechanism::plain;
  std::optional<std::string> certificate_user_;  // whose certificate the client has shown

  os::Steady started_;
  os::Steady waiting_since_;  // of this command or content
  bool waits_ = false;
  bool reads_command_ = false;  // right now
  std::uint64_t content_received_ = 0;
  bool read_filled_ = false;          // the last read filled the room it had
  SmtpEnd end_ = SmtpEnd::peer_gone;  // what it is if the conversation fails now
};

}  // namespace letterlock::drive

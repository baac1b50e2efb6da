// Drives the sending side of an SMTP session over one connection. Its caller decides: what to
// require, whom to send to, when the content may flow. A reply of the server's is a value, whatever
// it says; an Error means that the connection is of no further use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "drive/smtp_buffer.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/clock.h"
#include "sasl/client.h"
#include "smtp/client.h"
#include "smtp/content.h"
#include "smtp/reply.h"
#include "tls/tls.h"

namespace letterlock::drive {

// RFC: 5321 section 4.5.3.2.
struct SmtpClientOptions {
  base::Milliseconds greeting_wait = base::limits::greeting_wait;
  base::Milliseconds command_wait = base::limits::mail_wait;  // EHLO, AUTH, MAIL, RCPT, RSET
  base::Milliseconds handshake_wait = std::chrono::minutes(1);
  base::Milliseconds data_start_wait = base::limits::data_start_wait;
  base::Milliseconds data_block_wait = base::limits::data_block_wait;
  base::Milliseconds data_end_wait = base::limits::data_end_wait;
  base::Milliseconds quit_wait = std::chrono::seconds(5);
  // For all replies to one envelope; and for one content, beside its octets at this pace. A server
  // that uses up its time at each of a thousand recipients would hold a connection for days.
  base::Milliseconds message_wait = std::chrono::minutes(30);
  std::uint64_t content_octets_per_second_min = 1024;
  // How content goes. BDAT saves a round trip and the dots; some servers offer it and get it wrong.
  enum class Transfer { data, chunks_if_offered } transfer = Transfer::data;
};

// Where content comes from, in order.
class SmtpContent {
 public:
  virtual ~SmtpContent() = default;
  // The next octets, 64 KiB at most; empty at the end. They live until the next call.
  virtual net::ResultTask<std::string_view> next() = 0;
};

// What the server said to the envelope.
struct SmtpEnvelope {
  // Set: the envelope can't be given to this server, nothing was sent, the rest is empty.
  std::optional<smtp::Unfit> unfit;
  smtp::Reply mail;
  std::vector<smtp::Reply> recipients;  // one for each; all alike where MAIL was refused
  // True if content may follow: MAIL and at least one recipient were taken.
  bool is_open() const;
};

// Lives on its session's I/O thread. One call at a time, in SMTP's order: greeting(), ehlo(),
// start_tls() and ehlo() again, sign_in(), then envelope() and content() or reset() for each
// message, at last quit(). Destroying it closes the connection.
// Limits: holds 64 KiB of content and one reply.
// Cancel: the connection is of no further use.
class SmtpClient {
 public:
  SmtpClient(std::unique_ptr<net::Connection> connection, const os::Clock& clock,
             SmtpClientOptions options = {});
  ~SmtpClient();

  // All of these have Errors: timeout, closed, cancelled; protocol (the server's words are no
  // SMTP, or it spoke unasked).

  net::ResultTask<smtp::Reply> greeting();
  // EHLO; where that is refused for good, HELO (RFC 5321 §3.2). Forgets what was offered before.
  net::ResultTask<smtp::Reply> ehlo(std::string name);
  // STARTTLS, and where the server agrees the handshake. Positive: TLS is on, and nothing that was
  // said in clear counts any more: say ehlo() again. Errors: also those of tls::Tls::connect;
  // protocol if octets came in clear behind the agreement (somebody put them there).
  net::ResultTask<smtp::Reply> start_tls(tls::Tls& tls, tls::ClientOptions options);
  // TLS before the greeting (465, site links).
  net::ResultTask<> begin_tls(tls::Tls& tls, tls::ClientOptions options);
  // The whole exchange. SCRAM computes on `workers`. Errors: also invalid (a name or password that
  // can't be used), denied (no TLS; the server doesn't know our keys, or wants them too cheap).
  net::ResultTask<smtp::Reply> sign_in(sasl::ClientOptions options, net::Workers& workers);

  // MAIL and RCPT for each recipient, fitted to what is offered (smtp::fit); pipelined where that
  // is offered, with the DATA that would follow: no octet of the content goes before content(). A
  // transaction is open after it unless MAIL was refused: content() or reset().
  net::ResultTask<SmtpEnvelope> envelope(smtp::Mail mail, std::vector<smtp::Rcpt> recipients);
  // The content and the server's word on it. `octets`: how many `content` will give. Refused before
  // any octet of it left where has_content_begun() says no. Errors: also those of `content`, and
  // invalid (bare CR or LF, NUL, another length): the server never gets an end it could take.
  net::ResultTask<smtp::Reply> content(std::uint64_t octets, SmtpContent& content);
  // Errors: also closed, where the server waits for content that somebody would get: it can't be
  // told that there is none but by going.
  net::ResultTask<smtp::Reply> reset();
  // Says goodbye as far as that goes quickly, and closes. Nothing comes after it.
  net::Task<> quit();

  // What the last ehlo() was answered.
  const smtp::Offered& offered() const { return offered_; }
  // Null in clear.
  const tls::Session* tls() const { return tls_; }
  // Octets of the last envelope's content may have left: what an observer may have read.
  bool has_content_begun() const { return content_begun_; }
  // False after an Error and after 421.
  bool is_usable() const { return usable_; }
  net::Endpoint local() const { return local_; }
  net::Endpoint peer() const { return peer_; }

 private:
  net::ResultTask<smtp::Reply> command(std::string line, base::Milliseconds wait);
  base::Result<> ready();
  base::Milliseconds within_message(base::Milliseconds wait) const;
  net::ResultTask<> ask_envelope(std::vector<std::string> lines, std::vector<smtp::Reply>& replies);
  bool is_within_data() const { return data_reply_ && data_reply_->code == 354; }
  net::ResultTask<> write(std::string_view octets, base::Milliseconds wait);
  net::ResultTask<smtp::Reply> read_reply(base::Milliseconds wait);
  net::ResultTask<smtp::Reply> exchange(sasl::ClientMechanism& mechanism, std::string line,
                                        net::Workers& workers);
  net::ResultTask<> envelope_at_once(const std::vector<std::string>& lines,
                                     std::vector<smtp::Reply>& replies);
  net::ResultTask<> envelope_in_turn(const std::vector<std::string>& lines,
                                     std::vector<smtp::Reply>& replies);
  net::ResultTask<smtp::Reply> data(std::uint64_t octets, SmtpContent& content);
  net::ResultTask<smtp::Reply> chunk(std::uint64_t octets, SmtpContent& content);
  std::unexpected<base::Error> broken(base::Error error);

  std::unique_ptr<net::Connection> connection_;  // null after a handshake that failed
  net::Endpoint local_;
  net::Endpoint peer_;
  tls::Session* tls_ = nullptr;
  const os::Clock& clock_;
  SmtpClientOptions options_;
  SmtpBuffer buffer_;
  smtp::ReplyParser parser_;
  smtp::Offered offered_;
  std::optional<os::Steady> message_until_;  // within envelope() and content()
  std::optional<smtp::Reply> data_reply_;    // to a DATA that went with the envelope
  bool usable_ = true;
  bool content_begun_ = false;
  bool has_taken_ = false;  // somebody of the last envelope
};

}  // namespace letterlock::drive

// Replies, greeting, TLS and sign-in. The envelope and the content are in smtp_client_message.cc.
#include "drive/smtp_client.h"

#include <algorithm>

#include "base/bytes.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

constexpr unsigned challenges_max = 8;

// Computes the answer to a challenge; SCRAM's takes its time.
net::ResultTask<base::Bytes> answer(sasl::ClientMechanism& mechanism, std::string challenge,
                                    net::Workers& workers) {
  base::Result<base::Bytes> result = base::fail(ErrorKind::cancelled, "stopping");
  CO_CHECK(co_await workers.run([&] { result = mechanism.respond(challenge); }));
  co_return result;
}

}  // namespace

SmtpClient::SmtpClient(std::unique_ptr<net::Connection> connection, const os::Clock& clock,
                       SmtpClientOptions options)
    : connection_(std::move(connection)),
      local_(connection_->local()),
      peer_(connection_->peer()),
      clock_(clock),
      options_(options) {}

SmtpClient::~SmtpClient() = default;

std::unexpected<base::Error> SmtpClient::broken(base::Error error) {
  usable_ = false;
  if (connection_) connection_->close();
  return base::fail(std::move(error));
}

base::Result<> SmtpClient::ready() {
  if (!usable_) return base::fail(ErrorKind::closed, "the session is over");
  // What came without being asked for answers nothing that is asked now.
  if (buffer_.is_empty() && !parser_.is_within()) return {};
  return broken({ErrorKind::protocol, "the server spoke unasked"});
}

base::Milliseconds SmtpClient::within_message(base::Milliseconds wait) const {
  return message_until_ ? std::min(wait, *message_until_ - clock_.steady()) : wait;
}

net::ResultTask<> SmtpClient::write(std::string_view octets, base::Milliseconds wait) {
  CO_CHECK(ready());
  const auto left = within_message(wait);
  if (left.count() <= 0) co_return broken({ErrorKind::timeout, "the server was too slow"});
  auto written = co_await connection_->write(octets, left);
  if (!written) co_return broken(std::move(written.error()));
  co_return base::Result<>();
}

net::ResultTask<smtp::Reply> SmtpClient::read_reply(base::Milliseconds wait) {
  if (!usable_) co_return base::fail(ErrorKind::closed, "the session is over");
  const os::Steady until = clock_.steady() + within_message(wait);
  while (true) {
    const auto taken = parser_.feed(buffer_.view());
    if (!taken) co_return broken(taken.error());
    buffer_.consume(*taken);
    if (parser_.is_done()) break;
    const base::Milliseconds left = until - clock_.steady();
    if (left.count() <= 0) co_return broken({ErrorKind::timeout, "the server was too slow"});
    const auto count =
        co_await connection_->read_some(buffer_.room(SmtpBuffer::small_octets), left);
    if (!count) co_return broken(count.error());
    if (*count == 0) co_return broken({ErrorKind::closed, "the server closed the connection"});
    buffer_.filled(*count);
  }
  smtp::Reply reply = parser_.take();
  // RFC 5321 §4.2.3: 421 may answer any command, and the server closes.
  if (reply.code == 421) usable_ = false;
  co_return reply;
}

net::ResultTask<smtp::Reply> SmtpClient::command(std::string line, base::Milliseconds wait) {
  CO_CHECK(co_await write(line, wait));
  co_return co_await read_reply(wait);
}

net::ResultTask<smtp::Reply> SmtpClient::greeting() {
  co_return co_await read_reply(options_.greeting_wait);
}

net::ResultTask<smtp::Reply> SmtpClient::ehlo(std::string name) {
  offered_ = {};
  CO_TRY(smtp::Reply reply, co_await command("EHLO " + name + "\r\n", options_.command_wait));
  if (reply.is_positive()) {
    offered_ = smtp::parse_offered(reply);
  } else if (reply.is_permanent()) {
    CO_TRY(reply, co_await command("HELO " + name + "\r\n", options_.command_wait));
  }
  co_return reply;
}

net::ResultTask<smtp::Reply> SmtpClient::start_tls(tls::Tls& tls, tls::ClientOptions options) {
  CO_TRY(smtp::Reply reply, co_await command("STARTTLS\r\n", options_.command_wait));
  if (reply.is_temporary() || reply.is_permanent()) co_return reply;
  if (reply.code != 220) {
    co_return broken({ErrorKind::protocol, "STARTTLS answered with " + reply.text()});
  }
  // RFC 3207 §5: what was said in clear may be anybody's.
  if (!buffer_.is_empty()) {
    co_return broken({ErrorKind::protocol, "octets in clear behind the answer to STARTTLS"});
  }
  CO_CHECK(co_await begin_tls(tls, std::move(options)));
  co_return reply;
}

net::ResultTask<> SmtpClient::begin_tls(tls::Tls& tls, tls::ClientOptions options) {
  offered_ = {};
  auto secured =
      co_await tls.connect(std::move(connection_), std::move(options), options_.handshake_wait);
  if (!secured) co_return broken(std::move(secured.error()));
  tls_ = secured->get();
  connection_ = std::move(*secured);
  co_return base::Result<>();
}

net::ResultTask<smtp::Reply> SmtpClient::sign_in(sasl::ClientOptions options,
                                                 net::Workers& workers) {
  // A password never crosses in clear, whatever the server offers.
  if (tls_ == nullptr) co_return base::fail(ErrorKind::denied, "no sign-in without TLS");
  std::string line = "AUTH " + std::string(sasl::name(options.mechanism));
  const auto mechanism = sasl::make_client(std::move(options));
  CO_TRY(const base::Bytes initial, mechanism->initial());
  line += initial.empty() ? " =" : " " + base::to_base64(initial);
  // An error within leaves an exchange half done: the connection is closed with it.
  auto reply = co_await exchange(*mechanism, std::move(line), workers);
  if (!reply) co_return broken(std::move(reply.error()));
  co_return reply;
}

net::ResultTask<smtp::Reply> SmtpClient::exchange(sasl::ClientMechanism& mechanism,
                                                  std::string line, net::Workers& workers) {
  for (unsigned i = 0; i < challenges_max; ++i) {
    CO_TRY(smtp::Reply reply, co_await command(line + "\r\n", options_.command_wait));
    if (reply.is_positive()) CO_CHECK(mechanism.succeeded());
    if (reply.code != 334) co_return reply;
    auto challenge = base::from_base64(reply.lines[0]);
    if (!challenge) co_return base::fail(ErrorKind::protocol, "a challenge that isn't base64");
    CO_TRY(const base::Bytes octets, co_await answer(mechanism, std::move(*challenge), workers));
    line = base::to_base64(octets);
  }
  co_return base::fail(ErrorKind::protocol, "challenges without end");
}

net::ResultTask<smtp::Reply> SmtpClient::reset() {
  if (is_within_data()) {
    if (has_taken_)
      co_return broken({ErrorKind::closed, "the server waits for content that it is not to have"});
    // RFC 2920 §3.1: with every recipient refused a server may say 354 all the same; it gets the
    // end alone, and nobody gets anything.
    data_reply_.reset();
    CO_TRY(const auto said, co_await command(".\r\n", options_.data_end_wait));
    if (!usable_) co_return said;
  }
  data_reply_.reset();
  co_return co_await command("RSET\r\n", options_.command_wait);
}

net::Task<> SmtpClient::quit() {
  if (!connection_) co_return;
  // Within DATA it would be content.
  usable_ = usable_ && !is_within_data();
  if (usable_) (void)co_await command("QUIT\r\n", options_.quit_wait);
  if (usable_) co_await connection_->shutdown(options_.quit_wait);
  usable_ = false;
  connection_->close();
}

}  // namespace letterlock::drive

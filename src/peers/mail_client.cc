#include "peers/mail_client.h"

#include "address/address.h"
#include "sasl/keys.h"

namespace letterlock::peers {
namespace {

constexpr std::size_t part_octets = 32 * 1024;
constexpr std::string_view client_name = "[127.0.0.1]";  // EHLO's; it proves nothing

class Text final : public drive::SmtpContent {
 public:
  explicit Text(std::string_view octets) : octets_(octets) {}
  net::ResultTask<std::string_view> next() override {
    const auto part = octets_.substr(0, part_octets);
    octets_.remove_prefix(part.size());
    co_return part;
  }

 private:
  std::string_view octets_;
};

tls::ClientOptions tls_options(const SignIn& sign_in) {
  tls::ClientOptions options;
  options.server_name = sign_in.server_name;
  options.verify = tls::ClientOptions::Verify::name;
  options.ca_file = sign_in.ca_file;
  options.certificate_file = sign_in.certificate_file;
  return options;
}

base::Result<> proved(const tls::Session* session, const SignIn& sign_in) {
  if (session != nullptr && session->peer_verified()) return {};
  return base::fail(base::ErrorKind::denied,
                    sign_in.server_name + " doesn't prove its name: " +
                        (session != nullptr ? session->verification_failure() : "there is no TLS"));
}

base::Result<sasl::ClientOptions> sasl_options(const SignIn& sign_in,
                                               const drive::SmtpClient& client,
                                               os::Random& random) {
  sasl::ClientOptions options{
      .mechanism = sign_in.mechanism, .user = sign_in.user, .password = sign_in.password};
  if (sign_in.mechanism == sasl::Mechanism::plain || sign_in.mechanism == sasl::Mechanism::external)
    return options;
  options.nonce = sasl::nonce_from(random.octets(18));
  if (sign_in.mechanism == sasl::Mechanism::scram_sha_256_plus)
    options.channel_binding =
        TRY(client.tls()->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets));
  return options;
}

drive::SmtpClientOptions waits(base::Milliseconds wait) {
  return {.greeting_wait = wait,
          .command_wait = wait,
          .handshake_wait = wait,
          .data_start_wait = wait,
          .data_block_wait = wait,
          .data_end_wait = wait,
          .quit_wait = wait};
}

// A reply that isn't positive ends it; what is meant by "go on" is an empty one.
using MaybeReply = std::optional<smtp::Reply>;

MaybeReply unless_positive(smtp::Reply reply) {
  return reply.is_positive() ? std::nullopt : MaybeReply(std::move(reply));
}

net::ResultTask<MaybeReply> enter(drive::SmtpClient& client, ClientWorld world,
                                  const Submission& submission) {
  const bool tls_first = submission.door == Submission::Door::submissions;
  if (tls_first) CO_CHECK(co_await client.begin_tls(world.tls, tls_options(submission.sign_in)));
  CO_TRY(const auto greeting, co_await client.greeting());
  if (!greeting.is_positive()) co_return greeting;
  CO_TRY(auto hello, co_await client.ehlo(std::string(client_name)));
  if (!tls_first) {
    if (!hello.is_positive()) co_return hello;
    CO_TRY(const auto agreed,
           co_await client.start_tls(world.tls, tls_options(submission.sign_in)));
    if (!agreed.is_positive()) co_return agreed;
    CO_TRY(hello, co_await client.ehlo(std::string(client_name)));
  }
  if (!hello.is_positive()) co_return hello;
  CO_CHECK(proved(client.tls(), submission.sign_in));
  CO_TRY(auto options, sasl_options(submission.sign_in, client, world.random));
  CO_TRY(auto signed_in, co_await client.sign_in(std::move(options), world.workers));
  co_return unless_positive(std::move(signed_in));
}

net::ResultTask<smtp::Reply> give(drive::SmtpClient& client, const Submission& submission) {
  smtp::Mail mail;
  CO_TRY(mail.from, address::ReversePath::from_text(submission.mail_from));
  std::vector<smtp::Rcpt> recipients;
  for (const auto& text : submission.recipients) {
    CO_TRY(auto recipient, address::Address::parse(text));
    recipients.push_back({std::move(recipient), {}});
  }
  CO_TRY(const auto envelope, co_await client.envelope(std::move(mail), std::move(recipients)));
  if (envelope.unfit) co_return smtp::reply(554, envelope.unfit->status, envelope.unfit->why);
  if (!envelope.mail.is_positive()) co_return envelope.mail;
  if (!envelope.is_open())
    co_return envelope.recipients.empty() ? envelope.mail : envelope.recipients.front();
  Text text(submission.content);
  co_return co_await client.content(submission.content.size(), text);
}

net::ResultTask<> sign_in(drive::PopClient& client, const Fetch& fetch) {
  const auto& who = fetch.sign_in;
  if (fetch.way == Fetch::Way::clear) co_return co_await client.user_pass(who.user, who.password);
  CO_CHECK(proved(client.tls(), who));
  CO_CHECK(co_await client.capa());
  co_return co_await client.auth(who.mechanism, who.user, who.password);
}

}  // namespace

net::ResultTask<smtp::Reply> submit(std::unique_ptr<net::Connection> connection, ClientWorld world,
                                    Submission submission) {
  drive::SmtpClient client(std::move(connection), world.clock, waits(submission.wait));
  CO_TRY(auto refused, co_await enter(client, world, submission));
  if (refused) {
    co_await client.quit();
    co_return std::move(*refused);
  }
  auto reply = co_await give(client, submission);
  if (reply) co_await client.quit();
  co_return reply;
}

std::string trace_in(const smtp::Reply& reply) {
  constexpr std::string_view before = "trace ";
  const auto text = reply.text();
  const auto at = text.rfind(before);
  if (at == std::string::npos) return "";
  const auto id = text.substr(at + before.size());
  return id.substr(0, id.find_first_of(" \r\n)"));
}

net::ResultTask<std::vector<base::Bytes>> fetch(std::unique_ptr<net::Connection> connection,
                                                ClientWorld world, Fetch fetch) {
  drive::PopClientOptions options;
  const bool clear = fetch.way == Fetch::Way::clear;
  options.entry =
      clear ? drive::PopClientOptions::Entry::clear : drive::PopClientOptions::Entry::tls;
  options.tls = tls_options(fetch.sign_in);
  options.wait = fetch.wait;
  drive::PopClient client({world.tls, world.workers, world.random}, std::move(options));
  CO_CHECK(co_await client.open(std::move(connection)));
  CO_CHECK(co_await sign_in(client, fetch));
  CO_TRY(const auto listed, co_await client.list());
  std::vector<base::Bytes> messages;
  for (const auto& one : listed) {
    const auto number = one.first;
    CO_TRY(auto content, co_await client.retr(number, fetch.message_octets_max));
    messages.push_back(std::move(content));
    if (fetch.after == Fetch::After::remove) CO_CHECK(co_await client.dele(number));
  }
  CO_CHECK(co_await client.quit());
  co_return messages;
}

}  // namespace letterlock::peers

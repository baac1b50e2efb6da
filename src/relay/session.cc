#include "relay/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "relay/work.h"

namespace letterlock::relay {
namespace {

using What = Failure::What;
using Opened = std::variant<std::unique_ptr<Session>, Failure>;

Failure lost(dsn::Status status, const base::Error& error) {
  return {What::network, status, base::printable(error.what)};
}

Failure answered(std::string_view to, const smtp::Reply& reply) {
  const auto status = reply.status_or_default();
  // A 3yz here answers nothing that was asked.
  const bool is_odd = !status.is_temporary() && !status.is_permanent();
  return {What::answered, is_odd ? dsn::Status{4, 5, 0} : status,
          fmt::format("its answer to {} was: {}", to, base::printable(reply.text()))};
}

// RFC 5321 §6.3: mail that would come back to us goes round in circles.
bool is_our_name(std::string_view name, const Options& options) {
  return base::equal_ignoring_case(name, options.ehlo_name);
}
std::string_view first_word(std::string_view line) {
  return line.substr(0, std::min(line.find(' '), line.size()));
}
Failure ourselves() {
  return {What::ourselves, dsn::status::routing_loop, "it greets with this site's own name"};
}

tls::ClientOptions tls_options(const Opening& opening) {
  tls::ClientOptions options;
  const bool has_name =
      !opening.host.starts_with('[') && !net::IpAddress::parse(opening.host).has_value();
  if (has_name) options.server_name = opening.host;
  options.version_min = opening.ask.version_min;
  options.ca_file = opening.ca_file;
  using Verify = tls::ClientOptions::Verify;
  // Nothing gathers TLSA records or pins for this room: what would need them is verified by
  // nothing, and so never taken for proved.
  options.verify =
      opening.ask.verify == protection::Verify::name && has_name ? Verify::name : Verify::nothing;
  return options;
}

protection::SessionFacts facts_of(const tls::Session& session, const Opening& opening,
                                  const smtp::Offered& offered) {
  protection::SessionFacts facts;
  facts.start = protection::SessionFacts::Tls::done;
  facts.tls = session.facts();
  facts.verified = opening.ask.verify == protection::Verify::name && session.peer_verified();
  facts.failure = session.verification_failure();
  facts.requiretls_offered = offered.require_tls;
  return facts;
}

// One opening's steps; each says why it can't go on.
class Opener {
 public:
  Opener(const World& world, Opening opening) : world_(world), opening_(std::move(opening)) {}

  net::ResultTask<Opened> run() {
    CO_CHECK(co_await connect());
    if (!failure_) CO_CHECK(co_await greeting());
    if (!failure_) CO_CHECK(co_await hello());
    if (!failure_) CO_CHECK(co_await start_tls());
    if (failure_) co_return Opened(std::move(*failure_));
    co_return Opened(std::move(session_));
  }

 private:
  net::ResultTask<> connect() {
    const auto& options = world_.options;
    net::ConnectOptions connecting;
    connecting.source = opening_.to.address.is_v4() ? options.source_v4 : options.source_v6;
    const auto& waits = world_.waits(opening_.lane);
    connecting.timeout = waits.connect;
    auto connection = co_await world_.ports.network.connect(opening_.to, connecting);
    if (!connection) co_return note(dsn::status::no_answer, connection.error());
    session_ = std::make_unique<Session>();
    session_->client =
        std::make_unique<drive::SmtpClient>(std::move(*connection), world_.ports.clock, waits.smtp);
    co_return base::Result<>();
  }

  net::ResultTask<> greeting() {
    const auto reply = co_await session_->client->greeting();
    if (!reply) co_return note(dsn::status::bad_connection, reply.error());
    if (!reply->is_positive())
      failure_ = so_far(answered("the connection", *reply));
    else if (is_our_name(first_word(reply->lines[0]), world_.options))
      failure_ = ourselves();
    co_return base::Result<>();
  }

  net::ResultTask<> hello() {
    const auto reply = co_await session_->client->ehlo(world_.options.ehlo_name);
    if (!reply) co_return note(dsn::status::bad_connection, reply.error());
    if (!reply->is_positive())
      failure_ = so_far(answered("EHLO", *reply));
    else if (is_our_name(session_->client->offered().host, world_.options))
      failure_ = ourselves();
    co_return base::Result<>();
  }

  net::ResultTask<> start_tls() {
    auto& facts = session_->facts;
    if (opening_.tls == Opening::Tls::never) {
      facts.start = protection::SessionFacts::Tls::failed;
      facts.failure = opening_.failure;
      co_return base::Result<>();
    }
    if (!session_->client->offered().starttls) co_return base::Result<>();
    const auto reply =
        co_await session_->client->start_tls(world_.ports.tls, tls_options(opening_));
    if (!reply && reply.error().kind == base::ErrorKind::cancelled)
      co_return base::fail(reply.error());
    if (!reply || !reply->is_positive()) {
      const auto why = reply ? reply->text() : reply.error().what;
      failure_ = Failure{What::handshake, dsn::status::security_not_offered, base::printable(why)};
      co_return base::Result<>();
    }
    // RFC 3207 §4.2: what was offered in clear counts for nothing; ask again.
    CO_CHECK(co_await hello());
    if (!failure_)
      facts = facts_of(*session_->client->tls(), opening_, session_->client->offered());
    co_return base::Result<>();
  }

  // Whoever stands between can say it before TLS: where the message requires TLS that ends nothing.
  Failure so_far(Failure failure) const {
    if (opening_.ask.tls_required && session_->client->tls() == nullptr)
      failure.status = failure.status.as_temporary();
    return failure;
  }

  base::Result<> note(dsn::Status status, const base::Error& error) {
    if (error.kind == base::ErrorKind::cancelled) return base::fail(error);
    failure_ = lost(status, error);
    return {};
  }

  const World& world_;
  Opening opening_;
  std::unique_ptr<Session> session_;
  std::optional<Failure> failure_;
};

// The strongest that the server offers.
std::optional<sasl::ClientOptions> choose_mechanism(const World& world, const Session& session) {
  const auto& offered = session.client->offered().mechanisms;
  const auto offers = [&](sasl::Mechanism mechanism) {
    return std::ranges::find(offered, mechanism) != offered.end();
  };
  sasl::ClientOptions options;
  options.user = world.options.smart_host_sign_in->user;
  options.password = world.options.smart_host_sign_in->password;
  options.nonce = sasl::nonce_from(world.ports.random.octets(18));
  const auto binding = session.client->tls()->exporter(sasl::channel_binding_label, "",
                                                       sasl::channel_binding_octets);
  const bool offers_plus = offers(sasl::Mechanism::scram_sha_256_plus);
  if (binding && offers_plus) {
    options.mechanism = sasl::Mechanism::scram_sha_256_plus;
    options.channel_binding = *binding;
  } else if (offers(sasl::Mechanism::scram_sha_256)) {
    options.mechanism = sasl::Mechanism::scram_sha_256;
    // RFC 5802 §6: "y" tells the server that its offer of PLUS didn't reach us.
    if (binding && !offers_plus) options.channel_binding = *binding;
  } else if (offers(sasl::Mechanism::plain)) {
    options.mechanism = sasl::Mechanism::plain;
  } else {
    return std::nullopt;
  }
  return options;
}

Failure not_signed_in(std::string why) {
  return {What::answered, dsn::status::bad_credentials.as_temporary(),
          "signing in failed: " + base::printable(why)};
}

}  // namespace

std::string_view Session::protocol() const {
  if (client->tls() == nullptr) return "ESMTP";
  return signed_in ? "ESMTPSA" : "ESMTPS";
}

net::ResultTask<Opened> open_session(const World& world, Opening opening) {
  Opener opener(world, std::move(opening));
  co_return co_await opener.run();
}

net::ResultTask<std::optional<Failure>> sign_in(const World& world, Session& session) {
  if (session.client->tls() == nullptr || !session.facts.verified)
    co_return not_signed_in("the host's name isn't verified");
  auto options = choose_mechanism(world, session);
  if (!options) co_return not_signed_in("it offers no mechanism that is known here");
  const auto reply = co_await session.client->sign_in(std::move(*options), world.ports.workers);
  if (!reply && reply.error().kind == base::ErrorKind::cancelled)
    co_return base::fail(reply.error());
  if (!reply) co_return not_signed_in(reply.error().what);
  if (!reply->is_positive()) co_return not_signed_in(reply->text());
  session.signed_in = true;
  co_return std::optional<Failure>();
}

}  // namespace letterlock::relay

#include "sim/tls.h"

#include <algorithm>
#include <array>

#include "base/digest.h"
#include "base/pack.h"
#include "sim/tls_session.h"

namespace letterlock::sim {
using base::ErrorKind;
using hop::TlsVersion;

namespace {

struct ClientHello {
  TlsVersion version_min = TlsVersion::tls1_2;
  TlsVersion version_max = TlsVersion::tls1_3;
  bool post_quantum = false;
  bool extended_master_secret = true;
  std::string server_name;
};

struct ServerHello {
  TlsVersion version = TlsVersion::tls1_3;
  bool post_quantum = false;
  bool extended_master_secret = true;
  bool asks_certificate = false;
  std::string secret;
  Identity identity;
};

// The client's last word: that nothing was changed on the way, and the certificate it was asked
// for.
struct ClientFinished {
  std::string proof;
  ClientCertificate certificate;  // nothing: none was asked for, or the client has none
};

std::uint64_t number(TlsVersion version) {
  return static_cast<std::uint64_t>(version);
}

base::Result<TlsVersion> version_from(std::uint64_t number) {
  if (number == 1) return TlsVersion::tls1_2;
  if (number == 2) return TlsVersion::tls1_3;
  return base::fail(ErrorKind::protocol, "an unknown version of TLS");
}

std::string pack(const ClientHello& hello) {
  return base::Packer(1)
      .number(number(hello.version_min))
      .number(number(hello.version_max))
      .flag(hello.post_quantum)
      .flag(hello.extended_master_secret)
      .text(hello.server_name)
      .take();
}

base::Result<ClientHello> client_hello_from(std::string_view octets) {
  base::Unpacker unpacker("client hello", octets);
  ClientHello hello;
  const auto version_min = unpacker.number();
  const auto version_max = unpacker.number();
  hello.post_quantum = unpacker.flag();
  hello.extended_master_secret = unpacker.flag();
  hello.server_name = unpacker.text();
  if (!unpacker.done(1)) return base::fail(ErrorKind::protocol, "the client's hello is malformed");
  hello.version_min = TRY(version_from(version_min));
  hello.version_max = TRY(version_from(version_max));
  return hello;
}

std::string pack(const ServerHello& hello) {
  base::Packer packer(1);
  packer.number(number(hello.version)).flag(hello.post_quantum).flag(hello.extended_master_secret);
  packer.flag(hello.asks_certificate);
  packer.text(hello.secret)
      .text(hello.identity.issuer)
      .flag(hello.identity.expired)
      .text(hello.identity.key_digest);
  packer.number(hello.identity.names.size());
  for (const auto& name : hello.identity.names) packer.text(name);
  return packer.take();
}

base::Result<ServerHello> server_hello_from(std::string_view octets) {
  base::Unpacker unpacker("server hello", octets);
  ServerHello hello;
  const auto version = unpacker.number();
  hello.post_quantum = unpacker.flag();
  hello.extended_master_secret = unpacker.flag();
  hello.asks_certificate = unpacker.flag();
  hello.secret = unpacker.text();
  hello.identity.issuer = unpacker.text();
  hello.identity.expired = unpacker.flag();
  hello.identity.key_digest = unpacker.text();
  const auto names = unpacker.count();
  for (std::size_t i = 0; i < names && !unpacker.bad(); ++i)
    hello.identity.names.emplace_back(unpacker.text());
  if (!unpacker.done(1)) return base::fail(ErrorKind::protocol, "the server's hello is malformed");
  hello.version = TRY(version_from(version));
  return hello;
}

std::string pack(const ClientFinished& last) {
  base::Packer packer(1);
  packer.text(last.proof).text(last.certificate.key_digest);
  packer.number(last.certificate.addresses.size());
  for (const auto& address : last.certificate.addresses) packer.text(address);
  return packer.take();
}

base::Result<ClientFinished> client_finished_from(std::string_view octets) {
  base::Unpacker unpacker("client finished", octets);
  ClientFinished last;
  last.proof = unpacker.text();
  last.certificate.key_digest = unpacker.text();
  const auto addresses = unpacker.count();
  for (std::size_t i = 0; i < addresses && !unpacker.bad(); ++i)
    last.certificate.addresses.emplace_back(unpacker.text());
  if (!unpacker.done(1))
    return base::fail(ErrorKind::protocol, "the client's end of the handshake is malformed");
  return last;
}

// One end of a handshake: frames to and from the raw connection until a deadline.
struct Talk {
  std::shared_ptr<Schedule> schedule;
  net::Connection& raw;
  base::Milliseconds deadline;
  FrameCoder out = {};
  FrameCoder in = {};
  std::string coming = {};

  net::ResultTask<> say(FrameType type, std::string content) {
    const auto octets = out.encode(type, content);
    co_return co_await raw.write(octets, deadline - schedule->now());
  }
  net::ResultTask<std::string> hear() {
    std::array<char, 4096> buffer;
    Frame frame;
    while (true) {
      CO_TRY(const bool whole, in.decode(coming, frame));
      if (whole) break;
      CO_TRY(const auto count, co_await raw.read_some(buffer, deadline - schedule->now()));
      if (count == 0)
        co_return base::fail(ErrorKind::closed, "the connection ended during the TLS handshake");
      coming.append(buffer.data(), count);
    }
    if (frame.type == FrameType::handshake) co_return std::move(frame.content);
    co_return base::fail(ErrorKind::protocol,
                         "the peer ended the TLS handshake: " + base::printable(frame.content));
  }
};

hop::TlsFacts facts_of(const ServerHello& hello) {
  hop::TlsFacts facts;
  facts.version = hello.version;
  facts.cipher = hello.version == TlsVersion::tls1_3 ? "TLS_AES_256_GCM_SHA384"
                                                     : "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
  facts.group = hello.post_quantum ? "X25519MLKEM768" : "X25519";
  facts.post_quantum = hello.post_quantum;
  return facts;
}

Agreed agree(const ServerHello& hello, std::string server_name) {
  return {facts_of(hello),
          hello.secret,
          hello.version == TlsVersion::tls1_3 || hello.extended_master_secret,
          {},
          {},
          std::move(server_name)};
}

// What the server answers. Errors: protocol, in the words of its alert.
base::Result<ServerHello> answer(const ClientHello& client, const TlsSettings& settings,
                                 const tls::ServerOptions& options, Random& random) {
  if (settings.refuses) return base::fail(ErrorKind::protocol, "handshake failure");
  if (settings.identities.empty()) return base::fail(ErrorKind::protocol, "no certificate");
  ServerHello hello;
  hello.version = std::min(client.version_max, settings.version_max);
  if (hello.version < std::max(client.version_min, options.version_min)) {
    return base::fail(ErrorKind::protocol, "no shared version");
  }
  hello.post_quantum =
      client.post_quantum && settings.post_quantum && hello.version == TlsVersion::tls1_3;
  hello.extended_master_secret = client.extended_master_secret && settings.extended_master_secret;
  hello.asks_certificate = options.asks_certificate;
  hello.secret = random.octets(32);
  const auto named = std::ranges::find_if(settings.identities, [&](const Identity& identity) {
    return matches_name(identity, client.server_name);
  });
  hello.identity = named == settings.identities.end() ? settings.identities.front() : *named;
  return hello;
}

// RFC 8446 §4.4.4: both ends saw the same handshake, the client's certificate too.
std::string finished(std::string_view secret, std::string_view client, std::string_view server,
                     const ClientCertificate& certificate) {
  return base::hmac_sha256(
      secret, pack(ClientFinished{std::string(client) + std::string(server), certificate}));
}

void protect(net::Connection& raw) {
  if (auto* simulated = dynamic_cast<Connection*>(&raw)) simulated->protect();
}

net::ResultTask<Agreed> serve(Talk& talk, TlsSettings settings, tls::ServerOptions options,
                              Random random) {
  CO_TRY(const std::string heard, co_await talk.hear());
  CO_TRY(const auto client, client_hello_from(heard));
  const auto hello = answer(client, settings, options, random);
  if (!hello) {
    (void)co_await talk.say(FrameType::alert, hello.error().what);
    co_return base::fail(hello.error());
  }
  const auto said = pack(*hello);
  CO_CHECK(co_await talk.say(FrameType::handshake, said));
  CO_TRY(const std::string last_octets, co_await talk.hear());
  CO_TRY(auto last, client_finished_from(last_octets));
  if (last.proof != finished(hello->secret, heard, said, last.certificate))
    co_return base::fail(ErrorKind::protocol, "the TLS handshake was changed on the way");
  auto agreed = agree(*hello, base::to_lower(client.server_name));
  if (options.asks_certificate) agreed.peer = std::move(last.certificate);
  co_return agreed;
}

net::ResultTask<Agreed> ask(Talk& talk, TlsSettings settings, tls::ClientOptions options) {
  const auto said =
      pack(ClientHello{options.version_min, settings.version_max, settings.post_quantum,
                       settings.extended_master_secret, options.server_name});
  CO_CHECK(co_await talk.say(FrameType::handshake, said));
  CO_TRY(const std::string heard, co_await talk.hear());
  CO_TRY(const auto server, server_hello_from(heard));
  if (server.version < options.version_min || server.version > settings.version_max) {
    (void)co_await talk.say(FrameType::alert, "no shared version");
    co_return base::fail(ErrorKind::protocol,
                         "the server chose a version of TLS that wasn't offered");
  }
  auto agreed = agree(server, options.server_name);
  agreed.peer.key_digest = server.identity.key_digest;
  agreed.verdict = verify(server.identity, options, settings);
  // Before the server hears that it may speak.
  if (auto* simulated = dynamic_cast<Connection*>(&talk.raw))
    simulated->agreed({server.version, server.post_quantum, agreed.verdict.verified});
  ClientFinished last;
  if (server.asks_certificate && !options.certificate_file.empty())
    last.certificate = client_certificate(options.certificate_file);
  last.proof = finished(server.secret, said, heard, last.certificate);
  CO_CHECK(co_await talk.say(FrameType::handshake, pack(last)));
  co_return agreed;
}

}  // namespace

net::ResultTask<std::unique_ptr<tls::Session>> Tls::accept(
    std::unique_ptr<net::Connection> connection, tls::ServerOptions options,
    base::Milliseconds timeout) {
  const auto schedule = schedule_;
  protect(*connection);
  Talk talk{schedule, *connection, schedule->now() + timeout};
  CO_TRY(auto agreed, co_await serve(talk, settings, std::move(options), Random(random_.next())));
  co_return std::make_unique<TlsSession>(schedule, std::move(connection), std::move(agreed), true,
                                         std::move(talk.coming));
}

net::ResultTask<std::unique_ptr<tls::Session>> Tls::connect(
    std::unique_ptr<net::Connection> connection, tls::ClientOptions options,
    base::Milliseconds timeout) {
  const auto schedule = schedule_;
  protect(*connection);
  Talk talk{schedule, *connection, schedule->now() + timeout};
  CO_TRY(auto agreed, co_await ask(talk, settings, std::move(options)));
  co_return std::make_unique<TlsSession>(schedule, std::move(connection), std::move(agreed), false,
                                         std::move(talk.coming));
}

}  // namespace letterlock::sim

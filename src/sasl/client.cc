#include "sasl/client.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/digest.h"
#include "sasl/keys.h"
#include "sasl/plain.h"
#include "sasl/scram.h"

namespace letterlock::sasl {
namespace {

auto protocol(std::string_view what) {
  return base::fail(base::ErrorKind::protocol, fmt::format("SASL: {}", what));
}

class PlainClient final : public ClientMechanism {
 public:
  explicit PlainClient(ClientOptions options) : options_(std::move(options)) {}

  base::Result<base::Bytes> initial() override {
    const auto user = TRY(prepare(options_.user));
    const auto password = TRY(prepare(options_.password));
    return to_octets({options_.authzid, user, password});
  }
  base::Result<base::Bytes> respond(base::BytesView) override {
    return protocol("PLAIN has one message");
  }
  base::Result<> succeeded() const override { return {}; }

 private:
  ClientOptions options_;
};

// TLS has said who we are; RFC: 4422 appendix A.
class ExternalClient final : public ClientMechanism {
 public:
  explicit ExternalClient(ClientOptions options) : options_(std::move(options)) {}

  base::Result<base::Bytes> initial() override {
    if (options_.authzid.empty()) return base::Bytes();
    return prepare(options_.authzid);
  }
  base::Result<base::Bytes> respond(base::BytesView) override {
    return protocol("EXTERNAL has one message");
  }
  base::Result<> succeeded() const override { return {}; }

 private:
  ClientOptions options_;
};

// RFC: 5802 section 5. start -> first -> final -> proved
class ScramClient final : public ClientMechanism {
 public:
  explicit ScramClient(ClientOptions options) : options_(std::move(options)) {
    ASSERT(!options_.nonce.empty());
  }

  base::Result<base::Bytes> initial() override {
    const auto user = TRY(prepare(options_.user));
    const bool plus = options_.mechanism == Mechanism::scram_sha_256_plus;
    if (plus && !options_.channel_binding) return protocol("PLUS needs a channel to bind to");
    using Flag = scram::Gs2Header::Flag;
    gs2_.flag = plus ? Flag::bound : options_.channel_binding ? Flag::unoffered : Flag::unsupported;
    if (plus) gs2_.binding = scram::binding_name;
    gs2_.authzid = options_.authzid;
    bare_ = scram::client_first_bare(user, options_.nonce);
    state_ = State::first;
    return scram::to_text(gs2_) + bare_;
  }

  base::Result<base::Bytes> respond(base::BytesView challenge) override {
    switch (state_) {
      case State::first:
        return take_first(challenge);
      case State::final:
        return take_final(challenge);
      case State::start:
      case State::proved:
        break;
    }
    return protocol("a challenge out of order");
  }

  base::Result<> succeeded() const override {
    if (state_ == State::proved) return {};
    return base::fail(base::ErrorKind::denied,
                      "SASL: the server says success without having proved itself");
  }

 private:
  enum class State { start, first, final, proved };

  base::Result<base::Bytes> take_first(base::BytesView challenge) {
    state_ = State::start;
    const auto first = scram::parse_server_first(challenge);
    if (!first) return protocol(first.error().what);
    // RFC 5802 §5.1, r: the client MUST verify that the nonce begins with its own.
    if (!first->nonce.starts_with(options_.nonce) || first->nonce.size() == options_.nonce.size())
      return protocol("the server's nonce isn't made of ours");
    if (first->rounds < options_.rounds_min || first->rounds > rounds_max)
      return protocol(fmt::format("{} rounds asked for", first->rounds));
    const auto password = TRY(prepare(options_.password));
    const auto salted = base::pbkdf2_sha256(password, first->salt, first->rounds);
    const auto client_key = base::hmac_sha256(salted, "Client Key");
    auto binding = scram::to_text(gs2_);
    if (gs2_.flag == scram::Gs2Header::Flag::bound) binding += *options_.channel_binding;
    const auto without_proof = scram::client_final_without_proof(binding, first->nonce);
    const auto auth_message = fmt::format("{},{},{}", bare_, challenge, without_proof);
    server_signature_ = base::hmac_sha256(base::hmac_sha256(salted, "Server Key"), auth_message);
    const auto proof = scram::client_proof(client_key, base::sha256(client_key), auth_message);
    state_ = State::final;
    return fmt::format("{},p={}", without_proof, base::to_base64(proof));
  }

  base::Result<base::Bytes> take_final(base::BytesView challenge) {
    state_ = State::start;
    const auto signature = scram::parse_server_final(challenge);
    if (!signature && signature.error().kind == base::ErrorKind::denied)
      return base::fail(signature.error());
    if (!signature) return protocol(signature.error().what);
    if (!base::equal_in_constant_time(*signature, server_signature_)) {
      return base::fail(base::ErrorKind::denied, "SASL: the server doesn't know our keys");
    }
    state_ = State::proved;
    return base::Bytes();
  }

  ClientOptions options_;
  State state_ = State::start;
  scram::Gs2Header gs2_;
  std::string bare_;
  base::Bytes server_signature_;
};

}  // namespace

std::unique_ptr<ClientMechanism> make_client(ClientOptions options) {
  if (options.mechanism == Mechanism::plain)
    return std::make_unique<PlainClient>(std::move(options));
  if (options.mechanism == Mechanism::external)
    return std::make_unique<ExternalClient>(std::move(options));
  return std::make_unique<ScramClient>(std::move(options));
}

}  // namespace letterlock::sasl

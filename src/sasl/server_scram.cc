// The server's side of SCRAM. RFC: 5802 sections 5 to 7.
#include <fmt/format.h>

#include "base/assert.h"
#include "base/digest.h"
#include "sasl/scram.h"
#include "sasl/server_machines.h"

namespace letterlock::sasl {
namespace {

using Flag = scram::Gs2Header::Flag;
using Reason = Failure::Reason;

// start -> asked (no initial response) -> keys -> final -> proved -> told -> ended
class ScramServer final : public ServerMechanism {
 public:
  explicit ScramServer(ServerOptions options) : options_(std::move(options)) {
    ASSERT(!options_.nonce.empty() && options_.nonce.size() <= nonce_octets_max);
  }

  Step begin(std::optional<base::BytesView> initial) override {
    if (state_ != State::start) return fail(Reason::malformed, "out of order");
    if (is_plus() && !options_.channel_binding)
      return fail(Reason::channel_binding, "no channel to bind to");
    if (initial) return take_first(*initial);
    state_ = State::asked;
    return Challenge{};
  }

  Step respond(base::BytesView octets) override {
    switch (state_) {
      case State::asked:
        return take_first(octets);
      case State::final:
        return take_final(octets);
      case State::told:
        return take_end(octets);
      case State::start:
      case State::keys:
      case State::proved:
      case State::ended:
        break;
    }
    return fail(Reason::malformed, "out of order");
  }

  Step give(ScramKeys keys, Standing standing) override {
    if (state_ != State::keys) return fail(Reason::malformed, "out of order");
    keys_ = std::move(keys);
    standing_ = standing;
    nonce_ = first_.nonce + options_.nonce;
    server_first_ = scram::to_text(scram::ServerFirst{nonce_, keys_.salt, keys_.rounds});
    state_ = State::final;
    return Challenge{server_first_};
  }

  Step checked(Standing) override { return fail(Reason::malformed, "out of order"); }

  Step turn() override {
    if (state_ != State::proved) return fail(Reason::malformed, "out of order");
    // Whoever hasn't the password learns nothing more than that.
    if (!fits_ || standing_ == Standing::refused)
      return fail(Reason::credentials, "unknown user, wrong password or not allowed");
    if (!bound_) return fail(Reason::channel_binding, "bound to another channel");
    state_ = State::told;
    return Challenge{"v=" + base::to_base64(signature_)};
  }

 private:
  enum class State { start, asked, keys, final, proved, told, ended };

  bool is_plus() const { return options_.mechanism == Mechanism::scram_sha_256_plus; }

  Step fail(Reason reason, std::string_view detail) {
    state_ = State::ended;
    return Failure{reason, fmt::format("{}: {}", name(options_.mechanism), detail)};
  }

  // What is wrong with the client's word on channel binding; empty if nothing is.
  std::string_view wrong_binding() const {
    const auto& gs2 = first_.gs2;
    if (is_plus()) {
      // RFC 5802 §6: with -PLUS the client MUST use channel binding.
      if (gs2.flag != Flag::bound) return "PLUS chosen without channel binding";
      return gs2.binding == scram::binding_name ? ""
                                                : "a kind of channel binding that isn't offered";
    }
    if (gs2.flag == Flag::bound) return "channel binding without PLUS";
    // RFC 5802 §6: "y" where the server did offer -PLUS: the list was changed on the way, MUST
    // fail.
    if (gs2.flag == Flag::unoffered && options_.channel_binding)
      return "downgrade: the client saw no PLUS on offer";
    return "";
  }

  Step take_first(base::BytesView octets) {
    auto first = scram::parse_client_first(octets);
    if (!first) return fail(Reason::malformed, first.error().what);
    first_ = std::move(*first);
    if (const auto wrong = wrong_binding(); !wrong.empty())
      return fail(Reason::channel_binding, wrong);
    auto user = prepare(first_.user);
    if (!user) return fail(Reason::malformed, user.error().what);
    if (!first_.gs2.authzid.empty() && prepare(first_.gs2.authzid) != *user) {
      return fail(Reason::authzid, "acting for another user");
    }
    user_ = *user;
    state_ = State::keys;
    return NeedKeys{std::move(*user)};
  }

  Step take_final(base::BytesView octets) {
    const auto message = scram::parse_client_final(octets);
    if (!message) return fail(Reason::malformed, message.error().what);
    // RFC 5802 §5.1, r: the server MUST verify that the nonce is the one it sent.
    if (message->nonce != nonce_) return fail(Reason::malformed, "another nonce");
    // RFC 5802 §5.1, c: the gs2 header again, and with p= the channel's own octets.
    auto binding = scram::to_text(first_.gs2);
    if (first_.gs2.flag == Flag::bound) binding += *options_.channel_binding;
    bound_ = base::equal_in_constant_time(message->binding, binding);
    const auto auth_message =
        fmt::format("{},{},{}", first_.bare, server_first_, message->without_proof);
    fits_ = scram::proof_fits(message->proof, keys_.stored_key, auth_message);
    signature_ = base::hmac_sha256(keys_.server_key, auth_message);
    state_ = State::proved;
    return NeedTurn{fits_};
  }

  Step take_end(base::BytesView octets) {
    if (!octets.empty()) return fail(Reason::malformed, "more than an empty last answer");
    state_ = State::ended;
    return Success{.user = std::move(user_), .channel_bound = is_plus(), .password_seen = false};
  }

  ServerOptions options_;
  State state_ = State::start;
  scram::ClientFirst first_;
  std::string user_;
  ScramKeys keys_;
  Standing standing_ = Standing::refused;
  std::string nonce_;
  std::string server_first_;
  bool fits_ = false;
  bool bound_ = false;
  base::Bytes signature_;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_scram_server(ServerOptions options) {
  return std::make_unique<ScramServer>(std::move(options));
}

}  // namespace letterlock::sasl

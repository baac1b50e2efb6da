// EXTERNAL: TLS has proved who the client is, by its certificate; the exchange only says as whom it
// acts. RFC: 4422 appendix A.
#include "base/bytes.h"
#include "sasl/server_machines.h"

namespace letterlock::sasl {
namespace {

using Reason = Failure::Reason;

// start -> asked (no initial response) -> checking -> ended
class ExternalServer final : public ServerMechanism {
 public:
  explicit ExternalServer(ServerOptions options) : user_(std::move(options.certificate_user)) {}

  Step begin(std::optional<base::BytesView> initial) override {
    if (state_ != State::start) return out_of_order();
    if (!user_) return fail(Reason::credentials, "no certificate that is known was shown");
    if (initial) return take(*initial);
    state_ = State::asked;
    return Challenge{};
  }

  Step respond(base::BytesView octets) override {
    return state_ == State::asked ? take(octets) : out_of_order();
  }

  Step give(ScramKeys, Standing) override { return out_of_order(); }
  Step turn() override { return out_of_order(); }

  Step checked(Standing standing) override {
    if (state_ != State::checking) return out_of_order();
    if (standing == Standing::refused)
      return fail(Reason::credentials, "the certificate isn't the account's, or not allowed");
    state_ = State::ended;
    return Success{.user = std::move(*user_),
                   .channel_bound = false,
                   .password_seen = false,
                   .by_certificate = true};
  }

 private:
  enum class State { start, asked, checking, ended };

  // The authorization identity alone; empty: whom the certificate names.
  Step take(base::BytesView octets) {
    if (octets.size() > user_octets_max) return fail(Reason::malformed, "a name that is too long");
    if (!octets.empty()) {
      const auto authzid = prepare(octets);
      if (!authzid) return fail(Reason::malformed, authzid.error().what);
      // RFC 4422 §3.4.1: the server must see that the one may act as the other. Nobody may.
      if (!base::equal_ignoring_case(*authzid, *user_))
        return fail(Reason::authzid, "acting for another user");
    }
    state_ = State::checking;
    return NeedCertificate{*user_};
  }

  Step fail(Reason reason, std::string_view detail) {
    state_ = State::ended;
    return Failure{reason, "EXTERNAL: " + std::string(detail)};
  }
  Step out_of_order() { return fail(Reason::malformed, "out of order"); }

  State state_ = State::start;
  std::optional<std::string> user_;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_external_server(ServerOptions options) {
  return std::make_unique<ExternalServer>(std::move(options));
}

}  // namespace letterlock::sasl

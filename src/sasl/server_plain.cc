#include "base/assert.h"
#include "sasl/plain.h"
#include "sasl/server_machines.h"

namespace letterlock::sasl {
namespace {

// start -> asked -> checking -> ended
class PlainServer final : public ServerMechanism {
 public:
  Step begin(std::optional<base::BytesView> initial) override {
    if (state_ != State::start) return out_of_order();
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
    state_ = State::ended;
    if (for_another_) return Failure{Failure::Reason::authzid, "PLAIN: acting for another user"};
    if (standing == Standing::refused)
      return Failure{Failure::Reason::credentials,
                     "PLAIN: unknown user, wrong password or not allowed"};
    return Success{.user = std::move(user_), .channel_bound = false, .password_seen = true};
  }

 private:
  enum class State { start, asked, checking, ended };

  Step take(base::BytesView octets) {
    state_ = State::ended;
    auto message = parse_plain(octets);
    if (!message) return Failure{Failure::Reason::malformed, message.error().what};
    auto user = prepare(message->user);
    if (!user) return Failure{Failure::Reason::malformed, user.error().what};
    // RFC 4616 §2: an authorization identity is prepared before it is compared.
    // Refused only once it was checked: the password was shown, and whoever keeps the account has
    // to know that.
    for_another_ = !message->authzid.empty() && prepare(message->authzid) != *user;
    user_ = *user;
    state_ = State::checking;
    return NeedCheck{std::move(*user), std::move(message->password)};
  }

  Step out_of_order() {
    state_ = State::ended;
    return Failure{Failure::Reason::malformed, "PLAIN: out of order"};
  }

  State state_ = State::start;
  bool for_another_ = false;
  std::string user_;
};

}  // namespace

std::unique_ptr<ServerMechanism> make_plain_server() {
  return std::make_unique<PlainServer>();
}

}  // namespace letterlock::sasl

#include "base/assert.h"
#include "popd/handler.h"

namespace letterlock::popd {
namespace {

using base::ErrorKind;
using How = drive::PopSignIn::How;

std::string_view mechanism_name(How how) {
  switch (how) {
    case How::password:
      return "password";
    case How::scram:
      return sasl::name(sasl::Mechanism::scram_sha_256);
    case How::scram_plus:
      return sasl::name(sasl::Mechanism::scram_sha_256_plus);
    case How::certificate:
      return sasl::name(sasl::Mechanism::external);
  }
  return "";
}

auto denied(const char* why) {
  return base::fail(ErrorKind::denied, why);
}
auto throttled() {
  return base::fail(ErrorKind::unavailable, "too many failed sign-ins");
}

}  // namespace

// By the domain alone: a name that isn't there hears what its neighbours hear.
net::ResultTask<bool> Handler::clear_allowed(std::string user) {
  const auto address = address::Address::parse(user);
  if (!address) co_return false;
  CO_TRY(const auto id, co_await ports_.directory.is_ours(address->domain()));
  if (!id) co_return false;
  CO_TRY(const auto tenant, co_await ports_.directory.tenant(*id));
  co_return tenant && tenant->clear_fetch == directory::ClearFetch::allowed;
}

directory::Asker Handler::asker(const tls::Session* tls) const {
  directory::Road road;
  road.tls = tls != nullptr;
  road.post_quantum = tls != nullptr && tls->facts().post_quantum;
  road.network = ends_.network;
  return {"popd", ends_.peer.address, road};
}

net::ResultTask<drive::PopHandler::Keys> Handler::keys(std::string user, sasl::Mechanism mechanism,
                                                       const tls::Session* tls) {
  account_.reset();
  CO_TRY(auto found, co_await ports_.directory.credentials(user));
  if (ports_.directory.is_closed(user, found.told, asker(tls))) co_return throttled();
  login_ = std::move(user);
  told_ = std::move(found.told);
  mechanism_ = mechanism;
  tls_ = tls;
  account_ = std::move(found.account);
  const auto standing =
      account_ ? directory::Directory::standing(*account_, mechanism) : sasl::Standing::refused;
  co_return Keys{std::move(found.keys), standing};
}

net::ResultTask<sasl::Standing> Handler::check_password(std::string user, std::string password,
                                                        const tls::Session* tls) {
  account_.reset();
  CO_TRY(auto sign_in, co_await ports_.directory.check_password(std::move(user),
                                                                std::move(password), asker(tls)));
  if (const auto* refused = std::get_if<directory::SignInRefused>(&sign_in)) {
    if (refused->why == directory::SignInRefused::Why::throttled) co_return throttled();
    co_return sasl::Standing::refused;
  }
  account_ = std::move(std::get<directory::Account>(sign_in));
  co_return sasl::Standing::welcome;
}

net::ResultTask<std::optional<std::string>> Handler::certificate_user(const tls::Session& session) {
  CO_TRY(const auto owner, co_await ports_.directory.certificate_owner(session.peer_key_digest(),
                                                                       session.peer_addresses()));
  if (!owner) co_return std::nullopt;
  co_return owner->address.text();
}

// Asked again: an operator may have taken the certificate away since the handshake.
net::ResultTask<sasl::Standing> Handler::check_certificate(std::string user,
                                                           const tls::Session& session) {
  account_.reset();
  CO_TRY(auto owner, co_await ports_.directory.certificate_owner(session.peer_key_digest(),
                                                                 session.peer_addresses()));
  if (!owner || owner->address.text() != user) co_return sasl::Standing::refused;
  account_ = std::move(owner);
  co_return directory::Directory::standing(*account_, sasl::Mechanism::external);
}

net::Task<> Handler::password_shown(std::string user, std::string password,
                                    const tls::Session* tls) {
  const auto noted =
      co_await ports_.directory.note_shown(std::move(user), std::move(password), asker(tls));
  if (!noted && noted.error().kind != ErrorKind::cancelled)
    ports_.events.emit({base::Severity::error,
                        "directory.failed",
                        {{"agent", "popd"},
                         {"doing", "noting a password that was shown"},
                         {"reason", noted.error().what}}});
}

net::ResultTask<> Handler::proved(bool fits) {
  return ports_.directory.count_proof({login_, told_, fits, mechanism_, account_}, asker(tls_));
}

void Handler::exchange_failed(sasl::Mechanism mechanism, const sasl::Failure& failure) {
  account_.reset();
  login_.clear();
  ports_.events.emit(
      directory::exchange_failed(asker(tls_), std::exchange(told_, {}), mechanism, failure));
}

net::ResultTask<pop::Maildrop> Handler::signed_in(drive::PopSignIn sign_in) {
  ASSERT(account_.has_value());
  const auto account = std::move(*account_);
  account_.reset();
  CO_TRY(auto tenant, co_await ports_.directory.tenant(account.tenant));
  if (!tenant) co_return denied("the account's tenant is gone");
  // USER asked by the domain; the account's own tenant has the last word.
  if (sign_in.tls == nullptr && tenant->clear_fetch == directory::ClearFetch::refused)
    co_return denied("clear fetch is refused");
  CO_TRY(const bool bound, co_await ports_.directory.password_is_bound(account));
  if (ends_.place != nullptr) ends_.place->signed_in(ports_.clock.steady());
  CO_TRY(auto inbox, co_await load_inbox(ports_.store, {account.tenant, account.id}));
  ports_.events.emit({base::Severity::info,
                      "sign_in.succeeded",
                      {{"agent", "popd"},
                       {"peer", ends_.peer.address.text()},
                       {"tenant", tenant->name},
                       {"account", account.address.text()},
                       {"mechanism", std::string(mechanism_name(sign_in.how))}}});
  place_ = inbox.place;
  facts_ = FetchFacts{account,
                      std::move(*tenant),
                      sign_in.how,
                      sign_in.tls,
                      ends_.implicit_tls,
                      bound ? protection::Accepts::only_bound : protection::Accepts::weaker_too,
                      ends_.peer,
                      ends_.network};
  co_return std::move(inbox.maildrop);
}

}  // namespace letterlock::popd

#include "base/assert.h"
#include "popd/handler.h"

namespace letterlock::popd {
namespace {

using base::ErrorKind;
using How = drive::PopSignIn::How;

constexpr std::size_t login_octets_max = 320;

std::string_view mechanism_name(How how) {
  switch (how) {
    case How::password:
      return "password";
    case How::scram:
      return sasl::name(sasl::Mechanism::scram_sha_256);
    case How::scram_plus:
      return sasl::name(sasl::Mechanism::scram_sha_256_plus);
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

// Of a wrong name or password the directory has told.
void Handler::tell_refused(std::string_view user, std::string_view why) const {
  const bool throttled_now = why == name(directory::SignInRefused::Why::throttled);
  base::Event event{base::Severity::info,
                    "sign_in.failed",
                    {{"agent", "popd"},
                     {"peer", ends_.peer.address.text()},
                     {"login", std::string(user.substr(0, login_octets_max))}}};
  if (throttled_now) {
    event.severity = base::Severity::warning;
    event.name = "sign_in.throttled";
  } else {
    event.fields.emplace_back("reason", std::string(why));
  }
  ports_.events.emit(event);
}

// By the domain alone: a name that isn't there hears what its neighbours hear.
net::ResultTask<bool> Handler::clear_allowed(std::string user) {
  const auto address = address::Address::parse(user);
  if (!address) co_return false;
  CO_TRY(const auto id, co_await ports_.directory.is_ours(address->domain()));
  if (!id) co_return false;
  CO_TRY(const auto tenant, co_await ports_.directory.tenant(*id));
  co_return tenant && tenant->clear_fetch == directory::ClearFetch::allowed;
}

net::ResultTask<drive::PopHandler::Keys> Handler::keys(std::string user,
                                                       sasl::Mechanism mechanism) {
  account_.reset();
  if (ports_.directory.begin_sign_in(user, ends_.peer.address) > base::Milliseconds(0)) {
    tell_refused(user, name(directory::SignInRefused::Why::throttled));
    co_return throttled();
  }
  auto asked = co_await ports_.directory.credentials(user);
  if (!asked)
    ports_.directory.note_sign_in(user, ends_.peer.address, directory::Directory::Attempt::undone);
  CO_TRY(auto found, std::move(asked));
  account_ = std::move(found.account);
  const auto standing =
      account_ ? directory::Directory::standing(*account_, mechanism) : sasl::Standing::refused;
  co_return Keys{std::move(found.keys), standing};
}

net::ResultTask<sasl::Standing> Handler::check_password(std::string user, std::string password) {
  account_.reset();
  CO_TRY(auto sign_in,
         co_await ports_.directory.check_password(user, std::move(password), ends_.peer.address));
  if (const auto* refused = std::get_if<directory::SignInRefused>(&sign_in)) {
    if (refused->why != directory::SignInRefused::Why::credentials)
      tell_refused(user, name(refused->why));
    if (refused->why == directory::SignInRefused::Why::throttled) co_return throttled();
    co_return sasl::Standing::refused;
  }
  account_ = std::move(std::get<directory::Account>(sign_in));
  co_return sasl::Standing::welcome;
}

void Handler::exchange_failed(std::string_view user, sasl::Mechanism mechanism,
                              const sasl::Failure& failure) {
  account_.reset();
  ports_.events.emit(
      directory::exchange_failed("popd", ends_.peer.address, user, mechanism, failure));
  if (user.empty()) return;
  ports_.directory.note_sign_in(user, ends_.peer.address, directory::Directory::Attempt::failed);
}

net::ResultTask<pop::Maildrop> Handler::signed_in(drive::PopSignIn sign_in) {
  ASSERT(account_.has_value());
  const auto account = std::move(*account_);
  account_.reset();
  if (sign_in.how != How::password) {
    ports_.directory.note_sign_in(sign_in.user, ends_.peer.address,
                                  directory::Directory::Attempt::succeeded);
  }
  CO_TRY(auto tenant, co_await ports_.directory.tenant(account.tenant));
  if (!tenant) co_return denied("the account's tenant is gone");
  // USER asked by the domain; the account's own tenant has the last word.
  if (sign_in.tls == nullptr && tenant->clear_fetch == directory::ClearFetch::refused)
    co_return denied("clear fetch is refused");
  CO_TRY(auto inbox, co_await load_inbox(ports_.store, {account.tenant, account.id}));
  ports_.events.emit({base::Severity::info,
                      "sign_in.succeeded",
                      {{"agent", "popd"},
                       {"peer", ends_.peer.address.text()},
                       {"tenant", tenant->name},
                       {"account", account.address.text()},
                       {"mechanism", std::string(mechanism_name(sign_in.how))}}});
  place_ = inbox.place;
  facts_ = FetchFacts{account,     std::move(*tenant), sign_in.how, sign_in.tls, ends_.implicit_tls,
                      ends_.local, ends_.peer};
  co_return std::move(inbox.maildrop);
}

}  // namespace letterlock::popd

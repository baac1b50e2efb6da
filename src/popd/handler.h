// What one POP3 session asks, answered from the directory, the mailbox and the trace. For this
// room's own files.
#pragma once

#include <functional>
#include <optional>

#include "directory/directory.h"
#include "drive/pop_handler.h"
#include "popd/fetch.h"
#include "popd/inbox.h"
#include "popd/popd.h"

namespace letterlock::popd {

class Handler final : public drive::PopHandler {
 public:
  struct Ends {
    net::Endpoint peer;
    bool implicit_tls = false;
    hop::Network network = hop::Network::public_;
    net::Admission::Ticket* place = nullptr;  // the session's
  };
  // `outcomes`: where the recording of an outcome goes on though the session was cancelled.
  Handler(const Ports& ports, const Options& options, net::Gate& outcomes, Ends ends)
      : ports_(ports), options_(options), outcomes_(outcomes), ends_(ends) {}

  // handler_sign_in.cc
  net::ResultTask<bool> clear_allowed(std::string user) override;
  net::ResultTask<Keys> keys(std::string user, sasl::Mechanism mechanism,
                             const tls::Session* tls) override;
  net::ResultTask<sasl::Standing> check_password(std::string user, std::string password,
                                                 const tls::Session* tls) override;
  net::ResultTask<std::optional<std::string>> certificate_user(
      const tls::Session& session) override;
  net::ResultTask<sasl::Standing> check_certificate(std::string user,
                                                    const tls::Session& session) override;
  net::Task<> password_shown(std::string user, std::string password,
                             const tls::Session* tls) override;
  net::ResultTask<> proved(bool fits) override;
  void exchange_failed(sasl::Mechanism mechanism, const sasl::Failure& failure) override;
  net::ResultTask<pop::Maildrop> signed_in(drive::PopSignIn sign_in) override;

  // handler_messages.cc
  net::ResultTask<std::unique_ptr<drive::PopContent>> open(std::uint32_t uid) override;
  net::ResultTask<> content_begins(std::uint32_t uid, drive::PopGiving giving) override;
  net::Task<> content_ended(std::uint32_t uid, drive::PopGiving giving,
                            drive::PopGiven given) override;
  net::ResultTask<> commit(std::vector<std::uint32_t> uids) override;

  // For the log: who signed in (empty: nobody), and what went.
  std::string tenant() const { return facts_ ? facts_->tenant.name : std::string(); }
  std::string login() const { return facts_ ? facts_->account.address.text() : std::string(); }
  std::size_t fetched() const { return fetched_; }
  std::size_t deleted() const { return deleted_; }

 private:
  directory::Asker asker(const tls::Session* tls) const;

  const Ports& ports_;
  const Options& options_;
  net::Gate& outcomes_;
  Ends ends_;
  std::string login_;  // of the exchange under way; empty: the client hasn't named itself
  std::string told_;   // the same for the log
  sasl::Mechanism mechanism_ = sasl::Mechanism::plain;
  const tls::Session* tls_ = nullptr;          // of it
  std::optional<directory::Account> account_;  // that was asked for, not yet signed in
  std::optional<FetchFacts> facts_;            // once signed in
  std::optional<mailbox::Place> place_;
  std::optional<mailbox::Message> message_;  // that was opened last
  std::optional<Fetch> fetch_;               // under way
  std::size_t fetched_ = 0;
  std::size_t deleted_ = 0;
};

}  // namespace letterlock::popd

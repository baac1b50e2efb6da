// What one session of the msa agent answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "message/address_list.h"
#include "message/trace_fields.h"
#include "msa/msa.h"
#include "protection/inbound.h"

namespace letterlock::msa {

class Handler final : public custody::InboundHandler {
 public:
  Handler(const Ports& ports, const Options& options, Ends ends)
      : InboundHandler({"msa", net::Purpose::submission}, ports, options, ends) {}

  net::ResultTask<drive::SmtpAccount> on_auth_keys(std::string user,
                                                   sasl::Mechanism mechanism) override;
  net::ResultTask<std::optional<std::string>> on_certificate(const tls::Session& session) override;
  net::ResultTask<sasl::Standing> on_auth_certificate(sasl::NeedCertificate need) override;
  net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check) override;
  net::ResultTask<> on_auth_proof(bool fits) override;
  net::Task<smtp::Reply> on_authenticated(sasl::Success success,
                                          sasl::Mechanism mechanism) override;
  net::Task<> on_auth_failed(sasl::Failure failure, sasl::Mechanism mechanism) override;
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override;
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override;
  net::Task<smtp::Reply> on_content_begin() override;
  net::ResultTask<> on_content(std::string_view octets) override;
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts facts) override;
  net::Task<> on_reset() override;

 private:
  struct Transaction {
    smtp::Mail mail;
    std::vector<custody::Recipient> recipients;
    base::TraceId trace;
    std::optional<queue::Intake> intake;
    message::HeaderFrom header_from;
  };
  std::expected<std::vector<hop::Change>, queue::Refused> edit(message::Header& header);
  message::Reception reception_field() const;
  net::ResultTask<std::optional<queue::Refused>> check_authors();
  net::ResultTask<custody::Reception> reception();
  net::Task<smtp::Reply> take(queue::Content content, os::Steady ended);
  net::Task<smtp::Reply> refuse(std::string_view event, smtp::Reply reply, std::string what,
                                std::string reason);

  smtp::Reply failed(const base::Error& error, std::string_view what);

  std::string login_;  // of the exchange under way; empty: the client hasn't named itself
  std::string told_;   // the same for the log
  sasl::Mechanism mechanism_ = sasl::Mechanism::plain;
  std::optional<directory::Account> account_;  // signed in, or about to be
  protection::SignIn sign_in_ = protection::SignIn::none;
  // What the password was good for when it signed in: it is read no more, though an operator
  // changes the account while the session lasts.
  protection::Accepts accepted_ = protection::Accepts::weaker_too;
  std::unique_ptr<Transaction> transaction_;  // none: a session that only stands there is small
};

}  // namespace letterlock::msa

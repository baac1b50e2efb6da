#include "drive/smtp_handler.h"

namespace letterlock::drive {

std::string_view name(SmtpEnd end) {
  switch (end) {
    case SmtpEnd::quit:
      return "quit";
    case SmtpEnd::refused:
      return "refused";
    case SmtpEnd::peer_gone:
      return "peer_gone";
    case SmtpEnd::timeout:
      return "timeout";
    case SmtpEnd::tls_failed:
      return "tls_failed";
    case SmtpEnd::stopped:
      return "stopped";
  }
  return "";
}

net::Task<smtp::Reply> SmtpHandler::on_connect() {
  co_return smtp::reply(220, "");
}
net::Task<smtp::Reply> SmtpHandler::on_ehlo(smtp::Hello) {
  co_return smtp::reply(250, "");
}
net::Task<> SmtpHandler::on_tls(const tls::Session&) {
  co_return;
}

net::ResultTask<std::optional<std::string>> SmtpHandler::on_certificate(const tls::Session&) {
  co_return std::nullopt;
}
net::ResultTask<sasl::Standing> SmtpHandler::on_auth_certificate(sasl::NeedCertificate) {
  co_return sasl::Standing::refused;
}
net::ResultTask<SmtpAccount> SmtpHandler::on_auth_keys(std::string, sasl::Mechanism) {
  co_return base::fail(base::ErrorKind::not_found, "nobody signs in here");
}
net::ResultTask<sasl::Standing> SmtpHandler::on_auth_check(sasl::NeedCheck) {
  co_return sasl::Standing::refused;
}
net::ResultTask<> SmtpHandler::on_auth_proof(bool) {
  co_return base::Result<>();
}
net::Task<smtp::Reply> SmtpHandler::on_authenticated(sasl::Success, sasl::Mechanism) {
  co_return smtp::reply(235, dsn::Status{2, 7, 0}, "welcome");
}
net::Task<> SmtpHandler::on_auth_failed(sasl::Failure, sasl::Mechanism) {
  co_return;
}
net::Task<> SmtpHandler::on_password_shown(std::string, std::string) {
  co_return;
}
net::Task<> SmtpHandler::on_end(SmtpEnd, std::string) {
  co_return;
}

}  // namespace letterlock::drive

#include "custody/inbound.h"

namespace letterlock::custody {

InboundHandler::InboundHandler(Role role, const InboundPorts& ports, const InboundOptions& options,
                               Ends ends)
    : ports_(ports), options_(options), peer_(ends.peer), role_(role), network_(ends.network) {}

void InboundHandler::has_signed_in() {
  if (ticket_) ticket_->signed_in(ports_.clock.steady());
}

net::Task<smtp::Reply> InboundHandler::on_connect() {
  net::Admission::Refused why{};
  auto ticket = ports_.admission.admit(role_.purpose, peer_.address, ports_.clock.steady(), why);
  if (!ticket) {
    ports_.events.emit({base::Severity::warning,
                        "session.refused",
                        {{"agent", std::string(role_.agent)},
                         {"peer", peer_.text()},
                         {"why", std::string(net::name(why))}}});
    auto words = ports_.admission.last_words();
    if (!words) co_return smtp::Reply{.code = 421, .status = {}, .lines = {}};
    last_words_.emplace(std::move(*words));
    // RFC 3463 §3.4: X.3.2, the system takes no messages now.
    co_return smtp::reply(421, dsn::Status{4, 3, 2}, "too many connections, try later");
  }
  ticket_.emplace(std::move(*ticket));
  co_return smtp::reply(220, "");
}

net::Task<smtp::Reply> InboundHandler::on_ehlo(smtp::Hello hello) {
  hello_ = std::move(hello);
  co_return smtp::reply(250, "");
}

net::Task<> InboundHandler::on_tls(const tls::Session& session) {
  tls_ = &session;
  hello_ = {};
  co_return;
}

directory::Asker InboundHandler::asker() const {
  directory::Road road;
  road.tls = tls_ != nullptr;
  road.post_quantum = tls_ != nullptr && tls_->facts().post_quantum;
  road.network = network();
  return {std::string(role_.agent), peer_.address, road};
}

net::Task<> InboundHandler::on_password_shown(std::string user, std::string password) {
  const auto noted =
      co_await ports_.directory.note_shown(std::move(user), std::move(password), asker());
  if (!noted && noted.error().kind != base::ErrorKind::cancelled)
    ports_.events.emit({base::Severity::error,
                        "directory.failed",
                        {{"agent", std::string(role_.agent)},
                         {"doing", "noting a password that was shown"},
                         {"reason", noted.error().what}}});
}

net::Task<> InboundHandler::on_end(drive::SmtpEnd end, std::string detail) {
  tls_ = nullptr;
  const bool odd = end != drive::SmtpEnd::quit;
  ports_.events.emit({odd ? base::Severity::info : base::Severity::debug,
                      "session.ended",
                      {{"agent", std::string(role_.agent)},
                       {"peer", peer_.text()},
                       {"how", std::string(drive::name(end))},
                       {"detail", std::move(detail)}}});
  co_return;
}

net::ResultTask<> InboundHandler::add(queue::Intake& intake, std::string_view octets,
                                      std::string account) {
  auto added = co_await intake.add(octets);
  if (!added && added.error().kind != base::ErrorKind::cancelled)
    not_accepted(added.error(), std::move(account));
  co_return added;
}

void InboundHandler::not_accepted(const base::Error& error, std::string account) const {
  ports_.events.emit({base::Severity::error,
                      "queue.not_accepted",
                      {{"agent", std::string(role_.agent)},
                       {"peer", peer_.address.text()},
                       {"account", std::move(account)},
                       {"kind", std::string(base::name(error.kind))},
                       {"reason", error.what}}});
}

void InboundHandler::refused(std::string_view event, base::Severity severity,
                             const smtp::Reply& reply,
                             std::vector<std::pair<std::string_view, std::string>> fields) const {
  fields.emplace(fields.begin(), "peer", peer_.address.text());
  fields.emplace_back("status", reply.status_or_default().text());
  ports_.events.emit({severity, event, std::move(fields)});
}

}  // namespace letterlock::custody

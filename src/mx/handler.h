// What one session of the mx agent answers.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "message/trace_fields.h"
#include "mx/mx.h"
#include "mx/room.h"

namespace letterlock::mx {

class Handler final : public custody::InboundHandler {
 public:
  Handler(const Ports& ports, const Options& options, dns::PeerNames* names, Ends ends)
      : InboundHandler({"mx", net::Purpose::mail}, ports, options, ends), names_(names) {}

  net::Task<smtp::Reply> on_connect() override;
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override;
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override;
  net::Task<smtp::Reply> on_content_begin() override;
  net::ResultTask<> on_content(std::string_view octets) override;
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts facts) override;
  net::Task<> on_reset() override;

  // A recipient that isn't taken; whose he would be, where that is known.
  struct Refusal {
    smtp::Reply reply;
    std::string_view why;
    std::optional<base::TenantId> tenant;
  };

 private:
  std::optional<base::Error> no_disk_for(std::uint64_t octets) const;
  struct Transaction {
    smtp::Mail mail;
    std::vector<custody::Recipient> recipients;
    std::vector<Mailbox> mailboxes;  // one each, in the same order
    base::TraceId trace;
    std::optional<queue::Intake> intake;
    std::string header_from;
  };
  std::expected<std::vector<hop::Change>, queue::Refused> edit(message::Header& header);
  message::Reception reception_field() const;
  custody::Reception reception() const;
  // What DNS calls the peer, proved both ways; empty: nothing, or it isn't known yet.
  std::string verified_name() const;
  hop::End peer_end() const;
  // Whose address that is; `to` becomes the account's where it is the host's own postmaster.
  net::ResultTask<directory::Taker> taker_of(address::Address& to) const;
  net::Task<Room> room(Mailbox mailbox, std::uint64_t octets) const;
  net::Task<Room> room_for_all(std::uint64_t octets) const;
  net::Task<smtp::Reply> refuse_rcpt(Refusal refusal, address::Address to);
  net::Task<std::string> tenants();

  dns::PeerNames* names_;
  std::unique_ptr<Transaction> transaction_;  // none: a session that only stands there is small
};

}  // namespace letterlock::mx

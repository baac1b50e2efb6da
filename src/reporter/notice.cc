#include "reporter/notice.h"

#include <algorithm>
#include <map>

#include "base/digest.h"
#include "base/limits.h"
#include "message/trace_fields.h"
#include "protection/inbound.h"

namespace letterlock::reporter {
namespace {

dsn::Action action_of(queue::Notice notice) {
  switch (notice) {
    case queue::Notice::none:
    case queue::Notice::failed:
      return dsn::Action::failed;
    case queue::Notice::delayed:
      return dsn::Action::delayed;
    case queue::Notice::delivered:
      return dsn::Action::delivered;
    case queue::Notice::relayed:
      return dsn::Action::relayed;
    case queue::Notice::expanded:
      return dsn::Action::expanded;
  }
  return dsn::Action::failed;
}

net::ResultTask<> tell_in(store::Transaction& transaction, base::TenantId tenant,
                          base::MessageId id, std::vector<queue::Told> told) {
  CO_TRY(const auto settled, co_await queue::told(transaction, tenant, id, std::move(told)));
  (void)settled;
  co_return base::Result<>();
}

bool is_protection(const std::string& status) {
  return status.ends_with(".7.4") || status.ends_with(".7.5") || status.ends_with(".7.30");
}

// "acorn.example" of "set by acorn.example": whoever requires, in a sentence.
std::string who_requires(std::string_view by) {
  constexpr std::string_view set_by = "set by ";
  if (by.starts_with(set_by)) by.remove_prefix(set_by.size());
  return std::string(by);
}

// Where an alias leads is its owner's business: whoever wrote to it hears of that address, and of
// the end, not of the next holder's name and words.
void hide_target(dsn::RecipientReport& report, const queue::Recipient& recipient) {
  report.remote_mta.clear();
  report.diagnostic_is_reply = false;
  if (recipient.lane == queue::Lane::remote)
    report.diagnostic = "what the address stands for did not take the message";
  if (!report.refusal) return;
  report.refusal->offers.clear();
  report.refusal->what_to_do = "ask the administrator of " +
                               report.final_recipient.domain().text() +
                               ", or your own about the requirement.";
}

bool concerns(const hop::Hop& hop, unsigned index) {
  return std::ranges::find(hop.recipients, index) != hop.recipients.end();
}

}  // namespace

std::optional<dsn::Refusal> refusal_of(const trace::LoadedTrace& trace,
                                       const queue::Recipient& recipient) {
  // What the judgement said no to; attempts that failed otherwise don't make a refusal.
  std::map<std::pair<std::string, std::string>, dsn::Refusal::Offer> offers;
  dsn::Refusal refusal;
  hop::Given given = hop::Given::nothing;
  for (const auto& hop : trace.hops) {
    if (hop.kind != hop::Kind::relay || !concerns(hop, recipient.trace_index) ||
        hop.from.role != hop::End::Role::node)
      continue;
    given = std::max(given, hop.given);
    if (hop.answer == hop::Answer::take || hop.required.empty()) continue;
    auto [at, added] = offers.try_emplace({hop.to.who, hop.reason});
    auto& offer = at->second;
    if (added) {
      offer = {hop.to.who, hop.reason, hop.time, hop.time, 1};
    } else {
      ++offer.attempts;
      offer.first = std::min(offer.first, hop.time);
      offer.last = std::max(offer.last, hop.time);
    }
    refusal.required.clear();
    for (const auto& required : hop.required)
      refusal.required += (refusal.required.empty() ? "" : ", ") + required.what;
    refusal.by = who_requires(hop.required.front().by);
    refusal.source = hop.required.front().by +
                     (hop.required.front().why.empty() ? "" : ": " + hop.required.front().why);
  }
  if (offers.empty() && !is_protection(recipient.status)) return std::nullopt;
  for (auto& [key, offer] : offers) refusal.offers.push_back(std::move(offer));
  refusal.kept_safe = given == hop::Given::content
                          ? "content left the platform in an attempt: see the trace."
                          : "no content left the platform, in none of the attempts.";
  refusal.what_to_do =
      "ask the administrator of " + recipient.destination + ", or your own about the requirement.";
  return refusal;
}

net::ResultTask<> Notice::read(store::Transaction& transaction) {
  recipients_.clear();
  trace_.reset();
  message_.reset();
  CO_TRY(auto entry, co_await queue::find(transaction, tenant_, id_));
  if (!entry) co_return base::Result<>();
  message_ = std::move(entry->message);
  for (auto& recipient : entry->recipients) {
    if (recipient.notice != queue::Notice::none) recipients_.push_back(std::move(recipient));
  }
  auto loaded = co_await trace::load(transaction, tenant_, message_->trace);
  if (loaded)
    trace_ = std::move(*loaded);
  else if (loaded.error().kind != base::ErrorKind::not_found)
    co_return base::fail(loaded.error());
  co_return base::Result<>();
}

net::ResultTask<> Notice::drop(std::vector<queue::Told> told) {
  co_return co_await ports_.store.transact(
      store::Scope::tenant(tenant_),
      [&](store::Transaction& transaction) { return tell_in(transaction, tenant_, id_, told); });
}

net::ResultTask<> Notice::tell() {
  CO_CHECK(co_await ports_.store.read(
      store::Scope::tenant(tenant_),
      [this](store::Transaction& transaction) { return read(transaction); }));
  if (!message_ || recipients_.empty()) co_return base::Result<>();
  std::vector<queue::Told> told;
  for (const auto& recipient : recipients_) told.push_back({recipient.index, recipient.notice});
  const auto to = address::Address::parse(message_->mail_from);
  if (!to) {  // the null reverse path, or one that is none: nobody to tell
    ports_.events.emit({base::Severity::warning,
                        "report.nobody_to_tell",
                        {{"trace", message_->trace.text()}, {"mail_from", message_->mail_from}}});
    co_return co_await drop(std::move(told));
  }
  CO_TRY(const auto to_tenant, co_await ports_.directory.is_ours(to->domain()));
  report_trace_ = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  auto composed = co_await compose(*to, Original::as_asked);
  if (!composed && !base::is_temporary(composed.error().kind)) {
    ports_.events.emit({base::Severity::error,
                        "report.without_original",
                        {{"trace", message_->trace.text()}, {"reason", composed.error().what}}});
    composed = co_await compose(*to, Original::left_out);
  }
  CO_TRY(auto letter, std::move(composed));
  auto came = reception(letter.report, letter.parts, to_tenant);
  came.also = [this, told](store::Transaction& transaction) {
    return tell_in(transaction, tenant_, id_, told);
  };
  CO_TRY(const auto outcome,
         co_await ports_.custody.accept(std::move(came), std::move(letter.content)));
  (void)outcome;  // a report counts for nobody's limits
  ports_.events.emit({base::Severity::info,
                      "report.made",
                      {{"trace", message_->trace.text()},
                       {"report", report_trace_.text()},
                       {"to", to->text()},
                       {"action", std::string(dsn::name(dsn::worst(letter.report.recipients)))}}});
  co_return base::Result<>();
}

net::ResultTask<Notice::Letter> Notice::compose(address::Address to, Original original) {
  Letter letter;
  CO_TRY(letter.report, co_await report(to, original));
  letter.parts = dsn::compose(letter.report);
  CO_TRY(letter.content, co_await write(letter.parts, letter.report.returned));
  letter.content.message_id = letter.report.message_id;
  letter.content.eight_bit = letter.parts.is_8bit;
  co_return letter;
}

dsn::RecipientReport Notice::recipient_report(const queue::Recipient& recipient) const {
  dsn::RecipientReport out;
  if (auto address = address::Address::parse(recipient.address_written_to()))
    out.final_recipient = std::move(*address);
  out.original_recipient = recipient.params.original_recipient;
  out.action = action_of(recipient.notice);
  if (const auto status = dsn::Status::parse(recipient.status)) out.status = *status;
  out.remote_mta = recipient.host;
  out.diagnostic = recipient.reply;
  out.diagnostic_is_reply = !recipient.host.empty();
  if (recipient.attempts > 0) out.last_attempt = recipient.last_try;
  if (out.action == dsn::Action::delayed) out.retry_until = message_->expires;
  if (out.action == dsn::Action::failed && trace_) out.refusal = refusal_of(*trace_, recipient);
  if (!recipient.written_to.empty()) hide_target(out, recipient);
  return out;
}

net::ResultTask<dsn::Report> Notice::report(const address::Address& to, Original original) {
  dsn::Report report;
  auto host = address::Domain::parse(options_.host_name);
  if (!host) co_return base::fail(host.error());
  auto from = address::Address::make("postmaster", *host);
  if (!from) co_return base::fail(from.error());
  report.from = std::move(*from);
  report.to = to;
  report.reporting_mta = options_.host_name;
  report.message_id = message::make_message_id(report_trace_.text(), *host);
  report.date = ports_.clock.now();
  report.boundary = base::to_hex(ports_.random.octets(16));
  report.trace_id = message_->trace.text();
  for (const auto& recipient : recipients_)
    report.recipients.push_back(recipient_report(recipient));
  report.envid = message_->params.envid;
  report.arrival = message_->accepted;
  if (trace_) {
    report.original_message_id = trace_->trace.message_id;
    report.original_subject = trace_->trace.subject;
  }
  report.original_is_8bit = message_->eight_bit;
  report.smtputf8 = message_->smtputf8;
  // An original with octets over 127 would need 8BITMIME all the way back: its header is enough.
  const auto full_max = message_->eight_bit ? 0 : options_.returned_octets_max;
  report.returned = original == Original::left_out
                        ? dsn::Returned::nothing
                        : dsn::what_to_return(message_->params.ret, dsn::worst(report.recipients),
                                              message_->octets, full_max);
  if (report.returned == dsn::Returned::headers) {
    CO_TRY(report.original_header, co_await original_header());
  }
  co_return report;
}

net::ResultTask<std::string> Notice::original_header() {
  CO_TRY(auto octets,
         co_await ports_.store.read_blob(message_->blob, 0, base::limits::header_octets_max));
  const auto end = octets.find("\r\n\r\n");
  if (octets.starts_with("\r\n"))
    octets.clear();
  else if (end != std::string::npos)
    octets.resize(end + 2);
  co_return octets;
}

net::ResultTask<queue::Content> Notice::write(const dsn::Parts& parts, dsn::Returned returned) {
  const auto writer = ports_.store.write_blob();
  base::Sha256 digest;
  digest.add(parts.head);
  CO_CHECK(co_await writer->write(parts.head));
  for (std::uint64_t at = 0; returned == dsn::Returned::full && at < message_->octets;) {
    CO_TRY(const auto chunk,
           co_await ports_.store.read_blob(message_->blob, at, base::limits::chunk_octets));
    if (chunk.empty())
      co_return base::fail(base::ErrorKind::corrupt,
                           "the content of " + id_.text() + " is shorter than it was");
    digest.add(chunk);
    CO_CHECK(co_await writer->write(chunk));
    at += chunk.size();
  }
  digest.add(parts.tail);
  CO_CHECK(co_await writer->write(parts.tail));
  CO_CHECK(co_await writer->finish());
  queue::Content content;
  content.blob = writer->id();
  content.octets = writer->octets();
  content.digest_in = base::to_hex(digest.finish());
  content.digest_out = content.digest_in;
  content.subject = "report about " + (trace_ ? trace_->trace.subject : message_->trace.text());
  co_return content;
}

custody::Reception Notice::reception(const dsn::Report& report, const dsn::Parts& parts,
                                     std::optional<base::TenantId> to) const {
  custody::Reception reception;
  reception.trace = report_trace_;
  reception.kind = hop::Kind::submission;
  reception.from = {hop::End::Role::node, options_.node, {}, {}};
  reception.protection = protection::delivery_level();
  reception.header_from = report.from.text();
  reception.smtputf8 = parts.needs_smtputf8;
  reception.recipients.push_back({report.to, {dsn::Notify::never(), {}}, to});
  reception.owner = tenant_;
  // What the message's hops required, its report's hops require too: it tells what it was about.
  reception.requirement = message_->requirement;
  reception.is_report = true;
  return reception;
}

}  // namespace letterlock::reporter

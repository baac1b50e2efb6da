#include "reporter/notice.h"

#include <algorithm>

#include "base/digest.h"
#include "base/limits.h"
#include "message/trace_fields.h"
#include "protection/inbound.h"
#include "protection/join.h"

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

constexpr base::Milliseconds failure_wait_max = std::chrono::hours(24);
// Hops behind the first, for attempts among them that gave content away.
constexpr std::size_t attempts_looked_at = 500;

bool gave_in_vain(const trace::ForReport& known) {
  return std::ranges::any_of(known.attempts, [](const trace::Attempts& attempts) {
    return attempts.given == hop::Given::content;
  });
}

// Where an alias leads is its owner's business: whoever wrote to it hears of that address, and of
// the end, not of the next holder's name and words.
void hide_target(dsn::RecipientReport& report, const queue::Recipient& recipient,
                 const Reader& reader) {
  report.remote_mta.clear();
  report.diagnostic_is_reply = false;
  if (recipient.lane != queue::Lane::local)
    report.diagnostic = "what the address stands for did not take the message";
  if (!report.refusal) return;
  report.refusal = without_next_holder(std::move(*report.refusal), reader);
  report.refusal->what_to_do = "ask the administrator of " +
                               report.final_recipient.domain().text() +
                               ", or your own about the requirement.";
}

// What a hop of the report's content must have, should the address lead elsewhere by then.
hop::Requirement as_it_came(const trace::ForReport& known) {
  const hop::Source source{
      hop::Source::Kind::platform, {}, "the message that comes back came in so"};
  hop::Requirement required;
  required.level = {std::min(known.first->protection.level, hop::Level::mutual), source};
  return required;
}

}  // namespace

net::ResultTask<> Notice::read(store::Transaction& transaction) {
  entry_.reset();
  recipients_.clear();
  known_.reset();
  came_over_.clear();
  CO_TRY(entry_, co_await queue::find(transaction, tenant_, id_));
  if (!entry_) co_return base::Result<>();
  take_noticed();
  std::vector<unsigned> indexes;
  for (const auto& recipient : recipients_) indexes.push_back(recipient.trace_index);
  auto known = co_await trace::load_for_report(transaction, tenant_, entry_->message.trace,
                                               std::move(indexes));
  if (!known && known.error().kind == base::ErrorKind::not_found) co_return base::Result<>();
  if (!known) co_return base::fail(known.error());
  known_ = std::move(*known);
  if (!known_->first) co_return base::Result<>();
  CO_TRY(came_over_,
         co_await trace::hops_before(transaction, tenant_, entry_->message.trace,
                                     {.recipient = {},
                                      .into = report_trace_,
                                      .sight = trace::Carry::Sight::same_tenant,
                                      .rows_max = gave_in_vain(*known_) ? attempts_looked_at : 0}));
  co_return base::Result<>();
}

// Where a delay is told, all that are late are in one report: the others' notices would be reports
// of their own, hours later.
void Notice::take_noticed() {
  const auto is_delayed = [](const queue::Recipient& recipient) {
    return recipient.notice == queue::Notice::delayed;
  };
  const bool tells_delay = std::ranges::any_of(entry_->recipients, is_delayed);
  for (auto recipient : entry_->recipients) {
    if (recipient.notice == queue::Notice::none) {
      if (!tells_delay || !queue::could_be_told_of_delay(recipient)) continue;
      recipient.notice = queue::Notice::delayed;
    }
    recipients_.push_back(std::move(recipient));
  }
}

net::ResultTask<> Notice::drop() {
  co_return co_await ports_.store.transact(
      store::Scope::tenant(tenant_),
      [this](store::Transaction& transaction) { return tell_in(transaction); });
}

net::ResultTask<> Notice::tell_in(store::Transaction& transaction) const {
  std::vector<queue::Told> told;
  for (const auto& recipient : recipients_) told.push_back({recipient.index, recipient.notice});
  CO_TRY(const auto settled, co_await queue::told(transaction, tenant_, id_, std::move(told)));
  (void)settled;
  co_return base::Result<>();
}

net::ResultTask<Notice::Outcome> Notice::tell(Budget& budget, OverBudget over_budget) {
  report_trace_ = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  CO_CHECK(co_await ports_.store.read(
      store::Scope::tenant(tenant_),
      [this](store::Transaction& transaction) { return read(transaction); }));
  if (!entry_ || recipients_.empty()) co_return Outcome();
  const auto& message = entry_->message;
  const auto to = address::Address::parse(message.mail_from);
  if (!to) {  // the null reverse path, or one that is none: nobody to tell
    ports_.events.emit({base::Severity::warning,
                        "report.nobody_to_tell",
                        {{"trace", message.trace.text()}, {"mail_from", message.mail_from}}});
    CO_CHECK(co_await drop());
    co_return was_told();
  }
  // Who signed in may only write as himself, and is counted at the door.
  const auto what = Budget::what_for(worst_action());
  if (message.account.is_nil()) {
    if (const auto until = budget.spend(tenant_, *to, what, ports_.clock.now()))
      co_return co_await without_budget(*to, *until, over_budget);
  }
  const auto sent = co_await send(*to);
  if (!sent && message.account.is_nil()) budget.give_back(tenant_, *to, what);
  CO_CHECK(sent);
  co_return was_told();
}

Notice::Outcome Notice::was_told() const {
  const bool goes_on = std::ranges::any_of(
      entry_->recipients, [](const queue::Recipient& one) { return !queue::is_final(one.state); });
  return {.kind = Outcome::Kind::told, .accepted = entry_->message.accepted, .goes_on = goes_on};
}

// What succeeded or is late is only known here then. What failed waits for a while; it stands in
// the trace in any case.
net::ResultTask<Notice::Outcome> Notice::without_budget(address::Address to, base::Time until,
                                                        OverBudget over_budget) {
  const auto action = worst_action();
  base::Time last;
  for (const auto& recipient : recipients_) last = std::max(last, recipient.last_try);
  const bool waits = action == dsn::Action::failed && over_budget == OverBudget::failures_wait &&
                     ports_.clock.now() - last < failure_wait_max;
  ports_.events.emit({base::Severity::warning,
                      "report.over_budget",
                      {{"peer", to.text()},
                       {"tenant", co_await ports_.directory.tenant_name(tenant_)},
                       {"trace", entry_->message.trace.text()},
                       {"action", std::string(dsn::name(action))},
                       {"outcome", waits ? "waits" : "dropped"}}});
  if (waits) co_return Outcome{.kind = Outcome::Kind::waits, .until = until};
  CO_CHECK(co_await drop());
  co_return was_told();
}

net::ResultTask<> Notice::send(address::Address to) {
  CO_TRY(const auto to_tenant, co_await ports_.directory.is_ours(to.domain()));
  CO_TRY(readers_tenant_, co_await tenant_of_readers(to));
  auto composed = co_await compose(to, Original::as_asked);
  if (!composed && !base::is_temporary(composed.error().kind)) {
    ports_.events.emit(
        {base::Severity::error,
         "report.without_original",
         {{"trace", entry_->message.trace.text()}, {"reason", composed.error().what}}});
    composed = co_await compose(to, Original::left_out);
  }
  CO_TRY(auto letter, std::move(composed));
  const bool has_content = letter.report.returned == dsn::Returned::full;
  auto came = reception(letter.report, letter.parts, to_tenant);
  came.also = [this, has_content](store::Transaction& transaction) {
    return tell_and_link(transaction, has_content);
  };
  CO_TRY(const auto outcome,
         co_await ports_.custody.accept(std::move(came), std::move(letter.content)));
  (void)outcome;  // a report counts for nobody's limits
  ports_.events.emit({base::Severity::info,
                      "report.made",
                      {{"trace", entry_->message.trace.text()},
                       {"report", report_trace_.text()},
                       {"to", to.text()},
                       {"action", std::string(dsn::name(worst_action()))},
                       {"content", has_content ? "yes" : "no"}}});
  co_return base::Result<>();
}

// Whose people read what goes to this address: its tenant's, where it leads into that tenant's
// mailboxes and nowhere else. An alias that leads out of it makes readers of nobody knows whom.
net::ResultTask<std::optional<base::TenantId>> Notice::tenant_of_readers(address::Address to) {
  CO_TRY(const auto tenant, co_await ports_.directory.is_ours(to.domain()));
  if (!tenant) co_return std::optional<base::TenantId>();
  CO_TRY(const auto expansion, co_await ports_.directory.expand(std::move(to)));
  const bool stays =
      !expansion.leaves.empty() && expansion.dropped.empty() && !expansion.too_many &&
      std::ranges::all_of(expansion.leaves, [&](const directory::Expansion::Leaf& leaf) {
        return leaf.account && leaf.account->tenant == *tenant;
      });
  co_return stays ? tenant : std::optional<base::TenantId>();
}

// The content came in over a hop that is known, and goes nowhere but into this tenant's mailboxes:
// a way that is as protected as the one that it came.
bool Notice::may_return_content() const {
  return !entry_->message.account.is_nil() && known_ && known_->first && readers_tenant_ == tenant_;
}

net::ResultTask<> Notice::tell_and_link(store::Transaction& transaction, bool has_content) const {
  CO_CHECK(co_await tell_in(transaction));
  using Relation = trace::Link::Relation;
  const auto& original = entry_->message.trace;
  CO_CHECK(
      co_await trace::put_link(transaction, tenant_, original,
                               {Relation::reported_in, report_trace_, tenant_, {}, has_content}));
  co_return co_await trace::put_link(transaction, tenant_, report_trace_,
                                     {Relation::report_about, original, tenant_, {}, has_content});
}

dsn::Action Notice::worst_action() const {
  auto worst = dsn::Action::expanded;
  for (const auto& recipient : recipients_) worst = std::min(worst, action_of(recipient.notice));
  return worst;
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

net::ResultTask<std::string> Notice::owner_of(address::Domain domain) {
  CO_TRY(const auto tenant, co_await ports_.directory.is_ours(std::move(domain)));
  if (!tenant) co_return std::string();
  co_return co_await ports_.directory.tenant_name(*tenant);
}

dsn::RecipientReport Notice::recipient_report(std::size_t at, const Reader& reader) const {
  const auto& recipient = recipients_[at];
  dsn::RecipientReport out;
  if (auto address = address::Address::parse(recipient.address_written_to()))
    out.final_recipient = std::move(*address);
  out.original_recipient = recipient.params.original_recipient;
  out.is_of_a_copy = !is_whole(*entry_, recipient);
  out.action = action_of(recipient.notice);
  if (const auto status = dsn::Status::parse(recipient.status)) out.status = *status;
  out.remote_mta = recipient.host;
  out.diagnostic = recipient.reply;
  out.diagnostic_is_reply = !recipient.host.empty();
  if (recipient.attempts > 0) out.last_attempt = recipient.last_try;
  if (out.action == dsn::Action::delayed) out.retry_until = entry_->message.expires;
  if (out.action == dsn::Action::failed && known_) {
    const auto attempts = without_others_reason(known_->attempts[at], reader);
    out.refusal = refusal_of(attempts, left_by(*known_, attempts, *entry_, recipient), recipient);
  }
  if (!recipient.written_to.empty()) hide_target(out, recipient, reader);
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
  report.trace_id = entry_->message.trace.text();
  Reader reader;
  if (readers_tenant_) reader.tenant = co_await ports_.directory.tenant_name(*readers_tenant_);
  for (std::size_t at = 0; at < recipients_.size(); ++at) {
    const auto& written_to = recipients_[at].written_to;
    const auto address = address::Address::parse(written_to);
    reader.address_owner.clear();
    if (address) {
      CO_TRY(reader.address_owner, co_await owner_of(address->domain()));
    }
    report.recipients.push_back(recipient_report(at, reader));
  }
  report.envid = entry_->message.params.envid;
  report.arrival = entry_->message.accepted;
  if (known_) {
    report.original_message_id = known_->trace.message_id;
    report.original_subject = known_->trace.subject;
  }
  report.original_is_8bit = entry_->message.eight_bit;
  report.smtputf8 = entry_->message.smtputf8;
  // An original with octets over 127 would need 8BITMIME all the way back: its header is enough.
  const bool may_be_full = may_return_content() && !entry_->message.eight_bit;
  const auto full_max = may_be_full ? options_.returned_octets_max : 0;
  report.returned =
      original == Original::left_out
          ? dsn::Returned::nothing
          : dsn::what_to_return(entry_->message.params.ret, dsn::worst(report.recipients),
                                entry_->message.octets, full_max);
  if (report.returned == dsn::Returned::headers) {
    CO_TRY(report.original_header, co_await original_header());
  }
  co_return report;
}

net::ResultTask<std::string> Notice::original_header() {
  CO_TRY(auto octets,
         co_await ports_.store.read_blob(entry_->message.blob, 0, base::limits::header_octets_max));
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
  for (std::uint64_t at = 0; returned == dsn::Returned::full && at < entry_->message.octets;) {
    CO_TRY(const auto chunk,
           co_await ports_.store.read_blob(entry_->message.blob, at, base::limits::chunk_octets));
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
  content.subject =
      "report about " + (known_ ? known_->trace.subject : entry_->message.trace.text());
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
  reception.requirement = entry_->message.requirement;
  if (report.returned == dsn::Returned::full)
    reception.requirement = protection::join(reception.requirement, as_it_came(*known_));
  reception.is_report = true;
  reception.came_over = came_over_;
  return reception;
}

}  // namespace letterlock::reporter

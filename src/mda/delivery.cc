#include "mda/delivery.h"

#include <algorithm>

#include "custody/trace_again.h"
#include "mailbox/mailbox.h"
#include "protection/inbound.h"
#include "queue/keys.h"
#include "queue/served.h"

namespace letterlock::mda {
namespace {

store::Scope scope_of(const base::TenantId& from, const base::TenantId& into) {
  return from == into ? store::Scope::tenant(from) : store::Scope::delivery(from, into);
}

bool holds(const std::vector<queue::Recipient>& recipients, unsigned index) {
  return std::ranges::find(recipients, index, &queue::Recipient::index) != recipients.end();
}

// Under which addresses an account's mail comes, with or without a detail: those that can't be its
// own needn't be looked up.
std::vector<std::string> keys_of(const directory::Account& account, const address::Address& to) {
  std::vector<std::string> keys{to.key(), account.address.key()};
  for (const auto& more : account.more_addresses) keys.push_back(more.key());
  return keys;
}

}  // namespace

net::ResultTask<std::optional<queue::Settled>> Delivery::run() {
  epoch_ = ports_.leases.epoch_of(queue::keys::partition_of(item_.message));
  if (!epoch_)
    co_return base::fail(base::ErrorKind::denied, "the queue's partition isn't this node's");
  message_ = &envelope_.message();
  const auto* recipient = envelope_.waiting(item_.recipient);
  if (recipient == nullptr) co_return std::optional<queue::Settled>();
  recipient_ = *recipient;
  served_ = {*recipient_};
  auto to = address::Address::parse(recipient_->address);
  if (!to) co_return base::fail(to.error());
  CO_TRY(auto resolution, co_await ports_.directory.resolve(*to));
  CO_CHECK(co_await act_on(std::move(resolution), std::move(*to)));
  co_return co_await ended();
}

net::ResultTask<std::optional<queue::Settled>> Delivery::ended() {
  if (settled_) {
    envelope_.note(*settled_);
    co_await tell();
  }
  co_return std::move(settled_);
}

net::ResultTask<> Delivery::act_on(directory::Resolution resolution, address::Address to) {
  if (auto* mailbox = std::get_if<directory::ToMailbox>(&resolution)) {
    CO_CHECK(co_await find_others_of(mailbox->account, std::move(to)));
    co_return co_await deliver(std::move(mailbox->account));
  }
  if (auto* targets = std::get_if<directory::ToTargets>(&resolution)) {
    auto& alias = targets->alias;
    co_return co_await expand(
        {List::Kind::alias, alias.address, alias.tenant, std::move(alias.targets)});
  }
  if (auto* members = std::get_if<directory::ToMembers>(&resolution)) {
    auto& group = members->group;
    co_return co_await expand(
        {List::Kind::group, group.address, group.tenant, std::move(group.members)});
  }
  if (std::holds_alternative<directory::Suspended>(resolution))
    co_return co_await fail(dsn::status::mailbox_disabled, "this mailbox takes no mail");
  // The domain was here when the message was taken: it goes where the domain has gone.
  if (std::holds_alternative<directory::NotOurs>(resolution))
    co_return co_await expand({List::Kind::moved, to, item_.tenant, {to}});
  co_return co_await fail(dsn::status::bad_mailbox, "no such recipient here");
}

net::Task<> Delivery::tell() const {
  ports_.events.emit({base::Severity::info,
                      event_,
                      {{"tenant", co_await ports_.directory.tenant_name(item_.tenant)},
                       {"trace", message_->trace.text()},
                       {"recipient", recipient_->address},
                       {"detail", detail_},
                       {"age_ms", std::to_string(std::max<std::int64_t>(
                                      (ports_.clock.now() - message_->accepted).count(), 0))}}});
}

net::ResultTask<> Delivery::settle_in(store::Transaction& transaction,
                                      std::vector<queue::Outcome> outcomes) {
  CO_TRY(settled_,
         co_await queue::settle(transaction, options_.schedule, item_.tenant, item_.message,
                                std::move(outcomes), {ports_.clock.now(), 0, epoch_}));
  co_return base::Result<>();
}

net::ResultTask<> Delivery::keep_trace(store::Transaction& transaction) {
  return custody::begin_trace_again_if_gone(transaction, *message_, ports_.clock.now(),
                                            options_.keep_trace);
}

// ---- into a mailbox ----

// An account gets a message once: alice@, Alice@ and alice+1@ in one envelope are one delivery.
net::ResultTask<> Delivery::find_others_of(directory::Account account, address::Address to) {
  const auto most =
      account.tenant == item_.tenant ? queue::recipients_max : trace::told_apart_max - 1;
  std::vector<queue::Recipient> others;
  for (const auto* other : envelope_.waiting_at(keys_of(account, to))) {
    if (other->index == recipient_->index) continue;
    if (others.size() == most) break;
    auto address = address::Address::parse(other->address);
    if (!address) continue;
    // As the door asked at RCPT: it is remembered.
    CO_TRY(const auto taker, co_await ports_.directory.taker(std::move(*address)));
    if (taker.kind == directory::Taker::Kind::here && taker.account == account.id)
      others.push_back(*other);
  }
  serve_with(std::move(others));
  co_return base::Result<>();
}

// As many as one transaction holds; whoever is left has his own turn.
void Delivery::serve_with(std::vector<queue::Recipient> others) {
  served_ = {*recipient_};
  auto octets = octets_written_for(*recipient_);
  for (auto& other : others) {
    octets += octets_written_for(other);
    if (octets > served_octets_max) return;
    served_.push_back(std::move(other));
  }
}

net::ResultTask<> Delivery::deliver(directory::Account account) {
  co_return co_await ports_.store.transact(
      scope_of(item_.tenant, account.tenant),
      [&](store::Transaction& transaction) { return deliver_in(transaction, account); });
}

// Those that another job served meanwhile, or an operator took out, are left out. False: that is
// the one whose turn it is.
net::ResultTask<bool> Delivery::still_waits(store::Transaction& transaction) {
  if (envelope_.count() == 1) co_return true;  // nobody but this job works on it
  std::vector<unsigned> asked;
  for (const auto& recipient : served_) asked.push_back(recipient.index);
  CO_TRY(const auto entry,
         co_await queue::find(transaction, item_.tenant, item_.message, std::move(asked)));
  if (!entry) co_return false;
  std::vector<queue::Recipient> waiting;
  for (const auto& recipient : entry->recipients) {
    if (holds(served_, recipient.index) && recipient.state == queue::State::waiting)
      waiting.push_back(recipient);
  }
  served_ = std::move(waiting);
  co_return holds(served_, recipient_->index);
}

std::vector<unsigned> Delivery::trace_indexes() const {
  std::vector<unsigned> indexes;
  for (const auto& recipient : served_) indexes.push_back(recipient.trace_index);
  std::ranges::sort(indexes);
  const auto twice = std::ranges::unique(indexes);
  indexes.erase(twice.begin(), twice.end());
  return indexes;
}

std::vector<queue::Outcome> Delivery::outcomes(queue::Step step, dsn::Status status,
                                               std::string reply) const {
  std::vector<queue::Outcome> all;
  for (const auto& recipient : served_)
    all.push_back(
        {.index = recipient.index, .step = step, .status = status.text(), .reply = reply});
  return all;
}

net::ResultTask<> Delivery::deliver_in(store::Transaction& transaction,
                                       directory::Account account) {
  settled_.reset();
  CO_TRY(const bool waits, co_await still_waits(transaction));
  if (!waits) co_return base::Result<>();
  CO_CHECK(co_await keep_trace(transaction));
  const std::string who(account.id.octets());
  if (!message_->origin.is_nil()) {
    CO_TRY(const auto by,
           co_await queue::served_by(transaction, account.tenant, message_->origin, who));
    if (by) co_return co_await leave_out_in(transaction, account, *by);
  }
  mailbox::NewMessage message;
  message.blob = message_->blob;
  message.blob_octets = message_->octets;
  // RFC 5321 §4.4: the one that makes the final delivery writes the return path.
  message.prefix = "Return-Path: <" + message_->mail_from +
                   ">\r\nDelivered-To: " + account.address.text() + "\r\n" + message_->prefix;
  message.internal_date = ports_.clock.now();
  message.trace = message_->trace;
  message.trace_owner = message_->tenant;
  message.recipients = trace_indexes();
  message.content_digest = message_->digest;
  if (message_->requirement.fetch.value == hop::Fetch::protected_)
    message.protected_fetch_for = message_->requirement.fetch.source.name;
  CO_TRY(
      const auto delivery,
      co_await mailbox::deliver(transaction, {account.tenant, account.id}, std::move(message),
                                {.quota_octets = account.quota_octets, .now = ports_.clock.now()}));
  if (const auto* over = std::get_if<mailbox::OverQuota>(&delivery)) {
    event_ = "mda.mailbox_full";
    detail_ = account.address.text() + ": " + std::to_string(over->used_octets) + " of " +
              std::to_string(over->quota_octets) + " octets used";
    co_return co_await fail_in(transaction, dsn::status::mailbox_full, "the mailbox is full");
  }
  if (!message_->origin.is_nil())
    queue::note_served(transaction, account.tenant, message_->origin, who, message_->trace);
  CO_CHECK(co_await record_in(transaction, account, hop_to(account)));
  event_ = "mda.delivered";
  detail_ = account.address.text();
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::deliver, dsn::status::ok, "delivered"));
}

// The mailbox has the content by another way: by a list that both led to, or under another address.
// What becomes of it there stands in that one's trace; this one says that it ends here.
net::ResultTask<> Delivery::leave_out_in(store::Transaction& transaction,
                                         directory::Account account, base::TraceId by) {
  auto hop = hop_to(account);
  // Like a list without a link: who reads it there is unknown from here.
  hop.kind = hop::Kind::expansion;
  hop.to.role = hop::End::Role::list;
  hop.changes.clear();
  hop.reason = "the mailbox has this message already, by another way that leads to it: ";
  hop.reason += by == message_->trace ? "this trace has it" : "trace " + by.text();
  CO_CHECK(co_await record_in(transaction, account, std::move(hop)));
  if (by != message_->trace)
    CO_CHECK(co_await link_in(transaction, account.tenant,
                              {account.tenant, by, account.address.text()}));
  event_ = "mda.delivered_before";
  detail_ = account.address.text();
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::deliver, dsn::status::ok, "delivered"));
}

// The digest is of the content without the lines that the delivery puts in front of it, and the
// change says that there are some: so no content is read again for each mailbox.
hop::Hop Delivery::hop_to(const directory::Account& account) const {
  hop::Hop hop;
  hop.trace = message_->trace;
  hop.kind = hop::Kind::delivery;
  hop.from = {hop::End::Role::node, options_.node, {}, {}};
  hop.to = {hop::End::Role::mailbox, account.address.text(), {}, {}};
  hop.recipients = trace_indexes();
  hop.protection = protection::delivery_level();
  hop.digest_in = message_->digest;
  hop.digest_out = message_->digest;
  hop.changes = {hop::Change::trace_fields_added};
  hop.time = ports_.clock.now();
  hop.finished = hop.time;
  return hop;
}

// What a trace in another tenant than the mailbox's says of each arrival: a delivery, to the
// address that it knows. Neither who has that address, nor that two are one account's, nor what
// other ways lead to the mailbox is its business.
std::vector<hop::Hop> Delivery::told_of(const hop::Hop& arrival) const {
  std::vector<hop::Hop> told;
  for (const auto& recipient : served_) {
    auto hop = arrival;
    hop.kind = hop::Kind::delivery;
    hop.to = {hop::End::Role::mailbox, recipient.address, {}, {}};
    hop.recipients = {recipient.trace_index};
    hop.changes = {hop::Change::trace_fields_added};
    hop.reason.clear();
    hop.told = true;
    told.push_back(std::move(hop));
  }
  return told;
}

// In the owner's trace; and where the mailbox is another tenant's, in a copy there that its fetches
// go on from.
net::ResultTask<> Delivery::record_in(store::Transaction& transaction, directory::Account account,
                                      hop::Hop hop) {
  const bool crosses = account.tenant != item_.tenant;
  for (auto& one : crosses ? told_of(hop) : std::vector{hop}) {
    CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, std::move(one)));
    (void)ref;
  }
  if (!crosses) co_return base::Result<>();
  CO_TRY(const auto original, co_await trace::find(transaction, item_.tenant, message_->trace));
  CO_TRY(auto before, co_await trace::hops_before(
                          transaction, item_.tenant, message_->trace,
                          {.recipient = recipient_->trace_index,
                           .into = message_->trace,
                           .sight = trace::Carry::Sight::another_tenants,
                           .rows_max = message_->steps == 0 ? 0 : expansions_looked_at}));
  CO_CHECK(co_await trace::begin_copy(
      transaction, account.tenant, trace::copy_for(original, trace_indexes()), std::move(before)));
  CO_TRY(const auto there, co_await trace::record(transaction, account.tenant, std::move(hop)));
  (void)there;
  // What its own lists had of this message it may see from here.
  CO_TRY(auto links,
         co_await trace::links_into(transaction, item_.tenant, message_->trace, account.tenant));
  for (auto& link : links)
    CO_CHECK(
        co_await trace::put_link(transaction, account.tenant, message_->trace, std::move(link)));
  co_return base::Result<>();
}

// Content has children: each trace knows the other.
net::ResultTask<> Delivery::link_in(store::Transaction& transaction, base::TenantId from,
                                    Into into) {
  using Relation = trace::Link::Relation;
  // The list's tenant may have a copy of this trace, by a mailbox of its own.
  for (const auto& tenant : std::set{from, into.tenant})
    CO_CHECK(co_await trace::put_link(
        transaction, tenant, message_->trace,
        {Relation::expanded_into, into.trace, into.tenant, into.name, true}));
  co_return co_await trace::put_link(
      transaction, into.tenant, into.trace,
      {Relation::expanded_from, message_->trace, from, into.name, true});
}

// ---- nowhere ----

net::ResultTask<> Delivery::fail(dsn::Status status, std::string reply) {
  event_ = "mda.undeliverable";
  detail_ = reply;
  co_return co_await ports_.store.transact(store::Scope::tenant(item_.tenant),
                                           [&](store::Transaction& transaction) {
                                             return fail_if_waiting_in(transaction, status, reply);
                                           });
}

net::ResultTask<> Delivery::fail_if_waiting_in(store::Transaction& transaction, dsn::Status status,
                                               std::string reply) {
  settled_.reset();
  CO_TRY(const bool waits, co_await still_waits(transaction));
  if (!waits) co_return base::Result<>();
  co_return co_await fail_in(transaction, status, std::move(reply));
}

net::ResultTask<> Delivery::fail_in(store::Transaction& transaction, dsn::Status status,
                                    std::string reply) {
  CO_CHECK(co_await keep_trace(transaction));
  CO_CHECK(co_await end_in(transaction, status.text()));
  co_return co_await settle_in(transaction, outcomes(queue::Step::fail, status, std::move(reply)));
}

net::ResultTask<> Delivery::end_in(store::Transaction& transaction, std::string status) {
  co_return co_await trace::end(
      transaction, item_.tenant, message_->trace, trace_indexes(),
      {trace::Ending::Kind::bounced, std::move(status), ports_.clock.now()});
}

// ---- not now ----

net::ResultTask<std::optional<queue::Settled>> Delivery::put_off() {
  settled_.reset();
  if (!recipient_) co_return std::optional<queue::Settled>();
  served_ = {*recipient_};
  event_ = "mda.undeliverable";
  const auto write = [this](Record record) {
    return ports_.store.transact(store::Scope::tenant(item_.tenant),
                                 [this, record](store::Transaction& transaction) {
                                   return put_off_in(transaction, record);
                                 });
  };
  auto written = co_await write(Record::yes);
  // Where it is the trace that can't be written, the sender is told all the same.
  if (!written && written.error().kind != base::ErrorKind::denied)
    written = co_await write(Record::no);
  if (!written) co_return base::fail(written.error());
  if (settled_) envelope_.note(*settled_);
  if (settled_ && !envelope_.waiting(item_.recipient)) co_await tell();
  co_return std::move(settled_);
}

net::ResultTask<> Delivery::put_off_in(store::Transaction& transaction, Record record) {
  settled_.reset();
  // The reason is for the log: it says more of this node than is the sender's business.
  CO_CHECK(co_await settle_in(transaction,
                              outcomes(queue::Step::defer, {4, 3, 0}, "trouble on this platform")));
  const auto now =
      std::ranges::find(settled_->recipients, item_.recipient, &queue::Recipient::index);
  if (now == settled_->recipients.end() || now->state != queue::State::failed)
    co_return base::Result<>();
  detail_ = now->reply;
  if (record == Record::no) co_return base::Result<>();
  CO_CHECK(co_await keep_trace(transaction));
  co_return co_await end_in(transaction, now->status);
}

}  // namespace letterlock::mda

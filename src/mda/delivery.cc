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

// Of the address as it stands, without a look into the directory: those that can't be the account's
// needn't be looked up.
bool may_be_of(const directory::Account& account, const address::Address& to) {
  const auto is_one = [&](const std::string& key) {
    return account.address.key() == key ||
           std::ranges::any_of(account.more_addresses,
                               [&](const auto& more) { return more.key() == key; });
  };
  if (is_one(to.key())) return true;
  const auto split = directory::split_detail(to);
  return split && is_one(split->address.key());
}

}  // namespace

net::ResultTask<std::optional<queue::Settled>> Delivery::run() {
  epoch_ = ports_.leases.epoch_of(queue::keys::partition_of(item_.message));
  if (!epoch_)
    co_return base::fail(base::ErrorKind::denied, "the queue's partition isn't this node's");
  CO_CHECK(co_await ports_.store.read(
      store::Scope::tenant(item_.tenant),
      [this](store::Transaction& transaction) { return read(transaction); }));
  if (!message_ || !recipient_ || recipient_->state != queue::State::waiting)
    co_return std::optional<queue::Settled>();
  auto to = address::Address::parse(recipient_->address);
  if (!to) co_return base::fail(to.error());
  CO_TRY(auto resolution, co_await ports_.directory.resolve(*to));
  CO_CHECK(co_await act_on(std::move(resolution), std::move(*to)));
  if (settled_) co_await tell();
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

net::ResultTask<> Delivery::read(store::Transaction& transaction) {
  message_.reset();
  recipient_.reset();
  CO_TRY(auto entry, co_await queue::find(transaction, item_.tenant, item_.message));
  if (!entry) co_return base::Result<>();
  message_ = std::move(entry->message);
  all_ = std::move(entry->recipients);
  const auto at = std::ranges::find(all_, item_.recipient, &queue::Recipient::index);
  if (at != all_.end()) recipient_ = *at;
  co_return base::Result<>();
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
  served_.clear();
  for (const auto& other : all_) {
    if (other.index == recipient_->index) {
      served_.push_back(other);
      continue;
    }
    if (other.state != queue::State::waiting || other.lane != queue::Lane::local) continue;
    auto address = address::Address::parse(other.address);
    if (!address || (*address != to && !may_be_of(account, *address))) continue;
    // As the door asked at RCPT: it is remembered.
    CO_TRY(const auto taker, co_await ports_.directory.taker(std::move(*address)));
    if (taker.kind == directory::Taker::Kind::here && taker.account == account.id)
      served_.push_back(other);
  }
  co_return base::Result<>();
}

net::ResultTask<> Delivery::deliver(directory::Account account) {
  co_return co_await ports_.store.transact(
      scope_of(item_.tenant, account.tenant),
      [&](store::Transaction& transaction) { return deliver_in(transaction, account); });
}

// Those that another job served meanwhile, or an operator took out, are left out. False: that is
// the one whose turn it is.
net::ResultTask<bool> Delivery::still_waits(store::Transaction& transaction) {
  if (all_.size() == 1) co_return true;  // nobody but this job works on it
  CO_TRY(const auto entry, co_await queue::find(transaction, item_.tenant, item_.message));
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
    CO_TRY(const bool has_it,
           co_await queue::was_served(transaction, account.tenant, message_->origin, who));
    if (has_it) co_return co_await leave_out_in(transaction, account);
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
  CO_TRY(
      const auto delivery,
      co_await mailbox::deliver(transaction, {account.tenant, account.id}, std::move(message),
                                {.quota_octets = account.quota_octets, .now = ports_.clock.now()}));
  if (const auto* over = std::get_if<mailbox::OverQuota>(&delivery)) {
    event_ = "mda.mailbox_full";
    detail_ = account.address.text() + ": " + std::to_string(over->used_octets) + " of " +
              std::to_string(over->quota_octets) + " octets used";
    co_return co_await fail_in(
        transaction, outcomes(queue::Step::fail, dsn::status::mailbox_full, "the mailbox is full"));
  }
  if (!message_->origin.is_nil())
    queue::note_served(transaction, account.tenant, message_->origin, who);
  CO_CHECK(co_await record_in(transaction, account));
  event_ = "mda.delivered";
  detail_ = account.address.text();
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::deliver, dsn::status::ok, "delivered"));
}

// The mailbox has the content by another way: by a list that both led to, or under another address.
// What becomes of it there stands in that one's trace; this one says that it ends here.
net::ResultTask<> Delivery::leave_out_in(store::Transaction& transaction,
                                         directory::Account account) {
  auto hop = hop_to(account);
  // Like a list without a link: who reads it there is unknown from here.
  hop.kind = hop::Kind::expansion;
  hop.to.role = hop::End::Role::list;
  hop.changes = {hop::Change::expanded};
  hop.reason = "the mailbox has this message already, by another way that leads to it";
  CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, std::move(hop)));
  (void)ref;
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

// In the owner's trace; and where the mailbox is another tenant's, in a copy there that its fetches
// go on from.
net::ResultTask<> Delivery::record_in(store::Transaction& transaction, directory::Account account) {
  const auto hop = hop_to(account);
  CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, hop));
  (void)ref;
  if (account.tenant == item_.tenant) co_return base::Result<>();
  CO_TRY(const auto original, co_await trace::find(transaction, item_.tenant, message_->trace));
  CO_TRY(auto before, co_await trace::hops_before(
                          transaction, item_.tenant, message_->trace,
                          {.recipient = recipient_->trace_index,
                           .into = message_->trace,
                           .sight = trace::Carry::Sight::another_tenants,
                           .rows_max = message_->steps == 0 ? 0 : expansions_looked_at}));
  CO_CHECK(co_await trace::begin_copy(
      transaction, account.tenant, trace::copy_for(original, trace_indexes()), std::move(before)));
  CO_TRY(const auto there, co_await trace::record(transaction, account.tenant, hop));
  (void)there;
  co_return base::Result<>();
}

// ---- nowhere ----

net::ResultTask<> Delivery::fail(dsn::Status status, std::string reply) {
  event_ = "mda.undeliverable";
  detail_ = reply;
  served_ = {*recipient_};
  const auto failed = outcomes(queue::Step::fail, status, std::move(reply));
  co_return co_await ports_.store.transact(
      store::Scope::tenant(item_.tenant),
      [&](store::Transaction& transaction) { return fail_in(transaction, failed); });
}

net::ResultTask<> Delivery::fail_in(store::Transaction& transaction,
                                    std::vector<queue::Outcome> outcomes) {
  CO_CHECK(co_await keep_trace(transaction));
  trace::Ending ending{trace::Ending::Kind::bounced, outcomes.front().status, ports_.clock.now()};
  CO_CHECK(co_await trace::end(transaction, item_.tenant, message_->trace, trace_indexes(),
                               std::move(ending)));
  co_return co_await settle_in(transaction, std::move(outcomes));
}

}  // namespace letterlock::mda

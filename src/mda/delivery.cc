#include "mda/delivery.h"

#include <algorithm>

#include "base/digest.h"
#include "custody/custody.h"
#include "custody/trace_again.h"
#include "mailbox/content.h"
#include "mailbox/mailbox.h"
#include "protection/inbound.h"
#include "queue/keys.h"

namespace letterlock::mda {
namespace {

using Through = directory::Expansion::Through;

struct Reason {
  dsn::Status status;
  std::string text;
};
// Why an address that leads nowhere leads nowhere.
Reason reason_of(const directory::Expansion& expansion) {
  if (expansion.too_many) return {{5, 5, 3}, "the address leads to too many others"};
  if (expansion.dropped.empty()) return {dsn::status::bad_mailbox, "the address leads to nobody"};
  switch (expansion.dropped.front().why) {
    case directory::Expansion::Dropped::Why::unknown_user:
      return {dsn::status::bad_mailbox, "no such recipient here"};
    case directory::Expansion::Dropped::Why::suspended:
      return {dsn::status::mailbox_disabled, "this mailbox takes no mail"};
    case directory::Expansion::Dropped::Why::too_deep:
    case directory::Expansion::Dropped::Why::loop:
      return {dsn::status::routing_loop, "the address leads back to itself"};
  }
  return {dsn::status::bad_mailbox, "the address leads to nobody"};
}

store::Scope scope_of(const base::TenantId& from, const base::TenantId& into) {
  return from == into ? store::Scope::tenant(from) : store::Scope::delivery(from, into);
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
  const auto to = address::Address::parse(recipient_->address);
  if (!to) co_return base::fail(to.error());
  CO_TRY(auto expansion, co_await ports_.directory.expand(*to));
  const bool straight = expansion.leaves.size() == 1 && expansion.dropped.empty() &&
                        expansion.leaves[0].account &&
                        expansion.leaves[0].through == Through::nothing;
  if (straight) {
    CO_CHECK(co_await deliver(*expansion.leaves[0].account));
  } else if (expansion.leaves.empty() || expansion.too_many) {
    const auto reason = reason_of(expansion);
    CO_CHECK(co_await fail(reason.status, reason.text));
  } else {
    CO_CHECK(co_await expand(std::move(expansion)));
  }
  ports_.events.emit({base::Severity::info,
                      event_,
                      {{"tenant", co_await ports_.directory.tenant_name(item_.tenant)},
                       {"trace", message_->trace.text()},
                       {"recipient", recipient_->address},
                       {"detail", detail_},
                       {"age_ms", std::to_string(std::max<std::int64_t>(
                                      (ports_.clock.now() - message_->accepted).count(), 0))}}});
  co_return std::move(settled_);
}

net::ResultTask<> Delivery::read(store::Transaction& transaction) {
  message_.reset();
  recipient_.reset();
  CO_TRY(auto entry, co_await queue::find(transaction, item_.tenant, item_.message));
  if (!entry) co_return base::Result<>();
  message_ = std::move(entry->message);
  const auto at = std::ranges::find(entry->recipients, item_.recipient, &queue::Recipient::index);
  if (at != entry->recipients.end()) recipient_ = std::move(*at);
  co_return base::Result<>();
}

net::ResultTask<> Delivery::settle_in(store::Transaction& transaction, queue::Outcome outcome) {
  std::vector<queue::Outcome> outcomes;
  outcomes.push_back(std::move(outcome));
  CO_TRY(settled_,
         co_await queue::settle(transaction, options_.schedule, item_.tenant, item_.message,
                                std::move(outcomes), {ports_.clock.now(), 0, epoch_}));
  co_return base::Result<>();
}

// ---- into a mailbox ----

net::ResultTask<> Delivery::deliver(directory::Account account) {
  // RFC 5321 §4.4: the one that makes the final delivery writes the return path.
  prefix_ = "Return-Path: <" + message_->mail_from +
            ">\r\nDelivered-To: " + account.address.text() + "\r\n";
  CO_TRY(digest_, co_await digest_of(prefix_));
  co_return co_await ports_.store.transact(
      scope_of(item_.tenant, account.tenant),
      [&](store::Transaction& transaction) { return deliver_in(transaction, account); });
}

net::ResultTask<std::string> Delivery::digest_of(std::string prefix) {
  base::Sha256 digest;
  digest.add(prefix);
  for (std::uint64_t at = 0; at < message_->octets;) {
    CO_TRY(const auto chunk,
           co_await ports_.store.read_blob(message_->blob, at, base::limits::chunk_octets));
    if (chunk.empty())
      co_return base::fail(base::ErrorKind::corrupt,
                           "the content of " + message_->id.text() + " is shorter than it was");
    digest.add(chunk);
    at += chunk.size();
  }
  co_return base::to_hex(digest.finish());
}

net::ResultTask<> Delivery::deliver_in(store::Transaction& transaction,
                                       directory::Account account) {
  CO_CHECK(co_await keep_trace(transaction));
  mailbox::NewMessage message;
  message.blob = message_->blob;
  message.blob_octets = message_->octets;
  message.prefix = prefix_;
  message.internal_date = ports_.clock.now();
  message.trace = message_->trace;
  message.trace_owner = message_->tenant;
  message.recipient = recipient_->trace_index;
  message.content_digest = digest_;
  CO_TRY(
      const auto delivery,
      co_await mailbox::deliver(transaction, {account.tenant, account.id}, std::move(message),
                                {.quota_octets = account.quota_octets, .now = ports_.clock.now()}));
  if (const auto* over = std::get_if<mailbox::OverQuota>(&delivery)) {
    event_ = "mda.mailbox_full";
    detail_ = account.address.text() + ": " + std::to_string(over->used_octets) + " of " +
              std::to_string(over->quota_octets) + " octets used";
    co_return co_await fail_in(transaction, {.index = recipient_->index,
                                             .step = queue::Step::fail,
                                             .status = dsn::status::mailbox_full.text(),
                                             .reply = "the mailbox is full"});
  }
  CO_CHECK(co_await record_in(transaction, account));
  event_ = "mda.delivered";
  detail_ = account.address.text();
  co_return co_await settle_in(transaction, {.index = recipient_->index,
                                             .step = queue::Step::deliver,
                                             .status = "2.0.0",
                                             .reply = "delivered"});
}

hop::Hop Delivery::hop_to(const directory::Account& account) const {
  hop::Hop hop;
  hop.trace = message_->trace;
  hop.kind = hop::Kind::delivery;
  hop.from = {hop::End::Role::node, options_.node, {}, {}};
  hop.to = {hop::End::Role::mailbox, account.address.text(), {}, {}};
  hop.recipients = {recipient_->trace_index};
  hop.protection = protection::delivery_level();
  hop.digest_in = message_->digest;
  hop.digest_out = digest_;
  hop.changes = {hop::Change::trace_fields_added};
  hop.time = ports_.clock.now();
  hop.finished = hop.time;
  return hop;
}

// In the owner's trace; and where the mailbox is another tenant's, in a copy there that its fetches
// go on from.
net::ResultTask<> Delivery::record_in(store::Transaction& transaction,
                                      const directory::Account& account) {
  const auto hop = hop_to(account);
  CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, hop));
  (void)ref;
  if (account.tenant == item_.tenant) co_return base::Result<>();
  CO_TRY(const auto original, co_await trace::find(transaction, item_.tenant, message_->trace));
  const auto begun = co_await trace::begin(transaction, account.tenant,
                                           trace::copy_for(original, {recipient_->trace_index}));
  if (!begun && begun.error().kind != base::ErrorKind::exists) co_return base::fail(begun.error());
  CO_TRY(const auto there, co_await trace::record(transaction, account.tenant, hop));
  (void)there;
  co_return base::Result<>();
}

// ---- nowhere ----

net::ResultTask<> Delivery::fail(dsn::Status status, std::string reply) {
  event_ = "mda.undeliverable";
  detail_ = reply;
  const queue::Outcome outcome{.index = recipient_->index,
                               .step = queue::Step::fail,
                               .status = status.text(),
                               .reply = std::move(reply)};
  co_return co_await ports_.store.transact(
      store::Scope::tenant(item_.tenant),
      [&](store::Transaction& transaction) { return fail_in(transaction, outcome); });
}

net::ResultTask<> Delivery::keep_trace(store::Transaction& transaction) {
  return custody::begin_trace_again_if_gone(transaction, *message_, ports_.clock.now(),
                                            options_.keep_trace);
}

net::ResultTask<> Delivery::fail_in(store::Transaction& transaction, queue::Outcome outcome) {
  CO_CHECK(co_await keep_trace(transaction));
  trace::Ending ending{trace::Ending::Kind::bounced, outcome.status, ports_.clock.now()};
  CO_CHECK(co_await trace::end(transaction, item_.tenant, message_->trace,
                               {recipient_->trace_index}, std::move(ending)));
  co_return co_await settle_in(transaction, std::move(outcome));
}

// ---- into others ----

std::vector<queue::Recipient> Delivery::recipients_for(const directory::Expansion& expansion) {
  std::vector<queue::Recipient> out;
  const auto add = [&](const address::Address& to, queue::Lane lane) {
    queue::Recipient one;
    one.trace_index = recipient_->trace_index;
    one.address = to.text();
    one.params = recipient_->params;
    one.lane = lane;
    one.destination = to.domain().text();
    out.push_back(std::move(one));
  };
  for (const auto& leaf : expansion.leaves) {
    add(leaf.account ? leaf.account->address : leaf.address,
        leaf.account ? queue::Lane::local : queue::Lane::remote);
  }
  // One that leads nowhere fails by itself, so that it is told like any other. Not one that leads
  // back: it would go round again.
  for (const auto& dropped : expansion.dropped) {
    using Why = directory::Expansion::Dropped::Why;
    const bool fails = dropped.why == Why::unknown_user || dropped.why == Why::suspended;
    if (fails && out.size() < queue::recipients_max) add(dropped.address, queue::Lane::local);
  }
  // RFC 3461 §5.2.7.1: where one becomes several, the success was told as "expanded".
  if (out.size() > 1) {
    for (auto& one : out) one.params.notify.success = false;
  }
  return out;
}

net::ResultTask<> Delivery::expand(directory::Expansion expansion) {
  Copy copy{*message_, recipients_for(expansion),
            std::ranges::any_of(expansion.leaves,
                                [](const auto& leaf) { return leaf.through == Through::group; })};
  copy.message.id = os::make_id<base::MessageId>(ports_.clock, ports_.random);
  if (copy.own_trace) CO_CHECK(co_await give_to_group(copy));
  event_ = "mda.expanded";
  detail_ = std::to_string(copy.recipients.size()) + " recipients";
  co_return co_await ports_.store.transact(
      scope_of(item_.tenant, copy.message.tenant),
      [&](store::Transaction& transaction) { return expand_in(transaction, copy); });
}

net::ResultTask<> Delivery::give_to_group(Copy& copy) {
  auto list = address::Address::parse(recipient_->address);
  if (!list) co_return base::fail(list.error());
  CO_TRY(const auto tenant, co_await ports_.directory.is_ours(list->domain()));
  if (!tenant) co_return base::fail(base::ErrorKind::conflict, "the group's domain has just gone");
  copy.message.tenant = *tenant;
  copy.message.account = {};
  copy.message.trace = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  // RFC 5321 §3.9.2: members' failures go to whoever keeps the list, not to who wrote to it.
  copy.message.mail_from = "postmaster@" + list->domain().text();
  // RFC 3461 §5.2.7.3: nor are the writer's wishes about reports the list's, who gets them now.
  copy.message.params = {};
  for (std::size_t i = 0; i < copy.recipients.size(); ++i) {
    copy.recipients[i].trace_index = static_cast<unsigned>(i);
    copy.recipients[i].params = {};
  }
  co_return base::Result<>();
}

hop::Hop Delivery::expanded_hop(const base::TraceId& trace, std::vector<unsigned> recipients,
                                std::size_t count) const {
  hop::Hop hop;
  hop.trace = trace;
  hop.kind = hop::Kind::delivery;
  hop.from = {hop::End::Role::node, options_.node, {}, {}};
  hop.to = {hop::End::Role::node, options_.node, {}, {}};
  hop.recipients = std::move(recipients);
  hop.protection = protection::delivery_level();
  hop.digest_in = message_->digest;
  hop.digest_out = message_->digest;
  hop.changes = {hop::Change::expanded};
  hop.reason =
      "the address stands for " + std::to_string(count) + (count == 1 ? " other" : " others");
  hop.time = ports_.clock.now();
  hop.finished = hop.time;
  return hop;
}

net::ResultTask<> Delivery::begin_group_trace(store::Transaction& transaction, const Copy& copy) {
  CO_TRY(auto trace, co_await trace::find(transaction, item_.tenant, message_->trace));
  trace.id = copy.message.trace;
  trace.owner = copy.message.tenant;
  trace.mail_from = copy.message.mail_from;
  trace.recipients.clear();
  std::vector<unsigned> all;
  for (const auto& recipient : copy.recipients) {
    trace.recipients.push_back({recipient.trace_index, recipient.address});
    all.push_back(recipient.trace_index);
  }
  CO_CHECK(co_await trace::begin(transaction, copy.message.tenant, std::move(trace)));
  CO_TRY(const auto ref, co_await trace::record(transaction, copy.message.tenant,
                                                expanded_hop(copy.message.trace, std::move(all),
                                                             copy.recipients.size())));
  (void)ref;
  co_return base::Result<>();
}

net::ResultTask<> Delivery::expand_in(store::Transaction& transaction, const Copy& copy) {
  CO_CHECK(co_await keep_trace(transaction));
  CO_TRY(const auto ref,
         co_await trace::record(
             transaction, item_.tenant,
             expanded_hop(message_->trace, {recipient_->trace_index}, copy.recipients.size())));
  (void)ref;
  if (copy.own_trace) CO_CHECK(co_await begin_group_trace(transaction, copy));
  auto recipients = copy.recipients;
  auto due = queue::enqueue(transaction, copy.message, recipients);
  if (!due) co_return base::fail(due.error());
  due_ = std::move(*due);
  co_return co_await settle_in(transaction, {.index = recipient_->index,
                                             .step = queue::Step::expand,
                                             .status = "2.0.0",
                                             .reply = "expanded"});
}

}  // namespace letterlock::mda

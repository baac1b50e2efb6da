// A recipient that stands for others: an alias, a group. One step at a time: the copy goes to those
// that the list names, and each of them is looked up when it is its turn.
#include <algorithm>
#include <map>

#include "base/digest.h"
#include "base/limits.h"
#include "directory/lookup.h"
#include "mda/delivery.h"
#include "message/header_parser.h"
#include "protection/inbound.h"
#include "protection/join.h"
#include "queue/served.h"

namespace letterlock::mda {
namespace {

constexpr std::string_view delivered_to = "Delivered-To: ";

struct Reason {
  dsn::Status status;
  std::string text;
};

Reason too_deep() {
  return {dsn::status::routing_loop, "the address stands behind more than " +
                                         std::to_string(directory::expansion_depth_max) +
                                         " aliases and groups"};
}

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
      return too_deep();
    case directory::Expansion::Dropped::Why::loop:
      return {dsn::status::routing_loop, "the address leads back to itself"};
  }
  return {dsn::status::bad_mailbox, "the address leads to nobody"};
}

bool is_delivered_to(const message::Header& header, const std::string& key) {
  const auto fields = header.all("Delivered-To");
  return std::ranges::any_of(fields, [&](const message::Field* field) {
    const auto address = address::Address::parse(field->unfolded());
    return address && address->key() == key;
  });
}

// The lines that lists before this one have put in front.
bool is_in_front(std::string_view prefix, const std::string& key) {
  message::HeaderParser parser;
  if (!parser.feed(prefix) || !parser.feed("\r\n")) return false;
  return is_delivered_to(parser.take_header(), key);
}

// Both who is served and who hears of its failures.
std::string served_as(const address::Address& list, const queue::Message& copy) {
  return list.key() + "\n" + copy.mail_from;
}

std::string stands_for(std::size_t count) {
  return "the address stands for " + std::to_string(count) + (count == 1 ? " other" : " others");
}

}  // namespace

net::ResultTask<> Delivery::expand(List list) {
  served_ = {*recipient_};
  if (list.kind != List::Kind::moved) {
    // Asked to the end, so that somebody gets it: a circle of lists would leave out each other.
    CO_TRY(const auto leads, co_await ports_.directory.expand(list.address));
    if (leads.leaves.empty() || leads.too_many) {
      auto reason = reason_of(leads);
      co_return co_await fail(reason.status, std::move(reason.text));
    }
  }
  CO_TRY(auto copy, co_await copy_for(list));
  if (copy.came_back)
    co_return co_await fail(dsn::status::routing_loop,
                            "the message was sent on from this address before, and came back");
  co_return co_await ports_.store.transact(
      item_.tenant == list.tenant ? store::Scope::tenant(item_.tenant)
                                  : store::Scope::delivery(item_.tenant, list.tenant),
      [&](store::Transaction& transaction) { return expand_in(transaction, list, copy); });
}

net::ResultTask<Delivery::Copy> Delivery::copy_for(const List& list) {
  Copy copy;
  copy.message = *message_;
  copy.message.id = os::make_id<base::MessageId>(ports_.clock, ports_.random);
  if (copy.message.origin.is_nil()) copy.message.origin = message_->trace;
  copy.list = list.address.text();
  ++copy.message.steps;
  CO_TRY(copy.recipients, co_await recipients_for(list));
  give_to_owner(list, copy);
  if (list.kind != List::Kind::moved) CO_CHECK(co_await put_in_front(list, copy));
  co_return copy;
}

// A list's targets and members are nobody's business but its tenant's: they get a message and a
// trace of their own there. Those of an alias in the message's own tenant stay under its trace.
void Delivery::give_to_owner(const List& list, Copy& copy) const {
  auto& message = copy.message;
  copy.own_trace = list.kind == List::Kind::group || list.tenant != item_.tenant;
  if (!copy.own_trace) return;
  message.tenant = list.tenant;
  message.account = {};
  message.trace = os::make_id<base::TraceId>(ports_.clock, ports_.random);
  for (std::size_t i = 0; i < copy.recipients.size(); ++i)
    copy.recipients[i].trace_index = static_cast<unsigned>(i);
  if (list.kind != List::Kind::group) return;
  // RFC 5321 §3.9.2: members' failures go to whoever keeps the list, not to who wrote to it. But
  // what came from nobody stays from nobody (§6.1): else a report that fails makes another one.
  if (!message.mail_from.empty() && !message.is_report)
    message.mail_from = "postmaster@" + list.address.domain().text();
  // RFC 3461 §5.2.7.3: nor are the writer's wishes about reports the list's, who gets them now.
  message.params = {};
}

net::ResultTask<std::vector<queue::Recipient>> Delivery::recipients_for(const List& list) {
  std::vector<queue::Recipient> out;
  std::map<std::string, bool> here;
  for (const auto& to : list.stands_for) {
    const auto domain = to.domain().text();
    auto known = here.find(domain);
    if (known == here.end()) {
      CO_TRY(const auto tenant, co_await ports_.directory.is_ours(to.domain()));
      known = here.emplace(domain, tenant.has_value()).first;
    }
    auto& one = out.emplace_back();
    one.trace_index = recipient_->trace_index;
    one.address = to.text();
    one.lane = known->second ? queue::Lane::local : queue::Lane::remote;
    one.destination = domain;
    if (list.kind == List::Kind::group) continue;
    one.params = recipient_->params;
    one.written_to = recipient_->written_to;
    one.is_alone = recipient_->is_alone;
    if (list.kind == List::Kind::moved) continue;
    const bool was_alone = recipient_->written_to.empty() || recipient_->is_alone;
    one.is_alone = was_alone && list.stands_for.size() == 1;
    one.written_to = recipient_->address_written_to();
    // RFC 3461 §5.2.7.1 deviation: a success is told as "expanded", of an alias to one as well: the
    // next holder's report would say where the alias leads.
    one.params.notify.success = false;
    if (one.params.original_recipient.empty()) {
      if (const auto written_to = address::Address::parse(one.written_to))
        one.params.original_recipient = dsn::original_recipient_of(*written_to);
    }
  }
  co_return out;
}

// The line by which this list knows the message again, should it come back from where it goes; and
// the digest of what goes out now. The content is read once for all that the list stands for.
net::ResultTask<> Delivery::put_in_front(const List& list, Copy& copy) {
  auto& message = copy.message;
  // RFC 6532: a line with UTF-8 would ask SMTPUTF8 of whoever takes the message next.
  if (message.smtputf8 || !list.address.needs_smtputf8())
    message.prefix = std::string(delivered_to) + list.address.text() + "\r\n" + message.prefix;
  message::HeaderParser parser({.octets_max = 2 * base::limits::header_octets_max,
                                .fields_max = 2 * base::limits::header_fields_max,
                                .bad_line = message::HeaderParser::BadLine::begins_body});
  bool is_readable = true;
  base::Sha256 digest;
  digest.add(message.prefix);
  for (std::uint64_t at = 0; at < message.octets;) {
    CO_TRY(const auto chunk,
           co_await ports_.store.read_blob(message.blob, at, base::limits::chunk_octets));
    if (chunk.empty())
      co_return base::fail(base::ErrorKind::corrupt,
                           "the content of " + message_->id.text() + " is shorter than it was");
    digest.add(chunk);
    at += chunk.size();
    if (is_readable && !parser.is_done()) is_readable = parser.feed(chunk).has_value();
  }
  message.digest = base::to_hex(digest.finish());
  if (is_readable && !parser.is_done()) is_readable = parser.finish().has_value();
  copy.came_back = is_readable && is_delivered_to(parser.take_header(), list.address.key());
  co_return base::Result<>();
}

// ---- within the transaction ----

net::ResultTask<> Delivery::expand_in(store::Transaction& transaction, const List& list,
                                      Copy& copy) {
  due_.clear();
  CO_CHECK(co_await keep_trace(transaction));
  if (list.kind == List::Kind::moved) co_return co_await give_in(transaction, copy);
  const auto who = served_as(list.address, copy.message);
  CO_TRY(const bool was_served,
         co_await queue::was_served(transaction, list.tenant, copy.message.origin, who));
  if (was_served || is_in_front(message_->prefix, list.address.key()))
    co_return co_await leave_out_in(transaction, copy);
  if (message_->steps >= directory::expansion_depth_max) {
    const auto reason = too_deep();
    event_ = "mda.undeliverable";
    detail_ = reason.text;
    co_return co_await fail_in(transaction,
                               outcomes(queue::Step::fail, reason.status, reason.text));
  }
  queue::note_served(transaction, list.tenant, copy.message.origin, who);
  // A requirement is its organisation's: what leaves by its alias or group leaves as it says.
  CO_TRY(const auto tenant, co_await directory::find_tenant(transaction, list.tenant));
  copy.message.requirement = list.tenant == item_.tenant
                                 ? message_->requirement
                                 : protection::without_reasons(message_->requirement);
  if (tenant)
    copy.message.requirement = protection::join(copy.message.requirement, tenant->requirement);
  co_return co_await give_in(transaction, copy);
}

net::ResultTask<> Delivery::give_in(store::Transaction& transaction, Copy& copy) {
  event_ = "mda.expanded";
  detail_ = std::to_string(copy.recipients.size()) + " recipients";
  CO_TRY(const auto ref,
         co_await trace::record(transaction, item_.tenant,
                                expanded_hop(copy, stands_for(copy.recipients.size()))));
  (void)ref;
  if (copy.own_trace) CO_CHECK(co_await begin_own_trace(transaction, copy));
  auto recipients = copy.recipients;
  auto due = queue::enqueue(transaction, copy.message, recipients);
  if (!due) co_return base::fail(due.error());
  due_ = std::move(*due);
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::expand, dsn::status::ok, "expanded"));
}

// Those for whom it stands have a copy, or are about to, by another way that leads to the list.
net::ResultTask<> Delivery::leave_out_in(store::Transaction& transaction, const Copy& copy) {
  event_ = "mda.expanded";
  detail_ = "before, by another way";
  auto hop =
      expanded_hop(copy, "the message went on from this address already, by another way to it");
  hop.to.role = hop::End::Role::list;  // whatever becomes of it isn't of this way
  CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, std::move(hop)));
  (void)ref;
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::expand, dsn::status::ok, "expanded"));
}

hop::Hop Delivery::expanded_hop(const Copy& copy, std::string reason) const {
  hop::Hop hop;
  hop.trace = message_->trace;
  hop.kind = hop::Kind::expansion;
  hop.from = {hop::End::Role::node, options_.node, {}, {}};
  hop.to = {copy.own_trace ? hop::End::Role::list : hop::End::Role::alias, copy.list, {}, {}};
  hop.recipients = {recipient_->trace_index};
  hop.protection = protection::delivery_level();
  hop.digest_in = message_->digest;
  hop.digest_out = copy.message.digest;
  hop.changes = {hop::Change::expanded};
  if (copy.message.prefix != message_->prefix)
    hop.changes.push_back(hop::Change::trace_fields_added);
  hop.reason = std::move(reason);
  hop.time = ports_.clock.now();
  hop.finished = hop.time;
  return hop;
}

// It begins with the hops by which the message came, without names where they are another tenant's,
// and with the step into its recipients, so that digests meet.
net::ResultTask<> Delivery::begin_own_trace(store::Transaction& transaction, const Copy& copy) {
  const auto& message = copy.message;
  using Sight = trace::Carry::Sight;
  CO_TRY(auto trace, co_await trace::find(transaction, item_.tenant, message_->trace));
  CO_TRY(auto before,
         co_await trace::hops_before(
             transaction, item_.tenant, message_->trace,
             {.recipient = recipient_->trace_index,
              .into = message.trace,
              .sight = message.tenant == item_.tenant ? Sight::same_tenant : Sight::another_tenants,
              .rows_max = message_->steps == 0 ? 0 : expansions_looked_at}));
  trace.id = message.trace;
  trace.owner = message.tenant;
  trace.mail_from = message.mail_from;
  trace.recipients.clear();
  auto hop = expanded_hop(copy, stands_for(copy.recipients.size()));
  hop.trace = message.trace;
  hop.to.role = hop::End::Role::alias;
  hop.recipients.clear();
  for (const auto& recipient : copy.recipients) {
    trace.recipients.push_back({recipient.trace_index, recipient.address});
    hop.recipients.push_back(recipient.trace_index);
  }
  CO_CHECK(
      co_await trace::begin_copy(transaction, message.tenant, std::move(trace), std::move(before)));
  CO_TRY(const auto ref, co_await trace::record(transaction, message.tenant, std::move(hop)));
  (void)ref;
  co_return co_await link_in(transaction, copy);
}

// Content has children: each trace knows the other.
net::ResultTask<> Delivery::link_in(store::Transaction& transaction, const Copy& copy) {
  using Relation = trace::Link::Relation;
  const auto& message = copy.message;
  CO_CHECK(co_await trace::put_link(
      transaction, item_.tenant, message_->trace,
      {Relation::expanded_into, message.trace, message.tenant, copy.list, true}));
  co_return co_await trace::put_link(
      transaction, message.tenant, message.trace,
      {Relation::expanded_from, message_->trace, item_.tenant, copy.list, true});
}

}  // namespace letterlock::mda

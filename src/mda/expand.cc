// A recipient that stands for others: an alias, a group. One step at a time: the copy goes to those
// that the list names, and each of them is looked up when it is its turn.
#include <algorithm>
#include <map>
#include <set>

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
// Of recipients that lead to another tenant's list: each has a hop of his own in the sender's
// trace.
constexpr std::size_t hops_at_once_max = 100;

constexpr base::Milliseconds another_way_wait = std::chrono::milliseconds(20);

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

// Whom this part of the list goes to: those behind `until`, as many as one transaction holds.
// False: there are more behind them.
bool take_part(const std::vector<std::pair<std::string, queue::Recipient>>& all,
               const std::string& until, std::vector<queue::Recipient>& part, std::string& last) {
  part.clear();
  std::size_t octets = 0;
  for (const auto& [key, recipient] : all) {
    if (key <= until) continue;
    octets += octets_written_for(recipient);
    if (octets > served_octets_max && !part.empty()) return false;
    part.push_back(recipient);
    last = key;
  }
  return true;
}

std::string stands_for(std::size_t count) {
  return "the address stands for " + std::to_string(count) + (count == 1 ? " other" : " others");
}

// One of those that are being followed.
struct Followed {
  std::set<std::string>& all;
  const std::string& name;
  ~Followed() { all.erase(name); }
};

}  // namespace

net::ResultTask<> Delivery::expand(List list) {
  if (list.kind == List::Kind::moved) co_return co_await go_on(list);
  const auto name =
      std::string(list.tenant.octets()) + std::string(origin().octets()) + served_as(list);
  while (true) {
    CO_TRY(const bool is_before, co_await this->is_before(list));
    if (is_before) co_return co_await leave_out(list);
    if (followed_.insert(name).second) break;
    // Another way to it is being followed just now. Copies of one message come by many ways at
    // once.
    CO_CHECK(co_await ports_.timers.sleep(another_way_wait));
  }
  const Followed followed{followed_, name};
  co_return co_await follow(list);
}

net::ResultTask<> Delivery::follow(const List& list) {
  if (message_->steps >= directory::expansion_depth_max) {
    auto reason = too_deep();
    co_return co_await fail(reason.status, std::move(reason.text));
  }
  // Asked to the end, so that somebody gets it: a circle of lists would leave out each other.
  CO_TRY(const auto leads, co_await ports_.directory.expand(list.address));
  if (leads.leaves.empty() || leads.too_many) {
    auto reason = reason_of(leads);
    co_return co_await fail(reason.status, std::move(reason.text));
  }
  co_return co_await go_on(list);
}

// Whether those for whom the list stands have the message by another way. Asked first: whatever
// comes to a list again costs neither a walk through the directory nor a reading of the content.
net::ResultTask<bool> Delivery::is_before(const List& list) {
  bool was_served = false;
  CO_CHECK(co_await ports_.store.read(
      store::Scope::tenant(list.tenant),
      [&](store::Transaction& transaction) { return look_in(transaction, list, was_served); }));
  co_return was_served || is_in_front(message_->prefix, list.address.key());
}

// A list is followed once for all recipients that lead to it: team@, Team@ and team+1@, unless that
// is an address of its own.
net::ResultTask<> Delivery::look_in(store::Transaction& transaction, const List& list,
                                    bool& was_served) {
  const auto key = list.address.key();
  const auto most = list.tenant == item_.tenant ? queue::recipients_max : hops_at_once_max;
  std::vector<queue::Recipient> others;
  for (const auto* other : envelope_.waiting_at({key})) {
    if (other->index == recipient_->index) continue;
    if (others.size() == most) break;
    auto address = address::Address::parse(other->address);
    if (!address) continue;
    if (address->key() != key) {
      CO_TRY(const auto entry,
             co_await directory::find_entry(transaction, list.tenant, std::move(*address)));
      if (entry) continue;
    }
    others.push_back(*other);
  }
  serve_with(std::move(others));
  CO_TRY(was_served,
         co_await queue::was_served(transaction, list.tenant, origin(), served_as(list)));
  co_return base::Result<>();
}

store::Scope Delivery::scope_with(const List& list) const {
  return item_.tenant == list.tenant ? store::Scope::tenant(item_.tenant)
                                     : store::Scope::delivery(item_.tenant, list.tenant);
}

net::ResultTask<> Delivery::go_on(const List& list) {
  CO_TRY(auto copy, co_await copy_for(list));
  if (copy.came_back)
    co_return co_await fail(dsn::status::routing_loop,
                            "the message was sent on from this address before, and came back");
  do {
    begin_part(copy);
    CO_CHECK(co_await ports_.store.transact(scope_with(list), [&](store::Transaction& transaction) {
      return expand_in(transaction, list, copy);
    }));
    due_.insert(due_.end(), part_due_.begin(), part_due_.end());
  } while (goes_ == Goes::on);
  co_return base::Result<>();
}

net::ResultTask<Delivery::Copy> Delivery::copy_for(const List& list) {
  Copy copy;
  copy.message = *message_;
  copy.message.origin = origin();
  copy.list = list.address.text();
  ++copy.message.steps;
  CO_TRY(auto recipients, co_await recipients_for(list));
  for (std::size_t i = 0; i < recipients.size(); ++i)
    copy.all.emplace_back(list.stands_for[i].key(), std::move(recipients[i]));
  std::ranges::sort(copy.all, {}, [](const auto& one) {
    return std::pair<std::string_view, unsigned>(one.first, one.second.index);
  });
  give_to_owner(list, copy);
  if (list.kind != List::Kind::moved) CO_CHECK(co_await put_in_front(list, copy));
  co_return copy;
}

base::TraceId Delivery::origin() const {
  return message_->origin.is_nil() ? message_->trace : message_->origin;
}

// RFC 5321 §3.9.2: members' failures go to whoever keeps the list, not to who wrote to it. But what
// came from nobody stays from nobody (§6.1): else a report that fails makes another one.
std::string Delivery::sender_for(const List& list) const {
  if (list.kind != List::Kind::group || message_->mail_from.empty() || message_->is_report)
    return message_->mail_from;
  return "postmaster@" + list.address.domain().text();
}

// Both who is served and who hears of its failures.
std::string Delivery::served_as(const List& list) const {
  return list.address.key() + "\n" + sender_for(list);
}

// A list's targets and members are nobody's business but its tenant's: they get a message and a
// trace of their own there. Those of an alias in the message's own tenant stay under its trace.
void Delivery::give_to_owner(const List& list, Copy& copy) const {
  auto& message = copy.message;
  message.mail_from = sender_for(list);
  copy.own_trace = list.kind == List::Kind::group || list.tenant != item_.tenant;
  if (!copy.own_trace) return;
  message.tenant = list.tenant;
  message.account = {};
  // RFC 3461 §5.2.7.3: the writer's wishes about reports aren't the list's, who gets them now.
  if (list.kind == List::Kind::group) message.params = {};
}

void Delivery::begin_part(Copy& copy) const {
  copy.message.id = os::make_id<base::MessageId>(ports_.clock, ports_.random);
  if (copy.own_trace) copy.message.trace = os::make_id<base::TraceId>(ports_.clock, ports_.random);
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

net::ResultTask<> Delivery::leave_out(const List& list) {
  co_return co_await ports_.store.transact(scope_with(list), [&](store::Transaction& transaction) {
    return leave_out_if_waiting_in(transaction, list);
  });
}

net::ResultTask<> Delivery::leave_out_if_waiting_in(store::Transaction& transaction,
                                                    const List& list) {
  settled_.reset();
  CO_TRY(const bool waits, co_await still_waits(transaction));
  if (!waits) co_return base::Result<>();
  CO_CHECK(co_await keep_trace(transaction));
  co_return co_await leave_out_in(transaction, list);
}

// A part of the list, and what says how far it has been followed. The last part settles those that
// it stands for; begun again after a crash, what was given isn't given twice.
net::ResultTask<> Delivery::expand_in(store::Transaction& transaction, const List& list,
                                      Copy& copy) {
  settled_.reset();
  part_due_.clear();
  goes_ = Goes::no_further;
  CO_TRY(const bool waits, co_await still_waits(transaction));
  if (!waits) co_return base::Result<>();
  CO_CHECK(co_await keep_trace(transaction));
  if (list.kind == List::Kind::moved) {
    std::string last;
    take_part(copy.all, "", copy.recipients, last);
    CO_CHECK(co_await give_in(transaction, copy));
    co_return co_await finish_in(transaction, list);
  }
  const auto who = served_as(list);
  CO_TRY(const auto until, co_await queue::served_until(transaction, list.tenant, origin(), who));
  if (until && until->empty()) co_return co_await leave_out_in(transaction, list);
  std::string last;
  const bool is_last = take_part(copy.all, until.value_or(""), copy.recipients, last);
  // Others had a part before, whoever stands in the list by now.
  for (auto& recipient : copy.recipients) recipient.is_alone = recipient.is_alone && !until;
  if (!is_last)
    queue::note_served_until(transaction, list.tenant, origin(), who, last);
  else
    queue::note_served(transaction, list.tenant, origin(), who,
                       until ? base::TraceId() : copy.message.trace);
  // Whom it stood for when it was begun has gone from it since.
  if (copy.recipients.empty()) co_return co_await leave_out_in(transaction, list);
  // A requirement is its organisation's: what leaves by its alias or group leaves as it says.
  CO_TRY(const auto tenant, co_await directory::find_tenant(transaction, list.tenant));
  copy.message.requirement = list.tenant == item_.tenant
                                 ? message_->requirement
                                 : protection::without_reasons(message_->requirement);
  if (tenant)
    copy.message.requirement = protection::join(copy.message.requirement, tenant->requirement);
  CO_CHECK(co_await give_in(transaction, copy));
  goes_ = is_last ? Goes::no_further : Goes::on;
  if (is_last) CO_CHECK(co_await finish_in(transaction, list));
  co_return base::Result<>();
}

net::ResultTask<> Delivery::give_in(store::Transaction& transaction, Copy& copy) {
  event_ = "mda.expanded";
  detail_ = std::to_string(copy.all.size()) + " recipients";
  if (copy.own_trace) {
    for (std::size_t i = 0; i < copy.recipients.size(); ++i)
      copy.recipients[i].trace_index = static_cast<unsigned>(i);
  }
  const bool crosses = copy.message.tenant != item_.tenant;
  // How many parts another tenant's list has is its own business, too.
  if (!crosses || due_.empty()) {
    CO_TRY(const auto ref,
           co_await trace::record(
               transaction, item_.tenant,
               crosses ? told_expansion(copy.list, recipient_->trace_index) : expanded_hop(copy)));
    (void)ref;
  }
  if (copy.own_trace) CO_CHECK(co_await begin_own_trace(transaction, copy));
  auto due = queue::enqueue(transaction, copy.message, copy.recipients);
  if (!due) co_return base::fail(due.error());
  part_due_ = std::move(*due);
  co_return base::Result<>();
}

// One of those that lead to the list was the way; whatever the others' ways were, they end here.
net::ResultTask<> Delivery::finish_in(store::Transaction& transaction, const List& list) {
  auto others = trace_indexes();
  std::erase(others, recipient_->trace_index);
  if (!others.empty()) CO_CHECK(co_await record_left_out(transaction, list, std::move(others)));
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::expand, dsn::status::ok, "expanded"));
}

// Those for whom it stands have a copy, or are about to, by another way that leads to the list.
net::ResultTask<> Delivery::leave_out_in(store::Transaction& transaction, const List& list) {
  event_ = "mda.expanded";
  detail_ = "before, by another way";
  CO_CHECK(co_await record_left_out(transaction, list, trace_indexes()));
  CO_TRY(const auto by,
         co_await queue::served_by(transaction, list.tenant, origin(), served_as(list)));
  if (by && !by->is_nil() && *by != message_->trace)
    CO_CHECK(co_await link_in(transaction, item_.tenant, {list.tenant, *by, list.address.text()}));
  co_return co_await settle_in(transaction,
                               outcomes(queue::Step::expand, dsn::status::ok, "expanded"));
}

net::ResultTask<> Delivery::record_left_out(store::Transaction& transaction, const List& list,
                                            std::vector<unsigned> recipients) {
  if (list.tenant != item_.tenant) {
    for (const unsigned recipient : recipients) {
      CO_TRY(const auto ref,
             co_await trace::record(transaction, item_.tenant,
                                    told_expansion(list.address.text(), recipient)));
      (void)ref;
    }
    co_return base::Result<>();
  }
  // Whatever becomes of it isn't of this way.
  auto hop = list_hop({hop::End::Role::list, list.address.text(), {}, {}});
  hop.recipients = std::move(recipients);
  hop.reason = "the message went on from this address already, by another way to it";
  CO_TRY(const auto ref, co_await trace::record(transaction, item_.tenant, std::move(hop)));
  (void)ref;
  co_return base::Result<>();
}

hop::Hop Delivery::list_hop(hop::End to) const {
  hop::Hop hop;
  hop.trace = message_->trace;
  hop.kind = hop::Kind::expansion;
  hop.from = {hop::End::Role::node, options_.node, {}, {}};
  hop.to = std::move(to);
  hop.protection = protection::delivery_level();
  hop.digest_in = message_->digest;
  hop.digest_out = message_->digest;
  hop.changes = {hop::Change::expanded};
  hop.time = ports_.clock.now();
  hop.finished = hop.time;
  return hop;
}

hop::Hop Delivery::expanded_hop(const Copy& copy) const {
  auto hop =
      list_hop({copy.own_trace ? hop::End::Role::list : hop::End::Role::alias, copy.list, {}, {}});
  hop.recipients = {recipient_->trace_index};
  hop.digest_out = copy.message.digest;
  if (copy.message.prefix != message_->prefix)
    hop.changes.push_back(hop::Change::trace_fields_added);
  hop.reason = stands_for(copy.all.size());
  return hop;
}

// What the trace says of another tenant's list, whether it is followed now or was before, and
// however many it stands for: else its members could be counted, and found out by a second way.
hop::Hop Delivery::told_expansion(const std::string& list, unsigned recipient) const {
  auto hop = list_hop({hop::End::Role::list, list, {}, {}});
  hop.recipients = {recipient};
  hop.reason = "the address stands for others";
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
  auto hop = expanded_hop(copy);
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
  co_return co_await link_in(transaction, item_.tenant, {message.tenant, message.trace, copy.list});
}

}  // namespace letterlock::mda

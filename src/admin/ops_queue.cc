// The queue as operators see and change it.
#include <algorithm>

#include "admin/operation.h"
#include "admin/values.h"
#include "queue/queue.h"
#include "trace/trace.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;
using base::ErrorKind;
using base::fail;

// Which recipients are meant.
struct Filter {
  std::vector<base::TenantId> tenants;
  std::optional<base::MessageId> message;
  std::string domain;
  base::Milliseconds age_min{0};
  std::optional<queue::State> state;
  // Where the last page ended: behind this message of this tenant.
  std::optional<std::pair<base::TenantId, base::MessageId>> after;
};

// "tenant/message", as a page of rows gives it.
base::Result<std::pair<base::TenantId, base::MessageId>> place_in(std::string_view text) {
  const auto slash = std::min(text.find('/'), text.size());
  const auto tenant = TRY(base::TenantId::parse(text.substr(0, slash)));
  const auto message = TRY(base::MessageId::parse(text.substr(std::min(slash + 1, text.size()))));
  return std::pair(tenant, message);
}

bool fits(const Filter& filter, const queue::Message& message, const queue::Recipient& recipient,
          base::Time now) {
  if (queue::is_final(recipient.state)) return false;
  if (filter.message && message.id != *filter.message) return false;
  if (!filter.domain.empty() && recipient.destination != filter.domain) return false;
  if (filter.state && recipient.state != *filter.state) return false;
  return now - message.accepted >= filter.age_min;
}

net::ResultTask<Filter> filter_of(const Ports& ports, Arguments arguments) {
  Filter filter;
  if (const auto tenant = arguments.maybe("tenant")) {
    CO_TRY(const auto found, co_await ports.operations.show_tenant(*tenant));
    filter.tenants = {found.id};
  } else {
    CO_TRY(filter.tenants, co_await ports.tenants());
  }
  if (const auto text = arguments.maybe("id")) {
    CO_TRY(filter.message, base::MessageId::parse(*text));
  }
  if (const auto text = arguments.maybe("domain")) {
    CO_TRY(const auto domain, domain_of(*text));
    filter.domain = domain.text();
  }
  if (const auto text = arguments.maybe("older")) {
    CO_TRY(filter.age_min, base::parse_duration(*text));
  }
  if (const auto text = arguments.maybe("state")) {
    filter.state = queue::state_from(*text);
    if (!filter.state || queue::is_final(*filter.state))
      co_return fail(ErrorKind::invalid, "the state is waiting or held");
  }
  if (const auto text = arguments.maybe("after")) {
    CO_TRY(const auto place, place_in(*text));
    filter.after = place;
    filter.tenants.erase(filter.tenants.begin(), std::ranges::find(filter.tenants, place.first));
  }
  co_return filter;
}

json::object to_json(const queue::Recipient& recipient) {
  json::object out{{"recipient", recipient.address},
                   {"state", queue::name(recipient.state)},
                   {"destination", recipient.destination},
                   {"attempts", recipient.attempts}};
  if (recipient.state == queue::State::waiting)
    out["next-try"] = base::to_rfc3339(recipient.next_try);
  if (recipient.attempts > 0) {
    out["last-try"] = base::to_rfc3339(recipient.last_try);
    out["status"] = recipient.status;
    out["reply"] = recipient.reply;
    out["host"] = recipient.host;
  }
  return out;
}

json::object to_json(const queue::Message& message) {
  return {{"id", message.id.text()},
          {"trace", message.trace.text()},
          {"mail-from", "<" + message.mail_from + ">"},
          {"octets", message.octets},
          {"accepted", base::to_rfc3339(message.accepted)},
          {"expires", base::to_rfc3339(message.expires)},
          {"require", hop::to_text(message.requirement)}};
}

net::ResultTask<> read_page(store::Transaction& transaction, base::TenantId tenant,
                            queue::ListOptions options, std::vector<queue::Entry>& entries) {
  CO_TRY(entries, co_await queue::list(transaction, tenant, options));
  co_return base::Result<>();
}

// The octets just before an id's: a page behind them begins with that message.
std::string key_before(const base::MessageId& id) {
  std::string octets(id.octets());
  for (std::size_t at = octets.size(); at-- > 0;) {
    const auto octet = static_cast<unsigned char>(octets[at]);
    octets[at] = static_cast<char>(octet - 1);
    if (octet != 0) break;
  }
  return octets;
}

// Walks what fits, a page at a time; `use` says whether to go on.
using Use = std::function<net::ResultTask<bool>(base::TenantId, queue::Entry)>;
net::ResultTask<> walk(const Ports& ports, Filter filter, Use use) {
  const auto now = ports.clock.now();
  for (const auto& tenant : filter.tenants) {
    queue::ListOptions options{filter.message ? key_before(*filter.message) : std::string(),
                               filter.message ? std::size_t{1} : std::size_t{1000}};
    if (filter.after && filter.after->first == tenant)
      options.after = std::string(filter.after->second.octets());
    std::vector<queue::Entry> entries;
    do {
      CO_CHECK(co_await ports.store.read(store::Scope::tenant(tenant),
                                         [&](store::Transaction& transaction) {
                                           return read_page(transaction, tenant, options, entries);
                                         }));
      for (auto& entry : entries) {
        options.after = std::string(entry.message.id.octets());
        std::erase_if(entry.recipients, [&](const queue::Recipient& recipient) {
          return !fits(filter, entry.message, recipient, now);
        });
        if (entry.recipients.empty()) continue;
        CO_TRY(const bool on, co_await use(tenant, entry));
        if (!on) co_return base::Result<>();
      }
    } while (!filter.message && entries.size() == options.count_max);
  }
  co_return base::Result<>();
}

struct Listing {
  json::array rows;
  std::size_t count_max = 100;
  std::string last;  // the place of the last row's message
  bool more = false;
};
// A message's recipients stay together, so that a page ends between two messages.
net::ResultTask<bool> add_rows(Listing& listing, base::TenantId tenant, queue::Entry entry) {
  if (listing.rows.size() >= listing.count_max) {
    listing.more = true;
    co_return false;
  }
  for (const auto& recipient : entry.recipients) {
    auto row = to_json(recipient);
    row["id"] = entry.message.id.text();
    row["trace"] = entry.message.trace.text();
    row["mail-from"] = "<" + entry.message.mail_from + ">";
    row["octets"] = entry.message.octets;
    row["accepted"] = base::to_rfc3339(entry.message.accepted);
    listing.rows.emplace_back(std::move(row));
  }
  listing.last = tenant.text() + "/" + entry.message.id.text();
  co_return true;
}

net::ResultTask<json::object> queue_list(const Ports& ports, Arguments arguments) {
  CO_TRY(auto filter, co_await filter_of(ports, arguments));
  Listing listing;
  listing.count_max = page_of(arguments);
  CO_CHECK(co_await walk(ports, std::move(filter),
                         [&listing](base::TenantId tenant, queue::Entry entry) {
                           return add_rows(listing, tenant, std::move(entry));
                         }));
  json::object result{{"rows", std::move(listing.rows)}};
  if (listing.more) {
    result["note"] = "there is more: narrow it with --tenant, --domain, --older, or raise --count";
    result["next"] = listing.last;
  }
  co_return result;
}

net::ResultTask<bool> take_entry(std::optional<queue::Entry>& found, queue::Entry entry) {
  found = std::move(entry);
  co_return false;
}
net::ResultTask<json::object> queue_show(const Ports& ports, Arguments arguments) {
  CO_TRY(auto filter, co_await filter_of(ports, arguments));
  std::optional<queue::Entry> found;
  CO_CHECK(co_await walk(ports, std::move(filter), [&found](base::TenantId, queue::Entry entry) {
    return take_entry(found, std::move(entry));
  }));
  if (!found)
    co_return fail(
        ErrorKind::not_found,
        "no such message waits in the queue; `letterlock trace` tells what became of it");
  auto result = to_json(found->message);
  json::array recipients;
  for (const auto& recipient : found->recipients) recipients.emplace_back(to_json(recipient));
  result["recipients"] = std::move(recipients);
  co_return result;
}

// ---- changes ----

struct Change {
  queue::Step step = queue::Step::release;
  std::string status;
  std::string reply;
  std::size_t recipients = 0;  // done so far
};

// Whose way this step has ended: who was delivered or relayed since he was read has arrived.
std::vector<unsigned> ended_by(queue::Step step, const queue::Entry& entry,
                               const queue::Settled& settled) {
  std::vector<unsigned> ended;
  if (step != queue::Step::remove && step != queue::Step::fail) return ended;
  const auto state = step == queue::Step::remove ? queue::State::removed : queue::State::failed;
  for (const auto& recipient : entry.recipients) {
    const auto now =
        std::ranges::find(settled.recipients, recipient.index, &queue::Recipient::index);
    if (now != settled.recipients.end() && now->state == state)
      ended.push_back(recipient.trace_index);
  }
  return ended;
}

net::ResultTask<> change_in(store::Transaction& transaction, const Ports& ports,
                            const queue::Schedule& schedule, base::TenantId tenant,
                            const queue::Entry& entry, const Change& change) {
  std::vector<queue::Outcome> outcomes;
  for (const auto& recipient : entry.recipients)
    outcomes.push_back({.index = recipient.index,
                        .step = change.step,
                        .status = change.status,
                        .reply = change.reply,
                        .counts_as_attempt = !change.reply.empty()});
  auto settled =
      co_await queue::settle(transaction, schedule, tenant, entry.message.id, std::move(outcomes),
                             {.now = ports.clock.now(), .random = 0, .epoch = {}});
  // It left the queue since it was read: there is nothing to change, and others may follow.
  if (!settled && settled.error().kind == ErrorKind::not_found) co_return base::Result<>();
  if (!settled) co_return base::fail(settled.error());
  auto trace_indexes = ended_by(change.step, entry, *settled);
  if (trace_indexes.empty()) co_return base::Result<>();
  const auto kind = change.step == queue::Step::remove ? trace::Ending::Kind::removed
                                                       : trace::Ending::Kind::bounced;
  auto ended =
      co_await trace::end(transaction, tenant, entry.message.trace, std::move(trace_indexes),
                          {kind, change.status, ports.clock.now()});
  if (!ended && ended.error().kind != ErrorKind::not_found) co_return base::fail(ended.error());
  co_return base::Result<>();
}

net::ResultTask<bool> change_entry(const Ports& ports, Change& change, base::TenantId tenant,
                                   queue::Entry entry) {
  CO_CHECK(co_await ports.store.transact(
      store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
        return change_in(transaction, ports, ports.schedule, tenant, entry, change);
      }));
  change.recipients += entry.recipients.size();
  ports.dispatcher.forget(entry.message.id);
  if (change.step == queue::Step::release) {
    for (const auto& recipient : entry.recipients)
      ports.dispatcher.end_rest(recipient.lane, recipient.destination);
  }
  ports.dispatcher.look_again(tenant);
  if (change.step == queue::Step::fail) ports.notice(tenant);
  ports.events.emit({base::Severity::info,
                     "queue.changed_by_operator",
                     {{"message", entry.message.id.text()},
                      {"trace", entry.message.trace.text()},
                      {"step", std::string(queue::name(change.step))},
                      {"recipients", std::to_string(entry.recipients.size())}}});
  co_return true;
}

net::ResultTask<json::object> change_all(const Ports& ports, Arguments arguments, Change change) {
  const bool narrowed = arguments.has("id") || arguments.has("tenant") || arguments.has("domain") ||
                        arguments.has("older") || arguments.flag("all");
  if (!narrowed)
    co_return fail(ErrorKind::invalid, "say which: an id, --tenant, --domain, --older, or --all");
  CO_TRY(auto filter, co_await filter_of(ports, arguments));
  const bool one = filter.message.has_value();
  CO_CHECK(co_await walk(ports, std::move(filter),
                         [&ports, &change](base::TenantId tenant, queue::Entry entry) {
                           return change_entry(ports, change, tenant, std::move(entry));
                         }));
  if (one && change.recipients == 0)
    co_return fail(ErrorKind::not_found, "no such message waits in the queue");
  co_return json::object{{"done", queue::name(change.step)}, {"recipients", change.recipients}};
}

net::ResultTask<json::object> queue_release(const Ports& ports, Arguments arguments) {
  return change_all(ports, std::move(arguments), {.step = queue::Step::release});
}
net::ResultTask<json::object> queue_hold(const Ports& ports, Arguments arguments) {
  return change_all(ports, std::move(arguments), {.step = queue::Step::hold});
}
net::ResultTask<json::object> queue_remove(const Ports& ports, Arguments arguments) {
  if (arguments.flag("bounce"))
    return change_all(
        ports, std::move(arguments),
        {.step = queue::Step::fail, .status = "5.7.0", .reply = "given up by the operator"});
  return change_all(ports, std::move(arguments), {.step = queue::Step::remove});
}

}  // namespace

std::vector<Operation> queue_operations() {
  const Parameter id{"id", Kind::text, Place::positional, "the message's id in the queue"};
  const Parameter maybe_id{"id", Kind::text, Place::optional_positional,
                           "one message; otherwise all that the options name"};
  const std::vector<Parameter> filters{
      {"tenant", Kind::text, Place::option, "of this tenant"},
      {"domain", Kind::text, Place::option, "to this next-hop domain"},
      {"older", Kind::text, Place::option, "accepted at least so long ago: 30m, 4h, 2d"}};
  const Parameter state{"state", Kind::text, Place::option, "waiting or held"};
  const Parameter all{"all", Kind::flag, Place::option, "everything"};
  const auto with = [&](std::vector<Parameter> first, std::vector<Parameter> last) {
    first.insert(first.end(), filters.begin(), filters.end());
    first.insert(first.end(), last.begin(), last.end());
    return first;
  };
  return {
      {"queue.list", "what waits",
       with({},
            {state,
             {"count", Kind::number, Place::option, "rows, 100 if not said"},
             {"after", Kind::text, Place::option, "behind this one, as `next` of --json says"}}),
       queue_list},
      {"queue.show", "one message that waits", {id}, queue_show},
      {"queue.retry", "try now, whatever the schedule says; releases what is held",
       with({maybe_id}, {all}), queue_release},
      {"queue.hold", "don't try until released", with({maybe_id}, {all}), queue_hold},
      {"queue.release", "try what is held again", with({maybe_id}, {all}), queue_release},
      {"queue.remove", "take out for good; the sender isn't told unless --bounce",
       with({maybe_id}, {all, {"bounce", Kind::flag, Place::option, "tell the sender"}}),
       queue_remove},
  };
}

}  // namespace letterlock::admin

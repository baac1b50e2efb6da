// The queue as operators see and change it.
#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "admin/operation.h"
#include "admin/queue_walk.h"
#include "admin/values.h"
#include "custody/trace_again.h"
#include "queue/queue.h"
#include "trace/trace.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;
using base::ErrorKind;
using base::fail;

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

// Where the queue goes on behind the last row, if it does.
void say_more(json::object& result, const std::optional<QueuePlace>& place, std::string_view what) {
  if (!place) return;
  result["note"] = what;
  result["next"] = to_text(*place);
}

json::object row_of(const queue::Message& message, const queue::Recipient& recipient) {
  auto row = to_json(recipient);
  row["id"] = message.id.text();
  row["trace"] = message.trace.text();
  row["mail-from"] = "<" + message.mail_from + ">";
  row["octets"] = message.octets;
  row["accepted"] = base::to_rfc3339(message.accepted);
  return row;
}

net::ResultTask<json::object> queue_list(const Ports& ports, Arguments arguments) {
  CO_TRY(auto filter, co_await queue_filter_of(ports, arguments));
  const auto count_max = page_of(arguments);
  WalkLimits limits;
  limits.page_recipients_max = std::max(limits.page_recipients_max, count_max + 1);
  QueueWalk walk(ports, std::move(filter), limits);
  json::array rows;
  std::optional<QueuePlace> next;
  while (!next) {
    CO_TRY(const auto part, co_await walk.next());
    if (!part) break;
    for (const auto& entry : part->entries) {
      for (const auto& recipient : entry.recipients) {
        if (!next && rows.size() == count_max)
          next = {part->tenant, {entry.message.id, recipient.index}};
        if (!next) rows.emplace_back(row_of(entry.message, recipient));
      }
    }
  }
  json::object result{{"rows", std::move(rows)}};
  if (next) {
    say_more(result, next,
             "there is more: narrow it with --tenant, --domain, --older, or raise --count");
  } else {
    say_more(result, walk.place(),
             fmt::format("{} recipients were looked at; there may be more behind them",
                         walk.looked_at()));
  }
  co_return result;
}

net::ResultTask<json::object> queue_show(const Ports& ports, Arguments arguments) {
  CO_TRY(auto filter, co_await queue_filter_of(ports, arguments));
  WalkLimits limits;
  limits.page_recipients_max = queue::recipients_max;  // all that one message has
  limits.recipients_max = std::numeric_limits<std::size_t>::max();
  QueueWalk walk(ports, std::move(filter), limits);
  CO_TRY(const auto part, co_await walk.next());
  if (!part)
    co_return fail(
        ErrorKind::not_found,
        "no such message waits in the queue; `letterlock trace` tells what became of it");
  const auto& entry = part->entries.front();
  auto result = to_json(entry.message);
  json::array recipients;
  for (const auto& recipient : entry.recipients) recipients.emplace_back(to_json(recipient));
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
  // A held message outlives its trace: an end of its way has a record all the same.
  const bool ends = change.step == queue::Step::remove || change.step == queue::Step::fail;
  CO_TRY(const auto still, co_await queue::find(transaction, tenant, entry.message.id));
  if (ends && still) {
    CO_CHECK(co_await custody::begin_trace_again_if_gone(transaction, entry.message,
                                                         ports.clock.now(), ports.keep_trace));
  }
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
  co_return co_await trace::end(transaction, tenant, entry.message.trace, std::move(trace_indexes),
                                {kind, change.status, ports.clock.now()});
}

net::ResultTask<> change_part_in(store::Transaction& transaction, const Ports& ports,
                                 base::TenantId tenant, const std::vector<queue::Entry>& entries,
                                 const Change& change) {
  for (const auto& entry : entries)
    CO_CHECK(co_await change_in(transaction, ports, ports.schedule, tenant, entry, change));
  co_return base::Result<>();
}

net::ResultTask<> change_entries(const Ports& ports, const Change& change, base::TenantId tenant,
                                 std::vector<queue::Entry> entries) {
  co_return co_await ports.store.transact(
      store::Scope::tenant(tenant), [&](store::Transaction& transaction) {
        return change_part_in(transaction, ports, tenant, entries, change);
      });
}

// After their transaction: what is in memory of them, whoever has something to do, the log.
void tell_changed(const Ports& ports, Change& change, const QueueWalk::Part& part) {
  std::set<base::MessageId> messages;
  std::set<std::pair<queue::Lane, std::string>> destinations;
  for (const auto& entry : part.entries) {
    messages.insert(entry.message.id);
    change.recipients += entry.recipients.size();
    for (const auto& recipient : entry.recipients)
      destinations.emplace(recipient.lane, recipient.destination);
    ports.events.emit({base::Severity::info,
                       "queue.changed_by_operator",
                       {{"message", entry.message.id.text()},
                        {"trace", entry.message.trace.text()},
                        {"step", std::string(queue::name(change.step))},
                        {"recipients", std::to_string(entry.recipients.size())}}});
  }
  ports.dispatcher.forget(part.tenant, messages);
  if (change.step == queue::Step::release) {
    for (const auto& [lane, destination] : destinations)
      ports.dispatcher.end_rest(lane, destination);
  }
  if (change.step == queue::Step::fail) ports.notice(part.tenant);
}

// One transaction for all of it; one for each message where agents are at work on them.
net::ResultTask<> change_part(const Ports& ports, Change& change, QueueWalk::Part part) {
  auto changed = co_await change_entries(ports, change, part.tenant, part.entries);
  if (!changed && changed.error().kind == ErrorKind::conflict) {
    for (const auto& entry : part.entries)
      CO_CHECK(co_await change_entries(ports, change, part.tenant, {entry}));
    changed = base::Result<>();
  }
  CO_CHECK(std::move(changed));
  tell_changed(ports, change, part);
  co_return base::Result<>();
}

// As far as it comes in one call; `tenants`: whose queue it has changed.
net::ResultTask<> change_walk(const Ports& ports, Change& change, QueueWalk& walk,
                              std::set<base::TenantId>& tenants) {
  while (true) {
    CO_TRY(auto part, co_await walk.next());
    if (!part) co_return base::Result<>();
    tenants.insert(part->tenant);
    CO_CHECK(co_await change_part(ports, change, std::move(*part)));
  }
}

net::ResultTask<json::object> change_all(const Ports& ports, Arguments arguments, Change change) {
  const bool narrowed = arguments.has("id") || arguments.has("tenant") || arguments.has("domain") ||
                        arguments.has("older") || arguments.flag("all");
  if (!narrowed)
    co_return fail(ErrorKind::invalid, "say which: an id, --tenant, --domain, --older, or --all");
  CO_TRY(auto filter, co_await queue_filter_of(ports, arguments));
  const bool one = filter.message.has_value() && !filter.from;
  QueueWalk walk(ports, std::move(filter));
  std::set<base::TenantId> tenants;
  const auto walked = co_await change_walk(ports, change, walk, tenants);
  for (const auto& tenant : tenants) ports.dispatcher.look_again(tenant);
  if (!walked) {
    co_return fail(walked.error().kind, fmt::format("{} recipients were changed before this: {}",
                                                    change.recipients, walked.error().what));
  }
  if (one && change.recipients == 0 && !walk.place())
    co_return fail(ErrorKind::not_found, "no such message waits in the queue");
  json::object result{{"done", queue::name(change.step)}, {"recipients", change.recipients}};
  say_more(result, walk.place(), "there may be more: the same again with --after goes on");
  co_return result;
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
  const Parameter after{"after", Kind::text, Place::option, "from here on, as `next` said"};
  const auto with = [&](std::vector<Parameter> first, std::vector<Parameter> last) {
    first.insert(first.end(), filters.begin(), filters.end());
    first.insert(first.end(), last.begin(), last.end());
    return first;
  };
  return {
      {"queue.list", "what waits",
       with({}, {state, {"count", Kind::number, Place::option, "rows, 100 if not said"}, after}),
       queue_list},
      {"queue.show", "one message that waits", {id}, queue_show},
      {"queue.retry", "try now, whatever the schedule says; releases what is held",
       with({maybe_id}, {all, after}), queue_release},
      {"queue.hold", "don't try until released", with({maybe_id}, {all, after}), queue_hold},
      {"queue.release", "try what is held again", with({maybe_id}, {all, after}), queue_release},
      {"queue.remove", "take out for good; the sender isn't told unless --bounce",
       with({maybe_id}, {all, after, {"bounce", Kind::flag, Place::option, "tell the sender"}}),
       queue_remove},
  };
}

}  // namespace letterlock::admin

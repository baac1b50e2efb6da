// Traces: one as a table, or those that fit a question.
#include <algorithm>
#include <tuple>

#include <boost/json/parse.hpp>

#include "admin/operation.h"
#include "admin/values.h"
#include "mailbox/mailbox.h"
#include "protection/exposure.h"
#include "trace/table.h"
#include "trace/trace.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;
using base::ErrorKind;
using base::fail;

net::ResultTask<> load_in(store::Transaction& transaction, base::TenantId tenant, base::TraceId id,
                          trace::LoadedTrace& loaded) {
  CO_TRY(loaded, co_await trace::load(transaction, tenant, id));
  co_return base::Result<>();
}
net::ResultTask<> find_in(store::Transaction& transaction, base::TenantId tenant,
                          trace::Query query, trace::Found& found) {
  CO_TRY(found, co_await trace::find(transaction, tenant, std::move(query)));
  co_return base::Result<>();
}

// Between tenants a fetch is told without names and exact times. The operator keeps both tenants'
// records, so he is shown the record itself: the next one of the copy in the mailbox's tenant, for
// the same recipients.
void show_fetches_of(const trace::LoadedTrace& copy, trace::LoadedTrace& loaded) {
  auto next = copy.hops.begin();
  for (auto& hop : loaded.hops) {
    if (hop.kind != hop::Kind::fetch || !hop.to.address.empty()) continue;
    next = std::find_if(next, copy.hops.end(), [&](const hop::Hop& other) {
      return other.kind == hop::Kind::fetch && other.recipients == hop.recipients;
    });
    if (next == copy.hops.end()) return;
    const auto number = hop.number;
    hop = *next++;
    hop.number = number;
  }
}

constexpr std::size_t page = 500;

// Whether a message of this trace is still in the account's INBOX, where all mail is delivered.
net::ResultTask<> look_in(store::Transaction& transaction, mailbox::Owner owner,
                          base::TraceId trace, bool& is_there) {
  is_there = false;
  auto inbox = co_await mailbox::find(transaction, owner, std::string(mailbox::inbox));
  if (!inbox && inbox.error().kind == ErrorKind::not_found) co_return base::Result<>();
  if (!inbox) co_return base::fail(inbox.error());
  mailbox::Uid from = 1;
  while (true) {
    CO_TRY(const auto messages, co_await mailbox::list(transaction, inbox->place, from, page));
    for (const auto& message : messages) is_there = is_there || message.trace == trace;
    if (is_there || messages.size() < page) co_return base::Result<>();
    from = messages.back().uid + 1;
  }
}

using MaybeMailbox = std::optional<protection::Mailbox>;

// The mailbox that this hop delivered to, and whether the message is still there; nothing where
// that can't be asked.
net::ResultTask<MaybeMailbox> mailbox_at(const Ports& ports, const hop::Hop& hop) {
  if (hop.kind != hop::Kind::delivery || hop.to.role != hop::End::Role::mailbox)
    co_return MaybeMailbox();
  const auto address = address::Address::parse(hop.to.who);
  if (!address) co_return MaybeMailbox();
  const auto account = co_await ports.operations.show_account(*address);
  if (!account) co_return MaybeMailbox();
  bool is_there = false;
  CO_CHECK(co_await ports.store.read(
      store::Scope::tenant(account->tenant), [&](store::Transaction& transaction) {
        return look_in(transaction, {account->tenant, account->id}, hop.trace, is_there);
      }));
  co_return MaybeMailbox({.account = hop.to.who, .holds = is_there});
}

// Where the content lies as of now, as far as the records tell: waiting ways are in the queue,
// delivered ones in a mailbox.
net::ResultTask<protection::AtRest> at_rest(const Ports& ports, const trace::LoadedTrace& loaded) {
  protection::AtRest out;
  out.in_queue = protection::AtRest::InQueue::no;
  for (const auto& way : loaded.ways) {
    const auto hops = loaded.hops_of(way);
    const bool arrived = std::ranges::any_of(hops, [](const hop::Hop& hop) {
      return hop.kind == hop::Kind::delivery ||
             (hop.kind == hop::Kind::relay && hop.from.role == hop::End::Role::node &&
              hop.outcome == hop::Outcome::completed);
    });
    if (!arrived && !way.ending) out.in_queue = protection::AtRest::InQueue::yes;
  }
  for (const auto& hop : loaded.hops) {
    CO_TRY(auto mailbox, co_await mailbox_at(ports, hop));
    if (mailbox) out.mailboxes.push_back(std::move(*mailbox));
  }
  co_return out;
}

net::ResultTask<json::object> show(const Ports& ports, trace::LoadedTrace loaded,
                                   Arguments arguments) {
  CO_TRY(auto rest, co_await at_rest(ports, loaded));
  const protection::Evidence evidence{loaded.hops, {}, loaded.complete, std::move(rest)};
  trace::TableOptions options;
  options.width = std::clamp<std::size_t>(arguments.number("width", 100), 80, 200);
  if (arguments.flag("colour")) options.colour = trace::Colour::levels;
  boost::system::error_code error;
  auto value = json::parse(trace::to_json(loaded, evidence), error);
  if (error || !value.is_object())
    co_return fail(ErrorKind::corrupt, "the trace's JSON can't be read back");
  auto result = std::move(value.get_object());
  result["table"] = trace::to_table(loaded, evidence, options);
  co_return result;
}

json::object to_json(const trace::Summary& summary) {
  return {{"trace", summary.id.text()},       {"accepted", base::to_rfc3339(summary.accepted)},
          {"from", summary.mail_from},        {"to", summary.first_recipient},
          {"recipients", summary.recipients}, {"subject", summary.subject}};
}

struct Hit {
  base::TenantId tenant;
  trace::Summary summary;
};
// The newest first, from all tenants that were asked.
net::ResultTask<std::vector<Hit>> find_all(const Ports& ports, std::vector<base::TenantId> tenants,
                                           trace::Query query) {
  std::vector<Hit> hits;
  for (const auto& tenant : tenants) {
    trace::Found found;
    CO_CHECK(co_await ports.store.read(store::Scope::tenant(tenant),
                                       [&](store::Transaction& transaction) {
                                         return find_in(transaction, tenant, query, found);
                                       }));
    for (auto& summary : found.traces) hits.push_back({tenant, std::move(summary)});
  }
  // A message to another tenant here has a copy of its trace there: one row for both.
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tie(b.summary.accepted, b.summary.id) < std::tie(a.summary.accepted, a.summary.id);
  });
  const auto same = [](const Hit& a, const Hit& b) { return a.summary.id == b.summary.id; };
  hits.erase(std::unique(hits.begin(), hits.end(), same), hits.end());
  if (hits.size() > query.count_max) hits.resize(query.count_max);
  co_return hits;
}

// The owner's trace says most; the copies in mailboxes' tenants say more of their fetches.
net::ResultTask<std::optional<json::object>> show_by_id(const Ports& ports,
                                                        const std::vector<base::TenantId>& tenants,
                                                        base::TraceId id, Arguments arguments) {
  std::optional<trace::LoadedTrace> best;
  std::vector<trace::LoadedTrace> copies;
  for (const auto& tenant : tenants) {
    trace::LoadedTrace loaded;
    const auto read = co_await ports.store.read(
        store::Scope::tenant(tenant),
        [&](store::Transaction& transaction) { return load_in(transaction, tenant, id, loaded); });
    if (!read && read.error().kind == ErrorKind::not_found) continue;
    if (!read) co_return base::fail(read.error());
    if (loaded.trace.owner == tenant)
      best = std::move(loaded);
    else
      copies.push_back(std::move(loaded));
  }
  if (!best && copies.empty()) co_return std::optional<json::object>();
  if (!best) best = copies.front();
  for (const auto& copy : copies) show_fetches_of(copy, *best);
  CO_TRY(auto result, co_await show(ports, std::move(*best), std::move(arguments)));
  co_return std::optional(std::move(result));
}

base::Result<trace::Query> query_of(const Arguments& arguments, base::Time now) {
  trace::Query query;
  query.from = arguments.maybe("from");
  query.to = arguments.maybe("to");
  query.count_max = std::clamp<std::size_t>(arguments.number("count", 20), 1, 100);
  if (const auto since = arguments.maybe("since")) {
    // "2h" ago, or a moment.
    const auto ago = base::parse_duration(*since);
    query.since = ago ? now - *ago : TRY(base::from_rfc3339(*since));
  }
  return query;
}

net::ResultTask<json::object> trace_show(const Ports& ports, Arguments arguments) {
  std::vector<base::TenantId> tenants;
  if (const auto name = arguments.maybe("tenant")) {
    CO_TRY(const auto tenant, co_await ports.operations.show_tenant(*name));
    tenants = {tenant.id};
  } else {
    CO_TRY(tenants, co_await ports.tenants());
  }
  CO_TRY(auto query, query_of(arguments, ports.clock.now()));
  const auto which = arguments.maybe("id");
  if (which) {
    if (const auto id = base::TraceId::parse(*which)) {
      CO_TRY(auto shown, co_await show_by_id(ports, tenants, *id, arguments));
      if (!shown)
        co_return fail(ErrorKind::not_found,
                       "no trace " + base::printable(*which) + " is kept here");
      co_return std::move(*shown);
    }
    query.message_id = *which;
  } else if (!query.from && !query.to && !query.since) {
    co_return fail(ErrorKind::invalid,
                   "say which: a trace id, a Message-ID, or --from, --to, --since");
  }
  CO_TRY(const auto hits, co_await find_all(ports, tenants, query));
  if (hits.empty()) co_return fail(ErrorKind::not_found, "no trace fits");
  if (which && std::ranges::all_of(hits, [&](const Hit& hit) {
        return hit.summary.id == hits.front().summary.id;
      })) {
    CO_TRY(auto shown, co_await show_by_id(ports, tenants, hits.front().summary.id, arguments));
    if (shown) co_return std::move(*shown);
  }
  json::array out;
  for (const auto& hit : hits) out.emplace_back(to_json(hit.summary));
  co_return json::object{{"rows", std::move(out)}};
}

}  // namespace

std::vector<Operation> trace_operations() {
  return {{"trace.show",
           "what protected a message on each hop, and who could have read it",
           {{"id", Kind::text, Place::optional_positional,
             "a trace id (as the reply after DATA said) or a Message-ID"},
            {"from", Kind::text, Place::option, "mail_from or header_from"},
            {"to", Kind::text, Place::option, "a recipient"},
            {"since", Kind::text, Place::option, "2h, 3d, or 2026-11-23T03:12:44Z"},
            {"tenant", Kind::text, Place::option, "in this tenant alone"},
            {"count", Kind::number, Place::option, "rows, 20 if not said"},
            {"width", Kind::number, Place::option, "columns of the table"},
            {"colour", Kind::flag, Place::option, "levels in colour"}},
           trace_show}};
}

}  // namespace letterlock::admin

// Traces: one as a table, or those that fit a question.
#include <algorithm>
#include <tuple>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "admin/operation.h"
#include "admin/trace_gather.h"
#include "admin/values.h"
#include "protection/exposure.h"
#include "trace/table.h"
#include "trace/trace.h"

namespace letterlock::admin {
namespace {

using Kind = Parameter::Kind;
using Place = Parameter::Place;
using base::ErrorKind;
using base::fail;

net::ResultTask<> find_in(store::Transaction& transaction, base::TenantId tenant,
                          trace::Query query, trace::Found& found) {
  CO_TRY(found, co_await trace::find(transaction, tenant, std::move(query)));
  co_return base::Result<>();
}

std::size_t width_of(const Arguments& arguments) {
  return std::clamp<std::size_t>(arguments.number("width", 100), 80, 200);
}

std::string_view plural(std::size_t count) {
  return count == 1 ? "" : "s";
}

// What the table of one trace doesn't show.
std::string left_out(const Seen& seen, const Viewer& viewer) {
  std::string text;
  if (viewer.to)
    text += fmt::format("\n Shown is the way to {} alone, and who could have read it there.\n",
                        base::printable(*viewer.to));
  if (seen.hidden > 0)
    text += fmt::format(
        "\n {} recipient{} whom the message {} name {} not shown: ask for one with --to.\n",
        seen.hidden, plural(seen.hidden), seen.loaded.trace.begun_again ? "may not" : "doesn't",
        seen.hidden == 1 ? "is" : "are");
  return text;
}

net::ResultTask<json::object> show_one(const Ports& ports, Seen seen, Viewer viewer,
                                       Arguments arguments) {
  const auto tenant = seen.tenant;
  const auto loaded = seen.loaded;
  const auto note = left_out(seen, viewer);
  const auto hidden = seen.hidden;
  Gathering gathering(ports, viewer);
  CO_TRY(const auto evidence, co_await gathering.evidence_of(std::move(seen)));
  trace::TableOptions options;
  options.width = width_of(arguments);
  if (arguments.flag("colour")) options.colour = trace::Colour::levels;
  boost::system::error_code error;
  auto value = json::parse(trace::to_json(loaded, evidence), error);
  if (error || !value.is_object())
    co_return fail(ErrorKind::corrupt, "the trace's JSON can't be read back");
  auto result = std::move(value.get_object());
  result["tenant"] = co_await ports.directory.tenant_name(tenant);
  result["recipients_not_shown"] = hidden;
  result["table"] = trace::to_table(loaded, evidence, options) + note;
  co_return result;
}

// One after the other, each under its tenant's name; one alone as it is.
json::object together(std::vector<json::object> shown, std::size_t more) {
  std::string table;
  for (const auto& one : shown) {
    if (shown.size() > 1)
      table +=
          fmt::format("\n In the records of {}:\n", std::string_view(one.at("tenant").as_string()));
    table += std::string_view(one.at("table").as_string());
  }
  if (more > 0)
    table += fmt::format(
        "\n {} more trace{} of this message {} kept by other tenants, and not shown here.\n", more,
        plural(more), more == 1 ? "is" : "are");
  json::object result;
  if (shown.size() == 1) {
    result = std::move(shown.front());
  } else {
    json::array traces;
    for (auto& one : shown) {
      one.erase("table");
      traces.emplace_back(std::move(one));
    }
    result["traces"] = std::move(traces);
  }
  result["table"] = std::move(table);
  result["traces_not_shown"] = more;
  return result;
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

net::ResultTask<std::optional<json::object>> show_by_id(const Ports& ports, base::TraceId id,
                                                        Viewer viewer, Arguments arguments) {
  CO_TRY(const auto tenants, co_await ports.tenants());
  CO_TRY(auto kept, co_await kept_in(ports, tenants, id));
  auto view = view_of(std::move(kept), viewer);
  if (view.seen.empty()) co_return std::optional<json::object>();
  std::vector<json::object> shown;
  for (auto& seen : view.seen) {
    CO_TRY(auto one, co_await show_one(ports, std::move(seen), viewer, arguments));
    shown.push_back(std::move(one));
  }
  co_return std::optional(together(std::move(shown), view.more));
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
  Viewer viewer{{}, arguments.maybe("to")};
  if (const auto name = arguments.maybe("tenant")) {
    CO_TRY(const auto tenant, co_await ports.operations.show_tenant(*name));
    tenants = {tenant.id};
    viewer.tenant = tenant.id;
  } else {
    CO_TRY(tenants, co_await ports.tenants());
  }
  CO_TRY(auto query, query_of(arguments, ports.clock.now()));
  const auto which = arguments.maybe("id");
  if (which) {
    if (const auto id = base::TraceId::parse(*which)) {
      CO_TRY(auto shown, co_await show_by_id(ports, *id, viewer, arguments));
      if (!shown)
        co_return fail(ErrorKind::not_found,
                       "no trace " + base::printable(*which) + " is kept here" +
                           (viewer.to ? " with a recipient " + base::printable(*viewer.to) : ""));
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
    CO_TRY(auto shown, co_await show_by_id(ports, hits.front().summary.id, viewer, arguments));
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
            {"to", Kind::text, Place::option, "a recipient; of one trace, his way alone"},
            {"since", Kind::text, Place::option, "2h, 3d, or 2026-11-23T03:12:44Z"},
            {"tenant", Kind::text, Place::option, "as this tenant may see it"},
            {"count", Kind::number, Place::option, "rows, 20 if not said"},
            {"width", Kind::number, Place::option, "columns of the table"},
            {"colour", Kind::flag, Place::option, "levels in colour"}},
           trace_show}};
}

}  // namespace letterlock::admin

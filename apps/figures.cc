#include "apps/figures.h"

#include <array>
#include <map>

namespace letterlock::apps {
namespace {

using os::EventLabel;
using os::EventRule;
using As = EventRule::As;
using Words = std::vector<std::string_view>;

const Words levels{"clear", "encrypted", "authenticated", "mutual", "local"};
const Words reasons{"address", "mailbox", "system", "network", "protocol", "content", "policy"};

// RFC 3463 §3: the second number says what it is about.
std::string_view reason_class(std::string_view status) {
  if (status.size() < 5 || status[1] != '.' || status[3] != '.') return "other";
  const auto subject = static_cast<std::size_t>(status[2] - '1');
  return subject < reasons.size() ? reasons[subject] : std::string_view("other");
}

std::string_view limit_word(std::string_view why) {
  if (why == "full") return "sessions";
  if (why == "address_full") return "sessions_per_address";
  if (why == "network_full") return "sessions_per_network";
  return "other";
}

std::string_view how_ended(std::string_view why) {
  if (why == "closed") return "peer_gone";
  if (why == "cut") return "refused";
  if (why == "tls") return "tls_failed";
  if (why == "cancelled") return "stopped";
  return why;
}

EventLabel fixed(std::string_view name, std::string_view word) {
  return {name, {}, {word}};
}
EventLabel chosen(std::string_view name, std::string_view field, Words words) {
  return {name, field, std::move(words)};
}
EventLabel folded(std::string_view name, std::string_view field, Words words,
                  std::string_view (*fold)(std::string_view)) {
  return {name, field, std::move(words), fold};
}

// One sentence for each name.
std::string_view help(std::string_view metric) {
  static const std::map<std::string_view, std::string_view> all{
      {"letterlock_messages_accepted_total", "Messages that were answered 250, or made here."},
      {"letterlock_recipients_accepted_total", "Recipients of the messages that were accepted."},
      {"letterlock_content_octets_total", "Octets of the messages that were accepted."},
      {"letterlock_transfers_total",
       "Messages that came in, were relayed or fetched, by what guarded the way."},
      {"letterlock_accept_seconds",
       "From the last octet of a message to its durable record, which is when 250 is said."},
      {"letterlock_receptions_refused_total",
       "Senders, recipients and contents that were refused, by agent and by the subject of the "
       "status code; failures of our own count as system."},
      {"letterlock_recipients_total",
       "What came of recipients: an attempt that is deferred counts each time."},
      {"letterlock_delivery_seconds",
       "From accepting a message to its delivery here, or to the next host's 250."},
      {"letterlock_sign_ins_total", "Clients that signed in, or tried to."},
      {"letterlock_sessions_ended_total", "Sessions by how they ended."},
      {"letterlock_limits_reached_total", "How often somebody was sent away by a limit."},
      {"letterlock_reports_total", "Reports to senders, by what they tell."},
      {"letterlock_fetched_total", "Messages given out of mailboxes, by how that ended."},
      {"letterlock_problems_total",
       "Events that an operator may have to act on; the guide says how, under the event's name."}};
  return all.at(metric);
}

EventRule rule(std::string_view event, std::string_view metric, std::vector<EventLabel> labels,
               std::string_view amount = {}, As as = As::count) {
  return {event, metric, help(metric), std::move(labels), amount, as};
}

void add_incoming(std::vector<EventRule>& out) {
  const auto kind = chosen("kind", "kind", {"submission", "relay"});
  const std::string_view event = "queue.accepted";
  out.push_back(rule(event, "letterlock_messages_accepted_total", {kind}));
  out.push_back(rule(event, "letterlock_recipients_accepted_total", {kind}, "recipients"));
  out.push_back(rule(event, "letterlock_content_octets_total", {kind}, "octets"));
  out.push_back(rule(event, "letterlock_accept_seconds", {kind}, "took_ms", As::short_time));
  out.push_back(
      rule(event, "letterlock_transfers_total",
           {folded("way", "kind", {"submission", "relay_in"},
                   [](std::string_view word) { return word == "relay" ? "relay_in" : word; }),
            chosen("level", "level", levels)}));
  const auto refused = [&](std::string_view name, std::string_view agent, std::string_view stage) {
    out.push_back(rule(name, "letterlock_receptions_refused_total",
                       {fixed("agent", agent), fixed("stage", stage),
                        folded("reason", "status", reasons, reason_class)}));
  };
  refused("mx.recipient_refused", "mx", "recipient");
  refused("mx.content_refused", "mx", "content");
  refused("msa.sender_refused", "msa", "sender");
  refused("msa.recipient_refused", "msa", "recipient");
  refused("msa.content_refused", "msa", "content");
  out.push_back(
      rule("msa.sending_limit", "letterlock_receptions_refused_total",
           {fixed("agent", "msa"), fixed("stage", "content"), fixed("reason", "policy")}));
  out.push_back(rule("queue.not_accepted", "letterlock_receptions_refused_total",
                     {chosen("agent", "agent", {"mx", "msa"}), fixed("stage", "content"),
                      fixed("reason", "system")}));
}

void add_outgoing(std::vector<EventRule>& out) {
  for (const auto& [event, outcome] :
       std::map<std::string_view, std::string_view>{{"mda.delivered", "delivered"},
                                                    {"mda.expanded", "expanded"},
                                                    {"mda.mailbox_full", "failed"},
                                                    {"mda.undeliverable", "failed"}}) {
    out.push_back(rule(event, "letterlock_recipients_total",
                       {fixed("agent", "mda"), fixed("outcome", outcome),
                        fixed("reason", outcome == "failed" ? "mailbox" : "none")}));
  }
  out.push_back(
      rule("hop.relayed", "letterlock_recipients_total",
           {fixed("agent", "relay"), fixed("outcome", "relayed"), fixed("reason", "none")},
           "recipients"));
  for (const auto& [event, outcome] :
       std::map<std::string_view, std::string_view>{{"hop.deferred", "deferred"},
                                                    {"hop.held", "held"},
                                                    {"hop.refused", "refused"},
                                                    {"hop.failed", "failed"}}) {
    out.push_back(rule(event, "letterlock_recipients_total",
                       {fixed("agent", "relay"), fixed("outcome", outcome),
                        folded("reason", "status", reasons, reason_class)},
                       "recipients"));
  }
  out.push_back(rule("hop.relayed", "letterlock_transfers_total",
                     {fixed("way", "relay_out"), chosen("level", "level", levels)}));
  out.push_back(rule("mda.delivered", "letterlock_delivery_seconds", {fixed("agent", "mda")},
                     "age_ms", As::long_time));
  out.push_back(rule("hop.relayed", "letterlock_delivery_seconds", {fixed("agent", "relay")},
                     "age_ms", As::long_time));
  out.push_back(rule(
      "report.made", "letterlock_reports_total",
      {chosen("action", "action", {"failed", "delayed", "delivered", "relayed", "expanded"})}));
  out.push_back(rule("fetch.given", "letterlock_fetched_total",
                     {chosen("outcome", "outcome", {"completed", "failed"})}));
  out.push_back(rule("fetch.given", "letterlock_transfers_total",
                     {fixed("way", "fetch"), chosen("level", "level", levels)}));
}

void add_sessions(std::vector<EventRule>& out) {
  const Words hows{"quit", "refused", "peer_gone", "timeout", "tls_failed", "stopped", "content"};
  out.push_back(rule("session.ended", "letterlock_sessions_ended_total",
                     {chosen("agent", "agent", {"mx", "msa"}), chosen("how", "how", hows)}));
  out.push_back(rule("fetch.session_ended", "letterlock_sessions_ended_total",
                     {fixed("agent", "popd"), folded("how", "why", hows, how_ended)}));
  const std::string_view sign_ins = "letterlock_sign_ins_total";
  out.push_back(rule("sign_in.succeeded", sign_ins,
                     {fixed("outcome", "succeeded"), fixed("reason", "none")}));
  out.push_back(rule("sign_in.failed", sign_ins,
                     {fixed("outcome", "failed"),
                      chosen("reason", "reason", {"credentials", "suspended", "needs_plus"})}));
  out.push_back(rule("sign_in.throttled", sign_ins,
                     {fixed("outcome", "throttled"), fixed("reason", "none")}));
  const std::string_view limits = "letterlock_limits_reached_total";
  const Words places{"sessions", "sessions_per_address", "sessions_per_network"};
  out.push_back(rule("session.refused", limits, {folded("limit", "why", places, limit_word)}));
  out.push_back(rule("fetch.no_place", limits, {folded("limit", "why", places, limit_word)}));
  for (const auto& [event, limit] :
       std::map<std::string_view, std::string_view>{{"net.out_of_descriptors", "descriptors"},
                                                    {"msa.sending_limit", "sending"},
                                                    {"mda.mailbox_full", "mailbox"},
                                                    {"report.over_budget", "reports"},
                                                    {"sign_in.throttled", "sign_ins"}}) {
    out.push_back(rule(event, limits, {fixed("limit", limit)}));
  }
}

// Every event of severity warning or error; tools/events.py --check holds the list complete.
const Words& problem_events() {
  static const Words all{"account.opened",
                         "account.sending_stopped",
                         "directory.failed",
                         "dns.no_validation",
                         "clock.set_back",
                         "dns.unknown_validation",
                         "fetch.no_place",
                         "fetch.outcome_lost",
                         "hop.failed",
                         "hop.held",
                         "hop.refused",
                         "listener.proxy_refused",
                         "log.not_reopened",
                         "mda.failed",
                         "msa.sending_limit",
                         "net.out_of_descriptors",
                         "node.confined",
                         "node.few_descriptors",
                         "node.memory_not_given_back",
                         "node.notify_failed",
                         "node.not_alive",
                         "node.start_failed",
                         "queue.lease_lost",
                         "queue.lease_not_renewed",
                         "queue.leases_changed",
                         "queue.leases_not_given_back",
                         "queue.load_failed",
                         "queue.not_accepted",
                         "relay.failed",
                         "relay.sign_in_failed",
                         "report.nobody_to_tell",
                         "report.over_budget",
                         "report.without_original",
                         "reporter.failed",
                         "session.refused",
                         "sign_in.exchange_failed",
                         "sign_in.throttled",
                         "store.backup_failed",
                         "store.log_cut",
                         "store.resumed",
                         "store.stopped",
                         "store.sweep_failed",
                         "store.tidy_failed",
                         "tls.certificate_expires",
                         "tls.certificate_rejected",
                         "tls.nothing_to_verify_by",
                         "trace.intents_unknown"};
  return all;
}

}  // namespace

const std::vector<EventRule>& event_rules() {
  static const std::vector<EventRule> all = [] {
    std::vector<EventRule> out;
    add_incoming(out);
    add_outgoing(out);
    add_sessions(out);
    for (const auto event : problem_events()) {
      out.push_back(rule(event, "letterlock_problems_total", {fixed("event", event)}));
      out.back().least = base::Severity::warning;
    }
    return out;
  }();
  return all;
}

std::span<const std::string_view> repeated_events() {
  static constexpr std::array<std::string_view, 11> all{
      "fetch.no_place",     "fetch.session_ended",  "listener.proxy_refused",
      "mx.content_refused", "mx.recipient_refused", "report.over_budget",
      "session.ended",      "session.refused",      "sign_in.exchange_failed",
      "sign_in.failed",     "sign_in.throttled"};
  return all;
}

}  // namespace letterlock::apps

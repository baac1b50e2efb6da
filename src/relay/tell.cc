// The log's lines: one for each kind of outcome of an attempt.
#include <algorithm>

#include "relay/conclude.h"

namespace letterlock::relay {
namespace {

struct Line {
  std::string_view name;
  base::Severity severity = base::Severity::info;
  queue::Step step = queue::Step::defer;
  std::string status;  // of the first
  std::string reply;
  std::size_t recipients = 0;
};

bool is_against(const Conclusion& conclusion) {
  return conclusion.judgement && conclusion.judgement->answer != hop::Answer::take;
}

// A further wait may have been one too many: its time is over.
bool has_expired(const queue::Outcome& outcome, const queue::Recipient* stands) {
  return outcome.step == queue::Step::defer && stands != nullptr &&
         stands->state == queue::State::failed;
}

void add(std::vector<Line>& lines, const Conclusion& conclusion, const queue::Outcome& outcome,
         const queue::Recipient* stands) {
  const bool expired = has_expired(outcome, stands);
  std::string_view name = "hop.deferred";
  auto severity = base::Severity::info;
  if (outcome.step == queue::Step::relay) {
    name = "hop.relayed";
  } else if (outcome.step == queue::Step::fail || expired) {
    name = is_against(conclusion) ? "hop.refused" : "hop.failed";
    severity = base::Severity::warning;
  } else if (is_against(conclusion)) {
    name = "hop.held";
    severity = base::Severity::warning;
  }
  const auto known = std::ranges::find(lines, name, &Line::name);
  if (known != lines.end()) {
    ++known->recipients;
    return;
  }
  if (expired)
    lines.push_back({name, severity, queue::Step::expire, stands->status, stands->reply, 1});
  else
    lines.push_back({name, severity, outcome.step, outcome.status, outcome.reply, 1});
}

std::string joined(const std::vector<hop::Required>& required,
                   std::string hop::Required::* member) {
  std::string text;
  for (const auto& one : required) text += (text.empty() ? "" : ", ") + one.*member;
  return text;
}

// How it left, and how long it was here.
void tell_way(base::Event& event, const Conclusion& conclusion, base::Milliseconds age) {
  if (conclusion.judgement) {
    const auto& protection = conclusion.judgement->protection;
    event.fields.emplace_back("level", std::string(hop::name(protection.level)));
    event.fields.emplace_back("tls", std::string(hop::name(protection.tls.version)));
  }
  event.fields.emplace_back("age_ms", std::to_string(std::max<std::int64_t>(age.count(), 0)));
}

}  // namespace

net::Task<> tell(const World& world, const Work& work, const Conclusion& conclusion,
                 const queue::Settled& settled) {
  std::vector<Line> lines;
  for (const auto& outcome : conclusion.outcomes) {
    const auto at = std::ranges::find(settled.recipients, outcome.index, &queue::Recipient::index);
    add(lines, conclusion, outcome, at == settled.recipients.end() ? nullptr : &*at);
  }
  if (lines.empty()) co_return;
  const auto tenant = co_await world.ports.directory.tenant_name(work.message.tenant);
  const auto next_try = settled.next_try();
  const auto age = world.ports.clock.now() - work.message.accepted;
  for (const auto& line : lines) {
    base::Event event{line.severity,
                      line.name,
                      {{"tenant", tenant},
                       {"trace", work.message.trace.text()},
                       {"domain", work.job.destination},
                       {"mx", conclusion.host},
                       {"recipients", std::to_string(line.recipients)},
                       {"status", line.status}}};
    if (const auto& judgement = conclusion.judgement) {
      event.fields.emplace_back("required", joined(judgement->required, &hop::Required::what));
      event.fields.emplace_back("by", joined(judgement->required, &hop::Required::by));
      event.fields.emplace_back("offered", std::string(hop::name(judgement->protection.level)));
    }
    event.fields.emplace_back("reason", line.reply);
    if (line.step == queue::Step::relay) tell_way(event, conclusion, age);
    if (line.step == queue::Step::defer && next_try)
      event.fields.emplace_back("next_try", base::to_clock(*next_try));
    world.ports.events.emit(event);
  }
}

}  // namespace letterlock::relay

#include "sim/day/told_ways.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {

namespace json = boost::json;

namespace {

using Kind = Crossed::Kind;

std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

// That gave content; by anybody, or by this account.
bool is_fetch(const json::value& hop, const std::string& account) {
  const auto* object = hop.if_object();
  if (object == nullptr || text_at(*object, "kind") != "fetch" ||
      text_at(*object, "given") != "content")
    return false;
  const auto* from = object->if_contains("from");
  return account.empty() ||
         (from != nullptr && from->is_object() && text_at(from->get_object(), "who") == account);
}

// Of one recipient's way. What a sentence says of several at once isn't held against one of them.
void read_way(const WayFacts& facts, const json::object& way, std::vector<std::string>& wrong) {
  const auto verdict = text_at(way, "verdict");
  const auto address = text_at(way, "address");
  const auto says = [&](std::string_view words) {
    return verdict.find(words) != std::string_view::npos;
  };
  for (const auto& fetched : facts.fetched) {
    const bool is_alone = facts.recipients == 1;
    if (fetched.account != address && !is_alone) continue;
    if (says("not fetched yet") && (fetched.account == address || facts.fetched.size() == 1))
      wrong.push_back(fmt::format("\"{}\", and {} has fetched it", verdict, fetched.account));
    if (says("protected on every hop") && fetched.in_clear && fetched.account == address)
      wrong.push_back(fmt::format("\"{}\", and {} fetched it in clear", verdict, fetched.account));
  }
  if (says("protected on every hop") && facts.came_in_clear)
    wrong.push_back(fmt::format("\"{}\", and it came in clear", verdict));
  if (says("no content has left") && facts.has_left && facts.recipients == 1)
    wrong.push_back(fmt::format("\"{}\", and it has", verdict));
}

}  // namespace

WayFacts facts_of(const Question& question, const Site& site, const Custody& custody,
                  const Witness& witness, base::Milliseconds told_until) {
  WayFacts facts;
  const auto* taken = custody.taken(question.trace);
  if (taken == nullptr || taken->letter == nullptr || taken->report_of) return facts;
  facts.recipients = custody.fates_of(question.trace).size();
  for (const auto& crossed : witness.crossings_of(taken->letter->number)) {
    if (!crossed.is_content) continue;
    const bool is_in = crossed.kind == Kind::submission || crossed.kind == Kind::reception;
    if (is_in && crossed.in_clear) facts.came_in_clear = true;
    if (!crossed.trace || crossed.trace->trace != question.trace) continue;
    if (crossed.kind == Kind::relay) facts.has_left = true;
    if (crossed.kind != Kind::fetch || !crossed.mailbox) continue;
    const auto person = std::ranges::find(site.people, *crossed.mailbox, &Person::id);
    if (person == site.people.end()) continue;
    const bool is_seen = !question.tenant || *question.tenant == site.tenants[person->tenant].id;
    const bool is_told = question.tenant == crossed.trace->owner && crossed.at < told_until;
    facts.fetched.push_back({person->address, crossed.in_clear, is_seen, is_told});
  }
  return facts;
}

std::vector<std::string> wrong_in_ways(const WayFacts& facts, const json::object& answer) {
  std::vector<std::string> wrong;
  const auto* ways = answer.if_contains("ways");
  const auto* hops = answer.if_contains("hops");
  if (ways == nullptr || !ways->is_array() || hops == nullptr || !hops->is_array()) return wrong;
  for (const auto& way : ways->get_array()) {
    if (way.is_object()) read_way(facts, way.get_object(), wrong);
  }
  const auto any_hop = [&](const std::string& account) {
    return std::ranges::any_of(hops->get_array(),
                               [&](const json::value& hop) { return is_fetch(hop, account); });
  };
  // Whom the header doesn't name is shown to the sender and to himself alone.
  const auto* hidden = answer.if_contains("recipients_not_shown");
  const bool hides = hidden != nullptr && hidden->is_number() && hidden->to_number<unsigned>() > 0;
  for (const auto& fetched : facts.fetched) {
    if (hides) break;
    if (fetched.is_seen && !any_hop(fetched.account))
      wrong.push_back(fetched.account + " has fetched it, and no hop says so");
    // Another tenant may leave out who it was.
    if (!fetched.is_seen && fetched.is_told && !any_hop(""))
      wrong.push_back(fetched.account + " has fetched it, and its sender's tenant wasn't told");
  }
  std::ranges::sort(wrong);
  wrong.erase(std::ranges::unique(wrong).begin(), wrong.end());
  return wrong;
}

}  // namespace letterlock::day

#include "sim/day/asker.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace letterlock::day {

namespace json = boost::json;
using protection::Party;

namespace {

std::string_view text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

std::optional<Party> party_from(std::string_view text) {
  for (int i = 0; i < 7; ++i) {
    const auto party = static_cast<Party>(i);
    if (protection::name(party) == text) return party;
  }
  return std::nullopt;
}

}  // namespace

Asker::Asker(Site& site, const Custody& custody, const Witness& witness)
    : site_(site),
      custody_(custody),
      witness_(witness),
      random_(site.world.random().fork("asker")),
      gate_(site.world.loop()) {}

void Asker::begin(unsigned times, base::Milliseconds span) {
  for (unsigned i = 0; i < times; ++i)
    gate_.start(come(base::Milliseconds(
        static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()))))));
}

// Of some trace there is by then.
net::Task<> Asker::come(base::Milliseconds after) {
  if (!co_await site_.world.timers().sleep(after)) co_return;
  const auto& all = custody_.all_taken();
  if (all.empty()) co_return;
  const auto at = std::next(all.begin(), static_cast<std::ptrdiff_t>(random_.below(all.size())));
  ask({at->first, {}});
  ask({at->first, site_.tenants[random_.below(site_.tenants.size())].id});
}

void Asker::ask_all(unsigned share) {
  for (const auto& [trace, taken] : custody_.all_taken()) {
    if (share > 1 && random_.below(share) != 0) continue;
    ask({trace, {}});
    for (const auto& tenant : site_.tenants) ask({trace, tenant.id});
  }
}

Node* Asker::any_node() {
  std::vector<Node*> up;
  for (const auto& node : site_.nodes) {
    if (node->is_up()) up.push_back(node.get());
  }
  return up.empty() ? nullptr : up[random_.below(up.size())];
}

std::optional<Asker::Known> Asker::known(const Question& question) const {
  auto truth = truth_of(question, custody_, witness_, site_.now());
  if (!truth) return std::nullopt;
  // A trace that is forgotten and begun anew tells no more of what was before.
  auto ways = site_.forgets_soon() ? WayFacts()
                                   : facts_of(question, site_, custody_, witness_, told_until_);
  return Known{question, std::move(*truth), std::move(ways), is_quiet(question)};
}

// The truth is that of the moment at which he asks: of what comes later he may hear or not.
void Asker::ask(const Question& question) {
  auto* node = any_node();
  auto first = known(question);
  if (node == nullptr || !first) return;
  AllKnown all{std::move(*first)};
  json::object arguments{{"id", question.trace.text()}};
  for (const auto& tenant : site_.tenants) {
    if (question.tenant == tenant.id) arguments["tenant"] = tenant.name;
    // The operator may be shown the records of several.
    if (question.tenant) continue;
    if (auto more = known({question.trace, tenant.id})) all.push_back(std::move(*more));
  }
  ++answers_.asked;
  ++pending_;
  // Gone with the task, whether it was answered or died with its node.
  const std::shared_ptr<unsigned> at_it(&pending_, [](unsigned* pending) { --*pending; });
  (void)node->order("trace.show", std::move(arguments),
                    [this, all, at_it](const base::Result<json::object>& answer) {
                      if (answer) answered(all, *answer);
                    });
}

std::string Asker::name(const Question& question) const {
  const auto* taken = custody_.taken(question.trace);
  std::string who = "the operator";
  for (const auto& tenant : site_.tenants) {
    if (question.tenant == tenant.id) who = tenant.name;
  }
  return fmt::format("{} {} (trace {}), asked by {}",
                     taken->report_of ? "the report on letter" : "letter", taken->letter->number,
                     question.trace.text(), who);
}

// One, or several, each from the records of one tenant.
void Asker::answered(const AllKnown& all, const json::object& answer) {
  const auto* traces = answer.if_contains("traces");
  if (traces == nullptr || !traces->is_array()) return shown(all, answer);
  for (const auto& one : traces->get_array()) {
    if (one.is_object()) shown(all, one.get_object());
  }
}

// Whoever alone owns the trace tells of all; of others their own part.
void Asker::shown(const AllKnown& all, const json::object& one) {
  const auto& asked = all.front();
  if (asked.question.tenant) return compare(asked, one);
  const auto tenant = std::ranges::find(site_.tenants, text_of(one, "tenant"), &Tenant::name);
  if (tenant == site_.tenants.end())
    return site_.findings.wrong("exposure: " + name(asked.question) + ": of no tenant's records");
  const auto owners = owners_of(asked.question.trace, custody_);
  if (owners.size() == 1 && owners.contains(tenant->id)) return compare(asked, one);
  for (const auto& known : all) {
    if (known.question.tenant == tenant->id) compare(known, one);
  }
}

void Asker::compare(const Known& known, const json::object& answer) {
  const auto& question = known.question;
  const auto& truth = known.truth;
  const auto* exposure = answer.if_contains("exposure");
  if (exposure == nullptr || !exposure->is_array()) return;
  ++answers_.told;
  std::set<Party> told;
  bool says_no = true;
  for (const auto& value : exposure->get_array()) {
    const auto& one = value.as_object();
    const auto party = party_from(text_of(one, "party"));
    if (!party) continue;
    told.insert(*party);
    const auto could = text_of(one, "could");
    check(question, truth, *party, could);
    if (*party == Party::listener || *party == Party::interferer)
      says_no = says_no && could == "no";
  }
  if (told.size() != truth.parties.size())
    site_.findings.wrong("exposure: " + name(question) + ": not of every party");
  for (const auto& wrong : wrong_in_ways(known.ways, answer))
    site_.findings.wrong("way: " + name(question) + ": it says " + wrong);
  if (!known.is_quiet) return;
  ++answers_.quiet;
  if (says_no)
    ++answers_.quiet_no;
  else
    site_.findings.note("exposure: " + name(question) + ": nobody could, and that isn't said");
}

void Asker::check(const Question& question, const Truth& truth, Party party,
                  std::string_view could) {
  const auto at = static_cast<std::size_t>(party);
  const auto& known = truth.of(party);
  if (!known.could) {
    if (could == "unknown") ++answers_.unknown[at];
    if (could == "yes" || could == "YES") ++answers_.cautious[at];
    return;
  }
  ++answers_.could[at];
  if (could == "no")
    site_.findings.wrong(fmt::format("exposure: {}: {} is told \"no\", and {}", name(question),
                                     protection::name(party), known.why));
  // A private network's people were let onto it; the internet's were not. Who doesn't see all may
  // be told of the one, and that the rest is unknown; so may whoever asks of a copy.
  const bool sees_all =
      !question.tenant && !site_.forgets_soon() && !custody_.parent_of(question.trace).has_value();
  if (could == "yes" && known.in_public && sees_all)
    site_.findings.wrong(
        fmt::format("exposure: {}: {} is told \"yes\", as of a private network, and "
                    "{} in public",
                    name(question), protection::name(party), known.why));
}

// Written and read within one tenant, by people who sign in by nothing but what is bound to the
// channel, and who have done so since they have had these passwords.
bool Asker::is_quiet(const Question& question) const {
  const auto* taken = custody_.taken(question.trace);
  if (taken->report_of || taken->letter == nullptr || taken->letter->account.empty()) return false;
  const auto* author = site_.person(taken->letter->account);
  if (author == nullptr || author->habit != Person::Habit::bound) return false;
  const auto& tenant = site_.tenants[author->tenant].id;
  if (question.tenant && *question.tenant != tenant) return false;
  const auto& fates = custody_.fates_of(question.trace);
  const bool stays_here = !fates.empty() && std::ranges::all_of(fates, [&](const Fate* fate) {
    const auto* reader = site_.person(fate->address);
    return fate->state == queue::State::delivered && reader != nullptr &&
           reader->tenant == author->tenant && reader->habit == Person::Habit::bound;
  });
  if (!stays_here) return false;
  const auto truth = truth_of(question, custody_, witness_, site_.now());
  return truth && !truth->of(Party::listener).could && !truth->of(Party::interferer).could;
}

}  // namespace letterlock::day

// Those who hold it: the platform's operator, others' operators, a legal order, the devices.
#include <map>

#include <fmt/format.h>

#include "base/assert.h"
#include "protection/clauses.h"
#include "protection/hop_words.h"

namespace letterlock::protection {
namespace {

using hop::End;
using hop::Hop;
using hop::Kind;
using hop::Outcome;

bool goes_beyond(const std::vector<Hop>& hops) {
  return std::ranges::any_of(hops,
                             [](const Hop& hop) { return gave_content(hop) && goes_out(hop); });
}

// What the client at the end of a fetch has of the message; the later the more.
enum class Fetched { some, perhaps, all };

Fetched fetched_by(const Hop& hop) {
  switch (hop.outcome) {
    case Outcome::completed:
      return Fetched::all;
    case Outcome::failed:
    case Outcome::partial:
      return Fetched::some;
    case Outcome::intended:
    case Outcome::unknown:
      return Fetched::perhaps;
  }
  ASSERT(false && "an outcome without a case");
}

std::string_view words(Fetched fetched) {
  switch (fetched) {
    case Fetched::some:
      return "which was given some of it";
    case Fetched::perhaps:
      return "which may have fetched it";
    case Fetched::all:
      return "which fetched it";
  }
  ASSERT(false && "a fetch without words");
}

std::string backup_words(const Backup& backup) {
  if (backup.is_overdue) {
    return fmt::format(
        "the backup of {} (was to be kept until {}; nobody has said that it is destroyed)",
        day(backup.made), day(*backup.kept_until));
  }
  if (backup.kept_until) {
    return fmt::format("the backup of {} (kept until {})", day(backup.made),
                       day(*backup.kept_until));
  }
  return fmt::format("the backup of {} (until somebody says that it is destroyed)",
                     day(backup.made));
}

}  // namespace

Answering platform_operator(const Evidence& evidence) {
  Answering answer{.found = {.party = Party::operator_, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  // A trace is begun where content is taken: whatever else isn't recorded, it was here.
  answer.raise(Could::yes);
  std::vector<std::string> places{"in memory"};
  const bool is_queued = evidence.at_rest.in_queue == AtRest::InQueue::yes;
  places.emplace_back(is_queued ? "in the queue, where it is now" : "in the queue");
  const auto add = [&](const std::string& account) {
    std::string place = "in " + mailbox_of(account);
    if (std::ranges::find(places, place) == places.end()) places.push_back(std::move(place));
  };
  for (const Hop& hop : evidence.hops) {
    if (delivers_to(hop, hop.to.who)) add(hop.to.who);
  }
  for (const Mailbox& mailbox : evidence.at_rest.mailboxes) {
    if (mailbox.holds) add(mailbox.account);
  }
  answer.clauses.add(and_list(places, 6));
  return answer;
}

namespace {

// A client may be another operator's machine: a collector, a service that sends in its user's name.
void add_clients(Answering& answer, const Evidence& evidence) {
  std::vector<std::string> names;
  for (const Hop& hop : evidence.hops) {
    const End* client = gave_content(hop) ? client_of(hop) : nullptr;
    if (client == nullptr) continue;
    std::string name = short_name(*client);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  if (names.empty()) return;
  // Where nothing else of it is unknown, so much is certain.
  const bool is_all = answer.clauses.empty() && evidence.children.empty();
  answer.raise(Could::unknown);
  if (is_all) answer.clauses.add("it went to no other operator's mail server");
  answer.clauses.add(fmt::format("who runs the {} of {} is unknown from here",
                                 names.size() == 1 ? "machine" : "machines", and_list(names, 4)));
}

}  // namespace

Answering others(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::others, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  std::vector<const Hop*> beyond;
  for (const Hop& hop : evidence.hops) {
    if (!gave_content(hop)) continue;
    if (comes_in(hop)) {
      answer.clauses.add(
          fmt::format("those of {}, before hop {}, and whoever had it before: unknown from here",
                      short_name(hop.from), hop.number));
      beyond.push_back(&hop);
    } else if (goes_out(hop)) {
      answer.clauses.add(
          fmt::format("{}'s, from hop {} on: unknown from here", short_name(hop.to), hop.number));
      beyond.push_back(&hop);
    }
  }
  if (!beyond.empty()) answer.raise(Could::yes);
  answer.found.hops = numbers_of(beyond);
  answer.add_gaps(gaps, Hides::everybody);
  if (beyond.empty()) add_clients(answer, evidence);
  answer.otherwise = "no content has left this platform";
  return answer;
}

// A disk forgets late: what was deleted stays in the store's log and files until they are written
// anew (docs/storage.md). So a message that was here can always be asked for.
Answering legal_order(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::legal_order, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  answer.raise(Could::yes);
  const AtRest& at_rest = evidence.at_rest;
  std::vector<std::string> places;
  if (at_rest.in_queue == AtRest::InQueue::yes) places.emplace_back("the queue");
  for (const Mailbox& mailbox : at_rest.mailboxes) {
    if (mailbox.holds) places.push_back(mailbox_of(mailbox.account));
  }
  for (const Backup& backup : at_rest.backups) places.push_back(backup_words(backup));
  std::vector<std::string> unseen;
  if (at_rest.in_queue == AtRest::InQueue::unknown) unseen.emplace_back("the queue");
  for (const std::string& account : unseen_mailboxes(evidence)) {
    unseen.push_back(mailbox_of(account));
  }
  if (!places.empty()) {
    answer.clauses.add(
        fmt::format("now: {}; from now on: an order can keep it there", and_list(places)));
  } else {
    answer.otherwise =
        "no queue, mailbox or known backup here has it any more; what was deleted can be found on "
        "the disk until its place is used again";
  }
  if (!unseen.empty()) {
    answer.clauses.add(fmt::format("whether it lies in {} is not shown here", and_list(unseen)));
  }
  answer.add_gaps(gaps, Hides::everybody);
  if (goes_beyond(evidence.hops)) {
    const bool is_all = answer.clauses.empty() && evidence.children.empty();
    if (is_all) answer.clauses.add(answer.otherwise);
    answer.clauses.add("what others keep is unknown from here");
  }
  return answer;
}

Answering devices(const Evidence& evidence, const std::vector<Gap>& gaps) {
  Answering answer{.found = {.party = Party::devices, .could = {}, .reason = {}, .hops = {}},
                   .clauses = {},
                   .otherwise = {}};
  std::map<std::string, Fetched> clients;
  std::map<std::string, bool> fetched;  // by mailbox
  for (const Hop& hop : evidence.hops) {
    if (!gave_content(hop)) continue;
    if (hop.kind == Kind::submission && hop.from.role == End::Role::client) {
      answer.clauses.add(fmt::format("{}, which sent it", short_name(hop.from)));
    }
    if (comes_in(hop)) answer.clauses.add("the sender's, wherever it was written");
    if (hop.kind == Kind::delivery) fetched.try_emplace(short_name(hop.to), false);
    if (hop.kind == Kind::fetch) {
      auto& most = clients.try_emplace(short_name(hop.to), Fetched::some).first->second;
      most = std::max(most, fetched_by(hop));
      fetched[short_name(hop.from)] = true;
    }
  }
  for (const auto& [client, most] : clients)
    answer.clauses.add(fmt::format("{}, {}", client, words(most)));
  if (!answer.clauses.empty()) answer.raise(Could::yes);
  const bool beyond = goes_beyond(evidence.hops);
  if (beyond) {
    answer.raise(Could::unknown);
    answer.clauses.add("those beyond this platform: unknown from here");
  }
  answer.add_gaps(gaps, Hides::readers);
  for (const auto& [mailbox, was_fetched] : fetched) {
    const auto is_it = [&](const std::string& account) { return mailbox_of(account) == mailbox; };
    if (was_fetched || std::ranges::any_of(unseen_mailboxes(evidence), is_it)) continue;
    if (!evidence.lost.empty()) continue;  // a gap
    answer.clauses.add(fmt::format("nobody has fetched it from {} yet", mailbox));
  }
  answer.otherwise = "no device is recorded that had it";
  return answer;
}

}  // namespace letterlock::protection

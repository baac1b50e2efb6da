#include "protection/exposure.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/clauses.h"

namespace letterlock::protection {
namespace {

// Whoever could read it beyond a list, or in a report that returned it, could read it.
void join(Answering& party, const Child& child) {
  if (!child.exposure) return;  // a gap: said already
  const auto at = static_cast<std::size_t>(party.found.party);
  const PartyExposure& there = child.exposure->parties.at(at);
  if (there.could == Could::no) return;
  party.raise(there.could);
  party.clauses.add(fmt::format("{}: {}", by_way_of(child), there.reason));
}

}  // namespace

std::string_view name(Party party) {
  switch (party) {
    case Party::listener:
      return "listener";
    case Party::interferer:
      return "interferer";
    case Party::operator_:
      return "operator";
    case Party::others:
      return "others";
    case Party::legal_order:
      return "legal-order";
    case Party::recorder:
      return "recorder";
    case Party::devices:
      return "devices";
  }
  ASSERT(false && "a party without a name");
}

std::string_view title(Party party) {
  switch (party) {
    case Party::listener:
      return "on the network, listening";
    case Party::interferer:
      return "on the network, interfering";
    case Party::operator_:
      return "the platform's operator";
    case Party::others:
      return "other operators";
    case Party::legal_order:
      return "a legal order to the operator";
    case Party::recorder:
      return "a recorder with a quantum computer";
    case Party::devices:
      return "the devices at both ends";
  }
  ASSERT(false && "a party without a title");
}

std::string_view name(Could could) {
  switch (could) {
    case Could::no:
      return "no";
    case Could::unknown:
      return "unknown";
    case Could::yes:
      return "yes";
    case Could::anyone:
      return "YES";
  }
  ASSERT(false && "an answer without a name");
}

std::string by_way_of(const Child& child) {
  const std::string name = base::printable(child.name, 255);
  switch (child.what) {
    case Child::What::expanded:
      return "by way of " + name;
    case Child::What::report:
      return "by way of report " + name;
    case Child::What::header:
      return "its header, by way of report " + name;
  }
  ASSERT(false && "a child without words");
}

std::string Clauses::text() const {
  constexpr std::size_t count_max = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(clauses_.size(), count_max); ++i) {
    if (i > 0) text += "; ";
    text += clauses_[i];
  }
  if (clauses_.size() > count_max) text += fmt::format("; {} more", clauses_.size() - count_max);
  return text;
}

Exposure exposure(const Evidence& evidence) {
  const std::vector<Gap> gaps = gaps_of(evidence);
  Answering answers[] = {listener(evidence, gaps),    interferer(evidence, gaps),
                         platform_operator(evidence), others(evidence, gaps),
                         legal_order(evidence, gaps), recorder(evidence, gaps),
                         devices(evidence, gaps)};
  Exposure all;
  for (Answering& answer : answers) {
    for (const Child& child : evidence.children) join(answer, child);
    all.parties.push_back(std::move(answer).done());
  }
  // Who can interfere, or record, can listen.
  const PartyExposure listening = all.parties.front();
  for (PartyExposure& party : all.parties) {
    const bool can_listen = party.party == Party::interferer || party.party == Party::recorder;
    if (!can_listen || party.could >= listening.could) continue;
    party.could = listening.could;
    party.reason = "as who listened could; " + party.reason;
  }
  return all;
}

}  // namespace letterlock::protection

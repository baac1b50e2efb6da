#include "protection/hop_words.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "protection/exposure.h"

namespace letterlock::protection {
namespace {

using hop::End;
using hop::Kind;
using hop::Outcome;

// A stranger's name is one word, so that it can't speak for us.
std::string word(const std::string& name, std::size_t octets_max = 255) {
  std::string out;
  for (const char c : base::printable(name, octets_max)) {
    if (c == ' ') {
      out += "\\x20";
    } else {
      out += c;
    }
  }
  return out;
}

// "alice" of "alice@acorn.example".
std::string person(const std::string& who) {
  return word(who.substr(0, who.rfind('@')), 64);
}

std::string owned(const End& end, std::string_view thing) {
  if (end.who.empty()) return fmt::format("a {}", thing);
  return fmt::format("{}'s {}", person(end.who), thing);
}

}  // namespace

std::string short_name(const End& end) {
  switch (end.role) {
    case End::Role::client:
      return owned(end, "client");
    case End::Role::mailbox:
      return owned(end, "mailbox");
    case End::Role::node:
      return end.who.empty() ? "this node" : word(end.who);
    case End::Role::mta:
      return end.who.empty() ? "another MTA" : word(end.who);
    case End::Role::alias:
    case End::Role::list:
      return end.who.empty() ? "a list" : word(end.who);
  }
  ASSERT(false && "a role without a name");
}

std::string mailbox_of(const std::string& account) {
  return short_name({End::Role::mailbox, account, {}, {}});
}

bool gave_content(const hop::Hop& hop) {
  switch (hop.outcome) {
    case Outcome::completed:
    case Outcome::partial:
    case Outcome::intended:
    case Outcome::unknown:
      return true;
    case Outcome::failed:
      return hop.given == hop::Given::content;
  }
  ASSERT(false && "an outcome without a case");
}

bool crosses_network(const hop::Hop& hop) {
  return hop.protection.level != hop::Level::local && hop.protection.network != hop::Network::local;
}

const End* client_of(const hop::Hop& hop) {
  const bool is_in = hop.kind == Kind::submission && hop.from.role == End::Role::client;
  if (is_in) return &hop.from;
  return hop.kind == Kind::fetch ? &hop.to : nullptr;
}

bool ends_at_program_here(const hop::Hop& hop) {
  return client_of(hop) != nullptr && !crosses_network(hop);
}

bool goes_out(const hop::Hop& hop) {
  return hop.kind == Kind::relay && hop.to.role == End::Role::mta;
}
bool comes_in(const hop::Hop& hop) {
  return hop.kind == Kind::relay && hop.from.role == End::Role::mta;
}
bool goes_to_list(const hop::Hop& hop) {
  return hop.kind == Kind::expansion && hop.to.role == End::Role::list;
}

std::vector<unsigned> numbers_of(const std::vector<const hop::Hop*>& hops) {
  std::vector<unsigned> numbers;
  for (const hop::Hop* hop : hops) numbers.push_back(hop->number);
  std::ranges::sort(numbers);
  const auto repeated = std::ranges::unique(numbers);
  numbers.erase(repeated.begin(), repeated.end());
  return numbers;
}

std::string and_list(const std::vector<std::string>& items, std::size_t count_max) {
  const std::size_t named = std::min(items.size(), count_max);
  std::string text;
  for (std::size_t i = 0; i < named; ++i) {
    const bool is_last = i + 1 == items.size();
    if (i > 0) text += is_last ? " and " : ", ";
    text += items[i];
  }
  if (named < items.size()) text += fmt::format(" and {} more", items.size() - named);
  return text;
}

std::string hop_list(const std::vector<unsigned>& numbers) {
  std::vector<std::string> items;
  for (const unsigned number : numbers) items.push_back(std::to_string(number));
  return fmt::format("{} {}", numbers.size() == 1 ? "hop" : "hops", and_list(items));
}

std::string day(base::Time time) {
  return base::to_rfc3339(time).substr(0, 10);
}

std::string clear_clause(const hop::Hop& hop) {
  const std::string from = short_name(hop.from);
  const std::string to = short_name(hop.to);
  const std::string protocol = hop.to.protocol.empty() ? base::printable(hop.from.protocol, 20)
                                                       : base::printable(hop.to.protocol, 20);
  switch (hop.kind) {
    case Kind::submission:
      return fmt::format("{} submitted in clear", from);
    case Kind::fetch:
      return fmt::format("{} fetched{}{} in clear", to, protocol.empty() ? "" : " over ", protocol);
    case Kind::delivery:
    case Kind::expansion:
      return fmt::format("delivered in clear to {}", to);
    case Kind::relay:
    case Kind::site_link:
      break;
  }
  if (comes_in(hop)) return fmt::format("it came from {} in clear", from);
  switch (hop.outcome) {
    case Outcome::completed:
    case Outcome::partial:
      return fmt::format("relayed to {} in clear", to);
    case Outcome::intended:
      return fmt::format("it is being given to {} in clear", to);
    case Outcome::failed:
      return fmt::format("an attempt that failed gave it to {} in clear", to);
    case Outcome::unknown:
      return fmt::format("it may have been given to {} in clear: no answer is known", to);
  }
  ASSERT(false && "an outcome without a case");
}

std::string unproved_clause(const hop::Hop& hop) {
  // On hops that others opened towards us, only they know whether they looked at our certificate.
  const bool opened_by_us = hop.from.role == End::Role::node;
  if (opened_by_us) return fmt::format("nothing proved {}'s identity", short_name(hop.to));
  const End& opener = hop.kind == Kind::fetch ? hop.to : hop.from;
  return fmt::format("{} may not have checked who answered", short_name(opener));
}

std::string proved_clause(const hop::Hop& hop) {
  const auto& protection = hop.protection;
  if (protection.confirmed) return "where both ends saw one and the same channel";
  if (protection.proved_by == hop::Proof::scram_plus) {
    const End& client = hop.kind == Kind::fetch ? hop.to : hop.from;
    return fmt::format("unless {} gives its password to a server that it has not checked",
                       short_name(client));
  }
  if (protection.level == hop::Level::mutual) return "where both ends proved who they are";
  switch (protection.proved_by) {
    case hop::Proof::dane_ee:
    case hop::Proof::dane_ta:
      return "unless somebody above that name in the DNS helped";
    case hop::Proof::mta_sts:
    case hop::Proof::connector:
      return "unless the CA that vouched helped";
    case hop::Proof::none:
    case hop::Proof::pin:
    case hop::Proof::site:
    case hop::Proof::scram_plus:
    case hop::Proof::client_certificate:
    case hop::Proof::channel_proof:
      break;
  }
  return "unless a holder of the proved key helped";
}

}  // namespace letterlock::protection

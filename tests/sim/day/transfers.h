// The shadow of hops: which intents are open, what each far end has taken, which records say so. It
// keeps invariant 3: no content without a durable intent to exactly this peer, by the node that has
// the message, for somebody who waits; every completed transfer has its record, every record its
// transfer.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "net/endpoint.h"
#include "queue/keys.h"
#include "sim/day/commit.h"
#include "sim/day/custody.h"
#include "sim/day/findings.h"

namespace letterlock::day {

class Transfers {
 public:
  Transfers(const Custody& custody, Findings& findings) : custody_(custody), findings_(findings) {}

  void committed(const Commit& commit);
  // Lines of a letter go to this peer now: the open intents that say so.
  struct Intent {
    base::TenantId tenant;
    base::TraceId trace;
    const hop::Hop* hop = nullptr;
  };
  std::vector<Intent> intents_for(unsigned letter, const net::IpAddress& peer,
                                  hop::Kind kind) const;
  // A trace of this letter was forgotten meanwhile: what is fetched from then on has no record.
  bool is_forgotten(unsigned letter) const { return forgotten_.contains(letter); }
  // A far MTA said 250 to content whose header names this trace, for these recipients.
  void taken(const base::TraceId& trace, const std::vector<std::string>& recipients);
  // Nothing is open any more, and what was taken was recorded.
  void check_end() const;

 private:
  using Key = std::tuple<base::TenantId, base::TraceId, std::uint64_t>;
  using Recipient = std::pair<base::TraceId, std::string>;
  struct Count {
    unsigned taken = 0;      // by the far end
    unsigned completed = 0;  // records that say so
    unsigned unknown = 0;    // records that don't know
    // A record told of several that stand for one, and not of whom: an alias's targets, one of
    // whom an operator took out meanwhile.
    bool is_vague = false;
  };

  void intended(const Commit::HopRow& row);
  void check_waits(const Commit::HopRow& row, unsigned index);
  void ended(const Commit::HopRow& row, bool was_open);
  void forget_unknown(const Key& key);
  std::vector<const Fate*> candidates(const Commit::HopRow& row, unsigned index) const;
  std::vector<std::string> completed_for(const Commit::HopRow& row);

  const Custody& custody_;
  Findings& findings_;
  std::array<std::string, queue::keys::partition_count> holders_;  // of the partitions
  std::set<unsigned> forgotten_;                                   // letters
  std::map<Key, hop::Hop> open_;
  std::map<Key, hop::Outcome> outcomes_;
  std::map<Key, std::vector<std::string>> unknown_for_;
  std::map<Recipient, Count> counts_;
};

}  // namespace letterlock::day

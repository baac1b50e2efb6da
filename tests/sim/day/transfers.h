// The shadow of hops: which intents are open, what each far end has taken, which records say so. It
// keeps invariant 3: no content without a durable intent to exactly this peer, every completed
// transfer has its record, every record its transfer.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "net/endpoint.h"
#include "sim/day/commit.h"
#include "sim/day/custody.h"
#include "sim/day/findings.h"

namespace letterlock::day {

class Transfers {
 public:
  Transfers(const Custody& custody, Findings& findings) : custody_(custody), findings_(findings) {}

  void committed(const Commit& commit);
  // Lines of a letter go to this peer now: the intents that say so, open or unknown.
  std::vector<const hop::Hop*> intents_for(unsigned letter, const net::IpAddress& peer,
                                           hop::Kind kind) const;
  // A far MTA said 250 to content whose header names this trace, for these recipients.
  void taken(const base::TraceId& trace, const std::vector<std::string>& recipients);
  // Nothing is open any more, and what was taken was recorded.
  void check_end() const;
  std::size_t open_count() const { return open_.size(); }

 private:
  using Key = std::tuple<base::TenantId, base::TraceId, std::uint64_t>;
  using Recipient = std::pair<base::TraceId, std::string>;
  struct Count {
    unsigned taken = 0;      // by the far end
    unsigned completed = 0;  // records that say so
    unsigned settled = 0;    // of them, those that also took the recipient off the queue
    unsigned unknown = 0;    // records that don't know
  };

  void intended(const Commit::HopRow& row);
  void ended(const Commit::HopRow& row, bool was_open);
  bool is_settled(const Commit::HopRow& row, const std::string& address) const;
  std::vector<std::string> addresses(const Commit::HopRow& row) const;

  const Custody& custody_;
  Findings& findings_;
  std::map<Key, hop::Hop> open_;
  std::map<Key, hop::Hop> unknown_;  // swept while their session may still live
  std::map<Key, hop::Outcome> outcomes_;
  std::map<Recipient, Count> counts_;
};

}  // namespace letterlock::day

// One message as a job has read it: all of its recipients, and which of them may lead to one place.
// It is read once for all of the job's; whatever is done with a recipient reads him again in its
// own transaction, since an operator may have changed him meanwhile.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "address/address.h"
#include "queue/queue.h"

namespace letterlock::mda {

// Limit: octets that one transaction writes for the recipients that it serves, and again for those
// whom a list puts in their place. A transaction changes 1 MiB at most, hops and traces included.
inline constexpr std::size_t served_octets_max = 400 * 1024;
// What the queue and a trace write for this recipient, at most.
std::size_t octets_written_for(const queue::Recipient& recipient);

class Envelope {
 public:
  explicit Envelope(queue::Entry entry);

  const queue::Message& message() const { return message_; }
  std::size_t count() const { return recipients_.size(); }
  // Nothing: no such recipient, or nothing is left to do for him.
  const queue::Recipient* waiting(unsigned index) const;
  // Those that wait for local delivery at this address, in whatever case, with or without a detail
  // behind the name; in their order.
  std::vector<const queue::Recipient*> waiting_at(const std::vector<std::string>& keys) const;
  // What became of them.
  void note(const queue::Settled& settled);

 private:
  queue::Message message_;
  std::vector<queue::Recipient> recipients_;
  std::unordered_map<unsigned, std::size_t> places_;             // by index
  std::unordered_multimap<std::string, std::size_t> addresses_;  // by key, whole and without detail
};

}  // namespace letterlock::mda

#include "mda/envelope.h"

#include <set>

#include "directory/lookup.h"

namespace letterlock::mda {

std::size_t octets_written_for(const queue::Recipient& recipient) {
  constexpr std::size_t fixed = 200;  // ids, times, indexes
  return fixed + 2 * recipient.address.size() + recipient.written_to.size() +
         2 * recipient.destination.size() + recipient.params.original_recipient.size();
}

Envelope::Envelope(queue::Entry entry)
    : message_(std::move(entry.message)), recipients_(std::move(entry.recipients)) {
  for (std::size_t at = 0; at < recipients_.size(); ++at) {
    const auto& recipient = recipients_[at];
    places_.emplace(recipient.index, at);
    if (recipient.lane != queue::Lane::local) continue;
    const auto address = address::Address::parse(recipient.address);
    if (!address) continue;
    addresses_.emplace(address->key(), at);
    if (const auto split = directory::split_detail(*address))
      addresses_.emplace(split->address.key(), at);
  }
}

const queue::Recipient* Envelope::waiting(unsigned index) const {
  const auto at = places_.find(index);
  if (at == places_.end()) return nullptr;
  const auto& recipient = recipients_[at->second];
  return recipient.state == queue::State::waiting ? &recipient : nullptr;
}

std::vector<const queue::Recipient*> Envelope::waiting_at(
    const std::vector<std::string>& keys) const {
  std::set<std::size_t> found;
  for (const auto& key : keys) {
    const auto [first, end] = addresses_.equal_range(key);
    for (auto at = first; at != end; ++at) found.insert(at->second);
  }
  std::vector<const queue::Recipient*> out;
  for (const auto at : found) {
    if (recipients_[at].state == queue::State::waiting) out.push_back(&recipients_[at]);
  }
  return out;
}

void Envelope::note(const queue::Settled& settled) {
  for (const auto& recipient : settled.recipients) {
    const auto at = places_.find(recipient.index);
    if (at != places_.end()) recipients_[at->second] = recipient;
  }
}

}  // namespace letterlock::mda

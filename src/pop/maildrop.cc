#include "pop/maildrop.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"

namespace letterlock::pop {

bool Maildrop::add(std::uint32_t uid, std::uint64_t octets) {
  if (messages_.size() >= messages_max) return false;
  const auto told = static_cast<std::uint32_t>(std::min<std::uint64_t>(octets, UINT32_MAX));
  messages_.push_back({uid, told});
  marked_.push_back(false);
  octets_ += told;
  return true;
}

std::uint32_t Maildrop::uid(std::uint32_t number) const {
  ASSERT(has(number));
  return messages_[number - 1].uid;
}

std::uint64_t Maildrop::octets(std::uint32_t number) const {
  ASSERT(has(number));
  return messages_[number - 1].octets;
}

std::string Maildrop::unique_id(std::uint32_t number) const {
  return fmt::format("{}.{}", id_prefix_, uid(number));
}

void Maildrop::mark(std::uint32_t number) {
  ASSERT(has(number));
  marked_[number - 1] = true;
  ++marked_count_;
  octets_ -= messages_[number - 1].octets;
}

void Maildrop::unmark_all() {
  octets_ = 0;
  for (const auto& message : messages_) octets_ += message.octets;
  marked_.assign(marked_.size(), false);
  marked_count_ = 0;
}

std::vector<std::uint32_t> Maildrop::marked() const {
  std::vector<std::uint32_t> uids;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (marked_[i]) uids.push_back(messages_[i].uid);
  }
  return uids;
}

}  // namespace letterlock::pop

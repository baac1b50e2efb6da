// Identifiers: 128 bits, 48 of time and 80 of randomness, written as 26 digits of Crockford's
// base 32 (the form known as ULID), so that they sort by time. One C++ type for each thing named.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace letterlock::base {

using IdOctets = std::array<std::uint8_t, 16>;
std::string id_to_text(const IdOctets& octets);
// Case-insensitive, 26 digits. Errors: invalid.
Result<IdOctets> id_from_text(std::string_view text);

template <class Tag>
class Id {
 public:
  static constexpr std::size_t text_octets = 26;

  constexpr Id() = default;
  explicit constexpr Id(const IdOctets& octets) : octets_(octets) {}
  // `randomness` gives 10 octets. The time is only for order.
  static Id make(Time now, const std::array<std::uint8_t, 10>& randomness) {
    IdOctets octets{};
    auto milliseconds = static_cast<std::uint64_t>(to_milliseconds(now));
    for (int i = 5; i >= 0; --i, milliseconds >>= 8)
      octets[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(milliseconds);
    for (std::size_t i = 0; i < 10; ++i) octets[6 + i] = randomness[i];
    return Id(octets);
  }
  static Result<Id> parse(std::string_view text) {
    auto octets = id_from_text(text);
    if (!octets) return fail(std::move(octets.error()));
    return Id(*octets);
  }
  // The 16 octets as they stand in keys and records. Errors: corrupt (another length).
  static Result<Id> from_octets(std::string_view octets) {
    if (octets.size() != 16) return fail(ErrorKind::corrupt, "an id is not 16 octets");
    Id id;
    for (std::size_t i = 0; i < 16; ++i) id.octets_[i] = static_cast<std::uint8_t>(octets[i]);
    return id;
  }

  std::string text() const { return id_to_text(octets_); }
  std::string_view octets() const {
    return {reinterpret_cast<const char*>(octets_.data()), octets_.size()};
  }
  bool is_nil() const { return octets_ == IdOctets{}; }
  // The moment it was made.
  Time time() const {
    std::int64_t milliseconds = 0;
    for (std::size_t i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | octets_[i];
    return from_milliseconds(milliseconds);
  }
  auto operator<=>(const Id&) const = default;

 private:
  IdOctets octets_{};
};

using TenantId = Id<struct TenantTag>;
using AccountId = Id<struct AccountTag>;
using TraceId = Id<struct TraceTag>;      // one message as it was accepted: one trace
using MessageId = Id<struct MessageTag>;  // a message in the queue (not the Message-ID field)
using BlobId = Id<struct BlobTag>;
using MailboxId = Id<struct MailboxTag>;

}  // namespace letterlock::base

template <class Tag>
struct std::hash<letterlock::base::Id<Tag>> {
  std::size_t operator()(const letterlock::base::Id<Tag>& id) const noexcept {
    return std::hash<std::string_view>()(id.octets());
  }
};

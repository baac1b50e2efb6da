// Stored records from any octets: an error, or a value that comes back from its own octets.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "fuzz/mutators.h"
#include "mailbox/name.h"
#include "mailbox/record.h"

namespace {
using namespace letterlock::mailbox;

void try_account(std::string_view octets) {
  const auto record = decode_account(octets);
  if (record) ASSERT(decode_account(encode(*record)).value() == *record);
}
void try_mailbox(std::string_view octets) {
  const auto record = decode_mailbox(octets);
  if (record) ASSERT(decode_mailbox(encode(*record)).value() == *record);
}
void try_message(std::string_view octets) {
  const auto message = decode_message(7, octets);
  if (message) ASSERT(decode_message(7, encode(*message)).value() == *message);
}
void try_name(std::string_view octets) {
  const auto name = canonical_name(octets);
  if (name) ASSERT(canonical_name(*name).value() == *name);
}
void try_keys(std::string_view octets) {
  static_cast<void>(from_change_key(octets).has_value());
  static_cast<void>(uid_from_message_key(octets).has_value());
  static_cast<void>(place_from_removed_key({}, octets).has_value());
  static_cast<void>(place_from_message_key({}, octets).has_value());
}
}  // namespace

// The first octet says which.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'A':
      try_account(octets);
      break;
    case 'B':
      try_mailbox(octets);
      break;
    case 'M':
      try_message(octets);
      break;
    case 'N':
      try_name(octets);
      break;
    default:
      try_keys(octets);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_record({data, size_max}, size, seed, 1);
}

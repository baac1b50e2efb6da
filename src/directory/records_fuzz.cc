// Stored records from any octets: an error, or a value that comes back from its own octets.
#include <cstdint>

#include "base/assert.h"
#include "directory/backups.h"
#include "directory/calendar.h"
#include "directory/openings.h"
#include "directory/record.h"
#include "directory/restores.h"
#include "fuzz/mutators.h"

namespace {
using namespace letterlock::directory;

template <class Value>
void try_one(std::string_view octets, letterlock::base::Result<Value> (*decode)(std::string_view)) {
  const auto value = decode(octets);
  if (value) ASSERT(decode(encode(*value)).value() == *value);
}
}  // namespace

// The first octet says which.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'T':
      try_one(octets, decode_tenant);
      break;
    case 'D':
      try_one(octets, decode_domain);
      break;
    case 'A':
      try_one(octets, decode_account);
      break;
    case 'L':
      try_one(octets, decode_alias);
      break;
    case 'G':
      try_one(octets, decode_group);
      break;
    case 'E':
      try_one(octets, decode_entry);
      break;
    case 'O':
      try_one(octets, decode_openings);
      break;
    case 'B':
      try_one(octets, decode_backup);
      break;
    case 'C':
      try_one(octets, decode_calendar);
      break;
    case 'R':
      try_one(octets, decode_restore);
      break;
    default:
      try_one(octets, decode_sending_count);
  }
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_record({data, size_max}, size, seed, 1);
}

// A stored record of any octets is read or refused; what was read is written the same again in
// meaning.
#include "queue/record.h"

#include <cstdint>

#include "base/assert.h"
#include "fuzz/mutators.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace letterlock;
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  if (const auto message = queue::unpack_message(octets))
    ASSERT(queue::unpack_message(queue::pack(message->message, message->recipients)) == *message);
  if (const auto recipient = queue::unpack_recipient(octets))
    ASSERT(queue::unpack_recipient(queue::pack(*recipient)) == *recipient);
  if (const auto left = queue::unpack_left(octets))
    ASSERT(queue::unpack_left(queue::pack(*left)) == *left);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  return letterlock::fuzz::change_record({data, size_max}, size, seed, 0);
}

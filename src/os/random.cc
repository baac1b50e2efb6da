#include "os/random.h"

#include <algorithm>
#include <limits>

#include <openssl/rand.h>

#include "base/assert.h"

namespace letterlock::os {

base::Bytes Random::octets(std::size_t count) {
  base::Bytes octets(count, '\0');
  fill({reinterpret_cast<std::uint8_t*>(octets.data()), octets.size()});
  return octets;
}

std::uint64_t Random::below(std::uint64_t below) {
  ASSERT(below > 0);
  // The numbers under 2^64 mod `below` would come once too often: draw again.
  const std::uint64_t uneven = (std::numeric_limits<std::uint64_t>::max() - below + 1) % below;
  while (true) {
    std::array<std::uint8_t, 8> octets{};
    fill(octets);
    std::uint64_t number = 0;
    for (const auto octet : octets) number = number << 8 | octet;
    if (number >= uneven) return number % below;
  }
}

void SystemRandom::fill(std::span<std::uint8_t> octets) {
  constexpr std::size_t once_max = 1 << 20;
  while (!octets.empty()) {
    const auto count = std::min(octets.size(), once_max);
    // Without randomness there are no keys and no ids: nothing can go on.
    ASSERT(RAND_bytes(octets.data(), static_cast<int>(count)) == 1);
    octets = octets.subspan(count);
  }
}

}  // namespace letterlock::os

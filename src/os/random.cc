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

namespace {

// Each thread's next octets: an id wants ten, and asking the generator costs more than they do. An
// octet is given once, and is wiped as it is given.
class Block {
 public:
  void take(std::span<std::uint8_t> to) {
    if (left_ < to.size()) {
      ASSERT(RAND_bytes(octets_.data(), static_cast<int>(octets_.size())) == 1);
      left_ = octets_.size();
    }
    const auto from = octets_.begin() + static_cast<std::ptrdiff_t>(left_ - to.size());
    std::copy_n(from, to.size(), to.begin());
    std::fill_n(from, to.size(), std::uint8_t{0});
    left_ -= to.size();
  }

 private:
  std::array<std::uint8_t, 512> octets_{};
  std::size_t left_ = 0;
};
constexpr std::size_t small_octets_max = 32;

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> octets) {
  if (octets.size() <= small_octets_max) {
    thread_local Block block;
    block.take(octets);
    return;
  }
  constexpr std::size_t once_max = 1 << 20;
  while (!octets.empty()) {
    const auto count = std::min(octets.size(), once_max);
    // Without randomness there are no keys and no ids: nothing can go on.
    ASSERT(RAND_bytes(octets.data(), static_cast<int>(count)) == 1);
    octets = octets.subspan(count);
  }
}

}  // namespace letterlock::os

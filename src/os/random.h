// Unpredictable octets. The only door to randomness: the simulator puts a seed behind it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/id.h"
#include "os/clock.h"

namespace letterlock::os {

class Random {
 public:
  virtual ~Random() = default;
  // Fills all of `octets`. From any thread.
  virtual void fill(std::span<std::uint8_t> octets) = 0;

  base::Bytes octets(std::size_t count);
  // Uniform in [0, below); `below` must not be 0.
  std::uint64_t below(std::uint64_t below);
};

// The kernel's generator, through OpenSSL's CSPRNG.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> octets) override;
};

template <class IdType>
IdType make_id(const Clock& clock, Random& random) {
  std::array<std::uint8_t, 10> randomness{};
  random.fill(randomness);
  return IdType::make(clock.now(), randomness);
}

}  // namespace letterlock::os

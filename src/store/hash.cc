#include "store/hash.h"

#include <xxhash.h>

namespace letterlock::store {

std::uint64_t fast_hash(std::string_view octets, std::uint64_t seed) {
  return XXH3_64bits_withSeed(octets.data(), octets.size(), seed);
}

}  // namespace letterlock::store

// A fast hash that finds damage, not forgery: whoever can write to the disk can write what he
// likes. XXH3, from Debian's xxhash.
#pragma once

#include <cstdint>
#include <string_view>

namespace letterlock::store {

std::uint64_t fast_hash(std::string_view octets, std::uint64_t seed);

}  // namespace letterlock::store

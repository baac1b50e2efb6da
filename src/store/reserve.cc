#include "store/reserve.h"

#include <fmt/format.h>

namespace letterlock::store {

base::Result<> has_room(Use use, std::uint64_t disk_free_octets, std::uint64_t reserve_octets) {
  std::uint64_t needed = reserve_octets;
  switch (use) {
    case Use::content:
      break;
    case Use::change:
      needed /= 2;
      break;
    case Use::removal:
      needed /= 8;
      break;
  }
  if (disk_free_octets > needed) return {};
  return base::fail(
      base::ErrorKind::full,
      fmt::format("the disk has {} octets free, {} are kept in reserve", disk_free_octets, needed));
}

std::uint64_t above_reserve(std::uint64_t disk_free_octets, std::uint64_t reserve_octets) {
  return disk_free_octets > reserve_octets ? disk_free_octets - reserve_octets : 0;
}

}  // namespace letterlock::store

#include "store/reserve.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace letterlock::store {
namespace {

std::uint64_t kept_from(Use use, std::uint64_t reserve) {
  switch (use) {
    case Use::content:
      return reserve;
    case Use::change:
      return reserve / 2;
    case Use::removal:
      return reserve / 8;
  }
  ASSERT(false && "a use without a case");
}

}  // namespace

base::Result<> has_files(Use use, std::uint64_t disk_free_files) {
  const auto needed = kept_from(use, files_reserve);
  if (disk_free_files > needed) return {};
  return base::fail(base::ErrorKind::full,
                    fmt::format("the disk can make {} more files (inodes), {} are kept in reserve",
                                disk_free_files, needed));
}

base::Result<> has_room(Use use, std::uint64_t disk_free_octets, std::uint64_t reserve_octets) {
  const auto needed = kept_from(use, reserve_octets);
  if (disk_free_octets > needed) return {};
  return base::fail(
      base::ErrorKind::full,
      fmt::format("the disk has {} octets free, {} are kept in reserve", disk_free_octets, needed));
}

std::uint64_t above_reserve(std::uint64_t disk_free_octets, std::uint64_t reserve_octets) {
  return disk_free_octets > reserve_octets ? disk_free_octets - reserve_octets : 0;
}

}  // namespace letterlock::store

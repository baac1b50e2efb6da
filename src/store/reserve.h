// When a disk counts as full: long before it is, and not for everything at once.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace letterlock::store {

enum class Use {
  content,  // blobs: new mail
  change,   // transactions: the states of mail that is here
  removal,  // transactions that only erase and release
};

// Content needs the whole reserve, changes half of it, removals an eighth. Errors: full.
base::Result<> has_room(Use use, std::uint64_t disk_free_octets, std::uint64_t reserve_octets);

// Files that the file system can still make (its inodes): the engine needs one for each log and
// each sorted file. Kept back and given out as octets are.
inline constexpr std::uint64_t files_reserve = 256;
base::Result<> has_files(Use use, std::uint64_t disk_free_files);

// What new content may still take.
std::uint64_t above_reserve(std::uint64_t disk_free_octets, std::uint64_t reserve_octets);

}  // namespace letterlock::store

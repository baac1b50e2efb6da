// The directory of the store: there, ours alone, on a file system that remembers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace letterlock::store {

// Makes it (mode 0700) or checks it. Errors: denied (not ours, others may write, a link), invalid
// (not empty and not a store), io.
base::Result<> prepare_directory(const std::string& path);
// Errors: invalid (tmpfs, ramfs, mounted without barriers), io.
base::Result<> check_remembers(const std::string& path);
// The mount options of device `major:minor` in the text of /proc/self/mountinfo; empty if it isn't
// there.
std::string mount_options(std::string_view mountinfo, unsigned major, unsigned minor);
// True if a sync doesn't reach the disk with these options.
bool is_weak_mount(std::string_view options);
// Holds the directory for this process until the descriptor is closed. Errors: unavailable (another
// has it), io.
base::Result<int> lock_directory(const std::string& path);
bool holds_database(const std::string& path);
// How many files its file system can still make; all there are where it has no such limit, or
// doesn't say.
std::uint64_t free_files(const std::string& path);

}  // namespace letterlock::store

// The files of large content in a backup, each read and written by its checksums.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "base/result.h"

namespace letterlock::store {

class Engine;

// Why a backup was stopped, if it was.
struct BackupBounds {
  const std::atomic<bool>& stop;
  std::chrono::steady_clock::time_point until;
  bool is_over() const { return stop || std::chrono::steady_clock::now() > until; }
  base::Result<> check() const {
    if (stop) return base::fail(base::ErrorKind::cancelled, "the node is stopping");
    if (is_over())
      return base::fail(base::ErrorKind::timeout, "the backup took longer than it may");
    return {};
  }
};

// All that a copy of the database may name that was made just before, while no file went: a few
// more. Errors: corrupt (a file is missing or damaged), cancelled, timeout, full, io.
base::Result<> copy_content(Engine& engine, const std::string& into,
                            std::uint64_t octets_per_second, const BackupBounds& bounds);
// Those that the restored database names. Errors: as copy_content().
base::Result<> restore_content(const std::string& from, Engine& engine);

}  // namespace letterlock::store

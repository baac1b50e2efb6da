// Small files: read whole, written so that a crash leaves the old or the new one, watched by
// their stamps. What is created is created without following a link that somebody has planted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/descriptor.h"

namespace letterlock::os {

// A configuration, a certificate, a key. Only regular files; links are followed.
// Errors: not_found, denied, invalid (a folder, a pipe), full (more than octets_max), io.
base::Result<std::string> read_file(const std::string& path, std::size_t octets_max);

// Under another name in the same folder first, synced, then renamed, then the folder synced. Mode
// as in chmod. No part of the path may be a link.
// Errors: not_found (the folder), denied (a link in the path too), full (the disk), io.
base::Result<> write_file(const std::string& path, std::string_view octets, unsigned mode = 0600);

// For appending, made if it isn't there; no part of the path may be a link.
// Errors: as write_file, invalid (not a regular file).
base::Result<Descriptor> open_append(const std::string& path, unsigned mode = 0640);

// What tells that a file is no longer the one that was read. All zero: it isn't there.
struct FileStamp {
  std::int64_t changed_nanoseconds = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint64_t octets = 0;

  static FileStamp of(const std::string& path);
  bool operator==(const FileStamp&) const = default;
};

}  // namespace letterlock::os

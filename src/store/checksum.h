// The checksums of RocksDB's log and blob files (CRC-32C), by the CPU's own instructions: Debian
// builds RocksDB for every amd64 there is, and then it counts by tables, slower than it syncs.
// docs/decisions/19-checksums.md
#pragma once

#include "base/result.h"

namespace letterlock::store {

// Whether RocksDB's checksums are what they must be, as of this library and this CPU.
// Errors: io (they aren't; nothing may be written with them).
base::Result<> check_checksums();

}  // namespace letterlock::store

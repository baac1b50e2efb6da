// How RocksDB is set up: a million small keys and a stream of blobs in little memory.
#pragma once

#include <vector>

#include <rocksdb/db.h>

#include "store/rocksdb.h"

namespace letterlock::store {

inline constexpr const char* own_family = "store";
inline constexpr const char* chunks_family = "blobs";

rocksdb::DBOptions database_options(const RocksOptions& options);
// The default family (rooms' keys), the store's own, the blobs' chunks; in this order.
std::vector<rocksdb::ColumnFamilyDescriptor> families(const RocksOptions& options);
// What durable means here, asked of the opened engine rather than believed. Errors: invalid (names
// the setting).
base::Result<> check_durable(const rocksdb::DBOptions& options);

}  // namespace letterlock::store

// What RocksDB says of itself, as events. Its own way is a file LOG beside the data; but where the
// disk is full or fails that file can't be written either, and the library as Debian builds it ends
// the process on the second line it can't write.
#pragma once

#include <memory>

#include <rocksdb/env.h>

#include "base/event.h"

namespace letterlock::store {

// Errors become `store.engine` as warnings, warnings as debug lines; the rest isn't made. Any
// thread. `events` outlives the database.
std::shared_ptr<rocksdb::Logger> engine_log(base::EventSink& events);

}  // namespace letterlock::store

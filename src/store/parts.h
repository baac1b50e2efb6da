// What a RocksStore is made of. Tests open it over an Env of their own.
#pragma once

#include <memory>

#include "net/loop.h"
#include "store/committer.h"
#include "store/engine.h"
#include "store/rocksdb.h"

namespace letterlock::store {

class RocksStore::Parts {
 public:
  Parts(const RocksOptions& options, const os::Clock& used_clock, os::Random& used_random,
        base::EventSink& events, std::unique_ptr<Engine> opened)
      : clock(used_clock),
        random(used_random),
        engine(std::move(opened)),
        committer(*engine, used_clock, events, options),
        readers(options.store_threads, options.waiting_max),
        blob_writers(options.store_threads * 2, options.waiting_max) {}

  static base::Result<std::unique_ptr<RocksStore>> open(RocksOptions options,
                                                        const os::Clock& clock, os::Random& random,
                                                        base::EventSink& events, rocksdb::Env* env);

  const os::Clock& clock;
  os::Random& random;
  net::LoopTimers timers;
  std::unique_ptr<Engine> engine;
  Committer committer;
  // Two kinds of threads, because writes wait for the disk's sync and reads must not wait for
  // writes.
  net::ThreadWorkers readers;
  net::ThreadWorkers blob_writers;
};

}  // namespace letterlock::store

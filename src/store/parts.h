// What a RocksStore is made of. Tests open it over an Env of their own.
#pragma once

#include <atomic>
#include <memory>

#include "net/loop.h"
#include "store/committer.h"
#include "store/engine.h"
#include "store/rocksdb.h"
#include "store/tidy.h"

namespace letterlock::store {

class RocksStore::Parts {
 public:
  Parts(const RocksOptions& options, const os::Clock& used_clock, os::Random& used_random,
        base::EventSink& events, std::unique_ptr<Engine> opened)
      : clock(used_clock),
        random(used_random),
        engine(std::move(opened)),
        unread_metrics(options.metrics == nullptr ? std::make_unique<os::Metrics>() : nullptr),
        figures(options.metrics == nullptr ? *unread_metrics : *options.metrics),
        content(*engine, events),
        tidy(*engine, events),
        committer(*engine, used_clock, events, options, figures, content),
        readers(options.store_threads, options.waiting_max),
        blob_writers(options.store_threads * 2, options.waiting_max),
        backups(1, 1) {}

  static base::Result<std::unique_ptr<RocksStore>> open(RocksOptions options,
                                                        const os::Clock& clock, os::Random& random,
                                                        base::EventSink& events, rocksdb::Env* env);

  const os::Clock& clock;
  os::Random& random;
  net::LoopTimers timers;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<os::Metrics> unread_metrics;  // where nobody gave any
  const Figures figures;
  ContentThread content;
  TidyThread tidy;
  Committer committer;
  // Two kinds of threads, because writes wait for the disk's sync and reads must not wait for
  // writes.
  net::ThreadWorkers readers;
  net::ThreadWorkers blob_writers;
  net::ThreadWorkers backups;
  std::atomic<bool> backing_up{false};
  std::atomic<bool> stop_backup{false};
};

}  // namespace letterlock::store

#include "store/tuning.h"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

namespace letterlock::store {
namespace {

rocksdb::CompressionType small_compression() {
  const auto known = rocksdb::GetSupportedCompressions();
  const bool has_lz4 = std::ranges::find(known, rocksdb::kLZ4Compression) != known.end();
  return has_lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

// `ordered_behind`: keys that are alike in so many octets mostly come in their order, as ids begin
// with time: then the table in memory looks for the place of the next beside the last one's.
rocksdb::ColumnFamilyOptions family(const std::shared_ptr<rocksdb::Cache>& cache,
                                    std::size_t buffer_octets, std::size_t ordered_behind) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = 8 * 1024;
  table.cache_index_and_filter_blocks = true;  // inside the cache's limit
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.whole_key_filtering = true;
  table.format_version = 5;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = buffer_octets;
  family.max_write_buffer_number = 3;
  family.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewCappedPrefixTransform(ordered_behind));
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = small_compression();
  // A queue is scanned where it was just erased: files full of tombstones are merged away early.
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(1024, 512));
  // What was deleted leaves the disk within a bounded time.
  family.periodic_compaction_seconds = 7ULL * 24 * 3600;
  return family;
}

}  // namespace

rocksdb::DBOptions database_options(const RocksOptions& options) {
  rocksdb::DBOptions database;
  database.create_missing_column_families = true;
  database.paranoid_checks = true;
  database.max_background_jobs = 3;  // a table is written, two are merged: tidying takes long
  database.max_open_files = options.open_files_max;
  database.db_write_buffer_size = options.write_buffer_octets * 5 / 2;
  database.max_total_wal_size = 128ULL * 1024 * 1024;
  database.bytes_per_sync = 1024 * 1024;
  database.wal_bytes_per_sync =
      512 * 1024;  // a commit's sync finds the blobs before it mostly written
  database.max_manifest_file_size = 16ULL * 1024 * 1024;
  database.stats_dump_period_sec = 0;
  return database;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families(const RocksOptions& options) {
  const auto cache = rocksdb::NewLRUCache(options.cache_octets);
  constexpr std::size_t area_octets = 2 + 16 + 1 + 4;  // t/, a tenant, /, and "q/m/"
  auto keys = family(cache, options.write_buffer_octets, area_octets);
  auto own = family(cache, std::max<std::size_t>(options.write_buffer_octets / 4, 1024 * 1024), 2);
  auto chunks = family(cache, options.write_buffer_octets, 1);
  chunks.compression = rocksdb::kNoCompression;  // sealed or packed already, mostly
  // Chunks stay where they were first written instead of moving through the levels.
  chunks.enable_blob_files = true;
  chunks.min_blob_size = 4096;
  chunks.blob_file_size = 64ULL * 1024 * 1024;
  chunks.enable_blob_garbage_collection = false;  // tidy.h does it, when there is enough of it
  return {{rocksdb::kDefaultColumnFamilyName, keys}, {own_family, own}, {chunks_family, chunks}};
}

base::Result<> check_durable(const rocksdb::DBOptions& options) {
  const auto weak = [](std::string_view setting) {
    return base::fail(base::ErrorKind::invalid,
                      "the store is not durable with " + std::string(setting));
  };
  if (options.manual_wal_flush) return weak("manual_wal_flush");
  if (options.unordered_write) return weak("unordered_write");
  if (!options.paranoid_checks) return weak("paranoid_checks off");
  if (options.allow_mmap_writes) return weak("allow_mmap_writes");
  if (options.wal_recovery_mode == rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords) {
    return weak("wal_recovery_mode kSkipAnyCorruptedRecords");
  }
  return {};
}

}  // namespace letterlock::store

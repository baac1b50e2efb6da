// What a transaction read and what it changes, and the transaction over it that both stores
// share: own writes before the snapshot's, scope, limits. A store adds where the snapshot is read.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace letterlock::store {

inline constexpr std::size_t transaction_octets_max = 1024 * 1024;  // of keys and values changed
inline constexpr std::size_t key_octets_max = 4096;                 // of one key
inline constexpr std::size_t reads_octets_max = 4 * 1024 * 1024;    // of keys and ranges read
inline constexpr std::size_t scan_octets_max = 32 * 1024 * 1024;    // of one scan's pairs
inline constexpr base::Milliseconds transaction_time_max = std::chrono::seconds(5);
inline constexpr int transaction_tries_max = 20;
inline constexpr std::size_t known_octets_max = 64 * 1024;  // of what one has read

struct Reads {
  std::set<std::string, std::less<>> keys;
  std::vector<Range> ranges;
  std::size_t octets = 0;

  bool empty() const { return keys.empty() && ranges.empty(); }
  void add(std::string_view key);
  // A range that goes on where the last one ended becomes one with it: a scan in pages.
  void add(Range range);
};

struct Changes {
  std::map<std::string, std::optional<std::string>, std::less<>> keys;  // nullopt: erased
  std::map<std::pair<base::BlobId, std::string>, bool>
      holds;  // by blob and holder; false: released
  std::size_t octets = 0;

  bool empty() const { return keys.empty() && holds.empty(); }
  // Only erases and releases: such go on when the disk is nearly full.
  bool only_removes() const;
  // The changed keys alone; nothing else is left of `keys` then.
  std::vector<std::string> take_keys();
};

// Lives on its caller's loop, for one run of the function.
class BufferedTransaction : public Transaction {
 public:
  enum class Mode { change, read_only };
  BufferedTransaction(Scope scope, Mode mode) : scope_(std::move(scope)), mode_(mode) {}

  using Transaction::scan;
  net::ResultTask<std::optional<std::string>> get(std::string key) final;
  net::ResultTask<std::vector<std::optional<std::string>>> get_many(
      std::vector<std::string> keys) final;
  net::ResultTask<std::vector<KeyValue>> scan(Range range, ScanOptions options) final;
  void put(std::string key, std::string value) final;
  void erase(std::string_view key) final;
  void hold(const base::BlobId& blob, std::string_view holder) final;
  void release(const base::BlobId& blob, std::string_view holder) final;

  // Errors: full (a limit was passed: no read works any more, and it must not commit).
  base::Result<> within_limits() const;
  Reads reads;
  Changes changes;

 protected:
  // From the snapshot alone, one answer a key.
  virtual net::ResultTask<std::vector<std::optional<std::string>>> fetch(
      std::vector<std::string> keys) = 0;
  // At most `count_max` pairs of the snapshot alone. Errors: full (more than scan_octets_max).
  virtual net::ResultTask<std::vector<KeyValue>> fetch_range(Range range, ScanOptions options) = 0;

 private:
  void change(std::string key, std::optional<std::string> value);
  void change_holder(const base::BlobId& blob, std::string_view holder, bool held);

  const std::optional<std::string>* known(std::string_view key) const;
  void remember(std::string_view key, const std::optional<std::string>& value);

  Scope scope_;
  Mode mode_;
  // What was read and may be read again, by other steps of the same function.
  std::map<std::string, std::optional<std::string>, std::less<>> known_;
  std::size_t known_octets_ = 0;
  std::optional<base::Error> broken_;
};

// One ordered list of the snapshot's pairs and the own changes in `range`. Pure.
std::vector<KeyValue> merge(std::vector<KeyValue> stored, const Changes& own, const Range& range,
                            Transaction::ScanOptions options);

}  // namespace letterlock::store

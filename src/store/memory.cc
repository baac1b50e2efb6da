#include "store/memory.h"

#include <algorithm>

#include "base/assert.h"
#include "net/loop.h"

namespace letterlock::store {
namespace {
auto crashed() {
  return base::fail(base::ErrorKind::closed, "the store has crashed since");
}
auto cancelled() {
  return base::fail(base::ErrorKind::cancelled, "stopping");
}
}  // namespace

class MemoryStore::MemoryTransaction final : public BufferedTransaction {
 public:
  MemoryTransaction(MemoryStore& store, Scope scope, Mode mode)
      : BufferedTransaction(std::move(scope), mode),
        store_(store),
        epoch_(store.epoch_),
        begun(store.recent_.last()) {
    place_ = store_.begun_.insert(begun);
  }
  ~MemoryTransaction() override {
    store_.begun_.erase(place_);
    store_.trim();
  }
  MemoryTransaction(const MemoryTransaction&) = delete;
  MemoryTransaction& operator=(const MemoryTransaction&) = delete;
  bool alive() const { return store_.alive(epoch_); }

 private:
  net::ResultTask<> begin_read() {
    co_await store_.pause();
    if (!alive()) co_return crashed();
    if (store_.read_faults_.empty()) co_return base::Result<>();
    const auto kind = store_.read_faults_.front();
    store_.read_faults_.pop_front();
    co_return base::fail(kind, "a read fails as ordered");
  }
  net::ResultTask<std::vector<std::optional<std::string>>> fetch(
      std::vector<std::string> keys) override {
    CO_CHECK(co_await begin_read());
    std::vector<std::optional<std::string>> values;
    for (const auto& key : keys) {
      const auto at = store_.keys_.find(key);
      const auto* value = at == store_.keys_.end() ? nullptr : store_.find(at->second, begun);
      values.push_back(value != nullptr ? *value : std::nullopt);
    }
    co_return values;
  }
  net::ResultTask<std::vector<KeyValue>> fetch_range(Range range, ScanOptions options) override {
    CO_CHECK(co_await begin_read());
    std::vector<KeyValue> pairs;
    std::size_t octets = 0;
    const auto take = [&](const auto& entry) {
      const auto* value = store_.find(entry.second, begun);
      if (value == nullptr || !value->has_value()) return;
      octets += entry.first.size() + (*value)->size();
      pairs.emplace_back(entry.first, **value);
    };
    const auto first = store_.keys_.lower_bound(range.first);
    const auto end = store_.keys_.lower_bound(range.end);
    const auto enough = [&] {
      return pairs.size() >= options.count_max || octets > scan_octets_max;
    };
    if (options.reverse) {
      for (auto at = end; at != first && !enough();) take(*--at);
    } else {
      for (auto at = first; at != end && !enough(); ++at) take(*at);
    }
    if (octets > scan_octets_max)
      co_return base::fail(base::ErrorKind::full, "a scan holds more than 32 MiB");
    co_return pairs;
  }

  MemoryStore& store_;
  std::uint64_t epoch_;
  std::multiset<Sequence>::iterator place_;

 public:
  const Sequence begun;
};

MemoryStore::MemoryStore(Options options)
    : options_(options), recent_(options.recent_keys_max), random_state_(options.seed) {}

MemoryStore::~MemoryStore() {
  ASSERT(begun_.empty());
}

// SplitMix64: which tasks run in between is part of what a seed decides.
std::uint64_t MemoryStore::random() {
  std::uint64_t z = (random_state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
  return z ^ z >> 31;
}

net::Task<> MemoryStore::pause() {
  if (options_.yields_max == 0) co_return;
  for (auto left = 1 + random() % options_.yields_max; left > 0; --left) co_await net::yield();
}

net::ResultTask<> MemoryStore::transact(Scope scope, Function function) {
  const auto epoch = epoch_;
  for (int tries = 0; tries < transaction_tries_max; ++tries) {
    if (co_await net::is_cancelled()) co_return cancelled();
    if (!alive(epoch)) co_return crashed();
    MemoryTransaction transaction(*this, scope, BufferedTransaction::Mode::change);
    CO_CHECK(co_await function(transaction));
    CO_CHECK(transaction.within_limits());
    if (!transaction.alive()) co_return crashed();
    if (transaction.changes.empty()) co_return base::Result<>();
    co_await pause();
    if (co_await net::is_cancelled()) co_return cancelled();
    if (!transaction.alive()) co_return crashed();
    auto committed = commit(transaction, transaction.begun);
    if (!transaction.alive()) co_return crashed();
    if (committed || committed.error().kind != base::ErrorKind::conflict) {
      co_await pause();
      if (!transaction.alive()) co_return crashed();
      co_return committed;
    }
    co_await pause();
  }
  co_return base::fail(base::ErrorKind::conflict,
                       "other transactions changed what this one read, 20 times in a row");
}

net::ResultTask<> MemoryStore::read(Scope scope, Function function) {
  if (co_await net::is_cancelled()) co_return cancelled();
  MemoryTransaction transaction(*this, std::move(scope), BufferedTransaction::Mode::read_only);
  CO_CHECK(co_await function(transaction));
  if (observer_) observer_(transaction.reads, transaction.changes);
  co_return transaction.within_limits();
}

base::Result<> MemoryStore::commit(const BufferedTransaction& transaction, Sequence begun) {
  const auto epoch = epoch_;
  if (hook_) hook_(CommitStage::before);
  if (!alive(epoch)) return crashed();
  if (!commit_faults_.empty()) {
    const auto [kind, outcome] = commit_faults_.front();
    commit_faults_.pop_front();
    if (outcome == Outcome::applied && !recent_.conflicts(transaction.reads, begun) &&
        check_holds(transaction.changes)) {
      apply(transaction);
    }
    return base::fail(kind, "a commit fails as ordered");
  }
  const Use use = transaction.changes.only_removes() ? Use::removal : Use::change;
  TRY(has_room(use, disk_free_octets_, options_.reserve_octets));
  if (recent_.conflicts(transaction.reads, begun)) {
    return base::fail(base::ErrorKind::conflict, "another transaction changed what this one read");
  }
  TRY(check_holds(transaction.changes));
  apply(transaction);
  if (hook_) hook_(CommitStage::durable);
  return {};
}

base::Result<> MemoryStore::check_holds(const Changes& changes) const {
  for (const auto& [hold, held] : changes.holds) {
    const auto at = blobs_.find(hold.first);
    if (held && (at == blobs_.end() || !at->second.finished)) {
      return base::fail(base::ErrorKind::not_found,
                        "blob " + hold.first.text() + " doesn't exist and can't be held");
    }
  }
  return {};
}

void MemoryStore::apply(const BufferedTransaction& transaction) {
  const auto& changes = transaction.changes;
  std::vector<std::string> changed;
  for (const auto& [key, value] : changes.keys) changed.push_back(key);
  const auto sequence = recent_.add(std::move(changed));
  Watchers::Noted watched;
  watchers_.note(changes, watched);
  Watchers::raise(watched);
  for (const auto& [key, value] : changes.keys) {
    keys_[key].push_back({sequence, value});
    old_.emplace_back(sequence, key);
  }
  apply_holds(changes);
  trim();
  if (observer_) observer_(transaction.reads, changes);
}

void MemoryStore::apply_holds(const Changes& changes) {
  for (const auto& [hold, held] : changes.holds) {
    const auto at = blobs_.find(hold.first);
    if (at == blobs_.end()) continue;
    if (held) {
      at->second.holders.insert(hold.second);
    } else {
      at->second.holders.erase(hold.second);
    }
  }
  // All first, then who is left: a blob may pass from one holder to the next.
  for (const auto& [hold, held] : changes.holds) {
    const auto at = blobs_.find(hold.first);
    if (at != blobs_.end() && at->second.finished && at->second.holders.empty()) blobs_.erase(at);
  }
}

// Drops the versions that no snapshot in use can see.
void MemoryStore::trim() {
  const Sequence oldest = begun_.empty() ? recent_.last() : *begun_.begin();
  recent_.forget_until(oldest);
  while (!old_.empty() && old_.front().first <= oldest) {
    const auto at = keys_.find(old_.front().second);
    old_.pop_front();
    if (at == keys_.end()) continue;
    auto& versions = at->second;
    const auto seen =
        std::ranges::find_if(versions.rbegin(), versions.rend(),
                             [&](const Version& version) { return version.sequence <= oldest; });
    if (seen == versions.rend()) continue;
    versions.erase(versions.begin(), std::prev(seen.base()));
    if (versions.size() == 1 && !versions.front().value) keys_.erase(at);
  }
}

const std::optional<std::string>* MemoryStore::find(const std::vector<Version>& versions,
                                                    Sequence at) const {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->sequence <= at) return &version->value;
  }
  return nullptr;
}

class MemoryStore::MemoryBlobWriter final : public BlobWriter {
 public:
  MemoryBlobWriter(MemoryStore& store, base::BlobId id)
      : store_(store), epoch_(store.epoch_), id_(id) {}
  ~MemoryBlobWriter() override {
    const auto at = store_.blobs_.find(id_);
    if (at != store_.blobs_.end() && store_.alive(epoch_)) at->second.writing = false;
  }
  MemoryBlobWriter(const MemoryBlobWriter&) = delete;
  MemoryBlobWriter& operator=(const MemoryBlobWriter&) = delete;

  net::ResultTask<> write(std::string_view octets) override {
    ASSERT(!finished_);
    const std::string copy(octets);
    CO_CHECK(co_await begin_write());
    store_.blobs_[id_].octets += copy;
    octets_ += copy.size();
    co_return base::Result<>();
  }
  net::ResultTask<> finish() override {
    ASSERT(!finished_);
    CO_CHECK(co_await begin_write());
    store_.blobs_[id_].finished = true;
    finished_ = true;
    co_return base::Result<>();
  }
  const base::BlobId& id() const override { return id_; }
  std::uint64_t octets() const override { return octets_; }

 private:
  net::ResultTask<> begin_write() {
    co_await store_.pause();
    if (co_await net::is_cancelled()) co_return cancelled();
    if (!store_.alive(epoch_)) co_return crashed();
    co_return has_room(Use::content, store_.disk_free_octets_, store_.options_.reserve_octets);
  }

  MemoryStore& store_;
  std::uint64_t epoch_;
  base::BlobId id_;
  std::uint64_t octets_ = 0;
  bool finished_ = false;
};

std::unique_ptr<BlobWriter> MemoryStore::write_blob() {
  base::IdOctets octets{};
  auto number = ++blobs_made_;
  for (std::size_t i = 16; i-- > 8; number >>= 8) octets[i] = static_cast<std::uint8_t>(number);
  auto seed = options_.seed;
  for (std::size_t i = 8; i-- > 0; seed >>= 8) octets[i] = static_cast<std::uint8_t>(seed);
  return std::make_unique<MemoryBlobWriter>(*this, base::BlobId(octets));
}

net::ResultTask<base::Bytes> MemoryStore::read_blob(base::BlobId blob, std::uint64_t offset,
                                                    std::size_t octets_max) {
  ++blob_reads_;
  const auto epoch = epoch_;
  co_await pause();
  if (!alive(epoch)) co_return crashed();
  if (!read_faults_.empty()) {
    const auto kind = read_faults_.front();
    read_faults_.pop_front();
    co_return base::fail(kind, "a read fails as ordered");
  }
  if (damaged_.contains(blob)) co_return base::fail(base::ErrorKind::corrupt, "a damaged blob");
  const auto at = blobs_.find(blob);
  if (at == blobs_.end() || at->second.holders.empty()) {
    co_return base::fail(base::ErrorKind::not_found, "no blob " + blob.text());
  }
  const auto& octets = at->second.octets;
  if (offset >= octets.size()) co_return base::Bytes();
  co_return octets.substr(static_cast<std::size_t>(offset), octets_max);
}

base::Result<std::uint64_t> MemoryStore::free_octets() const {
  return above_reserve(disk_free_octets_, options_.reserve_octets);
}

void MemoryStore::fail_next_commit(base::ErrorKind kind, Outcome outcome) {
  commit_faults_.emplace_back(kind, outcome);
}

void MemoryStore::fail_next_read(base::ErrorKind kind) {
  read_faults_.push_back(kind);
}

void MemoryStore::crash(std::uint64_t seed, Unsynced unsynced) {
  ++epoch_;
  random_state_ = seed;
  for (auto at = blobs_.begin(); at != blobs_.end();) {
    Blob& blob = at->second;
    blob.writing = false;
    const bool torn = unsynced == Unsynced::torn && blob.holders.empty();
    const auto drawn = torn ? random() % 3 : 0;
    if (torn && drawn == 1) {
      blob.octets.resize(static_cast<std::size_t>(random() % (blob.octets.size() + 1)));
      blob.finished = false;
    }
    const bool dropped =
        blob.holders.empty() && (unsynced == Unsynced::dropped || (torn && drawn == 2));
    at = dropped ? blobs_.erase(at) : std::next(at);
  }
}

void MemoryStore::drop_blob(const base::BlobId& blob) {
  const auto at = blobs_.find(blob);
  if (at != blobs_.end() && at->second.finished && at->second.holders.empty()) blobs_.erase(at);
}

void MemoryStore::sweep() {
  std::erase_if(blobs_, [](const auto& entry) {
    return entry.second.holders.empty() && !entry.second.writing;
  });
}

std::map<std::string, std::string> MemoryStore::contents() const {
  std::map<std::string, std::string> contents;
  for (const auto& [key, versions] : keys_) {
    if (versions.back().value) contents.emplace(key, *versions.back().value);
  }
  return contents;
}

std::size_t MemoryStore::unheld_blob_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      blobs_, [](const auto& entry) { return entry.second.holders.empty(); }));
}

std::size_t MemoryStore::version_count() const {
  std::size_t count = 0;
  for (const auto& [key, versions] : keys_) count += versions.size();
  return count;
}

std::set<std::string> MemoryStore::holders(const base::BlobId& blob) const {
  const auto at = blobs_.find(blob);
  return at == blobs_.end() ? std::set<std::string>() : at->second.holders;
}

}  // namespace letterlock::store

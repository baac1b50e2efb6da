#include "store/ledger.h"

#include <set>

namespace letterlock::store {

base::Result<> Ledger::load(const base::BlobId& blob, const std::string& holder) {
  if (!blobs_.contains(blob)) {
    if (auto octets = fresh_.find(blob)) {
      blobs_.emplace(blob, BlobRecord{octets->size(), 0});
      unwritten_.emplace(blob, std::move(octets));
    }
  }
  if (!blobs_.contains(blob)) {
    auto record = engine_.blob(blob);
    if (!record && record.error().kind != base::ErrorKind::not_found)
      return base::fail(std::move(record.error()));
    blobs_.emplace(blob, record ? std::optional(*record) : std::nullopt);
  }
  const std::pair place(blob, holder);
  if (holders_.contains(place)) return {};
  if (unwritten_.contains(blob)) {
    holders_.emplace(place, false);
    return {};
  }
  rocksdb::PinnableSlice value;
  const auto status =
      engine_.db().Get(rocksdb::ReadOptions(), engine_.own(), holder_key(blob, holder), &value);
  if (!status.IsNotFound()) TRY(to_result(status, "reading a holder of blob " + blob.text()));
  holders_.emplace(place, status.ok());
  return {};
}

base::Result<> Ledger::check(const Changes& changes) {
  for (const auto& [hold, held] : changes.holds) {
    TRY(load(hold.first, hold.second));
    if (held && !blobs_.at(hold.first)) {
      return base::fail(base::ErrorKind::not_found,
                        "blob " + hold.first.text() + " doesn't exist and can't be held");
    }
  }
  return {};
}

void Ledger::apply(const Changes& changes, rocksdb::WriteBatch& batch) {
  std::set<base::BlobId> touched;
  for (const auto& [hold, held] : changes.holds) {
    auto& record = blobs_.at(hold.first);
    if (!record) continue;
    touched.insert(hold.first);
    bool& is_held = holders_.at(hold);
    if (is_held == held) continue;
    is_held = held;
    const auto key = holder_key(hold.first, hold.second);
    if (held) {
      if (record->holders++ == 0) {
        newly_held_.push_back(hold.first);
        write_or_settle_pending(hold.first, batch);
      }
      batch.Put(engine_.own(), key, "");
    } else {
      if (record->holders > 0) --record->holders;
      batch.Delete(engine_.own(), key);
    }
  }
  // All first, then who is left: a blob may pass from one holder to the next.
  for (const auto& blob : touched) settle(blob, batch);
}

// A fresh blob goes to the disk now; any other stands there and waits no longer.
void Ledger::write_or_settle_pending(const base::BlobId& blob, rocksdb::WriteBatch& batch) {
  const auto fresh = unwritten_.find(blob);
  if (fresh == unwritten_.end()) {
    batch.Delete(engine_.own(), pending_key(blob));
    return;
  }
  if (!fresh->second->empty()) batch.Put(engine_.chunks(), chunk_key(blob, 0), *fresh->second);
  unwritten_.erase(fresh);
}

void Ledger::settle(const base::BlobId& blob, rocksdb::WriteBatch& batch) {
  auto& record = blobs_.at(blob);
  if (record->holders > 0) {
    batch.Put(engine_.own(), blob_key(blob), record->pack());
    return;
  }
  batch.Delete(engine_.own(), blob_key(blob));
  batch.Delete(engine_.own(), pending_key(blob));
  for (std::uint32_t i = 0; i < chunk_count(record->octets); ++i)
    batch.Delete(engine_.chunks(), chunk_key(blob, i));
  record.reset();
}

}  // namespace letterlock::store

#include "store/ledger.h"

#include <utility>

namespace letterlock::store {

base::Result<Ledger::Blob*> Ledger::load(const base::BlobId& id) {
  const auto known = blobs_.find(id);
  if (known != blobs_.end()) return &known->second;
  Blob blob;
  if (auto octets = fresh_.find(id)) {
    blob.record = BlobRecord{octets->size(), 0, {}};
    blob.unwritten = std::move(octets);
  } else {
    auto record = engine_.blob(id);
    if (!record && record.error().kind != base::ErrorKind::not_found)
      return base::fail(std::move(record.error()));
    if (record) blob.record = std::move(*record);
    blob.pending = blob.record && blob.record->holders == 0;
  }
  return &blobs_.emplace(id, std::move(blob)).first->second;
}

base::Result<> Ledger::load_holder(const base::BlobId& id, Blob& blob, const std::string& holder) {
  if (!blob.record || blob.holders.contains(holder)) return {};
  // Without any holder none has a row.
  if (blob.record->holders == 0 || blob.record->first == holder) {
    blob.holders.emplace(holder, blob.record->first == holder);
    return {};
  }
  rocksdb::PinnableSlice value;
  const auto status =
      engine_.db().Get(rocksdb::ReadOptions(), engine_.own(), holder_key(id, holder), &value);
  if (!status.IsNotFound()) TRY(to_result(status, "reading a holder of blob " + id.text()));
  blob.holders.emplace(holder, status.ok());
  return {};
}

base::Result<> Ledger::check(const Changes& changes) {
  for (const auto& [hold, held] : changes.holds) {
    auto* blob = TRY(load(hold.first));
    if (held && !blob->record) {
      return base::fail(base::ErrorKind::not_found,
                        "blob " + hold.first.text() + " doesn't exist and can't be held");
    }
    TRY(load_holder(hold.first, *blob, hold.second));
  }
  return {};
}

void Ledger::apply(const Changes& changes, rocksdb::WriteBatch& batch) {
  for (const auto& [hold, held] : changes.holds) {
    auto& blob = blobs_.at(hold.first);
    if (!blob.record) continue;
    bool& is_held = blob.holders.at(hold.second);
    if (std::exchange(is_held, held) == held) continue;
    if (held)
      this->hold(hold.first, blob, hold.second, batch);
    else
      release(hold.first, blob, hold.second, batch);
  }
  // All first, then who is left: a blob may pass from one holder to the next.
  const base::BlobId* before = nullptr;
  for (const auto& [hold, held] : changes.holds) {
    if (before != nullptr && *before == hold.first) continue;
    before = &hold.first;
    settle(hold.first, blobs_.at(hold.first), batch);
  }
}

// A fresh blob goes to the disk now; any other stands there and waits no longer.
void Ledger::hold(const base::BlobId& id, Blob& blob, const std::string& holder,
                  rocksdb::WriteBatch& batch) {
  if (blob.record->holders++ == 0) {
    newly_held_.push_back(id);
    if (blob.unwritten && !blob.unwritten->empty())
      batch.Put(engine_.chunks(), chunk_key(id, 0), *blob.unwritten);
    blob.unwritten.reset();
    if (std::exchange(blob.pending, false)) batch.Delete(engine_.own(), pending_key(id));
  }
  if (blob.record->first.empty())
    blob.record->first = holder;
  else
    batch.Put(engine_.own(), holder_key(id, holder), "");
}

void Ledger::release(const base::BlobId& id, Blob& blob, const std::string& holder,
                     rocksdb::WriteBatch& batch) {
  if (blob.record->holders > 0) --blob.record->holders;
  if (blob.record->first == holder)
    blob.record->first.clear();
  else
    batch.Delete(engine_.own(), holder_key(id, holder));
}

void Ledger::settle(const base::BlobId& id, Blob& blob, rocksdb::WriteBatch& batch) {
  if (!blob.record) return;
  if (blob.record->holders > 0) {
    batch.Put(engine_.own(), blob_key(id), blob.record->pack());
    return;
  }
  batch.Delete(engine_.own(), blob_key(id));
  if (blob.pending) batch.Delete(engine_.own(), pending_key(id));
  for (std::uint32_t i = 0; i < chunk_count(blob.record->octets); ++i)
    batch.Delete(engine_.chunks(), chunk_key(id, i));
  blob.record.reset();
}

}  // namespace letterlock::store

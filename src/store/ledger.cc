#include "store/ledger.h"

#include <algorithm>
#include <set>

namespace letterlock::store {

base::Result<> Ledger::load(const base::BlobId& blob, const std::string& holder) {
  if (!blobs_.contains(blob)) {
    if (auto fresh = fresh_.find(blob)) {
      const auto place = fresh->content ? BlobRecord::Place::database : BlobRecord::Place::file;
      blobs_.emplace(blob, BlobRecord{fresh->octets, 0, place, {}});
      unheld_.emplace(blob, std::move(*fresh));
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
  const auto& record = blobs_.at(blob);
  const bool is_first = record && record->first == holder;
  if (is_first || unheld_.contains(blob)) {
    holders_.emplace(place, is_first);
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
    const bool is_first = record->first == hold.second;
    if (held) {
      if (record->holders++ == 0) {
        newly_held_.push_back(hold.first);
        write_fresh(hold.first, *record, batch);
      }
      if (record->first.empty())
        record->first = hold.second;
      else
        batch.Put(engine_.own(), key, "");
    } else {
      if (record->holders > 0) --record->holders;
      if (is_first)
        record->first.clear();
      else
        batch.Delete(engine_.own(), key);
    }
  }
  // All first, then who is left: a blob may pass from one holder to the next.
  for (const auto& blob : touched) settle(blob, batch);
}

// A small one goes to the disk now; a large one stands there.
void Ledger::write_fresh(const base::BlobId& blob, const BlobRecord& record,
                         rocksdb::WriteBatch& batch) {
  const auto fresh = unheld_.find(blob);
  if (fresh == unheld_.end()) return;
  if (record.place == BlobRecord::Place::file) {
    held_files_.push_back(blob);
    octets_came_ += ContentFiles::file_octets(record.octets);
  } else if (!fresh->second.content->empty()) {
    batch.Put(engine_.chunks(), small_key(blob), *fresh->second.content);
  }
  unheld_.erase(fresh);
}

void Ledger::settle(const base::BlobId& blob, rocksdb::WriteBatch& batch) {
  auto& record = blobs_.at(blob);
  if (record->holders > 0) {
    batch.Put(engine_.own(), blob_key(blob), record->pack());
    return;
  }
  batch.Delete(engine_.own(), blob_key(blob));
  if (record->place == BlobRecord::Place::file) {
    // Behind this batch; should that not come to be, a start reads the key.
    batch.Put(engine_.own(), gone_key(blob), record->pack());
    gone_files_.push_back(blob);
    octets_went_ += ContentFiles::file_octets(record->octets);
  } else {
    batch.Delete(engine_.chunks(), small_key(blob));
  }
  record.reset();
}

void Ledger::finish(rocksdb::WriteBatch& batch) {
  if (octets_came_ == octets_went_) return;
  const auto had = engine_.content_octets() + octets_came_;
  engine_.set_content_octets(had - std::min(had, octets_went_), batch);
}

}  // namespace letterlock::store

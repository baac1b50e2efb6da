#include "store/changes.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace letterlock::store {

void Reads::add(std::string_view key) {
  if (keys.contains(key)) return;
  octets += key.size();
  keys.emplace(key);
}

void Reads::add(Range range) {
  if (!ranges.empty()) {
    Range& last = ranges.back();
    if (last.end == range.first || (range.first >= last.first && range.first <= last.end)) {
      if (range.end > last.end) last.end = std::move(range.end);
      return;
    }
    if (range.end == last.first) {
      last.first = std::move(range.first);
      return;
    }
  }
  octets += range.first.size() + range.end.size();
  ranges.push_back(std::move(range));
}

bool Changes::only_removes() const {
  return std::ranges::none_of(keys, [](const auto& change) { return change.second.has_value(); }) &&
         std::ranges::none_of(holds, [](const auto& hold) { return hold.second; });
}

base::Result<> BufferedTransaction::within_limits() const {
  if (broken_) return base::fail(*broken_);
  if (reads.octets > reads_octets_max) {
    return base::fail(base::ErrorKind::full, "a transaction read more keys than it may remember");
  }
  return {};
}

std::vector<std::string> Changes::take_keys() {
  std::vector<std::string> taken;
  taken.reserve(keys.size());
  while (!keys.empty()) taken.push_back(std::move(keys.extract(keys.begin()).key()));
  return taken;
}

net::ResultTask<std::optional<std::string>> BufferedTransaction::get(std::string key) {
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  CO_TRY(auto values, co_await get_many(std::move(keys)));
  co_return std::move(values.front());
}

net::ResultTask<std::vector<std::optional<std::string>>> BufferedTransaction::get_many(
    std::vector<std::string> keys) {
  std::vector<std::optional<std::string>> values(keys.size());
  std::vector<std::string> missing;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT(scope_.covers_read(keys[i]));
    if (const auto* value = known(keys[i])) {
      values[i] = *value;
      continue;
    }
    reads.add(keys[i]);
    missing.push_back(std::move(keys[i]));
    places.push_back(i);
  }
  CO_CHECK(within_limits());
  if (missing.empty()) co_return values;
  CO_TRY(auto fetched, co_await fetch(missing));
  for (std::size_t i = 0; i < places.size(); ++i) {
    remember(missing[i], fetched[i]);
    values[places[i]] = std::move(fetched[i]);
  }
  co_return values;
}

const std::optional<std::string>* BufferedTransaction::known(std::string_view key) const {
  if (const auto own = changes.keys.find(key); own != changes.keys.end()) return &own->second;
  const auto read = known_.find(key);
  return read == known_.end() ? nullptr : &read->second;
}

void BufferedTransaction::remember(std::string_view key, const std::optional<std::string>& value) {
  const auto octets = key.size() + (value ? value->size() : 0);
  if (known_octets_ + octets > known_octets_max) return;
  if (known_.emplace(key, value).second) known_octets_ += octets;
}

net::ResultTask<std::vector<KeyValue>> BufferedTransaction::scan(Range range, ScanOptions options) {
  std::vector<KeyValue> pairs;
  if (range.first >= range.end || options.count_max == 0) co_return pairs;
  ASSERT(scope_.covers_read(range));
  CO_CHECK(within_limits());
  // So many more are fetched as the own changes may hide.
  ScanOptions wider = options;
  const auto own_first = changes.keys.lower_bound(range.first);
  const auto own_end = changes.keys.lower_bound(range.end);
  for (auto own = own_first; own != own_end; ++own) wider.count_max += own->second ? 0 : 1;
  CO_TRY(auto stored, co_await fetch_range(range, wider));
  pairs = merge(std::move(stored), changes, range, options);
  // What lies behind the last pair returned was not read: a change there is no conflict.
  if (pairs.size() == options.count_max) {
    (options.reverse ? range.first : range.end) =
        pairs.back().first + (options.reverse ? "" : std::string(1, '\0'));
  }
  reads.add(std::move(range));
  co_return pairs;
}

std::vector<KeyValue> merge(std::vector<KeyValue> stored, const Changes& own, const Range& range,
                            Transaction::ScanOptions options) {
  const auto first = own.keys.lower_bound(range.first);
  const auto end = own.keys.lower_bound(range.end);
  if (first != end) {
    std::vector<KeyValue> merged;
    const auto before = [&](std::string_view a, std::string_view b) {
      return options.reverse ? a > b : a < b;
    };
    auto next = stored.begin();
    const auto take = [&](const auto& change) {
      while (next != stored.end() && before(next->first, change.first))
        merged.push_back(std::move(*next++));
      if (next != stored.end() && next->first == change.first) ++next;
      if (change.second) merged.emplace_back(change.first, *change.second);
    };
    if (options.reverse) {
      std::for_each(std::make_reverse_iterator(end), std::make_reverse_iterator(first), take);
    } else {
      std::for_each(first, end, take);
    }
    std::move(next, stored.end(), std::back_inserter(merged));
    stored = std::move(merged);
  }
  if (stored.size() > options.count_max) stored.resize(options.count_max);
  return stored;
}

void BufferedTransaction::put(std::string key, std::string value) {
  change(std::move(key), std::move(value));
}

void BufferedTransaction::erase(std::string_view key) {
  change(std::string(key), std::nullopt);
}

void BufferedTransaction::change(std::string key, std::optional<std::string> value) {
  ASSERT(mode_ == Mode::change);
  ASSERT(scope_.covers(key));
  if (broken_) return;
  changes.octets += key.size() + (value ? value->size() : 0);
  const auto old = changes.keys.find(key);
  if (old != changes.keys.end())
    changes.octets -= key.size() + (old->second ? old->second->size() : 0);
  if (key.size() > key_octets_max || changes.octets > transaction_octets_max) {
    broken_ =
        base::Error{base::ErrorKind::full,
                    "a transaction changes more than 1 MiB, or a key is longer than 4096 octets"};
    return;
  }
  if (old != changes.keys.end()) {
    old->second = std::move(value);
  } else {
    changes.keys.emplace(std::move(key), std::move(value));
  }
}

void BufferedTransaction::hold(const base::BlobId& blob, std::string_view holder) {
  change_holder(blob, holder, true);
}

void BufferedTransaction::release(const base::BlobId& blob, std::string_view holder) {
  change_holder(blob, holder, false);
}

void BufferedTransaction::change_holder(const base::BlobId& blob, std::string_view holder,
                                        bool held) {
  ASSERT(mode_ == Mode::change);
  ASSERT(!blob.is_nil() && !holder.empty());
  if (broken_) return;
  auto key = scope_.holder_key(holder);
  changes.octets += blob.octets().size() + key.size();
  if (key.size() > key_octets_max || changes.octets > transaction_octets_max) {
    broken_ = base::Error{
        base::ErrorKind::full,
        "a transaction changes more than 1 MiB, or a holder is longer than 4096 octets"};
    return;
  }
  changes.holds.insert_or_assign({blob, std::move(key)}, held);
}

}  // namespace letterlock::store

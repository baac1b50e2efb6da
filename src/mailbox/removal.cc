// Taking away for good, in batches that fit a transaction.
#include <algorithm>

#include "mailbox/rows.h"

namespace letterlock::mailbox {
namespace {

std::size_t batch(std::size_t count_max) {
  return std::clamp<std::size_t>(count_max, 1, page_max);
}

// Up to `count_max` keys of a prefix; messages let go of their blobs. How many it were.
net::ResultTask<std::size_t> erase_some(store::Transaction& tx, std::string prefix,
                                        std::size_t count_max) {
  CO_TRY(const auto found, co_await tx.scan(store::range_of(prefix), {.count_max = count_max}));
  for (const auto& row : found) tx.erase(row.first);
  co_return found.size();
}

net::ResultTask<std::size_t> erase_messages(store::Transaction& tx, Owner owner, std::string prefix,
                                            std::size_t count_max) {
  CO_TRY(const auto found, co_await tx.scan(store::range_of(prefix), {.count_max = count_max}));
  for (const auto& row : found) {
    CO_TRY(const auto place, place_from_message_key(owner, row.first));
    CO_TRY(const auto uid, uid_from_message_key(row.first));
    CO_TRY(const auto message, decode_message(uid, row.second));
    rows::erase_message(tx, place, message);
  }
  co_return found.size();
}

}  // namespace

net::ResultTask<Left> purge(store::Transaction& tx, base::TenantId tenant, std::size_t count_max) {
  auto left = batch(count_max);
  CO_TRY(const auto removed,
         co_await tx.scan(store::range_of(removed_prefix(tenant)), {.count_max = 1}));
  if (removed.empty()) co_return Left::nothing;
  CO_TRY(const auto place, place_from_removed_key(tenant, removed.front().first));
  CO_TRY(const auto messages,
         co_await erase_messages(tx, place.owner, messages_prefix(place), left));
  left -= messages;
  if (left == 0) co_return Left::more;
  CO_TRY(const auto tombstones, co_await erase_some(tx, tombstones_prefix(place), left));
  if (tombstones == left) co_return Left::more;
  tx.erase(mailbox_key(place));
  tx.erase(removed_key(place));
  co_return Left::more;  // perhaps another mailbox: the next call knows
}

net::ResultTask<Left> remove_account(store::Transaction& tx, Owner owner, std::size_t count_max) {
  auto left = batch(count_max);
  CO_TRY(auto account, co_await rows::find_account(tx, owner));
  if (!account) co_return Left::nothing;
  if (!account->removing) {
    account->removing = true;
    rows::put_account(tx, owner, *account);
  }
  bool messages = true;
  for (const auto& prefix : prefixes_of_account(owner)) {
    std::size_t erased = 0;
    if (messages) {
      CO_TRY(erased, co_await erase_messages(tx, owner, prefix, left));
    } else {
      CO_TRY(erased, co_await erase_some(tx, prefix, left));
    }
    messages = false;
    left -= erased;
    if (left == 0) co_return Left::more;
  }
  tx.erase(account_key(owner));
  co_return Left::nothing;
}

}  // namespace letterlock::mailbox

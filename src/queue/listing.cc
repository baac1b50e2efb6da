// A page of the queue for operators: bounded by recipients, wherever within a message that ends.
#include <algorithm>

#include "queue/keys.h"
#include "queue/queue.h"

namespace letterlock::queue {
namespace {

// The records of their own that recipients of a page's messages have, by place.
struct OwnRow {
  base::MessageId message;
  Recipient recipient;
};
struct OwnRows {
  std::vector<OwnRow> rows;
  std::optional<ListPlace> end;  // not read from here on; nothing: all were
};

net::ResultTask<std::vector<Entry>> read_messages(store::Transaction& transaction,
                                                  base::TenantId tenant, ListOptions options) {
  auto range = store::range_of(keys::area(tenant, "m"));
  if (options.from) range.first = keys::message(tenant, options.from->message);
  store::Transaction::ScanOptions scan;
  scan.count_max = options.count_max + 1;  // one more says whether there is more
  CO_TRY(const auto pairs, co_await transaction.scan(range, scan));
  std::vector<Entry> entries;
  entries.reserve(pairs.size());
  for (const auto& pair : pairs) {
    CO_TRY(auto entry, unpack_message(pair.second));
    entries.push_back(std::move(entry));
  }
  co_return entries;
}

net::ResultTask<OwnRows> read_own_rows(store::Transaction& transaction, base::TenantId tenant,
                                       ListPlace first, base::MessageId last,
                                       std::size_t count_max) {
  OwnRows own;
  const auto area_octets = keys::area(tenant, "r").size();
  const store::Range range{keys::recipient(tenant, first.message, first.recipient),
                           store::range_of(keys::recipients(tenant, last)).end};
  store::Transaction::ScanOptions scan;
  scan.count_max = count_max + 1;
  CO_TRY(const auto pairs, co_await transaction.scan(range, scan));
  for (const auto& [key, value] : pairs) {
    CO_TRY(const auto id,
           base::MessageId::from_octets(std::string_view(key).substr(area_octets, 16)));
    CO_TRY(auto recipient, unpack_recipient(value));
    if (own.rows.size() == count_max) {
      own.end = {id, recipient.index};
      break;
    }
    own.rows.push_back({id, std::move(recipient)});
  }
  co_return own;
}

// Own records replace what stood in the message's. Both stand in the order of their indexes.
void put_own(std::vector<Recipient>& recipients, Recipient own) {
  const auto at = std::ranges::lower_bound(recipients, own.index, {}, &Recipient::index);
  if (at != recipients.end() && at->index == own.index)
    *at = std::move(own);
  else
    recipients.insert(at, std::move(own));
}

// Cuts the page where it is full, or where its recipients' records haven't been read.
ListPage cut(std::vector<Entry> entries, const ListOptions& options,
             const std::optional<ListPlace>& unread) {
  ListPage page;
  std::size_t count = 0;
  for (auto& entry : entries) {
    const auto& id = entry.message.id;
    if (page.entries.size() == options.count_max || (unread && id > unread->message)) {
      page.next = {id, 0};
      return page;
    }
    std::erase_if(entry.recipients, [&](const Recipient& recipient) {
      return options.from && options.from->message == id &&
             recipient.index < options.from->recipient;
    });
    const auto is_left = [&](const Recipient& recipient) {
      return count >= options.recipients_max ||
             (unread && unread->message == id && recipient.index >= unread->recipient);
    };
    auto end = entry.recipients.begin();
    for (; end != entry.recipients.end() && !is_left(*end); ++end) ++count;
    if (end != entry.recipients.end()) page.next = {id, end->index};
    // Those that aren't read stand nowhere but in their own records.
    else if (unread && unread->message == id)
      page.next = unread;
    entry.recipients.erase(end, entry.recipients.end());
    if (!entry.recipients.empty()) page.entries.push_back(std::move(entry));
    if (page.next) return page;
  }
  return page;
}

}  // namespace

net::ResultTask<ListPage> list(store::Transaction& transaction, base::TenantId tenant,
                               ListOptions options) {
  CO_TRY(auto entries, co_await read_messages(transaction, tenant, options));
  if (entries.empty()) co_return ListPage();
  const auto first = options.from.value_or(ListPlace{entries.front().message.id, 0});
  CO_TRY(auto own, co_await read_own_rows(transaction, tenant, first, entries.back().message.id,
                                          options.recipients_max));
  auto entry = entries.begin();
  for (auto& row : own.rows) {
    while (entry != entries.end() && entry->message.id < row.message) ++entry;
    if (entry == entries.end()) break;
    if (entry->message.id != row.message) continue;  // of a message that isn't of the page
    put_own(entry->recipients, std::move(row.recipient));
  }
  co_return cut(std::move(entries), options, own.end);
}

}  // namespace letterlock::queue

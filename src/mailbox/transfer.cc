// From one mailbox of an account to another.
#include <algorithm>

#include "mailbox/rows.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using base::fail;

base::Result<std::vector<Uid>> check(const Place& from, std::vector<Uid> uids, const Place& to) {
  if (from.owner != to.owner)
    return fail(ErrorKind::invalid, "messages go between mailboxes of one account only");
  return rows::in_order(std::move(uids));
}

// Puts copies of `messages` into the target, whose row it changes and writes.
base::Result<Copied> put_all(store::Transaction& tx, const std::vector<Message>& messages,
                             const Place& to, MailboxRecord& record) {
  Copied copied{record.uid_validity, {}};
  record.modseq_highest += messages.empty() ? 0 : 1;
  for (auto message : messages) {
    const auto uid = TRY(rows::take_uid(record));
    copied.uids.emplace_back(message.uid, uid);
    message.uid = uid;
    message.modseq = record.modseq_highest;
    TRY(remember_keywords(record.keywords, message.flags));
    rows::count_in(record, message);
    rows::add_message(tx, to, message);
  }
  rows::put_mailbox(tx, to, record);
  return copied;
}

}  // namespace

net::ResultTask<CopyOutcome> copy(store::Transaction& tx, Place from, std::vector<Uid> uids,
                                  Place to, CopyOptions options) {
  CO_TRY(auto ordered, check(from, std::move(uids), to));
  CO_TRY(const auto source, co_await rows::mailbox(tx, from));
  CO_TRY(auto target, co_await rows::mailbox(tx, to));
  CO_TRY(auto account, co_await rows::account(tx, to.owner));
  CO_TRY(const auto messages, co_await rows::messages(tx, from, std::move(ordered)));
  std::uint64_t octets = 0;
  for (const auto& message : messages) octets += message.octets();
  if (!messages.empty()) {
    if (const auto over = rows::over(account, octets, options.quota_octets))
      co_return CopyOutcome(*over);
  }
  CO_TRY(auto copied, put_all(tx, messages, to, target));
  for (const auto& message : messages) rows::count_in(account, message);
  rows::put_account(tx, to.owner, account);
  co_return CopyOutcome(std::move(copied));
}

net::ResultTask<Copied> move(store::Transaction& tx, Place from, std::vector<Uid> uids, Place to) {
  CO_TRY(auto outcome, co_await copy(tx, from, std::move(uids), to, CopyOptions()));
  auto copied = std::get<Copied>(std::move(outcome));  // without a quota there is no other outcome
  std::vector<Uid> taken;
  for (const auto& [there, here] : copied.uids) taken.push_back(there);
  CO_TRY(const auto gone, co_await expunge(tx, from, std::move(taken)));
  co_return copied;
}

}  // namespace letterlock::mailbox

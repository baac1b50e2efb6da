// Mailboxes as such: made, renamed, removed, listed, subscribed.
#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "base/digest.h"
#include "base/pack.h"
#include "mailbox/rows.h"

namespace letterlock::mailbox {
namespace {

using base::ErrorKind;
using base::fail;

constexpr std::array<std::pair<std::string_view, SpecialUse>, 6> first_mailboxes{{
    {inbox, SpecialUse::none},
    {"Archive", SpecialUse::archive},
    {"Drafts", SpecialUse::drafts},
    {"Junk", SpecialUse::junk},
    {"Sent", SpecialUse::sent},
    {"Trash", SpecialUse::trash},
}};

// Seconds since 1970 or one more than the last, so that it rises whatever the clock does.
// RFC: 9051 section 2.3.1.1.
base::Result<UidValidity> take_uid_validity(AccountRecord& account, base::Time now) {
  constexpr std::uint64_t most = std::numeric_limits<UidValidity>::max();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::uint64_t wanted = seconds > 0 ? static_cast<std::uint64_t>(seconds) : 1;
  const std::uint64_t least = std::uint64_t{account.uid_validity_last} + 1;
  if (least > most) return fail(ErrorKind::full, "an account has used up its UIDVALIDITY values");
  account.uid_validity_last = static_cast<UidValidity>(std::clamp(wanted, least, most));
  return account.uid_validity_last;
}

// UIDVALIDITY is unique within the account, so what is made of both is unique everywhere: no
// randomness, and a repeated transaction finds the same.
base::MailboxId id_from(const Owner& owner, UidValidity uid_validity, base::Time now) {
  const auto digest =
      base::sha256(std::string(owner.account.octets()) + base::key_number(uid_validity));
  std::array<std::uint8_t, 10> tail{};
  std::copy_n(digest.begin(), tail.size(), tail.begin());
  return base::MailboxId::make(now, tail);
}

void put_name(store::Transaction& tx, const Owner& owner, std::string_view name,
              const base::MailboxId& id) {
  tx.put(names_prefix(owner).append(name), base::Packer(1).id(id).take());
}

// Makes one mailbox under a free canonical name; the caller puts the account's row.
base::Result<Mailbox> make(store::Transaction& tx, const Owner& owner, AccountRecord& account,
                           std::string_view name, SpecialUse special_use, base::Time now) {
  if (account.mailboxes >= mailboxes_max) {
    return fail(ErrorKind::full,
                "an account has at most " + std::to_string(mailboxes_max) + " mailboxes");
  }
  Mailbox made;
  made.name = name;
  made.record.uid_validity = TRY(take_uid_validity(account, now));
  made.record.special_use = special_use;
  made.place = {owner, id_from(owner, made.record.uid_validity, now)};
  account.mailboxes += 1;
  rows::put_mailbox(tx, made.place, made.record);
  put_name(tx, owner, name, made.place.mailbox);
  return made;
}

// Those above `name` that aren't there yet. RFC 9051 §6.3.4: a server SHOULD create them.
net::ResultTask<> make_above(store::Transaction& tx, Owner owner, AccountRecord& account,
                             std::string name, base::Time now) {
  for (const auto& above : names_above(name)) {
    CO_TRY(const auto there, co_await rows::id_of(tx, owner, above));
    if (there) continue;
    CO_TRY(const auto made, make(tx, owner, account, above, SpecialUse::none, now));
  }
  co_return base::Result<void>();
}

struct Named {
  std::string name;
  base::MailboxId id;
};

base::Result<Named> named(const Owner& owner, const store::KeyValue& row) {
  base::Unpacker in("mailbox name", row.second);
  const auto id = in.id<base::MailboxId>();
  TRY(in.done(1));
  return Named{row.first.substr(names_prefix(owner).size()), id};
}

net::ResultTask<> rename_inbox(store::Transaction& tx, Owner owner, AccountRecord& account,
                               std::string to, base::Time now) {
  CO_TRY(const auto id, co_await rows::id_of(tx, owner, std::string(inbox)));
  if (!id) co_return fail(ErrorKind::not_found, "no INBOX");
  put_name(tx, owner, to, *id);
  CO_TRY(const auto made, make(tx, owner, account, inbox, SpecialUse::none, now));
  co_return base::Result<void>();
}

net::ResultTask<> rename_tree(store::Transaction& tx, Owner owner, std::string from,
                              std::string to) {
  CO_TRY(const auto id, co_await rows::id_of(tx, owner, from));
  if (!id) co_return fail(ErrorKind::not_found, "no mailbox " + base::printable(from));
  const auto children = store::range_of(names_prefix(owner) + from + separator);
  CO_TRY(const auto below, co_await tx.scan(children, {.count_max = mailboxes_max}));
  tx.erase(names_prefix(owner) + from);
  put_name(tx, owner, to, *id);
  for (const auto& row : below) {
    CO_TRY(const auto child, named(owner, row));
    CO_TRY(const auto name, canonical_name(to + child.name.substr(from.size())));
    tx.erase(row.first);
    put_name(tx, owner, name, child.id);
  }
  co_return base::Result<void>();
}

}  // namespace

net::ResultTask<AccountRecord> create_account_mailboxes(store::Transaction& tx, Owner owner,
                                                        base::Time now) {
  CO_TRY(const auto there, co_await rows::find_account(tx, owner));
  if (there && there->removing) {
    co_return fail(ErrorKind::not_found, "account " + owner.account.text() + " is being removed");
  }
  if (there) co_return *there;
  AccountRecord account;
  for (const auto& [name, use] : first_mailboxes) {
    CO_TRY(const auto made, make(tx, owner, account, name, use, now));
  }
  rows::put_account(tx, owner, account);
  co_return account;
}

net::ResultTask<AccountRecord> account_totals(store::Transaction& tx, Owner owner) {
  CO_TRY(const auto there, co_await rows::find_account(tx, owner));
  co_return there.value_or(AccountRecord());
}

net::ResultTask<Mailbox> create(store::Transaction& tx, Owner owner, std::string name,
                                base::Time now) {
  CO_TRY(const auto kept, canonical_name(name));
  CO_TRY(auto account, co_await create_account_mailboxes(tx, owner, now));
  CO_TRY(const auto there, co_await rows::id_of(tx, owner, kept));
  if (there)
    co_return fail(ErrorKind::exists, "there is a mailbox " + base::printable(kept) + " already");
  CO_CHECK(co_await make_above(tx, owner, account, kept, now));
  CO_TRY(auto made, make(tx, owner, account, kept, SpecialUse::none, now));
  rows::put_account(tx, owner, account);
  co_return made;
}

net::ResultTask<> rename(store::Transaction& tx, Owner owner, std::string from, std::string to,
                         base::Time now) {
  CO_TRY(const auto old_name, canonical_name(from));
  CO_TRY(const auto new_name, canonical_name(to));
  CO_TRY(auto account, co_await rows::account(tx, owner));
  CO_TRY(const auto there, co_await rows::id_of(tx, owner, new_name));
  if (there)
    co_return fail(ErrorKind::exists,
                   "there is a mailbox " + base::printable(new_name) + " already");
  const bool from_inbox = old_name == inbox;
  if (!from_inbox && new_name.starts_with(old_name + separator)) {
    co_return fail(ErrorKind::invalid, "a mailbox can't be moved below itself");
  }
  if (from_inbox) {
    CO_CHECK(co_await rename_inbox(tx, owner, account, new_name, now));
  } else {
    CO_CHECK(co_await rename_tree(tx, owner, old_name, new_name));
  }
  CO_CHECK(co_await make_above(tx, owner, account, new_name, now));
  rows::put_account(tx, owner, account);
  co_return base::Result<void>();
}

net::ResultTask<> remove(store::Transaction& tx, Owner owner, std::string name) {
  CO_TRY(const auto mailbox, co_await find(tx, owner, name));
  if (mailbox.name == inbox) co_return fail(ErrorKind::denied, "INBOX can't be removed");
  CO_TRY(auto account, co_await rows::account(tx, owner));
  CO_CHECK(rows::count_out(account, mailbox.record.messages, mailbox.record.octets));
  if (account.mailboxes == 0)
    co_return fail(ErrorKind::corrupt, "an account counts no mailboxes, but has one");
  account.mailboxes -= 1;
  auto record = mailbox.record;
  record.removed = true;
  tx.erase(names_prefix(owner) + mailbox.name);
  tx.put(removed_key(mailbox.place), base::Packer(1).take());
  rows::put_mailbox(tx, mailbox.place, record);
  rows::put_account(tx, owner, account);
  co_return base::Result<void>();
}

net::ResultTask<Mailbox> find(store::Transaction& tx, Owner owner, std::string name) {
  CO_TRY(const auto kept, canonical_name(name));
  CO_TRY(const auto id, co_await rows::id_of(tx, owner, kept));
  if (!id) co_return fail(ErrorKind::not_found, "no mailbox " + base::printable(kept));
  const Place place{owner, *id};
  CO_TRY(auto record, co_await rows::mailbox(tx, place));
  co_return Mailbox{place, kept, std::move(record)};
}

net::ResultTask<std::vector<Mailbox>> list_mailboxes(store::Transaction& tx, Owner owner,
                                                     std::string after, std::size_t count_max) {
  const auto prefix = names_prefix(owner);
  const auto range = after.empty() ? store::range_of(prefix) : rows::behind(prefix, prefix + after);
  CO_TRY(const auto found, co_await tx.scan(range, {.count_max = rows::page(count_max)}));
  std::vector<Mailbox> mailboxes;
  std::vector<std::string> keys;
  for (const auto& row : found) {
    CO_TRY(auto one, named(owner, row));
    mailboxes.push_back({{owner, one.id}, std::move(one.name), {}});
    keys.push_back(mailbox_key(mailboxes.back().place));
  }
  CO_TRY(const auto records, co_await tx.get_many(std::move(keys)));
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!records[i]) co_return fail(ErrorKind::corrupt, "a name names a mailbox that isn't there");
    CO_TRY(mailboxes[i].record, decode_mailbox(*records[i]));
  }
  co_return mailboxes;
}

net::ResultTask<MailboxRecord> status(store::Transaction& tx, Place place) {
  return rows::mailbox(tx, place);
}

net::ResultTask<> subscribe(store::Transaction& tx, Owner owner, std::string name,
                            Subscription subscription) {
  CO_TRY(const auto kept, canonical_name(name));
  CO_TRY(auto account, co_await rows::account(tx, owner));
  const auto key = subscriptions_prefix(owner) + kept;
  CO_TRY(const auto there, co_await tx.get(key));
  if (there.has_value() == (subscription == Subscription::on)) co_return base::Result<void>();
  if (subscription == Subscription::off) {
    tx.erase(key);
    account.subscriptions -= account.subscriptions > 0 ? 1 : 0;
  } else {
    if (account.subscriptions >= subscriptions_max) {
      co_return fail(ErrorKind::full, "an account has at most " +
                                          std::to_string(subscriptions_max) + " subscriptions");
    }
    tx.put(key, base::Packer(1).take());
    account.subscriptions += 1;
  }
  rows::put_account(tx, owner, account);
  co_return base::Result<void>();
}

net::ResultTask<std::vector<std::string>> list_subscriptions(store::Transaction& tx, Owner owner,
                                                             std::string after,
                                                             std::size_t count_max) {
  const auto prefix = subscriptions_prefix(owner);
  const auto range = after.empty() ? store::range_of(prefix) : rows::behind(prefix, prefix + after);
  CO_TRY(const auto found, co_await tx.scan(range, {.count_max = rows::page(count_max)}));
  std::vector<std::string> names;
  for (const auto& row : found) names.push_back(row.first.substr(prefix.size()));
  co_return names;
}

}  // namespace letterlock::mailbox

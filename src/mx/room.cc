#include "mx/room.h"

#include "mailbox/mailbox.h"

namespace letterlock::mx {
namespace {

net::ResultTask<> read_octets(store::Transaction& transaction, Mailbox mailbox,
                              std::uint64_t& octets) {
  CO_TRY(const auto totals,
         co_await mailbox::account_totals(transaction, {mailbox.tenant, mailbox.account}));
  octets = totals.octets;
  co_return base::Result<>();
}

}  // namespace

net::Task<Room> room_in(store::Store& store, Mailbox mailbox, std::uint64_t octets) {
  if (mailbox.account.is_nil() || mailbox.quota_octets == 0) co_return Room::enough;
  if (octets > mailbox.quota_octets) co_return Room::never;
  std::uint64_t used = 0;
  const auto read = co_await store.read(
      store::Scope::tenant(mailbox.tenant),
      [&](store::Transaction& transaction) { return read_octets(transaction, mailbox, used); });
  if (!read) co_return Room::enough;
  co_return used + octets > mailbox.quota_octets ? Room::none : Room::enough;
}

std::optional<smtp::Reply> no_room(Room room) {
  switch (room) {
    case Room::enough:
      return std::nullopt;
    case Room::none:
      return smtp::reply(452, dsn::Status{4, 2, 2}, "the mailbox is full, try later");
    case Room::never:
      return smtp::reply(552, dsn::Status{5, 2, 3}, "the message is larger than the mailbox takes");
  }
  return std::nullopt;
}

std::uint64_t octets_before(std::string_view mail_from, std::string_view address) {
  constexpr std::string_view frame = "Return-Path: <>\r\nDelivered-To: \r\n";
  return frame.size() + mail_from.size() + address.size();
}

}  // namespace letterlock::mx

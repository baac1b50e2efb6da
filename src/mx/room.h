// Whether a mailbox has room for a message, asked before it is taken: what was taken and doesn't
// fit would have to be reported to whoever the sender says he is.
#pragma once

#include <optional>
#include <string_view>

#include "base/id.h"
#include "net/task.h"
#include "smtp/reply.h"
#include "store/store.h"

namespace letterlock::mx {

// Of an address that leads to one mailbox; of any other the account is nil, and it has room.
struct Mailbox {
  base::TenantId tenant;
  base::AccountId account;
  std::uint64_t quota_octets = 0;  // 0: no limit
};

enum class Room {
  enough,  // as far as that is known: what is on its way to the mailbox isn't counted
  none,    // now; once mail has been removed there may be
  never    // the message alone is larger than the mailbox may become
};
// Where the store can't say, there is enough: mda finds out.
net::Task<Room> room_in(store::Store& store, Mailbox mailbox, std::uint64_t octets);
// Nothing: it is taken.
std::optional<smtp::Reply> no_room(Room room);
// What mda will write in front of the message, if the account has this address.
std::uint64_t octets_before(std::string_view mail_from, std::string_view address);

}  // namespace letterlock::mx

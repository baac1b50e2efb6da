// Sign-ins that opened an account's mailbox to others than its owner: the password, or a session,
// that somebody between could have had. A fact of the account, whatever was then fetched, in a row
// of its own by the address, so that it outlives the account and a sign-in leaves the directory's
// memory alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "directory/types.h"
#include "hop/level.h"
#include "net/task.h"
#include "protection/exposure.h"
#include "sasl/keys.h"
#include "store/store.h"

namespace letterlock::directory {

using Opening = protection::Opening;

// Closed ones of each kind that are kept apart; beyond, the two oldest become one that covers both
// and what lies between: what was open is never lost.
inline constexpr std::size_t openings_closed_max = 16;
// So often at most a row is written only because one more sign-in came.
inline constexpr base::Milliseconds opening_written_again = std::chrono::hours(1);

// How a client came, as far as it decides who could have heard or interfered.
struct Road {
  bool tls = true;
  bool post_quantum = false;                     // of TLS
  hop::Network network = hop::Network::public_;  // local: a program of this machine
};

enum class Shown {
  password,  // it crossed the wire
  session,   // the client proved itself without showing it, and not to this channel alone
};

// What a sign-in opens; by a program of this machine, what isn't seen of the way to it.
std::vector<Opening::How> opened_by(const Road& road, Shown shown);
std::string_view name(Opening::How how);  // "in-clear", "unbound", "recordable", "by-program", …
// "the password was sent in clear over the public network": for the operator.
std::string describe(const Opening& opening);

// A former password of the account, and who can have it: what was open when it was replaced, and
// where it was shown later. If it is set again, whoever had it has it again. All passwords of an
// address have one salt, so that one password is compared with all of them by the work of one.
struct FormerPassword {
  sasl::ScramKeys keys;
  struct Open {
    Opening::How how = Opening::How::in_clear;
    hop::Network network = hop::Network::public_;
    bool operator==(const Open&) const = default;
  };
  std::vector<Open> open;
  bool operator==(const FormerPassword&) const = default;
};
// Of an address. Beyond, the oldest goes that nobody is known to have, or the oldest.
inline constexpr std::size_t former_passwords_max = 32;

struct Openings {
  std::vector<Opening> all;  // closed ones in the order of time, then those that are open
  std::vector<FormerPassword> former;
  bool operator==(const Openings&) const = default;
};

// A sign-in at this time, with the password that is the account's now.
enum class Noted { nothing, later, first };  // later: only `last` moved
Noted note(std::vector<Opening>& openings, Opening::How how, hop::Network network, base::Time now);
// One with a password that the account hasn't any more.
void note_former(std::vector<Opening>& openings, Opening::How how, hop::Network network,
                 base::Time now);
// The password that had these keys became another one.
void close_all(Openings& openings, const sasl::ScramKeys& keys, base::Time now);
// One that was shown isn't the account's. False if it is none of its former ones either, or that
// was known.
bool note_shown(std::vector<FormerPassword>& former, const sasl::ScramKeys& keys,
                FormerPassword::Open open);
// Whether somebody else may have the password, or a session of it.
bool is_any_open(const std::vector<Opening>& openings);

std::string encode(const Openings& openings);
base::Result<Openings> decode_openings(std::string_view octets);

// The row of the address's mailbox, former accounts' included. Errors: the store's.
net::ResultTask<Openings> openings_row(store::Transaction& tx, base::TenantId tenant,
                                       Address address);
// What is in it, and what is lost of it as the store was restored. Errors: the store's.
net::ResultTask<std::vector<Opening>> openings(store::Transaction& tx, base::TenantId tenant,
                                               Address address);

// What a sign-in showed, several kinds at once. Returns those that are the first of their kind
// since the account has this password. Errors: the store's.
struct SignInFact {
  base::TenantId tenant;
  base::AccountId account;
  Address address;
  sasl::ScramKeys
      keys;  // of the password that was shown, or of the one that it was checked against
  std::vector<Opening::How> hows;
  hop::Network network = hop::Network::public_;
  base::Time time;
  bool was_right = true;  // false: it is another one, perhaps a former one
};
net::ResultTask<std::vector<Opening::How>> record(store::Transaction& tx, SignInFact fact);
// In the transaction that replaces the password or removes the account.
net::ResultTask<> close_openings(store::Transaction& tx, const Account& account, base::Time now);
// In the transaction that sets a password that was the address's before.
net::ResultTask<> open_again(store::Transaction& tx, const Account& account,
                             std::vector<FormerPassword::Open> open, base::Time now);

}  // namespace letterlock::directory

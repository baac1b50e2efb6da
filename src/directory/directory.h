// The directory as the agents ask it: whose domain, where does an address lead, who signs in,
// who may send as whom. Lives anywhere: what it holds in memory is guarded. Every lookup of an
// address goes through resolve(), is_ours() and expand(); what sessions ask with each message is
// remembered (memory.h).
#pragma once

#include <deque>
#include <functional>
#include <unordered_map>
#include <variant>

#include "base/event.h"
#include "directory/in_turn.h"
#include "directory/lookup.h"
#include "directory/memory.h"
#include "directory/openings.h"
#include "directory/passwords.h"
#include "directory/sending.h"
#include "directory/throttle.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "sasl/server.h"
#include "store/store.h"

namespace letterlock::directory {

// What the room is given; all of it outlives it.
struct Environment {
  store::Store& store;
  os::Clock& clock;
  os::Random& random;
  net::Workers& workers;
  base::EventSink& events;
  net::Timers& timers;
};

struct Options {
  unsigned password_rounds = sasl::rounds_default;  // 1 in the simulator
};

inline constexpr std::size_t expansion_depth_max = 10;

// Who asks to sign in.
struct Asker {
  std::string agent;  // "msa"
  net::IpAddress address;
  Road road = {};
};

// sign_in.exchange_failed: a SASL exchange that came to nothing, and why; a warning if the client
// proved itself to another channel than ours. `told`: Credentials::told; empty if the client never
// named itself.
base::Event exchange_failed(const Asker& asker, std::string_view told, sasl::Mechanism mechanism,
                            const sasl::Failure& failure);

// Where mail to one address ends up, through aliases and groups.
struct Expansion {
  enum class Through { nothing, alias, group };  // group: the way is not disclosed
  struct Leaf {
    Address address;                 // as the last step named it
    std::optional<Account> account;  // ours; otherwise it leaves the platform
    Through through = Through::nothing;
  };
  struct Dropped {
    enum class Why { unknown_user, suspended, too_deep, loop };
    Address address;
    Why why = Why::unknown_user;
  };
  std::vector<Leaf> leaves;  // each account and each outside address once
  std::vector<Dropped> dropped;
  bool too_many = false;  // more than group_members_max: `leaves` is cut off there
};

struct Credentials {
  sasl::ScramKeys keys;            // of the account, or such as nobody can tell from them
  std::optional<Account> account;  // nobody by this name
  // Whose further address it is: nobody signs in by it, but a password shown under it may be his.
  std::optional<Account> further;
  // The login for the log. People type passwords where their name belongs, so what names no account
  // is told by its domain, where that is ours, and a digest under a key of this process.
  std::string told;
};

struct SignInRefused {
  // The peer hears one sentence for all but `throttled`, which is told as "try later"; the log
  // hears which.
  enum class Why { credentials, suspended, needs_plus, throttled };
  Why why = Why::credentials;
  base::Milliseconds retry_after{0};  // of throttled
};
// Who takes the mail to an address, and whose he is: what a session asks at each RCPT.
struct Taker {
  enum class Kind { here, unknown_user, suspended, not_ours };
  Kind kind = Kind::not_ours;
  base::TenantId tenant;  // nil: not_ours
  // Of an address that is a mailbox's: whose, and how much it may hold.
  base::AccountId account;
  std::uint64_t quota_octets = 0;  // 0: as much as there is room for
  bool operator==(const Taker&) const = default;
};

using SignIn = std::variant<Account, SignInRefused>;
std::string_view name(SignInRefused::Why why);

class Directory {
 public:
  explicit Directory(Environment environment, Options options = {});

  // Errors of all: the store's, corrupt.
  // What tenant(), account(), taker() and may_send_as() find is remembered until the directory
  // changes: what is answered was true at a moment after the question. Limits: 10,000 of each.
  net::ResultTask<std::optional<base::TenantId>> is_ours(Domain domain);
  net::ResultTask<std::optional<Tenant>> tenant(base::TenantId id);
  // For the log: the name that people know the tenant by; its id as text where that can't be told.
  // A tenant keeps its name, so it is read once.
  net::Task<std::string> tenant_name(base::TenantId id);
  net::ResultTask<std::optional<Account>> account(base::TenantId tenant, base::AccountId id);
  net::ResultTask<Resolution> resolve(Address address);
  // What resolve() comes to.
  net::ResultTask<Taker> taker(Address address);
  // Of the site: who gets mail to the bare <postmaster>, and to the roles of tenants without an
  // account.
  net::ResultTask<std::optional<Account>> site_postmaster();
  // Limits: expansion_depth_max steps, group_members_max leaves.
  net::ResultTask<Expansion> expand(Address address);
  net::ResultTask<bool> may_send_as(Account account, Address address);

  // Whose client certificate this is: the account at one of the addresses that it names, which
  // knows its key. The address alone is the certificate's own word; the key alone says nobody's
  // name.
  net::ResultTask<std::optional<Account>> certificate_owner(std::string key,
                                                            std::vector<std::string> addresses);
  // For SCRAM: keys for any name, in the same number of steps.
  net::ResultTask<Credentials> credentials(std::string login);
  // For PLAIN and USER/PASS; includes the throttle: waits for its turn. What is refused the log is
  // told. A right password that others could have seen is recorded before this returns, whatever
  // else is refused. Errors: full (too many wait: try later).
  net::ResultTask<SignIn> check_password(std::string login, std::string password, Asker asker);
  // For SCRAM, when the client's proof was checked: counts the guess, and records a session that
  // others could have. The client is told how it went only if this succeeds. Errors: unavailable
  // (too many failed: told in the log; try later), cancelled, the store's.
  struct Proof {
    std::string login;
    std::string told;
    bool fits = false;
    sasl::Mechanism mechanism = sasl::Mechanism::scram_sha_256;
    std::optional<Account> account = {};  // whose keys were given
  };
  net::ResultTask<> count_proof(Proof proof, Asker asker);
  // Whether nothing is looked at now, so that an exchange needn't begin; it is told in the log.
  bool is_closed(std::string_view login, std::string_view told, const Asker& asker);
  // A password that was shown though the sign-in goes no further, before anybody looked at it: in
  // clear, where that isn't allowed. Nothing is answered by it.
  net::ResultTask<> note_shown(std::string login, std::string password, Asker asker);
  // Writes what was left to be written of sign-ins, for as long as the node runs.
  net::Task<> keep_openings();
  // The same, once. Errors: the store's.
  net::ResultTask<> write_openings();
  // Nobody but its owner can have been given the password, as far as that is known: nothing weaker
  // than SCRAM-SHA-256-PLUS was accepted since it was set, and no sign-in, refused ones included,
  // has opened the mailbox. Only then does a sign-in by PLUS prove anything.
  net::ResultTask<bool> password_is_bound(Account account);
  // Whether the account may sign in by this mechanism.
  static sasl::Standing standing(const Account& account, sasl::Mechanism mechanism);

  // Stops an account's submission; one that is stopped stays as it is. Errors: not_found.
  net::ResultTask<> stop_sending(base::TenantId tenant, base::AccountId account,
                                 std::string reason);
  // After the transaction of an outcome that says stopped_now.
  void report_stopped(const Account& account, std::string_view reason);

 private:
  // Whose address it is, and whether he signs in by it.
  struct Login {
    std::optional<Account> account;
    bool is_further = false;
  };
  static net::ResultTask<Login> find_login(store::Transaction& tx, base::TenantId tenant,
                                           Address address);
  net::ResultTask<Login> account_of(Address login);
  class Attempt;
  net::ResultTask<base::Bytes> secret();
  std::string told_of(std::string_view login, const std::optional<Account>& account,
                      std::optional<Domain> our_domain) const;
  void tell(std::string_view event, base::Severity severity, const Asker& asker,
            std::string_view told, std::string_view reason);
  bool is_recorded(const SignInFact& fact);
  net::ResultTask<> record_opening(SignInFact fact, Asker asker);
  SignInFact fact_of(const Account& account, Shown shown, const Asker& asker) const;
  bool is_unwritten(const Account& account);
  net::ResultTask<> look_unseen(Credentials found, std::string password, Asker asker);
  void leave_to_write(const Account& account, Asker asker);
  void leave_to_write(SignInFact fact, Asker asker);
  void note_wrong(const Credentials& found, sasl::ScramKeys shown, const Asker& asker);
  enum class From { known_place, elsewhere };
  // What the password's keys are, as those that it is checked against.
  net::ResultTask<sasl::ScramKeys> keys_shown(std::string password, sasl::ScramKeys keys,
                                              From from);

  Environment environment_;
  Options options_;
  const base::Bytes names_key_;  // of digests in the log
  RecentPasswords right_passwords_;
  RecentPasswords wrong_passwords_;
  Throttle throttle_;
  InTurn strangers_;  // whose passwords are being checked
  InTurn owners_;     // the same, of those who are known where they sign in
  InTurn unseen_;     // of sign-ins that are told to come later
  // What was written of sign-ins, and what is still to be.
  struct Recorded {
    base::Bytes stored_key;
    hop::Network network = hop::Network::local;
    os::Steady when;
  };
  std::mutex recorded_mutex_;
  Recent<Recorded> recorded_;
  std::deque<std::pair<SignInFact, Asker>> unwritten_;
  net::Bell unwritten_bell_;
  store::Store::Count changes_;  // of the directory
  // Those that are there; a stranger's guesses would only push them out.
  Memory<Taker> takers_;
  Memory<Tenant> tenants_;
  Memory<Account> accounts_;
  Memory<bool> senders_;  // by account and address: those who may
  std::mutex names_mutex_;
  std::unordered_map<base::TenantId, std::string> names_;  // of tenants that were asked for
  std::mutex secret_mutex_;
  base::Bytes secret_;  // the site's; empty until it was read
};

}  // namespace letterlock::directory

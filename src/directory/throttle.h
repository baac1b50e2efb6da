// Slows down who guesses passwords: by the account and the source together, so that nobody
// locks out an owner who comes from elsewhere, and by the source alone, for one that tries many
// accounts. An account that is guessed at from everywhere gives each stranger fewer tries; where
// its owner has signed in lately nobody is refused: guesses there are looked at one by one, slowly.
//
// Attempts under way aren't failures. But they may become some, so as many are looked at at once as
// would still be free if all of them failed, and the others wait until one has ended. In memory,
// bounded; any thread.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "directory/recent.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "os/clock.h"

namespace letterlock::directory {

inline constexpr std::size_t throttle_entries_max = 10'000;  // of each kind, twice
inline constexpr unsigned account_failures_free = 5;         // then 1 s, 2 s, 4 s …
inline constexpr base::Milliseconds account_delay_max = std::chrono::minutes(15);
inline constexpr unsigned source_failures_free = 50;  // of any accounts
inline constexpr base::Milliseconds source_delay_max = std::chrono::minutes(1);
// From so many failures of strangers on, each stranger has one try, and then waits 64 s, 128 s …
inline constexpr unsigned attack_failures = 100;
inline constexpr unsigned attack_failures_free = 1;
inline constexpr unsigned attack_doublings = 6;
// Where the owner is known, after account_failures_free: the owner and a guesser behind the same
// address can't be told apart, so none is refused, each in turn is looked at so long after the one
// before. The wait is what net::Admission's 50 connections of an address can add up to, and some.
inline constexpr base::Milliseconds known_delay = std::chrono::seconds(2);
inline constexpr base::Milliseconds known_wait_max = std::chrono::minutes(2);
inline constexpr base::Milliseconds failures_kept = std::chrono::hours(1);  // since the last one
inline constexpr base::Milliseconds success_kept = std::chrono::hours(24);
inline constexpr std::size_t good_accounts_max = 20'000;
inline constexpr std::size_t good_sources_max = 8;      // of one account
inline constexpr std::size_t turns_waiting_max = 4096;  // for others' attempts to end

struct Failures {
  unsigned count = 0;
  os::Steady last;
  os::Steady next;  // where the owner is known: when one is looked at again
};

// Failures by key. Who has many is kept apart from who has few, so that an attacker who wants to be
// forgotten must make as many of them for each of thousands of others.
class Tally {
 public:
  explicit Tally(unsigned many) : many_(many) {}
  // Null if there are none.
  Failures* find(std::string_view key);
  // How many, unless the last is too long ago to count.
  unsigned count(std::string_view key, os::Steady now);
  void add(std::string_view key, os::Steady now);
  void at_most(std::string_view key, unsigned count);
  std::size_t size() const { return few_kept_.size() + many_kept_.size(); }

 private:
  unsigned many_;
  Recent<Failures> few_kept_{throttle_entries_max};
  Recent<Failures> many_kept_{throttle_entries_max};
};

class Throttle {
 public:
  // What an attempt is told. `goes`: it is looked at after `wait`, and end() is owed. Otherwise
  // none is looked at for so long.
  struct Answer {
    bool goes = false;
    base::Milliseconds wait{0};
  };
  // The answer comes when others' attempts have ended.
  struct Turn {
    net::Signal told;
    Answer answer;  // once it is told
  };
  using Asked = std::variant<Answer, std::shared_ptr<Turn>>;
  enum class Outcome {
    failed,
    succeeded,
    undone,  // for a reason that isn't the password's
  };

  Asked begin(std::string_view login, const net::IpAddress& source, os::Steady now);
  void end(std::string_view login, const net::IpAddress& source, Outcome outcome, os::Steady now);
  // The attempt doesn't wait for its turn any more; if it had come, it is given back.
  void leave(const std::shared_ptr<Turn>& turn, std::string_view login,
             const net::IpAddress& source, os::Steady now);
  // How long from now no attempt is looked at; 0: begin() would let one go, or wait for its turn.
  base::Milliseconds closed(std::string_view login, const net::IpAddress& source, os::Steady now);
  // Whether the account was signed in to from there lately.
  bool is_known(std::string_view login, const net::IpAddress& source, os::Steady now);
  std::size_t entries() const;
  std::size_t waiting() const;

 private:
  struct Names {
    std::string account;
    std::string place;
    std::string pair;
    std::string source;
  };
  struct Place {
    std::string source;
    os::Steady last;
  };
  struct Waiter {
    Names names;
    std::shared_ptr<Turn> turn;
  };
  using Places = std::array<Place, good_sources_max>;
  using Trying = std::map<std::string, unsigned, std::less<>>;
  enum class Look { go, in_turn, refused };

  static Names names_of(std::string_view login, const net::IpAddress& source);
  static base::Milliseconds left(const Failures* failures, unsigned free, unsigned doublings,
                                 base::Milliseconds most, os::Steady now);
  bool known(const Names& names, os::Steady now);
  Look look(const Names& names, os::Steady now, base::Milliseconds& wait);
  Look look_where_known(const Names& names, os::Steady now, base::Milliseconds& wait);
  void enter(const Names& names, base::Milliseconds wait, os::Steady now);
  void note(const Names& names, Outcome outcome, os::Steady now);
  std::vector<std::shared_ptr<Turn>> let_on(const Names& ended, os::Steady now);

  mutable std::mutex mutex_;
  Tally pairs_{account_failures_free};      // account and IPv4 address or IPv6 /64
  Tally sources_{source_failures_free};     // IPv4 /24 or IPv6 /48
  Tally accounts_{attack_failures};         // of strangers alone
  Recent<Places> good_{good_accounts_max};  // an account pushes out its own places, not others'
  // Attempts under way: of the three tallies' keys, one each. As many as there are sessions.
  Trying trying_pairs_;
  Trying trying_sources_;
  Trying trying_accounts_;
  std::list<Waiter> waiters_;  // in the order they came
};

}  // namespace letterlock::directory

// Which password each account has had, from commit to commit, and who may have learnt one: by
// listening where it crossed in clear, by interfering where its client hadn't made sure of the
// server. What the platform was shown counts, whether it let anybody in or not; what it was never
// shown (a connection that was cut on the way) it can't know of.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hop/level.h"
#include "sim/day/commit.h"

namespace letterlock::day {

class PasswordsSeen {
 public:
  // One that an account may have from some commit on; said before it is set.
  void may_be(const std::string& address, std::string text);
  void committed(const Commit& commit, base::Milliseconds now);

  // A road on which a password, or a session that its proof opened, could be had.
  struct Shown {
    enum class To {
      listener,
      interferer,
      recorder,  // later, from a TLS that doesn't resist him
    };
    To to = To::listener;
    hop::Network network = hop::Network::public_;
    base::Milliseconds at{0};
    std::string text;             // empty: the session alone, which was the interferer's too
    base::Milliseconds asked{0};  // before `at`: when the proof was sent
  };
  void shown(const base::AccountId& account, Shown shown);
  // At a door that let nobody in: written down behind the answer, so only where nothing goes wrong.
  void shown_in_vain(const base::AccountId& account, Shown shown);
  // A store that fails, a node that stalls or dies.
  void trouble(base::Milliseconds now);

  // While the account had a password that somebody had learnt by then. What a session showed had
  // to be there before it was asked for, and still when it was answered.
  struct Open {
    Shown shown;
    base::Milliseconds from{0};
    std::optional<base::Milliseconds> until;  // nothing: still
    // Whether what lay there in this span may have been read.
    bool meets(base::Milliseconds began, std::optional<base::Milliseconds> ended) const;
  };
  std::vector<Open> opened(const base::AccountId& account, base::Milliseconds now) const;
  // It was the account's at some moment from `from` on.
  bool was_since(const base::AccountId& account, std::string_view text,
                 base::Milliseconds from) const;
  bool was_shown(const base::AccountId& account) const { return shown_.contains(account); }

 private:
  struct Period {
    std::string text;
    base::Milliseconds from{0};
  };
  static void add_open(const Shown& shown, const std::vector<Period>& periods,
                       std::vector<Open>& found);

  std::map<std::string, std::vector<std::string>> candidates_;  // by address, the newest last
  std::map<base::AccountId, std::vector<Period>> periods_;
  std::map<base::AccountId, sasl::ScramKeys> keys_;
  std::map<base::AccountId, std::vector<Shown>> shown_;
  std::map<base::AccountId, std::vector<Shown>> in_vain_;  // counted once they have settled
  bool has_trouble_ = false;
};

}  // namespace letterlock::day

// Whom every address of a day may stand for, as the operator has ever said it: mailboxes, aliases,
// groups. What is delivered and expanded is held against it. It forgets nothing: what was looked up
// just before a change may arrive just after it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/id.h"

namespace letterlock::day {

class NamesKnown {
 public:
  void add_account(const base::AccountId& account, std::string address, std::string domain);
  void add_address(const base::AccountId& account, std::string address);
  // An alias or a group; said again it has had these, too.
  void add_targets(const std::string& address, const std::vector<std::string>& targets);
  // From now on an address may stand for less than it ever did.
  void change() { changed_ = true; }

  const std::string& address_of(const base::AccountId& account) const;
  bool may_lie_with(std::string address, const base::AccountId& account) const;
  bool is_list(const std::string& address) const { return targets_.contains(address); }
  // Some way through aliases and groups leads from the one to the other.
  bool leads_to(const std::string& from, const std::string& to) const;
  // Those that it names, or ever named.
  const std::set<std::string>& targets_of(const std::string& from) const;
  bool has_changed() const { return changed_; }

 private:
  void walk(const std::string& from, std::set<std::string>& seen) const;
  // The account's own address for any of its addresses; others as they are.
  const std::string& canonical(const std::string& address) const;

  std::map<base::AccountId, std::string> accounts_;
  std::map<base::AccountId, std::string> domains_;
  std::map<std::string, base::AccountId> owners_;
  std::map<std::string, std::set<std::string>> targets_;
  bool changed_ = false;
};

}  // namespace letterlock::day

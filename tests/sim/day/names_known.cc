#include "sim/day/names_known.h"

namespace letterlock::day {

void NamesKnown::add_account(const base::AccountId& account, std::string address,
                             std::string domain) {
  add_address(account, address);
  accounts_[account] = std::move(address);
  domains_[account] = std::move(domain);
}

void NamesKnown::add_address(const base::AccountId& account, std::string address) {
  owners_.insert_or_assign(std::move(address), account);
}

void NamesKnown::add_targets(const std::string& address, const std::vector<std::string>& targets) {
  targets_[address].insert(targets.begin(), targets.end());
}

const std::string& NamesKnown::address_of(const base::AccountId& account) const {
  static const std::string nobody;
  const auto at = accounts_.find(account);
  return at == accounts_.end() ? nobody : at->second;
}

// Roles lead to whoever answers for the domain.
bool NamesKnown::may_lie_with(std::string address, const base::AccountId& account) const {
  const auto plus = address.find('+');
  if (plus != std::string::npos) address.erase(plus, address.find('@') - plus);
  const auto at = owners_.find(address);
  if (at != owners_.end()) return at->second == account;
  const auto domain = domains_.find(account);
  return domain != domains_.end() && address == "postmaster@" + domain->second;
}

void NamesKnown::walk(const std::string& from, std::set<std::string>& seen) const {
  const auto at = targets_.find(from);
  if (at == targets_.end()) return;
  for (const auto& to : at->second) {
    if (seen.insert(to).second) walk(to, seen);
  }
}

bool NamesKnown::leads_to(const std::string& from, const std::string& to) const {
  std::set<std::string> seen;
  walk(from, seen);
  if (seen.contains(to)) return true;
  for (const auto& one : seen) {
    if (canonical(one) == to) return true;
  }
  return false;
}

const std::string& NamesKnown::canonical(const std::string& address) const {
  const auto at = owners_.find(address);
  return at == owners_.end() ? address : accounts_.at(at->second);
}

const std::set<std::string>& NamesKnown::targets_of(const std::string& from) const {
  static const std::set<std::string> none;
  const auto at = targets_.find(from);
  return at == targets_.end() ? none : at->second;
}

}  // namespace letterlock::day

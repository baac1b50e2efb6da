#include "sim/day/undue.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {

void Undue::refused(const Stranger& stranger, const std::vector<std::string>& recipients) {
  const auto now = site_.now();
  for (const auto& recipient : recipients) by_recipient_[recipient] = now;
  if (recipients.empty()) by_host_[stranger.name()] = now;
}

void Undue::committed() {
  latest_ = std::max(latest_, site_.world.clock().now());
  for (const auto* fate : custody_.failed_now()) {
    if (has_reason(*fate)) continue;
    site_.findings.broken(fmt::format("undue: {} (trace {}) is given up, and nothing says why",
                                      fate->address, fate->trace.text()));
  }
}

bool Undue::has_reason(const Fate& fate) const {
  if (fate.expires <= latest_ || custody_.is_bounced(fate.message)) return true;
  const auto at = fate.address.find('@');
  if (at == std::string::npos) return true;
  if (fate.lane != queue::Lane::local) return has_reason_out(fate, fate.address.substr(at + 1));
  // A mailbox that was there all day, and open, and never full. Of a list nobody knows so easily.
  const auto* person = site_.person(fate.address);
  return person == nullptr || person->may_refuse || fate.address != person->address;
}

bool Undue::has_reason_out(const Fate& fate, const std::string& domain) const {
  // What can't be given as it is, or as it is required, to every server.
  const auto* taken = custody_.taken(fate.trace);
  if (taken == nullptr || taken->letter == nullptr) return true;
  if (taken->letter->smtputf8 || taken->letter->eight_bit) return true;
  if (taken->requirement.network.value != hop::NetworkNeed::any) return true;
  const auto was_said = [&](const std::map<std::string, base::Milliseconds>& all,
                            const std::string& key) {
    const auto at = all.find(key);
    return at != all.end() && at->second >= fate.began;
  };
  if (was_said(by_recipient_, fate.address)) return true;
  const auto its = std::ranges::find(site_.domains, domain, &Domain::name);
  if (its == site_.domains.end() || its->hosts.empty() || its->was_lied_about) return true;
  // Who takes nothing without TLS, or a sign-in, says 530 where that has just failed.
  if (site_.smart_host != nullptr || its->kind == Domain::Kind::strict) return true;
  return std::ranges::any_of(
      its->hosts, [&](const Stranger* host) { return was_said(by_host_, host->name()); });
}

}  // namespace letterlock::day

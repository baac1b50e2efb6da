// The judge of undue bounces: a message is given up only with a reason that the world knows of. A
// far end said 5yz, its domain takes no mail, the message's days are over, it can't be given to
// that server, or not as it is required; a mailbox is full, closed or gone. What somebody said for
// now, or a line that was cut, is never one. Of
// hosts that say 530 by themselves (no TLS, no sign-in, no mail) it knows too little to judge.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/day/custody.h"
#include "sim/day/site.h"

namespace letterlock::day {

class Undue {
 public:
  Undue(Site& site, const Custody& custody) : site_(site), custody_(custody) {}

  // A far end refuses these recipients for good; none are named: whoever asks in this session.
  void refused(const Stranger& stranger, const std::vector<std::string>& recipients);
  // Each commit, after custody has looked at it.
  void committed();

 private:
  bool has_reason(const Fate& fate) const;
  bool has_reason_out(const Fate& fate, const std::string& domain) const;

  Site& site_;
  const Custody& custody_;
  base::Time latest_;  // that the calendar has shown
  std::map<std::string, base::Milliseconds> by_recipient_;
  std::map<std::string, base::Milliseconds> by_host_;
};

}  // namespace letterlock::day

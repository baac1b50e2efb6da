// Clauses of one reason, each once, and so many that a screen can hold them. For this room's files.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "protection/exposure.h"
#include "protection/unseen.h"

namespace letterlock::protection {

class Clauses {
 public:
  void add(std::string clause) {
    if (std::ranges::find(clauses_, clause) == clauses_.end())
      clauses_.push_back(std::move(clause));
  }
  void add(const Clauses& more) {
    for (const std::string& clause : more.clauses_) add(clause);
  }
  bool empty() const { return clauses_.empty(); }
  std::string text() const;

 private:
  std::vector<std::string> clauses_;
};

// "by way of team@birch.example", "its header, by way of report 01JD…".
std::string by_way_of(const Child& child);

// One party's answer while it is put together: it only ever grows.
struct Answering {
  PartyExposure found;
  Clauses clauses;
  std::string otherwise;  // the reason where there is no other, the children's included

  void raise(Could could) { found.could = std::max(found.could, could); }
  // What isn't seen, and could add this party.
  void add_gaps(const std::vector<Gap>& gaps, Hides least) {
    for (const Gap& gap : gaps) {
      if (gap.hides < least) continue;
      raise(Could::unknown);
      clauses.add(gap.clause);
    }
  }
  PartyExposure done() && {
    if (clauses.empty()) clauses.add(otherwise);
    found.reason = clauses.text();
    return std::move(found);
  }
};

// The parties, each from all the evidence but its children.
Answering listener(const Evidence& evidence, const std::vector<Gap>& gaps);
Answering interferer(const Evidence& evidence, const std::vector<Gap>& gaps);
Answering recorder(const Evidence& evidence, const std::vector<Gap>& gaps);
Answering platform_operator(const Evidence& evidence);
Answering others(const Evidence& evidence, const std::vector<Gap>& gaps);
Answering legal_order(const Evidence& evidence, const std::vector<Gap>& gaps);
Answering devices(const Evidence& evidence, const std::vector<Gap>& gaps);

}  // namespace letterlock::protection

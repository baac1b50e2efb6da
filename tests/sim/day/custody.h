// The shadow of the queue and the mailboxes: who has which message, as every commit says it. It
// keeps invariant 1: what was answered 250 is in custody until each of its recipients was
// delivered, relayed, expanded, failed or removed, each with its evidence in the same commit; and
// whoever must be told is told.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/day/commit.h"
#include "sim/day/findings.h"
#include "sim/day/letters.h"
#include "sim/day/names_known.h"

namespace letterlock::day {

// What became of one recipient of one message in the queue.
struct Fate {
  base::TenantId tenant;
  base::MessageId message;
  unsigned index = 0;  // within the message
  base::TraceId trace;
  unsigned trace_index = 0;  // several may stand for one: an alias's targets
  std::string address;
  queue::State state = queue::State::waiting;
  queue::Lane lane = queue::Lane::remote;
  bool must_be_told = false;              // of how it ended
  std::optional<base::TraceId> report;    // that told it
  std::optional<base::MessageId> became;  // expanded: the copy for those it stands for
  base::Time expires;                     // when its message's days are over
  base::Milliseconds began{0};            // when it came into the queue, by the world's own clock
};

class Custody {
 public:
  // What was accepted under a trace: a letter, or a report about one.
  struct Taken {
    const Letter* letter = nullptr;          // whose lines it holds; null: nobody's
    std::optional<base::TraceId> report_of;  // nothing: it is the letter itself
    hop::Requirement requirement;
  };
  // A message in a mailbox.
  struct Kept {
    base::AccountId account;
    base::TraceId trace;
    base::BlobId blob;
  };

  // `now`: the world's own clock, which no calendar moves.
  Custody(const Letters& letters, const NamesKnown& names, Findings& findings,
          std::function<base::Milliseconds()> now)
      : letters_(letters), names_(names), findings_(findings), now_(std::move(now)) {}

  // The commit, with a step of each recipient that goes with its message and never had a record.
  Commit with_all_steps(Commit commit) const;
  void committed(const Commit& commit);
  // A client has been given the last line of this letter.
  void fetched(const std::string& address, unsigned letter);
  // What a report says of each recipient is what was to be told of it.
  void check_report(const base::TraceId& report, std::string_view content) const;
  // A far end that offers DSN has it: telling of the success is its duty.
  void passed_on(const base::TraceId& trace, const std::string& address);
  // An operator is about to say this of a message, or of several.
  void ordered(queue::Step step) { ordered_.insert(step); }
  void ordered_removal(const base::MessageId& message) { removals_.insert(message); }
  void ordered_bounce(const base::MessageId& message) { bounces_.insert(message); }
  bool is_bounced(const base::MessageId& message) const { return bounces_.contains(message); }
  // The account goes, and its mail with it.
  void leaves(const base::AccountId& account) { leavers_.insert(account); }

  bool is_empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  // Of the messages in the queue, the one at this place.
  const base::MessageId& queued(std::size_t at) const;
  // Null: nothing was ever accepted under it.
  const Taken* taken(const base::TraceId& trace) const;
  const std::map<base::TraceId, Taken>& all_taken() const { return taken_; }
  // What it was made of: a group's copy, or a report. Nothing: it came from somebody.
  std::optional<base::TraceId> parent_of(const base::TraceId& trace) const;
  // The trace that the outside sees: a group's copy goes on under its own, and bears in its header
  // the one that it was made of.
  const base::TraceId& root_of(const base::TraceId& trace) const;
  // The message, or what groups made of it, was accepted for this recipient.
  bool took(const base::TraceId& root, const std::string& address) const;
  const std::deque<Fate>& fates() const { return fates_; }
  const std::vector<const Fate*>& fates_of(const base::TraceId& trace) const;
  const std::vector<const Fate*>& fates_of(const base::MessageId& message) const;
  // Of the trace, and of what groups made of it.
  const std::vector<const Fate*>& fates_from(const base::TraceId& root) const;
  // Given up in the commit that was looked at last.
  const std::vector<const Fate*>& failed_now() const { return failed_now_; }
  // Settled as relayed in the commit that was looked at last.
  bool is_relayed_now(const Fate& fate) const;
  const std::map<std::string, Kept>& kept() const { return kept_; }
  // What waits, in words.
  std::string text() const;
  // Blobs that somebody names, each with the keys of those.
  std::map<base::BlobId, std::set<std::string>> holders() const;

 private:
  using EntryKey = std::pair<base::TenantId, base::MessageId>;
  struct Standing {
    queue::Recipient recipient;
    Fate* fate = nullptr;
  };
  struct Entry {
    queue::Message message;
    std::map<unsigned, Standing> recipients;
  };

  void take(const Commit& commit, const Commit::QueueMessage& row);
  void learn(const Commit& commit, const queue::Message& message);
  std::optional<base::TraceId> made_of(const Commit& commit, const base::MessageId& made) const;
  void step(const Commit& commit, const Commit::QueueRecipient& row);
  void begin(Entry& entry, const Commit::QueueRecipient& row);
  void leave(const Commit::QueueMessage& row);
  void settle(const Commit& commit, const Entry& entry, Standing& standing,
              const queue::Recipient& now, queue::State state);
  void check_evidence(const Commit& commit, const Fate& fate, queue::State state);
  void check_order(const Fate& fate, queue::State before, queue::State state);
  void expand(const Commit& commit, Fate& fate);
  void tell(const Commit& commit, Fate& fate, queue::Notice notice);
  void check_notice(const Fate& fate, const Commit::QueueRecipient& row);
  bool has_ended(const Commit::Ending& ending) const;
  void check_endings(const Commit& commit);
  void keep(const Commit::Mail& row);
  void check_place(const Commit::Mail& row);
  std::optional<queue::State> shown(const Commit& commit, const Fate& fate) const;
  std::string name(const base::TraceId& trace, const std::string& address) const;

  const Letters& letters_;
  const NamesKnown& names_;
  Findings& findings_;
  std::function<base::Milliseconds()> now_;
  std::map<EntryKey, Entry> entries_;
  std::map<base::TraceId, Taken> taken_;
  std::deque<Fate> fates_;
  std::map<base::TraceId, std::vector<const Fate*>> by_trace_;
  std::map<base::TraceId, std::vector<const Fate*>> by_root_;
  std::map<base::MessageId, std::vector<const Fate*>> by_message_;
  std::map<base::TraceId, base::TraceId> roots_;    // of groups' copies
  std::map<base::TraceId, base::TraceId> parents_;  // and of reports
  std::map<std::string, Kept> kept_;
  std::map<base::TraceId, std::multiset<std::string_view>> told_;  // by report: "failed", …
  std::set<std::pair<std::string, unsigned>> fetched_;
  std::set<std::pair<base::TraceId, std::string>> passed_on_;
  std::set<queue::Step> ordered_;
  std::set<base::MessageId> removals_;
  std::set<base::MessageId> bounces_;
  std::set<base::AccountId> leavers_;
  using EndingKey = std::tuple<base::TenantId, base::TraceId, unsigned>;
  std::set<EndingKey> endings_;
  std::set<std::pair<base::TenantId, base::TraceId>> traces_;  // that are kept
  // Of the commit that is being looked at.
  std::vector<const Fate*> failed_now_;
  std::vector<const Fate*> delivered_now_;
  std::vector<const Fate*> relayed_now_;
  std::set<EndingKey> ended_now_;
};

}  // namespace letterlock::day

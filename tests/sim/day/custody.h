// The shadow of the queue and the mailboxes: who has which message, as every commit says it. It
// keeps invariant 1: what was answered 250 is in custody until each of its recipients was
// delivered, relayed, expanded or failed, each with its evidence in the same commit; and whoever
// must be told of a failure is told.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "sim/day/commit.h"
#include "sim/day/findings.h"
#include "sim/day/letters.h"

namespace letterlock::day {

// What became of one recipient of one accepted message.
struct Fate {
  std::string address;
  queue::State state = queue::State::waiting;
  bool must_be_told = false;            // it failed, and its sender wants to know
  std::optional<base::TraceId> report;  // that told it
};

class Custody {
 public:
  using FateKey = std::tuple<base::TenantId, base::TraceId, unsigned>;
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

  Custody(const Letters& letters, Findings& findings) : letters_(letters), findings_(findings) {}

  // Who lives here: mail goes into nobody else's mailbox.
  void add_account(const base::AccountId& account, std::string address);
  void committed(const Commit& commit);
  // A client has been given the last line of this letter.
  void fetched(const std::string& address, unsigned letter);

  bool is_empty() const { return entries_.empty(); }
  std::size_t count() const { return entries_.size(); }
  // Null: nothing was ever accepted under it.
  const Taken* taken(const base::TraceId& trace) const;
  // The message was accepted for this recipient.
  bool took(const base::TraceId& trace, const std::string& address) const;
  const std::map<FateKey, Fate>& fates() const { return fates_; }
  const std::map<std::string, Kept>& kept() const { return kept_; }
  const std::string& address_of(const base::AccountId& account) const;
  // What waits, in words.
  std::string text() const;
  // Blobs that somebody names, each with the keys of those.
  std::map<base::BlobId, std::set<std::string>> holders() const;

 private:
  using EntryKey = std::pair<base::TenantId, base::MessageId>;
  struct Entry {
    queue::Message message;
    std::map<unsigned, queue::Recipient> recipients;
  };

  void take(const Commit& commit, const Commit::QueueMessage& row);
  void learn(const Commit& commit, const queue::Message& message);
  std::optional<base::TraceId> reported_in(const Commit& commit,
                                           const base::MessageId& report) const;
  void step(const Commit& commit, const Commit::QueueRecipient& row);
  void settle_rest(const Commit& commit, const Commit::QueueMessage& row);
  void leave(const Commit& commit, const Commit::QueueMessage& row);
  void settle(const Commit& commit, const Entry& entry, const queue::Recipient& recipient,
              queue::State state);
  void tell(const Commit& commit, const Entry& entry, const queue::Recipient& before);
  void keep(const Commit& commit, const Commit::Mail& row);
  std::string name(const base::TraceId& trace, const std::string& address) const;

  const Letters& letters_;
  Findings& findings_;
  std::map<EntryKey, Entry> entries_;
  std::map<base::TraceId, Taken> taken_;
  std::map<FateKey, Fate> fates_;
  std::map<std::string, Kept> kept_;
  std::map<base::AccountId, std::string> accounts_;
  std::set<std::pair<std::string, unsigned>> fetched_;
  // Of the commit that is being looked at: recipients whose delivery it settled.
  std::set<FateKey> delivered_now_;
};

}  // namespace letterlock::day

// One recipient's delivery, from the queue into a mailbox, or into other recipients.
#pragma once

#include <optional>
#include <vector>

#include "dsn/status.h"
#include "mda/mda.h"
#include "trace/trace.h"

namespace letterlock::mda {

class Delivery {
 public:
  Delivery(const Ports& ports, const Options& options, queue::Due item)
      : ports_(ports), options_(options), item_(std::move(item)) {}

  // Nothing: there was nothing to do any more (delivered, held or removed meanwhile).
  // Errors: the store's, the directory's: the recipient stays due. denied: the lease is lost.
  net::ResultTask<std::optional<queue::Settled>> run();
  // What was offered to the queue anew, to be dispatched.
  const std::vector<queue::Due>& due() const { return due_; }

 private:
  // A group's members are nobody's business but its tenant's: they get a message and a trace of
  // their own there.
  struct Copy {
    queue::Message message;
    std::vector<queue::Recipient> recipients;
    bool own_trace = false;
  };
  net::ResultTask<> give_to_group(Copy& copy);
  net::ResultTask<> begin_group_trace(store::Transaction& transaction, const Copy& copy);
  hop::Hop expanded_hop(const base::TraceId& trace, std::vector<unsigned> recipients,
                        std::size_t count) const;
  net::ResultTask<> read(store::Transaction& transaction);
  net::ResultTask<> deliver(directory::Account account);
  net::ResultTask<> deliver_in(store::Transaction& transaction, directory::Account account);
  net::ResultTask<> record_in(store::Transaction& transaction, const directory::Account& account);
  net::ResultTask<> expand(directory::Expansion expansion);
  net::ResultTask<> expand_in(store::Transaction& transaction, const Copy& copy);
  net::ResultTask<> fail(dsn::Status status, std::string reply);
  net::ResultTask<> keep_trace(store::Transaction& transaction);
  net::ResultTask<> fail_in(store::Transaction& transaction, queue::Outcome outcome);
  net::ResultTask<> settle_in(store::Transaction& transaction, queue::Outcome outcome);
  net::ResultTask<std::string> digest_of(std::string prefix);
  std::vector<queue::Recipient> recipients_for(const directory::Expansion& expansion);
  hop::Hop hop_to(const directory::Account& account) const;

  const Ports& ports_;
  const Options& options_;
  queue::Due item_;
  std::optional<std::uint64_t> epoch_;
  std::optional<queue::Message> message_;
  std::optional<queue::Recipient> recipient_;
  std::string prefix_;
  std::string digest_;
  std::optional<queue::Settled> settled_;
  std::vector<queue::Due> due_;
  std::string event_;  // what happened, for the log
  std::string detail_;
};

}  // namespace letterlock::mda

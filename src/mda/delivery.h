// One recipient's delivery, from the queue into a mailbox (delivery.cc), or into those for whom it
// stands (expand.cc).
#pragma once

#include <optional>
#include <vector>

#include "dsn/status.h"
#include "mda/mda.h"
#include "trace/trace.h"

namespace letterlock::mda {

// Hops of a trace that are looked at for the aliases among them.
inline constexpr std::size_t expansions_looked_at = 500;

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
  // An alias, a group, or an address whose domain isn't here any more.
  struct List {
    enum class Kind { alias, group, moved };
    Kind kind = Kind::alias;
    address::Address address;
    base::TenantId tenant;  // whose it is; of `moved`: the message's
    std::vector<address::Address> stands_for;
  };
  // What goes on to those.
  struct Copy {
    queue::Message message;
    std::vector<queue::Recipient> recipients;
    std::string list;  // its address
    bool own_trace = false;
    bool came_back = false;  // from outside, after it had been sent on from this very address
  };

  net::ResultTask<> read(store::Transaction& transaction);
  net::ResultTask<> act_on(directory::Resolution resolution, address::Address to);
  net::Task<> tell() const;
  net::ResultTask<> settle_in(store::Transaction& transaction,
                              std::vector<queue::Outcome> outcomes);
  net::ResultTask<> keep_trace(store::Transaction& transaction);

  // ---- into a mailbox ----
  net::ResultTask<> find_others_of(directory::Account account, address::Address to);
  net::ResultTask<> deliver(directory::Account account);
  net::ResultTask<> deliver_in(store::Transaction& transaction, directory::Account account);
  net::ResultTask<bool> still_waits(store::Transaction& transaction);
  net::ResultTask<> leave_out_in(store::Transaction& transaction, directory::Account account);
  net::ResultTask<> record_in(store::Transaction& transaction, directory::Account account);
  hop::Hop hop_to(const directory::Account& account) const;
  std::vector<unsigned> trace_indexes() const;
  std::vector<queue::Outcome> outcomes(queue::Step step, dsn::Status status,
                                       std::string reply) const;

  // ---- nowhere ----
  net::ResultTask<> fail(dsn::Status status, std::string reply);
  net::ResultTask<> fail_in(store::Transaction& transaction, std::vector<queue::Outcome> outcomes);

  // ---- into others ----
  net::ResultTask<> expand(List list);
  net::ResultTask<Copy> copy_for(const List& list);
  void give_to_owner(const List& list, Copy& copy) const;
  net::ResultTask<std::vector<queue::Recipient>> recipients_for(const List& list);
  net::ResultTask<> put_in_front(const List& list, Copy& copy);
  net::ResultTask<> expand_in(store::Transaction& transaction, const List& list, Copy& copy);
  net::ResultTask<> give_in(store::Transaction& transaction, Copy& copy);
  net::ResultTask<> leave_out_in(store::Transaction& transaction, const Copy& copy);
  net::ResultTask<> begin_own_trace(store::Transaction& transaction, const Copy& copy);
  net::ResultTask<> link_in(store::Transaction& transaction, const Copy& copy);
  // As the trace of the message has it.
  hop::Hop expanded_hop(const Copy& copy, std::string reason) const;

  const Ports& ports_;
  const Options& options_;
  queue::Due item_;
  std::optional<std::uint64_t> epoch_;
  std::optional<queue::Message> message_;
  std::optional<queue::Recipient> recipient_;
  // All of the message's, as they were read; and those of them that one delivery serves.
  std::vector<queue::Recipient> all_;
  std::vector<queue::Recipient> served_;
  std::optional<queue::Settled> settled_;
  std::vector<queue::Due> due_;
  std::string event_;  // what happened, for the log
  std::string detail_;
};

}  // namespace letterlock::mda

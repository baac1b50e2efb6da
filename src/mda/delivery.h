// One recipient's delivery, from the queue into a mailbox (delivery.cc), or into those for whom it
// stands (expand.cc).
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "dsn/status.h"
#include "mda/envelope.h"
#include "mda/mda.h"
#include "trace/trace.h"

namespace letterlock::mda {

// Hops of a trace that are looked at for the aliases among them.
inline constexpr std::size_t expansions_looked_at = 500;

class Delivery {
 public:
  // The envelope learns what became of those that are served.
  // `followed`: the lists that are being followed just now, by any delivery of this node.
  Delivery(const Ports& ports, const Options& options, queue::Due item, Envelope& envelope,
           std::set<std::string>& followed)
      : ports_(ports),
        options_(options),
        item_(std::move(item)),
        envelope_(envelope),
        followed_(followed) {}

  // Nothing: there was nothing to do any more (delivered, held or removed meanwhile).
  // Errors: the store's, the directory's: the recipient stays due. denied: the lease is lost.
  net::ResultTask<std::optional<queue::Settled>> run();
  // After an error of run(): it was an attempt. So whatever the reason is, and however long it
  // lasts, the sender is told of the delay and, at the end of the message's lifetime, of the
  // failure. Errors: the store's, or denied: then nothing was changed.
  net::ResultTask<std::optional<queue::Settled>> put_off();
  // What was put into the queue anew, to be dispatched; whatever run() gave back.
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
  // What goes on to those. Whom one transaction can't hold, the next one takes: each part is a
  // message of its own.
  struct Copy {
    queue::Message message;
    std::vector<queue::Recipient> recipients;                   // of this part
    std::vector<std::pair<std::string, queue::Recipient>> all;  // by their addresses' keys
    std::string list;                                           // its address
    bool own_trace = false;
    bool came_back = false;  // from outside, after it had been sent on from this very address
  };

  net::ResultTask<> act_on(directory::Resolution resolution, address::Address to);
  net::ResultTask<std::optional<queue::Settled>> ended();
  net::Task<> tell() const;
  net::ResultTask<> settle_in(store::Transaction& transaction,
                              std::vector<queue::Outcome> outcomes);
  net::ResultTask<> keep_trace(store::Transaction& transaction);

  // ---- into a mailbox ----
  net::ResultTask<> find_others_of(directory::Account account, address::Address to);
  void serve_with(std::vector<queue::Recipient> others);
  net::ResultTask<> deliver(directory::Account account);
  net::ResultTask<> deliver_in(store::Transaction& transaction, directory::Account account);
  net::ResultTask<bool> still_waits(store::Transaction& transaction);
  // `by`: the trace under which the mailbox has it.
  net::ResultTask<> leave_out_in(store::Transaction& transaction, directory::Account account,
                                 base::TraceId by);
  net::ResultTask<> record_in(store::Transaction& transaction, directory::Account account,
                              hop::Hop hop);
  hop::Hop hop_to(const directory::Account& account) const;
  std::vector<hop::Hop> told_of(const hop::Hop& arrival) const;
  std::vector<unsigned> trace_indexes() const;
  std::vector<queue::Outcome> outcomes(queue::Step step, dsn::Status status,
                                       std::string reply) const;

  // ---- nowhere ----
  net::ResultTask<> fail(dsn::Status status, std::string reply);
  net::ResultTask<> fail_if_waiting_in(store::Transaction& transaction, dsn::Status status,
                                       std::string reply);
  net::ResultTask<> fail_in(store::Transaction& transaction, dsn::Status status, std::string reply);
  net::ResultTask<> end_in(store::Transaction& transaction, std::string status);
  enum class Record { yes, no };
  net::ResultTask<> put_off_in(store::Transaction& transaction, Record record);

  // ---- into others ----
  net::ResultTask<> expand(List list);
  net::ResultTask<> follow(const List& list);
  net::ResultTask<bool> is_before(const List& list);
  net::ResultTask<> look_in(store::Transaction& transaction, const List& list, bool& was_served);
  store::Scope scope_with(const List& list) const;
  net::ResultTask<> go_on(const List& list);
  net::ResultTask<Copy> copy_for(const List& list);
  void begin_part(Copy& copy) const;
  std::string sender_for(const List& list) const;
  std::string served_as(const List& list) const;
  base::TraceId origin() const;
  void give_to_owner(const List& list, Copy& copy) const;
  net::ResultTask<std::vector<queue::Recipient>> recipients_for(const List& list);
  net::ResultTask<> put_in_front(const List& list, Copy& copy);
  net::ResultTask<> expand_in(store::Transaction& transaction, const List& list, Copy& copy);
  net::ResultTask<> give_in(store::Transaction& transaction, Copy& copy);
  net::ResultTask<> finish_in(store::Transaction& transaction, const List& list);
  net::ResultTask<> leave_out(const List& list);
  net::ResultTask<> leave_out_if_waiting_in(store::Transaction& transaction, const List& list);
  net::ResultTask<> leave_out_in(store::Transaction& transaction, const List& list);
  net::ResultTask<> record_left_out(store::Transaction& transaction, const List& list,
                                    std::vector<unsigned> recipients);
  net::ResultTask<> begin_own_trace(store::Transaction& transaction, const Copy& copy);
  // The content of this message's trace, as it is kept in `from`, went on under the other.
  struct Into {
    base::TenantId tenant;
    base::TraceId trace;
    std::string name;  // the list's, or the mailbox's
  };
  net::ResultTask<> link_in(store::Transaction& transaction, base::TenantId from, Into into);
  hop::Hop expanded_hop(const Copy& copy) const;
  hop::Hop told_expansion(const std::string& list, unsigned recipient) const;
  hop::Hop list_hop(hop::End to) const;

  const Ports& ports_;
  const Options& options_;
  queue::Due item_;
  Envelope& envelope_;
  std::set<std::string>& followed_;
  std::optional<std::uint64_t> epoch_;
  const queue::Message* message_ = nullptr;
  std::optional<queue::Recipient> recipient_;
  std::vector<queue::Recipient>
      served_;  // at once: those that lead where this one does, and itself
  std::optional<queue::Settled> settled_;
  std::vector<queue::Due> due_;
  std::vector<queue::Due> part_due_;                            // of the transaction under way
  enum class Goes { on, no_further } goes_ = Goes::no_further;  // behind this transaction
  std::string event_;                                           // what happened, for the log
  std::string detail_;
};

}  // namespace letterlock::mda

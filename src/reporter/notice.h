// One message's notices, made into a report and put into the queue.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsn/report.h"
#include "queue/queue.h"
#include "reporter/budget.h"
#include "reporter/refusal.h"
#include "reporter/reporter.h"
#include "trace/attempts.h"

namespace letterlock::reporter {

class Notice {
 public:
  Notice(const Ports& ports, const Options& options, base::TenantId tenant, base::MessageId id)
      : ports_(ports), options_(options), tenant_(tenant), id_(id) {}

  struct Outcome {
    enum class Kind {
      nothing,  // there was nothing to tell any more
      told,     // or dropped: there is nobody to tell, or no budget for it
      waits     // for a budget: it is to be told then
    } kind = Kind::nothing;
    base::Time accepted;   // the message
    bool goes_on = false;  // some of its recipients wait, or are held
    base::Time until;      // of waits
  };
  enum class OverBudget { failures_wait, all_are_dropped };
  // One report about all recipients that have a notice, and, where a delay is told, about all that
  // are late. Errors: conflict (the notices changed meanwhile: tell again), the store's, the
  // directory's: the notices stay.
  net::ResultTask<Outcome> tell(Budget& budget, OverBudget over_budget);

 private:
  net::ResultTask<> read(store::Transaction& transaction);
  void take_noticed();
  net::ResultTask<> drop();
  net::ResultTask<> tell_in(store::Transaction& transaction) const;
  net::ResultTask<> tell_and_link(store::Transaction& transaction, bool has_content) const;
  net::ResultTask<Outcome> without_budget(address::Address to, base::Time until,
                                          OverBudget over_budget);
  net::ResultTask<> send(address::Address to);
  net::ResultTask<std::optional<base::TenantId>> tenant_of_readers(address::Address to);
  bool may_return_content() const;
  dsn::Action worst_action() const;
  Outcome was_told() const;
  // Left out: it can't be read any more, and the report goes without it.
  enum class Original { as_asked, left_out };
  struct Letter {
    dsn::Report report;
    dsn::Parts parts;
    queue::Content content;
  };
  net::ResultTask<Letter> compose(address::Address to, Original original);
  net::ResultTask<dsn::Report> report(const address::Address& to, Original original);
  net::ResultTask<std::string> original_header();
  net::ResultTask<queue::Content> write(const dsn::Parts& parts, dsn::Returned returned);
  net::ResultTask<std::string> owner_of(address::Domain domain);  // its tenant's name, or empty
  dsn::RecipientReport recipient_report(std::size_t at, const Reader& reader) const;
  custody::Reception reception(const dsn::Report& report, const dsn::Parts& parts,
                               std::optional<base::TenantId> to) const;

  const Ports& ports_;
  const Options& options_;
  base::TenantId tenant_;
  base::MessageId id_;
  base::TraceId report_trace_;
  std::optional<base::TenantId> readers_tenant_;  // of the report
  std::optional<queue::Entry> entry_;             // the message with all its recipients
  std::vector<queue::Recipient> recipients_;      // those that the report is about
  std::optional<trace::ForReport> known_;         // `attempts` in the order of recipients_
  std::vector<hop::Hop> came_over_;               // that the message came by; none: not known
};

}  // namespace letterlock::reporter

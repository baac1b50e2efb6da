// One message's notices, made into a report and put into the queue.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsn/report.h"
#include "queue/queue.h"
#include "reporter/reporter.h"
#include "trace/trace.h"

namespace letterlock::reporter {

// What the trace knows of why a recipient's hops were not taken: the part of a report that names
// what was required, what was offered, and that nothing was given away. Nothing where the judgement
// had no part in it. Pure.
std::optional<dsn::Refusal> refusal_of(const trace::LoadedTrace& trace,
                                       const queue::Recipient& recipient);

class Notice {
 public:
  Notice(const Ports& ports, const Options& options, base::TenantId tenant, base::MessageId id)
      : ports_(ports), options_(options), tenant_(tenant), id_(id) {}

  // Errors: conflict (the notices changed meanwhile: tell again), the store's, the directory's: the
  // notice stays.
  net::ResultTask<> tell();

 private:
  net::ResultTask<> read(store::Transaction& transaction);
  net::ResultTask<> drop(std::vector<queue::Told> told);
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
  dsn::RecipientReport recipient_report(const queue::Recipient& recipient) const;
  custody::Reception reception(const dsn::Report& report, const dsn::Parts& parts,
                               std::optional<base::TenantId> to) const;

  const Ports& ports_;
  const Options& options_;
  base::TenantId tenant_;
  base::MessageId id_;
  base::TraceId report_trace_;
  std::optional<queue::Message> message_;
  std::vector<queue::Recipient> recipients_;  // those with a notice
  std::optional<trace::LoadedTrace> trace_;
};

}  // namespace letterlock::reporter

// Walking through the queue for an operator, in bounded steps: a page of recipients at a time, and
// no more of them in one call than anybody notices. Where a call ends before the queue does, it
// says where the next one goes on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/operation.h"
#include "queue/queue.h"

namespace letterlock::admin {

// A place in the queue of the whole site: tenants in their order, then messages and recipients.
struct QueuePlace {
  base::TenantId tenant;
  queue::ListPlace at;  // all zero: the beginning
};
// "tenant/message/recipient".
std::string to_text(const QueuePlace& place);
base::Result<QueuePlace> queue_place_in(std::string_view text);

// Which recipients are meant. Only those that wait or are held ever are.
struct QueueFilter {
  std::vector<base::TenantId> tenants;
  std::optional<base::MessageId> message;
  std::string domain;
  base::Milliseconds age_min{0};
  std::optional<queue::State> state;
  std::optional<QueuePlace> from;

  bool fits(const queue::Message& message, const queue::Recipient& recipient, base::Time now) const;
};
net::ResultTask<QueueFilter> queue_filter_of(const Ports& ports, Arguments arguments);

struct WalkLimits {
  std::size_t page_recipients_max = 250;  // read at once; those that fit are one part
  std::size_t recipients_max = 20'000;    // looked at in one call
  base::Milliseconds time_max = std::chrono::seconds(2);
};

class QueueWalk {
 public:
  // What fits of one page, all of one tenant; each entry has only its recipients that fit.
  struct Part {
    base::TenantId tenant;
    std::vector<queue::Entry> entries;
  };

  QueueWalk(const Ports& ports, QueueFilter filter, WalkLimits limits = {});

  // The next part that isn't empty. Nothing: the walk is over, at the end or at a limit.
  net::ResultTask<std::optional<Part>> next();
  // Where it goes on; nothing: nowhere.
  std::optional<QueuePlace> place() const;
  std::size_t looked_at() const { return looked_at_; }

 private:
  bool is_at_limit() const;
  net::ResultTask<queue::ListPage> read_page();
  void go_on(const std::optional<queue::ListPlace>& next);

  const Ports& ports_;
  QueueFilter filter_;
  WalkLimits limits_;
  base::Time now_;
  os::Steady until_;
  std::size_t tenant_ = 0;  // in the filter's
  queue::ListPlace at_;
  std::size_t looked_at_ = 0;
};

}  // namespace letterlock::admin

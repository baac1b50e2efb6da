// What is known of a message beside its hops: where it lies now, and who could have read what went
// on from it. Asked of the queue, the mailboxes and the traces that it is linked to, each as far as
// the viewer may see it; the rest is left out, which the exposure calls unknown.
#pragma once

#include <map>
#include <set>

#include "admin/operation.h"
#include "admin/trace_view.h"
#include "protection/exposure.h"

namespace letterlock::admin {

// The traces of a message in these tenants, as they are kept.
net::ResultTask<std::vector<Kept>> kept_in(const Ports& ports, std::vector<base::TenantId> tenants,
                                           base::TraceId id);

class Gathering {
 public:
  Gathering(const Ports& ports, Viewer viewer) : ports_(ports), viewer_(std::move(viewer)) {
    viewer_.to.reset();  // what went on went on to whomever
  }
  // Limits: `depth_max` links deep, `children_max` traces in all: behind them it is unknown.
  static constexpr unsigned depth_max = 12;
  static constexpr std::size_t children_max = 200;
  net::ResultTask<protection::Evidence> evidence_of(Seen seen);

 private:
  net::ResultTask<protection::Evidence> evidence_at(Seen seen, unsigned depth);
  net::ResultTask<protection::AtRest> at_rest_of(const Seen& seen);
  net::ResultTask<std::vector<protection::Lost>> lost_of(const Seen& seen,
                                                         const protection::AtRest& at_rest);
  net::ResultTask<protection::AtRest::InQueue> queue_of(const Seen& seen);
  net::ResultTask<std::vector<base::AccountId>> holding(base::TenantId tenant, base::TraceId id);
  // `named`: the accounts that are in it already.
  net::ResultTask<> add_mailbox(const Seen& seen, const hop::Hop& delivery,
                                std::set<base::AccountId>& named, protection::AtRest& out);
  net::ResultTask<> add_others(const Seen& seen, const std::set<base::AccountId>& named,
                               protection::AtRest& out);
  net::ResultTask<protection::Child> child_of(trace::Link link, unsigned depth);
  net::ResultTask<std::optional<protection::Exposure>> exposure_of(trace::Link link,
                                                                   unsigned depth);
  net::ResultTask<std::vector<base::TenantId>> tenants_of(const trace::LoadedTrace& loaded,
                                                          base::TenantId owner);
  bool may_see(const base::TenantId& tenant) const {
    return !viewer_.tenant || *viewer_.tenant == tenant;
  }

  const Ports& ports_;
  Viewer viewer_;
  base::Order order_;
  std::size_t children_ = 0;
  std::set<base::TraceId> under_way_;
  std::map<base::TraceId, std::optional<protection::Exposure>> known_;
};

}  // namespace letterlock::admin

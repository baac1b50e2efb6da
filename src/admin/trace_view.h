// What of a message's traces somebody may see. Pure: the traces were read before.
//
// A recipient whom no field of the header names (Bcc) is shown to the sender's tenant, to the
// operator, and where he himself is asked for; nobody else learns of him. A view of one recipient's
// way says so, and is about that way alone. What a tenant sees is numbered as if there were nothing
// else, so that nobody counts those whom he doesn't see.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trace/trace.h"

namespace letterlock::admin {

struct Viewer {
  std::optional<base::TenantId> tenant;  // nothing: the operator, who keeps all tenants' records
  std::optional<std::string> to;         // this recipient's way alone
};

// One tenant's trace of a message, or its copy of another's.
struct Kept {
  base::TenantId tenant;
  trace::LoadedTrace loaded;
};

// One that is shown.
struct Seen {
  base::TenantId tenant;
  trace::LoadedTrace loaded;
  // Recipients of this tenant whom only a view of their own way shows.
  std::size_t hidden = 0;
  // False: there are ways that the viewer may not see, and that he may know of.
  bool complete = true;
  bool is_narrowed = false;  // recipients were left out
  // It may have gone to others whom this tenant has no record of, whether or not anybody may know
  // of them: so it is said of each that may.
  bool is_part = false;
};
struct View {
  std::vector<Seen> seen;
  // Owners' traces in other tenants with recipients that the header names and that aren't shown.
  std::size_t more = 0;
};

// `kept`: of one message, from all tenants. An empty view: there is nothing that he may see.
View view_of(std::vector<Kept> kept, const Viewer& viewer);

// For the operator: in place of what the owner was told of deliveries and fetches in another
// tenant, that tenant's records.
trace::LoadedTrace with_records_of(trace::LoadedTrace owners, const trace::LoadedTrace& copy);

}  // namespace letterlock::admin

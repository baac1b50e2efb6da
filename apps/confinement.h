// What a running node gives up once its ports are open: everything that its configuration doesn't
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/config.h"
#include "base/event.h"

namespace letterlock::apps {

// What is in force, and what isn't with the reason.
struct Confinement {
  bool wanted = true;
  int landlock = 0;           // version; 0: the file system stays open
  bool calls = false;         // exec and its like are denied
  bool doors = false;         // nothing listens any more
  std::string without_files;  // why not
  std::string without_calls;

  // node.confined; a warning where something isn't in force.
  base::Event event() const;
};

// Before the first thread starts, as the user that the process is to stay. Where the kernel lacks
// a means, the others are used. Errors: io (a means that is there has failed: don't go on).
base::Result<Confinement> confine(const Config& config);

// Once everything is open: from now on nothing listens. Errors: as confine().
base::Result<> close_doors(Confinement& confinement);

// Descriptors that the configured sessions, transfers and the store can take together.
std::uint64_t descriptors_needed(const Config& config);
// With fewer than that, fewer sessions are let in, so that transfers and the store never go
// without: limits.sessions is lowered, and this says so (node.few_descriptors). Nothing to say:
// they suffice.
std::optional<base::Event> fit_sessions(Config& config, std::uint64_t descriptors);

}  // namespace letterlock::apps
